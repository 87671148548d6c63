"""Tiles of one grid are resampled as one source; others are not."""

import numpy as np
import pytest

from dawnlight.errors import RasterReadError
from dawnlight.geo import GeoBox, Window
from dawnlight.raster import _merge
from dawnlight.raster._gdal import GdalReader
from dawnlight.raster._plan import MaskPolicy
from dawnlight.raster._sources import RESAMPLERS
from dawnlight.raster._warp import place
from dawnlight.testing._engine import file_sources, make_lazy, target_over
from dawnlight.testing._memory import FailingReader, MemoryReader, RecordingReader
from dawnlight.testing._oracle import choose_of, gdal_warp
from dawnlight.testing._rasters import noise, write_raster

WHOLE = GeoBox.from_geotrans((500000, 10, 0, 5000000, 0, -10), (60, 80), 32632)
PARTS = [Window(0, 0, 60, 33), Window(0, 33, 31, 47), Window(31, 33, 29, 47)]
LAPPING = [Window(0, 0, 60, 50), Window(0, 33, 40, 47), Window(22, 20, 38, 60)]
KERNELS = [name for name in RESAMPLERS if name != "near"]
INTERPOLATING = ["bilinear", "cubic", "cubicspline", "lanczos"]
# Half a pixel aside in the same system, where positions are exact; and in another system.
TARGETS = {
    "half a pixel": GeoBox.from_geotrans((500035, 10, 0, 4999965, 0, -10), (52, 72), 32632),
    "finer": GeoBox.from_geotrans((500033, 7, 0, 4999966, 0, -7), (75, 100), 32632),
    "3 times coarser": GeoBox.from_geotrans((500035, 30, 0, 4999965, 0, -30), (17, 24), 32632),
    "another system": target_over(WHOLE, 3035, 10, pad=-0.1),
}


def tiles(reader, parts, *, pixels=None, **options):
    """Images cut out of one, whose common parts differ: 100 more in each that is further on top."""
    pixels = noise(WHOLE.shape) // 2 if pixels is None else pixels
    merged = np.zeros_like(pixels)
    rows = []
    for number, part in enumerate(parts):
        own = pixels[part.slices] + pixels.dtype.type(100 * number)
        merged[part.slices] = own
        rows.append(reader.add(f"t{number}", own, WHOLE.window(part), **options))
    return rows, merged


def mosaic(rows, target, reader, **options):
    return make_lazy(rows, target, reader, layers=[list(range(len(rows)))], **options)


@pytest.mark.parametrize("parts", [PARTS, LAPPING], ids=["touching", "overlapping"])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("target", TARGETS)
def test_tiles_give_the_pixels_of_the_merged_file(parts, kernel, target):
    reader = MemoryReader()
    rows, merged = tiles(reader, parts)
    ours = mosaic(rows, TARGETS[target], reader, kernel=kernel)[0, 0]
    truth = make_lazy([reader.add("merged", merged, WHOLE)], TARGETS[target], reader, kernel=kernel)[0, 0]
    assert np.array_equal(np.isnan(ours), np.isnan(truth))
    if target == "another system":
        # Positions differ by up to a thousandth of a pixel, as each image has its own lattice.
        off = np.abs(ours - truth)
        assert np.nanquantile(off, 0.99) <= 6
        if kernel in INTERPOLATING:
            assert np.nanmax(off) <= 20
    else:
        assert np.array_equal(ours, truth, equal_nan=True)


@pytest.mark.parametrize("kernel", [*INTERPOLATING, "average"])
@pytest.mark.parametrize("target", ["half a pixel", "finer", "another system"])
def test_tiles_give_the_pixels_of_gdal_s_exact_warp_of_the_merged_file(tmp_path, kernel, target):
    reader = MemoryReader()
    rows, merged = tiles(reader, LAPPING)
    ours = mosaic(rows, TARGETS[target], reader, kernel=kernel)[0, 0]
    path = write_raster(tmp_path / "merged.tif", merged, WHOLE)
    single = make_lazy([file_sources(path)], TARGETS[target], GdalReader(), kernel=kernel)
    data, valid = gdal_warp(path, TARGETS[target], kernel, choose_of(single))
    assert valid.all()
    # GDAL's own B-spline and mean differ from ours by what the reference tells; seams would show as hundreds.
    alone = np.abs(single[0, 0] - data[0])
    assert np.nanmax(np.abs(ours - data[0]) - alone) <= 20


def test_what_the_test_would_see_without_neighbours():
    reader = MemoryReader()
    rows, merged = tiles(reader, PARTS)
    target = TARGETS["half a pixel"]
    stack = make_lazy(rows, target, reader, kernel="bilinear")[:, 0]
    truth = make_lazy([reader.add("merged", merged, WHOLE)], target, reader, kernel="bilinear")[0, 0]
    assert np.nanmax(np.abs(stack - truth)) > 500


@pytest.mark.parametrize("kernel", ["bilinear", "lanczos", "average"])
def test_holes_in_a_tile_are_filled_from_below_before_the_kernel_runs(kernel):
    reader = MemoryReader()
    pixels = noise(WHOLE.shape) // 2 + 1
    top = pixels + 200
    top[noise(WHOLE.shape, seed=5) % 3 == 0] = 0
    below = reader.add("below", pixels, WHOLE, nodata=0)
    above = reader.add("above", top, WHOLE, nodata=0)
    merged = reader.add("merged", np.where(top == 0, pixels, top), WHOLE, nodata=0)
    target = TARGETS["half a pixel"]
    ours = mosaic([below, above], target, reader, kernel=kernel, nodata=0)[:]
    assert np.array_equal(ours, make_lazy([merged], target, reader, kernel=kernel, nodata=0)[:])


@pytest.mark.parametrize("bands", [1, 2])
def test_an_image_of_another_grid_keeps_its_place_between_tiles(bands):
    """Below the right tile, above the left one, and neither mixed with them."""
    reader = MemoryReader()
    left, right = (np.full((bands, 60, 40), value, "uint16") for value in (100, 300))
    between = GeoBox.from_geotrans((500003, 10, 0, 4999997, 0, -10), (60, 80), 32632)
    rows = [
        reader.add("left", left, WHOLE.window(Window(0, 0, 60, 40))),
        reader.add("between", np.full((bands, 60, 80), 5000, "uint16"), between),
        reader.add("right", right, WHOLE.window(Window(0, 40, 60, 40))),
    ]
    target = GeoBox.from_geotrans((500002, 10, 0, 4999998, 0, -10), (59, 79), 32632)
    found = mosaic(rows, target, reader, kernel="bilinear")[0]
    assert set(np.unique(found[:, 1:-1, 1:39])) == {5000}
    # The kernel of the right tile sees the left one, though another image hides it.
    assert set(np.unique(found[:, 1:-1, 40:])) == {300}
    seam = mosaic(rows[::2], target, reader, kernel="bilinear")[0]
    assert set(np.unique(seam)) <= {100, 140, 300}
    assert np.array_equal(found[:, 1:-1, 40:], seam[:, 1:-1, 40:])


@pytest.mark.parametrize("kernel", ["cubic", "mode"])
def test_large_windows_are_resampled_in_parts_with_the_same_pixels(monkeypatch, kernel):
    reader = MemoryReader()
    rows, _ = tiles(reader, LAPPING)
    lazy = mosaic(rows, TARGETS["finer"], reader, kernel=kernel)
    whole = lazy[:]
    monkeypatch.setattr(_merge, "LARGE_BYTES", 4000)
    monkeypatch.setattr(_merge, "SMALLEST", 8)
    assert np.array_equal(lazy[:], whole, equal_nan=True)


def test_tiles_on_both_sides_of_the_antimeridian_continue_each_other():
    pixels = noise((40, 60))
    reader = MemoryReader()

    def grid(x, columns=30):
        return GeoBox.from_geotrans((x, 0.01, 0, 10, 0, -0.01), (40, columns), 4326)

    west = reader.add("west", pixels[:, :30], grid(179.7))
    east = reader.add("east", pixels[:, 30:], grid(-180))
    merged = reader.add("merged", pixels, grid(179.7, 60))
    for start in (179.755, -180.245):
        target = GeoBox.from_geotrans((start, 0.01, 0, 9.955, 0, -0.01), (30, 50), 4326)
        for order in ([west, east], [east, west]):
            ours = mosaic(order, target, reader, kernel="lanczos")[:]
            truth = make_lazy([merged], target, reader, kernel="lanczos")[:]
            assert np.abs(ours - truth).max() <= 1  # degrees are rounded differently


def test_overviews_of_tiles_are_merged_where_their_pixels_coincide():
    reader = MemoryReader()
    pixels = noise((64, 128))
    grid = GeoBox.from_geotrans((500000, 10, 0, 5000000, 0, -10), pixels.shape, 32632)
    half = pixels[::2, ::2]

    def add(name, columns):
        small = slice(columns.start // 2, columns.stop // 2)
        part = grid.window(Window(0, columns.start, 64, columns.stop - columns.start))
        return reader.add(name, pixels[:, columns], part, overviews=[half[:, small]])

    target = GeoBox.from_geotrans((500045, 20, 0, 4999955, 0, -20), (26, 56), 32632)
    left, right, merged = (
        add(*each) for each in (("l", slice(0, 64)), ("r", slice(64, 128)), ("m", slice(0, 128)))
    )
    ours = mosaic([left, right], target, reader, kernel="cubic")
    assert choose_of(ours).level == 1
    assert np.array_equal(ours[:], make_lazy([merged], target, reader, kernel="cubic")[:])
    # At an odd column the pixels of the overviews do not coincide: each tile by itself, and no hole.
    left, right = add("odd l", slice(0, 65)), add("odd r", slice(65, 128))
    assert not np.isnan(mosaic([left, right], target, reader, kernel="cubic")[:]).any()


def test_one_scene_answers_for_a_pixel_of_the_canvas_where_alpha_decides():
    """Where the upper scene is there and has no value, the lower one is not mixed in."""
    reader = MemoryReader()
    alpha = np.ones(WHOLE.shape, "uint16")
    clear = alpha.copy()
    clear[:, 40:] = 0
    holes = np.full(WHOLE.shape, 900, "uint16")
    holes[20:30, 10:20] = 0
    below = reader.add("below", np.stack([alpha * 100, alpha]), WHOLE, nodata=0)
    above = [
        *reader.add("above", holes, WHOLE, nodata=0),
        *reader.add("veil", clear, WHOLE, image="above"),
    ]
    target = GeoBox.from_geotrans((500002, 10, 0, 4999998, 0, -10), (59, 79), 32632)
    options = {"kernel": ["bilinear", "near"], "category": [False, True], "masks": MaskPolicy(alpha=1)}
    colour = mosaic([below, above], target, reader, **options)[0, 0]
    assert np.isnan(colour[20:30, 10:20]).all()
    around = colour[18:32, 8:22]
    assert set(np.unique(around[~np.isnan(around)])) == {900}
    # At the rim of the scene both are there, and the kernel goes from one to the other.
    assert set(np.unique(colour[:, 37:42])) == {900, 740, 100}


def test_a_neighbour_that_cannot_be_read_is_an_error_that_names_it():
    reader = MemoryReader()
    rows, _ = tiles(reader, PARTS)
    lazy = mosaic(rows, TARGETS["half a pixel"], FailingReader(reader, ["t1"]), kernel="bilinear")
    # The centres of these pixels lie on t0, but t1 is within their kernel's reach.
    with pytest.raises(RasterReadError, match="image 't1', band b0"):
        lazy[0, 0, :10, 29:30]
    assert not np.isnan(lazy[0, 0, :10, :20]).any()


def test_a_tolerated_failure_of_a_neighbour_leaves_the_pixels_of_the_others():
    reader = MemoryReader()
    rows, _ = tiles(reader, PARTS)
    target = TARGETS["half a pixel"]
    lazy = mosaic(rows, target, FailingReader(reader, ["t1"]), kernel="bilinear", errors="mask")
    with pytest.warns(RuntimeWarning, match="image 't1'"):
        found = lazy[:]
    assert np.array_equal(
        found, mosaic([rows[0], rows[2]], target, reader, kernel="bilinear")[:], equal_nan=True
    )
    assert {failure["image"] for failure in lazy.log.to_list()} == {"t1"}


@pytest.mark.parametrize(
    ("kernel", "target"),
    [("near", TARGETS["another system"]), ("bilinear", WHOLE.window(Window(5, 5, 50, 70)))],
    ids=["near", "agreeing grids"],
)
def test_kernels_that_mix_nothing_read_no_neighbours(kernel, target):
    reader = MemoryReader()
    rows, _ = tiles(reader, PARTS)
    reading = RecordingReader(reader)
    whole = mosaic(rows, target, reader, kernel=kernel)[0, 0]
    boxes = [np.isnan(make_lazy([row], target, reader, kernel=kernel)[0, 0]) for row in rows]
    column = int(np.flatnonzero(~boxes[0].all(axis=0))[-1]) - 8
    lazy = mosaic(rows, target, reading, kernel=kernel)
    assert np.array_equal(lazy[0, 0, :, column - 2 : column], whole[:, column - 2 : column])
    assert {href for href, *_ in reading.reads} == {"t0"}


def test_a_stack_reads_no_neighbours():
    reader = MemoryReader()
    rows, _ = tiles(reader, LAPPING)
    reading = RecordingReader(reader)
    make_lazy(rows, TARGETS["finer"], reading, kernel="cubic")[1]
    assert {href for href, *_ in reading.reads} == {"t1"}


def test_each_pixel_of_a_mosaic_is_read_about_once():
    reader = MemoryReader()
    rows, _ = tiles(reader, LAPPING)
    reading = RecordingReader(reader)
    mosaic(rows, TARGETS["half a pixel"], reading, kernel="cubic")[:]
    assert reading.pixels < 1.5 * WHOLE.shape[0] * WHOLE.shape[1]


@pytest.mark.parametrize("kernel", ["near", "bilinear", "cubic", "lanczos"])
def test_an_image_gives_only_pixels_whose_centre_lies_on_it(kernel):
    """Also where the source pixels that a kernel gets go on beyond the image."""
    reader = MemoryReader()
    (source,) = reader.add("a", np.ones((6, 6), "uint8"), WHOLE.window(Window(10, 10, 6, 6)))
    target = GeoBox.from_geotrans((500076, 10, 0, 4999926, 0, -10), (2, 2), 32632)  # all of it beside
    plan = make_lazy([[source]], target, reader, kernel=kernel).plan
    read = plan.part(0, (0,), kernel, Window(-4, -4, 14, 14))
    for valid in (np.ones((1, 14, 14), bool), None):
        ok = np.zeros((1, 2, 2), bool)
        place(read, np.ones((1, 14, 14), "uint8"), valid, Window(0, 0, 2, 2), ok.astype("uint8"), ok)
        assert not ok.any()
