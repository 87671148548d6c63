from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawnlight.errors import GridError
from dawnlight.geo._snap import count_pixels, snap_outwards

resolutions = st.one_of(
    st.sampled_from([0.1, 0.05, 1 / 3, 10.0, 30.0, 960.0, 463.312716528, 1e-4, 1 / 3600]),
    st.floats(1e-5, 1e5),
)


@pytest.mark.parametrize(
    ("extent", "resolution", "pixels"),
    [
        (15696 * 15, 960, 245),
        (15960 * 15, 960, 249),
        (15696 * 15, 1000, 235),
        (15960 * 15, 1000, 239),
        (25, 10, 3),
        (24.999, 10, 2),
        (0.25, 0.1, 3),
        (0, 10, 1),
        (4, 10, 1),
    ],
)
def test_counts_half_up_and_never_nothing(extent: float, resolution: float, pixels: int) -> None:
    assert count_pixels(extent, resolution) == pixels


@pytest.mark.parametrize(
    ("low", "high", "resolution", "expected"),
    [
        (3, 37, 10, (0, 4)),
        (-3, 3, 10, (-10, 2)),
        (10, 40, 10, (10, 3)),
        (10, 10, 10, (10, 1)),
        (12, 12, 10, (10, 1)),
        (0.1, 0.1 + 0.2, 0.1, (0.1, 2)),
        (0.3, 0.7, 0.1, (0.3, 4)),
        (-0.7, -0.3, 0.1, (-0.7, 4)),
    ],
)
def test_snaps_outwards(low: float, high: float, resolution: float, expected: tuple[float, int]) -> None:
    start, n = snap_outwards(low, high, resolution)
    assert (start, n) == (pytest.approx(expected[0], abs=1e-12), expected[1])


@given(
    st.integers(-100_000, 100_000), st.integers(1, 100_000), resolutions, st.floats(-1, 1), st.floats(-1, 1)
)
def test_noise_on_a_multiple_costs_no_pixel(
    first: int, n: int, resolution: float, noise_low: float, noise_high: float
) -> None:
    low, high = first * resolution, (first + n) * resolution
    low += noise_low * 1e-9 * max(abs(low), resolution) * 0.99
    high += noise_high * 1e-9 * max(abs(high), resolution) * 0.99
    assert snap_outwards(low, high, resolution) == (first * resolution, n)


@given(st.floats(-1e7, 1e7), st.floats(0, 1e6), resolutions)
def test_the_result_covers_the_interval_with_as_few_pixels(
    low: float, extent: float, resolution: float
) -> None:
    high = low + extent
    start, n = snap_outwards(low, high, resolution)
    slack = 0.11 * resolution
    assert start <= low + slack
    assert start + n * resolution >= high - slack
    assert start > low - resolution * (1 + 1e-6)
    assert n == 1 or start + (n - 1) * resolution < high + 1e-6 * resolution


@given(st.floats(0, 1e6), resolutions)
def test_the_count_is_within_half_a_pixel(extent: float, resolution: float) -> None:
    n = count_pixels(extent, resolution)
    assert n == 1 or abs(n - extent / resolution) <= 0.5 + 0.1


@given(st.integers(0, 100_000), resolutions, st.floats(-1, 1))
def test_noise_on_a_half_still_rounds_up(n: int, resolution: float, noise: float) -> None:
    extent = (n + 0.5) * resolution * (1 + noise * 1e-10)
    assert count_pixels(extent, resolution) == n + 1


def test_refuses_positions_that_floats_cannot_tell_apart() -> None:
    with pytest.raises(GridError, match="units of the crs"):
        snap_outwards(0, 1e7, 1e-12)
    with pytest.raises(GridError):
        count_pixels(math.inf, 1)
