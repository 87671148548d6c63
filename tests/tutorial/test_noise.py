"""Noise: the same place always gives the same value."""

from __future__ import annotations

import numpy as np
import pytest

from dawnlight._tutorial._noise import hash_unit, make_texture, smoothstep


def test_a_texture_repeats_after_its_period() -> None:
    texture = make_texture(3, period=8.0, roughness=1.5, side=64)
    x = np.linspace(-20, 20, 101, dtype=np.float32)
    y = (x * 0.7).astype(np.float32)
    np.testing.assert_allclose(texture.sample(x, y), texture.sample(x + 8, y - 16), atol=2e-4)


def test_a_texture_passes_through_its_values() -> None:
    texture = make_texture(3, period=64.0, roughness=1.5, side=64)
    row, column = np.mgrid[0:64, 0:64].astype(np.float32)
    np.testing.assert_array_equal(texture.sample(column, row), texture.values)
    assert texture.values.std() == pytest.approx(1, abs=1e-3)
    assert texture.values.mean() == pytest.approx(0, abs=1e-3)


def test_seeds_differ_and_repeat() -> None:
    first, again, other = (make_texture(seed, period=1, roughness=1, side=16).values for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 0.5


def test_broad_features_can_be_held_down() -> None:
    free = make_texture(1, period=16, roughness=2, side=128)
    held = make_texture(1, period=16, roughness=2, side=128, broadest=2)
    quarter = (slice(0, 64), slice(0, 64))
    assert abs(held.values[quarter].mean()) < abs(free.values[quarter].mean())


def test_hashes_are_spread_over_the_unit_interval() -> None:
    numbers = hash_unit(np.arange(-5000, 5000, dtype=np.int32), 7)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    counts, _ = np.histogram(numbers, bins=10, range=(0, 1))
    assert counts.min() > 850
    assert counts.max() < 1150


def test_hashes_never_change() -> None:
    # Written down: another NumPy or machine must paint the same fields.
    expected = [0.21010637283325195, 0.7277888655662537, 0.8880019187927246]
    assert hash_unit(np.array([0, 1, -1], np.int32), 5).tolist() == expected


def test_the_order_of_keys_counts() -> None:
    one, two = np.array([1], np.int32), np.array([2], np.int32)
    assert hash_unit(one, two) != hash_unit(two, one)


def test_smoothstep_rises_and_falls() -> None:
    values = np.array([-1, 0, 0.5, 1, 2], np.float32)
    assert smoothstep(0, 1, values).tolist() == [0, 0, 0.5, 1, 1]
    assert smoothstep(1, 0, values).tolist() == [1, 1, 0.5, 0, 0]
