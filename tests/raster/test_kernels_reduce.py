"""Reducing time slots: the network sorts, and every method gives what NumPy gives."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

from dawnlight.raster import _kernels_numpy_reduce, _kernels_reduce
from dawnlight.raster._kernels_reduce import METHODS, Slots, reduce_band, sorting_network
from dawnlight.testing._rasters import noise


@pytest.mark.parametrize("count", range(13))
def test_a_network_sorts_all_sequences_of_zeros_and_ones(count):
    """Then it sorts everything: Knuth, volume 3, section 5.3.4, theorem Z."""
    lines = np.array(list(itertools.product([0, 1], repeat=count)), dtype=np.uint8).T.copy()
    for upper, lower in sorting_network(count):
        assert upper < lower
        lines[upper], lines[lower] = np.sort(lines[[upper, lower]], axis=0)
    assert (np.diff(lines.astype(int), axis=0) >= 0).all()


@pytest.mark.parametrize("count", [31, 32, 33, 365])
def test_long_networks_sort(count):
    lines = np.random.default_rng(count).integers(0, 50, (count, 200))
    for upper, lower in sorting_network(count):
        lines[[upper, lower]] = np.sort(lines[[upper, lower]], axis=0)
    assert (np.diff(lines, axis=0) >= 0).all()


def expected(values, method, share):
    """What NumPy says of floats with NaN."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # pixels of which nothing is left
        if method in ("median", "percentile"):
            return np.nanquantile(values, share, axis=0)
        if method == "count":
            return np.isfinite(values).sum(axis=0)
        if method in ("first", "last"):
            found = values if method == "first" else values[::-1]
            place = np.isfinite(found).argmax(axis=0)
            return np.take_along_axis(found, place[np.newaxis], axis=0)[0]
        return getattr(np, f"nan{method}")(values, axis=0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "float32", "float64"])
@pytest.mark.parametrize(("depth", "columns"), [(1, 5), (6, 700), (40, 33)])
def test_reducing_is_what_numpy_does(method, dtype, depth, columns):
    random = np.random.default_rng(depth)
    values = noise((depth, 7, columns), dtype, depth)
    marks, marked = values[:, 2, 3].copy(), random.random(depth) < 0.5
    hidden, lost = (random.random(values.shape) < share for share in (0.2, 0.3))
    hidden[:, 0, 0] = True
    share = 0.3 if method == "percentile" else 0.5
    out = np.empty(values.shape[1:], dtype=np.int64 if method == "count" else np.float64)
    reduce_band(Slots(values, marks, marked, hidden, lost), method, share, out)
    floats = values.astype(np.float64)
    floats[hidden | lost | (marked[:, None, None] & (values == marks[:, None, None]))] = np.nan
    np.testing.assert_allclose(out, expected(floats, method, share), rtol=1e-12)
    assert np.isnan(floats[:, 0, 0]).all()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_the_largest_value_of_a_type_counts(dtype):
    largest = np.inf if dtype == "float32" else np.iinfo(dtype).max
    values = np.array([largest, largest, 1], dtype=dtype).reshape(3, 1, 1)
    lost = np.array([False, False, True]).reshape(3, 1, 1)
    out = np.empty((1, 1))
    for method in ("median", "min", "max"):
        reduce_band(Slots(values, np.zeros(3, dtype), np.zeros(3, bool), None, lost), method, 0.5, out)
        assert out[0, 0] == largest


def test_an_infinity_beside_the_median_does_not_touch_it():
    values = np.array([np.inf, 2, -np.inf, 5, 1], dtype=np.float32).reshape(5, 1, 1)
    found = {}
    for module in (_kernels_reduce, _kernels_numpy_reduce):
        out = np.empty((1, 1))
        network = sorting_network(5)
        empty = np.zeros((0, 0, 0), bool)
        plain = (values, np.zeros(5, np.float32), np.zeros(5, bool), empty, empty)
        module.reduce_slots(*plain, network, np.float32(np.inf), 0, 0.5, out)
        found[module.__name__] = out[0, 0]
    assert set(found.values()) == {2.0}
    upper = np.empty((1, 1))
    reduce_band(Slots(values[:4], np.zeros(4, np.float32), np.zeros(4, bool)), "percentile", 2 / 3, upper)
    assert upper[0, 0] == 5.0
