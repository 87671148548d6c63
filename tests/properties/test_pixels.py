"""What must hold for every request: windows, chunks and keys change nothing; images come together as said."""

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dawnlight.raster._dask import to_dask
from dawnlight.testing._scenes import paint_plainly, scenes

QUICK = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}


def same(a, b):
    return (
        a.dtype == b.dtype
        and a.shape == b.shape
        and np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()
    )


@st.composite
def keys(draw, shape):
    parts = []
    for size in shape:
        if draw(st.booleans()):
            parts.append(slice(None))
        elif size and draw(st.booleans()):
            parts.append(draw(st.integers(-size, size - 1)))
        else:
            bound = st.none() | st.integers(-size - 2, size + 2)
            step = draw(st.sampled_from([None, 1, 1, 2, 3, -1, -2]))
            parts.append(slice(draw(bound), draw(bound), step))
    stop = draw(st.integers(0, len(parts)))
    if draw(st.booleans()):
        return (*parts[:stop], Ellipsis, *parts[stop + 1 :]) if stop < len(parts) else tuple(parts)
    return tuple(parts[:stop]) if stop else parts[0]


def check_keys(scene, data):
    lazy = scene.lazy()
    whole = lazy[:]
    assert whole.shape == lazy.shape
    assert whole.dtype == lazy.dtype
    for _ in range(3):
        key = data.draw(keys(lazy.shape))
        assert same(lazy[key], whole[key])


def check_chunks(scene, data):
    lazy = scene.lazy()
    chunks = tuple(_pieces(data, size) for size in lazy.shape)
    assert same(to_dask(lazy, chunks).compute(scheduler="synchronous"), lazy[:])


def _pieces(data, size):
    cuts = sorted(data.draw(st.sets(st.integers(1, size - 1), max_size=3))) if size > 1 else []
    edges = [0, *cuts, size]
    return tuple(b - a for a, b in itertools.pairwise(edges))


def check_paint(scene):
    ours = scene.lazy()[:].astype(np.float64)
    expected = paint_plainly(scene)
    assert np.array_equal(np.isnan(ours), np.isnan(expected))
    assert np.array_equal(np.nan_to_num(ours), np.nan_to_num(expected))


@settings(max_examples=60, **QUICK)
@given(scene=scenes(kernels=("near", "cubic", "average")), data=st.data())
def test_any_key_gives_the_slice_of_the_whole(scene, data):
    check_keys(scene, data)


@settings(max_examples=30, **QUICK)
@given(scene=scenes(kernels=("near", "cubic", "average")), data=st.data())
def test_any_chunks_give_the_same_pixels(scene, data):
    check_chunks(scene, data)


@settings(max_examples=60, **QUICK)
@given(scene=scenes(kernels=("near", "cubic", "average")))
def test_images_come_together_as_painted_pixel_by_pixel(scene):
    check_paint(scene)


@settings(max_examples=40, **QUICK)
@given(scene=scenes(kernels=("bilinear", "lanczos", "average"), tiled=True), data=st.data())
def test_tiles_give_the_same_pixels_in_any_chunks(scene, data):
    check_chunks(scene, data)


@settings(max_examples=40, **QUICK)
@given(scene=scenes(kernels=("bilinear", "lanczos", "average"), tiled=True))
def test_tiles_are_resampled_as_one_source(scene):
    check_paint(scene)


@pytest.mark.slow
@settings(max_examples=200, **QUICK)
@given(scene=scenes(tiled=True), data=st.data())
def test_tiles_give_the_same_pixels_in_any_chunks_with_every_kernel(scene, data):
    check_chunks(scene, data)


@pytest.mark.slow
@settings(max_examples=200, **QUICK)
@given(scene=scenes(tiled=True))
def test_tiles_are_resampled_as_one_source_with_every_kernel(scene):
    check_paint(scene)


@pytest.mark.slow
@settings(max_examples=500, **QUICK)
@given(scene=scenes(), data=st.data())
def test_any_key_gives_the_slice_of_the_whole_with_every_kernel(scene, data):
    check_keys(scene, data)


@pytest.mark.slow
@settings(max_examples=500, **QUICK)
@given(scene=scenes(), data=st.data())
def test_any_chunks_give_the_same_pixels_with_every_kernel(scene, data):
    check_chunks(scene, data)


@pytest.mark.slow
@settings(max_examples=500, **QUICK)
@given(scene=scenes())
def test_images_come_together_as_painted_pixel_by_pixel_with_every_kernel(scene):
    check_paint(scene)
