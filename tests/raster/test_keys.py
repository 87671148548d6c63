"""Index keys: what NumPy would pick."""

import numpy as np
import pytest

from dawnlight.raster._keys import normalize_key

SHAPE = (3, 2, 7, 5)
CUBE = np.arange(np.prod(SHAPE)).reshape(SHAPE)


def pick(key):
    """Read the covering runs, then pick, as the lazy raster does."""
    layers, bands, rows, cols = parts = normalize_key(key, SHAPE)
    run = CUBE[list(layers.indices)][:, list(bands.indices)]
    run = run[:, :, rows.indices.start : rows.indices.start + rows.indices.span]
    run = run[..., cols.indices.start : cols.indices.start + cols.indices.span]
    run = run[:, :, rows.indices.inner, cols.indices.inner]
    return run[tuple(0 if part.is_int else slice(None) for part in parts)]


@pytest.mark.parametrize(
    "key",
    [
        0,
        -1,
        np.int64(1),
        slice(None),
        Ellipsis,
        (),
        (Ellipsis, 1),
        (0, Ellipsis),
        (0, Ellipsis, slice(1, 3)),
        (slice(None), 1, slice(2, 5), slice(None, None, 2)),
        (slice(None, None, -1), slice(None, None, -1), slice(None, None, -1), slice(None, None, -2)),
        (slice(2, 0, -1), 0, slice(6, 1, -3), slice(4, None, -4)),
        (slice(1, 1), 0, slice(5, 2), slice(10, 20)),
        (slice(-2, None), -2, slice(-100, 100), -5),
        (0, 1, 2, 3),
    ],
)
def test_keys_pick_what_numpy_picks(key):
    assert np.array_equal(pick(key), CUBE[key])
    assert pick(key).shape == CUBE[key].shape


@pytest.mark.parametrize("key", [3, -4, (0, 2), (0, 0, 7), (0, 0, 0, -6), (0, 0, 0, 0, 0)])
def test_keys_out_of_bounds(key):
    with pytest.raises(IndexError):
        normalize_key(key, SHAPE)


@pytest.mark.parametrize("key", [[0, 1], "a", 1.5, None, (0, None)])
def test_other_keys_are_no_keys(key):
    with pytest.raises(TypeError):
        normalize_key(key, SHAPE)


def test_only_the_run_between_the_ends_is_covered():
    _, _, rows, cols = normalize_key((0, 0, slice(6, 1, -3), slice(1, 4, 2)), SHAPE)
    assert (rows.indices.start, rows.indices.span) == (3, 4)
    assert (cols.indices.start, cols.indices.span) == (1, 3)
