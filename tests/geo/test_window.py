from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawnlight.errors import ParameterError, ParameterTypeError
from dawnlight.geo import Window

small = st.integers(-30, 30)
sizes = st.integers(0, 30)
windows = st.builds(Window, small, small, sizes, sizes)


def pixels(window: Window) -> set[tuple[int, int]]:
    rows = range(window.y, window.stop_y)
    return {(y, x) for y in rows for x in range(window.x, window.stop_x)}


def test_parts() -> None:
    window = Window(2, 3, 4, 5)
    assert (window.stop_y, window.stop_x, window.shape, window.size) == (6, 8, (4, 5), 20)
    assert window.slices == (slice(2, 6), slice(3, 8))
    assert not window.is_empty


@given(windows, windows)
def test_intersect_is_the_common_pixels(a: Window, b: Window) -> None:
    common = a.intersect(b)
    assert (pixels(common) if common is not None else set()) == pixels(a) & pixels(b)
    assert common == b.intersect(a)
    assert common is None or not common.is_empty


@given(windows, windows)
def test_contains_means_every_pixel(a: Window, b: Window) -> None:
    assert a.contains(b) is (pixels(b) <= pixels(a))


@given(windows, small, small)
def test_shift_moves_every_pixel(window: Window, dy: int, dx: int) -> None:
    assert pixels(window.shift(dy, dx)) == {(y + dy, x + dx) for y, x in pixels(window)}


@given(windows, sizes, sizes)
def test_clip_is_an_index_into_the_array(window: Window, ny: int, nx: int) -> None:
    clipped = window.clip((ny, nx))
    assert pixels(clipped) == pixels(window) & pixels(Window(0, 0, ny, nx))
    assert np.zeros((ny, nx))[clipped.slices].shape == clipped.shape
    assert (clipped.stop_y, clipped.stop_x) <= (ny, nx)
    assert clipped.stop_x <= nx


@given(windows, st.integers(0, 9))
def test_pad_can_be_undone(window: Window, n: int) -> None:
    assert window.pad(n).pad(-n) == window


def test_pad_shrinks_to_nothing_at_most() -> None:
    assert Window(0, 0, 3, 10).pad(-2).shape == (0, 6)


def test_numpy_integers_become_ints() -> None:
    window = Window(np.int64(1), np.uint8(2), np.int32(3), np.int16(4))
    assert window == Window(1, 2, 3, 4)
    assert all(type(value) is int for value in (window.y, window.x, window.height, window.width))


@pytest.mark.parametrize("bad", [1.0, "1", None])
def test_refuses_what_is_not_whole(bad: object) -> None:
    with pytest.raises(ParameterTypeError, match="height"):
        Window(0, 0, bad, 1)  # type: ignore[arg-type]


def test_refuses_negative_sizes() -> None:
    with pytest.raises(ParameterError, match="width=-1"):
        Window(0, 0, 1, -1)


def test_slices_refuse_to_wrap_around() -> None:
    with pytest.raises(ParameterError, match="clip"):
        _ = Window(-1, 0, 3, 3).slices


def test_is_a_sorted_hashable_value() -> None:
    assert sorted({Window(1, 0, 1, 1), Window(0, 5, 1, 1), Window(0, 5, 1, 1)}) == [
        Window(0, 5, 1, 1),
        Window(1, 0, 1, 1),
    ]
    with pytest.raises(AttributeError):
        Window(0, 0, 1, 1).y = 3  # type: ignore[misc]
