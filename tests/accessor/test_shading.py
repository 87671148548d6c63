from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dawnlight.accessor._bands import BandInfo
from dawnlight.accessor._shading import color_classes, color_rgb, fitting_gamma, limits_of
from dawnlight.errors import ParameterError

VALUES = np.arange(101.0)
VALID = VALUES != 100


@pytest.mark.parametrize(
    ("stretch", "display", "expected"),
    [
        ("percentile", (10, 20), (9.9, 89.1)),
        (None, None, (9.9, 89.1)),
        (None, (5, 60), (9.9, 60)),
        (None, (20, 95), (20, 89.1)),
        (None, (200, 300), (9.9, 89.1)),
        ("display", (5, 60), (5, 60)),
        ((1, 7), (5, 60), (1, 7)),
    ],
)
def test_limits(stretch: Any, display: Any, expected: tuple[float, float]) -> None:
    info = BandInfo(name="b", display_range=display)
    assert limits_of(VALUES, VALID, stretch, (10, 90), info) == pytest.approx(expected)


def test_limits_of_constant_and_empty_pictures_have_an_extent() -> None:
    ones = np.ones(5)
    assert limits_of(ones, ones > 0, None, (2, 98), None) == (1, 2)
    assert limits_of(ones, ones > 1, None, (2, 98), None) == (0, 1)


@pytest.mark.parametrize("stretch", ["sqrt", (5, 1), (1, 2, 3), 7])
def test_unusable_stretches_are_refused(stretch: Any) -> None:
    with pytest.raises(ParameterError, match="stretch="):
        limits_of(VALUES, VALID, stretch, (2, 98), None)
    with pytest.raises(ParameterError, match="has none"):
        limits_of(VALUES, VALID, "display", (2, 98), BandInfo(name="b"))


def test_three_bands_become_colours() -> None:
    values = np.array([0.0, 5, 10, 20, np.nan]).reshape(1, 1, 5) * np.ones((3, 1, 1))
    values[2, 0, 1] = np.nan
    found = color_rgb(values, np.isfinite(values), [(0, 10)] * 3, 1.0)
    assert found[0].tolist() == [
        [0, 0, 0, 255],
        [0, 0, 0, 0],  # one band is missing
        [255, 255, 255, 255],
        [255, 255, 255, 255],
        [0, 0, 0, 0],
    ]
    half = np.full((3, 1, 1), 2.5)
    assert color_rgb(half, half > 0, [(0, 10)] * 3, 2.0)[0, 0].tolist() == [128, 128, 128, 255]


def test_gamma_lifts_dark_pictures_only() -> None:
    dark, bright = np.full((3, 4, 4), 1.0), np.full((3, 4, 4), 6.0)
    assert fitting_gamma(dark, dark > 0, [(0, 10)] * 3) == 2.0
    assert fitting_gamma(bright, bright > 0, [(0, 10)] * 3) == 1.0


def test_classes_get_their_own_colours_and_labels() -> None:
    info = BandInfo(
        name="c", type="class", class_labels=("none", "land"), colormap=((1, 2, 3, 0), (4, 5, 6, 255))
    )
    values = np.array([[1.0, 7.0], [np.nan, 1.0]])
    pixels, entries = color_classes(values, np.isfinite(values), info)
    assert [(entry.value, entry.label) for entry in entries] == [(1, "land"), (7, "7")]
    assert pixels[0, 0].tolist() == [4, 5, 6, 255]
    assert pixels[1, 0].tolist() == [0, 0, 0, 0]
    assert pixels[0, 1, 3] == 255
    assert tuple(pixels[0, 1]) == entries[1].color


def test_labels_tell_colours() -> None:
    labels = (
        "no data",
        "Not vegetated",
        "Dense forest",
        "cloud, medium",
        "cloud, high",
        "cloud shadow",
        "zeta",
    )
    values = np.arange(1.0, 7.0).reshape(1, 6)
    _, entries = color_classes(values, values > 0, BandInfo(name="c", type="class", class_labels=labels))
    colors = {entry.label: entry.color for entry in entries}
    assert len(set(colors.values())) == 6
    assert colors["Dense forest"][1] > max(colors["Dense forest"][0], colors["Dense forest"][2])
    assert min(colors["cloud, medium"][:3]) > min(colors["cloud, high"][:3]) > 150
    assert max(colors["cloud shadow"][:3]) < 100


def test_yes_and_no() -> None:
    pixels, entries = color_classes(np.array([True, False]), np.array([True, True]), BandInfo(name="m"))
    assert [entry.label for entry in entries] == ["no", "yes"]
    assert pixels.shape == (2, 4)
