"""The plan: what is read for a window, without any file."""

import pickle

import numpy as np
import pytest

from dawnlight.errors import ParameterError
from dawnlight.geo import GeoBox, Window
from dawnlight.raster._plan import MaskPolicy, make_plan
from dawnlight.raster._sources import BandSpec
from dawnlight.raster._table import SourceTable
from dawnlight.testing._engine import make_lazy, target_over
from dawnlight.testing._memory import MemoryReader

BOX = GeoBox.from_geotrans((0, 10, 0, 10000, 0, -10), (1000, 1000), 32632)
KINDS = ("near", "bilinear", "cubic", "cubicspline", "lanczos", "average")


def sources(name="a", box=BOX, bands=1, **options):
    pixels = np.broadcast_to(np.zeros(1, "uint16"), (bands, *box.shape))
    return MemoryReader().add(name, pixels, box, **options)


def plan_of(rows, target=BOX, **options):
    return make_lazy(rows, target, MemoryReader(), **options).plan


def reads(plan, window, *, layer=0, bands=None):
    bands = range(len(plan.bands)) if bands is None else bands
    return [read for _, found in plan.reads(layer, list(bands), window) for read in found]


def test_an_agreeing_grid_is_read_pixel_by_pixel():
    plan = plan_of([sources()], BOX.window(Window(100, 200, 300, 300)))
    (read,) = reads(plan, Window(10, 20, 30, 40))
    assert read.shift == (100, 200)
    assert read.window == Window(110, 220, 30, 40)
    assert read.level.level == 0


def test_only_the_part_on_the_file_is_read():
    plan = plan_of([sources()], BOX.pad(5))
    (read,) = reads(plan, Window(0, 0, 10, 10))
    assert read.window == Window(0, 0, 5, 5)
    assert reads(plan, Window(0, 0, 5, 1000)) == []


def test_images_come_topmost_first_and_those_beside_are_left_out():
    rows = [sources("a"), sources("b", BOX.window(Window(0, 500, 1000, 1000))), sources("c")]
    plan = plan_of(rows, layers=[[0, 1, 2], [1]])
    assert [image for image, _ in plan.reads(0, [0], Window(0, 600, 10, 10))] == [2, 1, 0]
    assert [image for image, _ in plan.reads(0, [0], Window(0, 0, 10, 10))] == [2, 0]
    assert plan.reads(1, [0], Window(0, 0, 10, 10)) == ()


def test_bands_of_one_file_are_read_together():
    (a, b, c) = sources(bands=3)
    plan = plan_of([[a, b, c]])
    (read,) = reads(plan, Window(0, 0, 8, 8))
    assert read.bands == (0, 1, 2)
    assert list(read.files.values()) == [[0, 1, 2]]


def test_bands_on_other_grids_and_with_other_kernels_are_read_apart():
    (coarse,) = sources("b", GeoBox.from_geotrans((0, 20, 0, 10000, 0, -20), (500, 500), 32632))
    a, b = sources(bands=2)
    plan = plan_of([[a, coarse, b]], kernel=["near", "near", "cubic"])
    assert [read.bands for read in reads(plan, Window(0, 0, 8, 8))] == [(0,), (1,), (2,)]


def test_bands_of_several_files_on_one_grid_go_together():
    plan = plan_of([[*sources("a"), *sources("b")]])
    (read,) = reads(plan, Window(0, 0, 8, 8))
    assert [file.href for file in read.files] == ["a", "b"]


@pytest.mark.parametrize("kernel", KINDS)
@pytest.mark.parametrize("crs", [32633, 4326])
@pytest.mark.parametrize("factor", [0.5, 1, 3])
def test_windows_hold_what_a_kernel_needs_and_little_more(kernel, crs, factor):
    target = target_over(BOX, crs, factor * (10 if crs != 4326 else 1e-4), pad=-0.1)
    plan = plan_of([sources()], target, kernel=kernel)
    window = Window(50, 60, 40, 30)
    (read,) = reads(plan, window)
    ny, nx = plan.pair(0).ratio
    reach = 4 * max(1, max(read.level.scale)) + 4
    # A turned window needs the box around it.
    side = 40 * ny + 30 * nx + 2 * reach
    assert read.window.height <= side
    assert read.window.width <= side


def test_the_level_is_that_of_the_whole_grid_for_every_window():
    rows = [sources(overviews=[np.broadcast_to(np.uint16(0), (1, 1000 // f, 1000 // f)) for f in (2, 4, 8)])]
    target = target_over(BOX, 4326, 6e-4, pad=0.3)
    plan = plan_of(rows, target, kernel="bilinear")
    seen = {read.level for y in range(0, 150, 13) for read in reads(plan, Window(y, y, 13, 7))}
    assert len(seen) == 1


def test_labels_take_the_mode_where_pixels_get_coarser():
    for step, kernel in ((10.3, "near"), (14.9, "near"), (15.1, "mode"), (90, "mode")):
        target = GeoBox.from_geotrans((3, step, 0, 9000, 0, -step), (50, 50), 32632)
        plan = plan_of([sources()], target, kernel=None, category=True)
        assert [read.kernel for read in reads(plan, Window(0, 0, 9, 9))] == [kernel]
    plan = plan_of([sources()], target, kernel="cubic", category=True)
    assert [read.kernel for read in reads(plan, Window(0, 0, 9, 9))] == ["cubic"]


def test_a_plan_travels_and_has_the_same_token():
    rows = [sources("a"), sources("b", BOX.pad(9))]
    plan = plan_of(rows, target_over(BOX, 4326, 1e-3), layers=[[0, 1]], kernel="cubic")
    expected = plan.reads(0, [0], Window(3, 4, 20, 20))
    copy = pickle.loads(pickle.dumps(plan))
    assert copy.token() == plan.token()
    found = copy.reads(0, [0], Window(3, 4, 20, 20))
    assert [(image, [read.window for read in each]) for image, each in found] == [
        (image, [read.window for read in each]) for image, each in expected
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"layers": [[0], []]},
        {"layers": [[]]},
        {"kernel": "cubic"},
        {"dtype": "float32"},
        {"nodata": 3.0},
        {"category": True},
        {"masks": MaskPolicy(nodata=False)},
        {"masks": MaskPolicy(alpha=0)},
        {"target": BOX.pad(1)},
        {"target": BOX.window(Window(0, 0, 1000, 1000)).pad(0).window(Window(0, 1, 1000, 1000))},
    ],
    ids=str,
)
def test_the_token_tells_what_decides_a_pixel(changes):
    assert plan_of([sources()], **changes).token() != plan_of([sources()]).token()


def test_a_plan_must_fit_its_table():
    table = SourceTable.from_sources([sources()])
    spec = BandSpec(name="b", dtype="uint16")
    with pytest.raises(ParameterError, match="2 bands are described, the sources have 1"):
        make_plan(table, layers=[[0]], bands=[spec, spec], geobox=BOX)
    with pytest.raises(ParameterError, match=r"layer 1 names an image outside 0 \.\.\. 0"):
        make_plan(table, layers=[[0], [1]], bands=[spec], geobox=BOX)


def test_a_plan_of_nothing():
    plan = make_plan(SourceTable.from_sources([]), layers=[], bands=[], geobox=BOX)
    assert plan.shape == (0, 0, 1000, 1000)
