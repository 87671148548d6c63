from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from dawnlight.errors import BandError, ParameterError, ParameterTypeError
from dawnlight.raster._mask_rules import QA_BITS, dilate, resolve_mask_rule

LABELS = {"scl": ("none", "land", "Cloud", None, "shadow"), "qa_pixel": (), "flags": ("saturated", "cloudy")}


@pytest.mark.parametrize(
    ("rule", "hidden"),
    [
        ({"scl": 2}, [2]),
        ({"scl": "cloud"}, [2]),
        ({"scl": ["CLOUD", 4, np.uint8(3)]}, [2, 3, 4]),
        ({"scl": {"values": [1], "bits": [2]}}, [1, 4, 5, 6, 7]),
        ({"scl": {"keep": ["land", 0]}}, [2, 3, 4, 5, 6, 7]),
        ({"scl": range(3)}, [0, 1, 2]),
        ({"scl": []}, []),
        ({"qa_pixel": {"bits": ["dilated_cloud"]}}, [2, 3, 6, 7]),
        ({"qa_pixel": {"bits": [0, "cirrus"]}}, [1, 3, 4, 5, 6, 7]),
        ({"flags": {"bits": "cloudy"}}, [2, 3, 6, 7]),
    ],
)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_what_hides(rule: Any, hidden: list[int], dtype: str) -> None:
    (part,) = resolve_mask_rule(rule, LABELS)
    found = part.hidden(np.arange(8).astype(dtype))
    assert np.flatnonzero(found).tolist() == hidden


def test_what_is_missing_hides() -> None:
    (part,) = resolve_mask_rule({"scl": 2}, LABELS)
    assert part.hidden(np.array([np.nan, 1, 2])).tolist() == [True, False, True]
    assert part.hidden(np.array([0, 1, 2], np.uint8), nodata=0).tolist() == [True, False, True]


def test_bits_of_landsat_are_those_of_the_guide() -> None:
    (part,) = resolve_mask_rule({"qa_pixel": {"bits": ["cloud", "cloud_shadow"]}}, LABELS)
    # Common values of Collection 2: clear, cloud, shadow, water.
    assert part.hidden(np.array([21824, 22280, 23888, 21952], np.uint16)).tolist() == [
        False,
        True,
        True,
        False,
    ]
    assert QA_BITS["qa60"] == {"opaque_cloud": 10, "cloud": 10, "cirrus": 11}


@pytest.mark.parametrize(
    ("rule", "error", "message"),
    [
        ({"slc": 2}, BandError, "'slc' is not in the array, which has scl, qa_pixel, flags"),
        ({"scl": "clod"}, ParameterError, "did you mean 'cloud'"),
        ({"scl": 2.5}, ParameterError, "whole number or a label"),
        ({"scl": None}, ParameterTypeError, "None must be a number"),
        ({"scl": {"value": 2}}, ParameterError, "'values', 'keep', 'bits'"),
        ({"scl": {}}, ParameterError, "'values', 'keep', 'bits'"),
        ({"qa_pixel": {"bits": "clouds"}}, ParameterError, "did you mean 'cloud'"),
        ({"qa_pixel": "cloud"}, ParameterError, "no labels; use numbers"),
        ({"scl": {"bits": 64}}, ParameterError, "from 0 to 62"),
        ({}, ParameterTypeError, "must be a function, or a mapping"),
        ("scl", ParameterTypeError, "must be a function, or a mapping"),
    ],
)
def test_unusable_rules_say_why(rule: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        resolve_mask_rule(rule, LABELS)


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=3, max_side=9)), st.integers(0, 5))
def test_growing_is_a_dilation_by_a_disk(hidden: Any, pixels: int) -> None:
    y, x = np.ogrid[-pixels : pixels + 1, -pixels : pixels + 1]
    disk = y * y + x * x <= pixels * pixels
    before = hidden.copy()
    found = dilate(hidden, pixels)
    layers = hidden.reshape(-1, *hidden.shape[-2:])
    expected = np.stack([ndimage.binary_dilation(layer, disk) for layer in layers]).reshape(hidden.shape)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(hidden, before)
