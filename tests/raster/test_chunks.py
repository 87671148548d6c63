"""How the output is cut: sizes always add up, and edges follow the files' tiles where that helps."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dawnlight as dl
from dawnlight.errors import ParameterError
from dawnlight.geo import GeoBox
from dawnlight.raster._chunks import normalize_chunks
from dawnlight.testing._engine import make_lazy
from dawnlight.testing._memory import MemoryReader


def plan_of(shape=(5000, 5000), block=(1024, 1024), offset=(0, 0), images=2, bands=2, remote=False):
    """A plan on (or, with a fractional offset, beside) the grid of files with such tiles."""
    import numpy as np

    box = GeoBox.from_geotrans((500000, 10, 0, 5000000, 0, -10), (20000, 20000), 32632)
    reader = MemoryReader()
    pixels = np.broadcast_to(np.zeros(1, "uint16"), (bands, *box.shape))
    rows = [reader.add(str(k), pixels, box, block=block) for k in range(images)]
    if remote:
        rows = [
            [
                replace(source, file=replace(source.file, href=f"https://example.org/{k}.tif"))
                for source in row
            ]
            for k, row in enumerate(rows)
        ]
    y, x = offset
    target = GeoBox.from_geotrans((500000 + 10 * x, 10, 0, 5000000 - 10 * y, 0, -10), shape, 32632)
    return make_lazy(rows, target, reader).plan


def normalize(chunks, plan, itemsize=4):
    return normalize_chunks(chunks, plan, plan.shape, itemsize)


def test_auto_takes_all_bands_and_one_time_slot():
    sizes = normalize("auto", plan_of())
    assert sizes[:2] == ((1, 1), (2,))
    assert all(2 * 4 * y * x <= 1.3 * dl.get_options().chunk_bytes for y in sizes[2] for x in sizes[3])


def test_auto_ends_on_the_tiles_of_the_files():
    (_, _, rows, cols) = normalize("auto", plan_of(offset=(300, 700)))
    assert (300 + rows[0]) % 1024 == 0
    assert (700 + cols[0]) % 1024 == 0
    assert all(size % 1024 == 0 for size in (*rows[1:-1], *cols[1:-1]))


def test_auto_takes_small_slots_together():
    assert normalize("auto", plan_of(shape=(16, 16), images=300))[0] == (300,)
    assert max(normalize("auto", plan_of(shape=(256, 256), images=300))[0]) > 1


def test_auto_takes_slots_of_remote_files_together_while_tasks_are_enough():
    near = normalize("auto", plan_of(shape=(1024, 1024), images=40))
    far = normalize("auto", plan_of(shape=(1024, 1024), images=40, remote=True))
    assert (near[0], far[0]) == ((1,) * 40, (5,) * 8)
    assert near[1:] == far[1:]
    (slots, bands, rows, cols) = normalize("auto", plan_of(images=9, remote=True))
    assert max(slots) * max(bands) * max(rows) * max(cols) * 4 <= 1.3 * dl.get_options().chunk_bytes
    assert normalize({"time": 1}, plan_of(shape=(1024, 1024), images=4, remote=True))[0] == (1,) * 4


@pytest.mark.parametrize("chunks", ["auto", None])
def test_none_and_auto_are_the_same_here(chunks):
    assert normalize(chunks, plan_of()) == normalize({}, plan_of())


@settings(deadline=None, max_examples=200)
@given(
    shape=st.tuples(st.integers(1, 9000), st.integers(1, 9000)),
    block=st.tuples(
        st.sampled_from([1, 16, 64, 256, 512, 1000, 4096]), st.sampled_from([16, 64, 500, 1024, 4096])
    ),
    offset=st.tuples(st.integers(-5000, 5000), st.integers(-5000, 5000)) | st.just((0.5, 0.5)),
    budget=st.sampled_from([2**16, 2**20, 2**26, 2**30]),
    bands=st.integers(1, 8),
)
def test_sizes_always_add_up(shape, block, offset, budget, bands):
    plan = plan_of(shape, block, offset, images=3, bands=bands)
    with dl.set_options(chunk_bytes=budget):
        sizes = normalize("auto", plan)
    assert tuple(map(sum, sizes)) == plan.shape
    assert all(size > 0 for axis in sizes for size in axis)


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        (1000, ((1, 1), (2,), (1000, 1000, 500), (1000, 1000, 500))),
        ({"time": -1, "y": 2000, "x": -1}, ((2,), (2,), (2000, 500), (2500,))),
        ({"band": 1, "y": (500, 2000), "x": [2500]}, ((1, 1), (1, 1), (500, 2000), (2500,))),
        ({"y": 9999, "x": "auto"}, ((1, 1), (2,), (2500,), (2500,))),
    ],
)
def test_sizes_as_asked(chunks, expected):
    assert normalize(chunks, plan_of((2500, 2500))) == expected


@pytest.mark.parametrize(
    "chunks",
    [
        0,
        -2,
        1.5,
        True,
        "big",
        {"z": 1},
        {"y": 0},
        {"y": "all"},
        {"y": (1, 2)},
        {"x": ()},
        {"x": None},
        [1, 2],
        {"y": True},
    ],
)
def test_other_sizes_are_refused(chunks):
    with pytest.raises(ParameterError, match="chunks"):
        normalize(chunks, plan_of((2500, 2500)))
