"""Processing levels: names, aliases, and what a band is after them."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from dawnlight.errors import BandError, ParameterError
from dawnlight.raster._levels import BandScaling, LeveledBand, ProcessingStep, at_level, resolve_level

STEP = ProcessingStep(function="linear", parameter="0.5")


def _band(levels: dict[str, Any] | None, **changes: Any) -> BandScaling:
    return BandScaling(name="b", processing_levels=levels, **changes)


@pytest.mark.parametrize("level", [None, "", "default", "toa", "surface"])
def test_a_band_without_levels_takes_the_usual_names(level: str | None) -> None:
    assert resolve_level(_band(None), level) == ()
    assert resolve_level(_band({}), level) == ()


def test_a_band_without_levels_refuses_others() -> None:
    with pytest.raises(BandError, match="has no processing levels"):
        resolve_level(_band(None), "boa")


@pytest.mark.parametrize("kind", ["mask", "class"])
def test_masks_and_classes_without_levels_take_every_name(kind: Any) -> None:
    assert resolve_level(_band(None, kind=kind), "boa") == ()


def test_a_level_is_its_steps() -> None:
    assert resolve_level(_band({"boa": (STEP, STEP)}), "boa") == (STEP, STEP)


def test_an_unknown_level_is_refused_with_the_known_ones() -> None:
    for level in ("toa", "surface", "x"):
        with pytest.raises(BandError, match=f"processing_level='{level}': .* has the levels boa, raw"):
            resolve_level(_band({"boa": (STEP,), "raw": ()}), level)


def test_default_need_not_be_defined() -> None:
    assert resolve_level(_band({"boa": (STEP,)}), None) == ()
    assert resolve_level(_band({"boa": (STEP,)}), "default") == ()


def test_aliases_are_followed() -> None:
    levels: dict[str, Any] = {f"l{i}": f"l{i + 1}" for i in range(10)} | {"l10": (STEP,), "default": "l10"}
    assert resolve_level(_band(levels), "l0") == (STEP,)
    assert resolve_level(_band(levels), None) == (STEP,)


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ({"a": "b", "b": "a"}, "in a circle: a -> b -> a -> b"),
        ({"a": "a"}, "in a circle"),
        ({"a": "b", "b": "gone"}, "'b' stands for 'gone', which is not defined"),
        ({**{f"l{i}": f"l{i + 1}" for i in range(20)}, "a": "l0", "l20": ()}, "in a circle"),
    ],
)
def test_aliases_that_lead_nowhere_are_refused(levels: Any, message: str) -> None:
    with pytest.raises(BandError, match=message):
        resolve_level(_band(levels), "a")


def test_a_level_must_be_text() -> None:
    with pytest.raises(ParameterError, match="must be a string"):
        resolve_level(_band(None), 3)  # type: ignore[arg-type]


def test_defaults_of_a_bare_band() -> None:
    assert at_level(BandScaling(name="b"), None) == LeveledBand(
        name="b",
        is_category=False,
        data_type="UInt16",
        data_range=(0, 10000),
        display_range=(0, 10000),
        physical_range=(0, 10000),
    )


def test_a_mask_runs_from_0_to_1_and_has_no_physical_range() -> None:
    mask = at_level(BandScaling(name="m", kind="mask", data_type="Byte", physical_range=(5, 6)), None)
    assert (mask.data_range, mask.display_range, mask.physical_range) == ((0, 1),) * 3


def test_a_step_that_says_nothing_gives_floats_from_0_to_1() -> None:
    leveled = at_level(
        _band({"x": (STEP,)}, data_type="UInt16", data_range=(0, 50), display_range=(0, 5)), "x"
    )
    assert leveled.data_type == "Float64"
    assert leveled.data_range == leveled.display_range == leveled.physical_range == (0.0, 1.0)


@pytest.mark.parametrize(
    ("data_type", "expected"),
    [
        ("Byte", (0, 255)),
        ("UInt16", (0, 65535)),
        ("Int16", (-32768, 32767)),
        ("UInt32", (0, 4294967295)),
        ("Int32", (-(2**31), 2**31 - 1)),
        ("Float32", (0.0, 1.0)),
    ],
)
def test_a_step_with_only_a_type_has_its_natural_range(data_type: str, expected: tuple[float, float]) -> None:
    step = ProcessingStep(function="linear", data_type=data_type)
    assert at_level(_band({"x": (step,)}), "x").data_range == expected


def test_unknown_types_are_refused_with_the_band() -> None:
    with pytest.raises(ParameterError, match="data_type of band 'b'='Complex'"):
        at_level(BandScaling(name="b", data_type="Complex"), None)


def test_reads_what_the_catalog_stores() -> None:
    band = BandScaling.from_attributes(
        "red",
        {
            "type": "spectral",
            "data_type": "UInt16",
            "data_range": [0, 10000],
            "vendor_order": 3,
            "processing_levels": {
                "default": "toa",
                "toa": [
                    {
                        "function": "linear",
                        "parameter": "reflectance_gain_bias",
                        "data_range": [0, 1.2],
                        "physical_range_unit": "reflectance",
                    }
                ],
            },
            "wavelength_nm_center": 665,
        },
    )
    assert band.data_range == (0, 10000)
    assert resolve_level(band, None) == (
        ProcessingStep(function="linear", parameter="reflectance_gain_bias", data_range=(0, 1.2)),
    )
    assert pickle.loads(pickle.dumps(band)) == band
    assert hash(band) == hash(pickle.loads(pickle.dumps(band)))
