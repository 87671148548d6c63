"""For every pair of grids on the Earth: no hole, nothing beside the source, no seam between windows."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dawnlight.raster._lattice import world_width
from dawnlight.raster._overviews import AREA_KERNELS
from dawnlight.raster._sources import RESAMPLERS
from dawnlight.testing._engine import make_lazy
from dawnlight.testing._grids import grid_pairs
from dawnlight.testing._memory import MemoryReader
from dawnlight.testing._oracle import positions

QUICK = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
CLOSE = 3e-3


def check(pair, kernel, overviews, data):
    source, target = pair
    pixels = np.random.default_rng(0).random(source.shape)
    levels = [pixels[::2, ::2], pixels[::4, ::4]] if overviews and min(source.shape) > 8 else []
    reader = MemoryReader()
    rows = [reader.add("a", pixels, source, overviews=levels)]
    lazy = make_lazy(rows, target, reader, kernel=kernel)
    ours, near = lazy[0, 0], make_lazy(rows, target, reader)[0, 0]
    x, y = positions(source, target)
    with np.errstate(invalid="ignore"):
        depth = np.minimum(np.minimum(x, source.width - x), np.minimum(y, source.height - y))
        on, off = depth > CLOSE, ~(depth >= -CLOSE)
    assert not np.isnan(near[on]).any()
    if not world_width(source) or source.crs.is_geographic:  # the oracle knows only turns of longitudes
        assert np.isnan(near[off]).all()
    if kernel in AREA_KERNELS:
        assert not np.isnan(ours[on]).any()
    else:
        assert np.array_equal(np.isnan(ours), np.isnan(near))
    for _ in range(3):
        rows = sorted(data.draw(st.lists(st.integers(0, target.height), min_size=2, max_size=2)))
        cols = sorted(data.draw(st.lists(st.integers(0, target.width), min_size=2, max_size=2)))
        part = np.s_[rows[0] : rows[1], cols[0] : cols[1]]
        assert lazy[(0, 0, *part)].tobytes() == np.ascontiguousarray(ours[part]).tobytes()


@settings(max_examples=80, **QUICK)
@given(
    pair=grid_pairs(),
    kernel=st.sampled_from(["near", "cubic", "average"]),
    overviews=st.booleans(),
    data=st.data(),
)
def test_every_pair_of_grids(pair, kernel, overviews, data):
    check(pair, kernel, overviews, data)


@pytest.mark.slow
@settings(max_examples=2000, **QUICK)
@given(pair=grid_pairs(), kernel=st.sampled_from(sorted(RESAMPLERS)), overviews=st.booleans(), data=st.data())
def test_every_pair_of_grids_with_every_kernel(pair, kernel, overviews, data):
    check(pair, kernel, overviews, data)
