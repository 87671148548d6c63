"""Processing steps: where coefficients come from, and what the functions do to pixels."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from dawnlight.errors import BandError
from dawnlight.raster._levels import BandScaling, ProcessingStep
from dawnlight.raster._steps import STEP_FUNCTIONS, BoundStep, apply_steps, bind_steps

BAND = BandScaling(name="b8", data_type="UInt16", data_range=(0, 10000), vendor_order=2)
IMAGE: dict[str, Any] = {
    "reflectance_gain_bias": [[2e-5, -0.1], [3e-5, -0.2], []],
    "reflectance_scale": [1.0, 0.5],
    "brightness_temperature_k1_k2": [[], [774.8853, 1321.0789]],
    "extra_properties": {"boa_offset": -1000, "note": "x"},
}


def _run(values: Any, *steps: ProcessingStep, band: BandScaling = BAND) -> Any:
    return apply_steps(np.asarray(values, "uint16"), bind_steps(steps, band, IMAGE)).tolist()


def test_no_steps_change_nothing() -> None:
    array = np.ones(3, "uint16")
    assert apply_steps(array, ()) is array


def test_a_list_of_the_image_is_read_at_the_position_of_the_band() -> None:
    step = ProcessingStep(function="linear", parameter="reflectance_gain_bias")
    assert _run([0, 10000], step) == pytest.approx([-0.2, 0.1])


def test_an_index_counts_from_0_and_wins_over_the_band() -> None:
    step = ProcessingStep(function="linear", parameter="reflectance_gain_bias", index=0)
    assert _run([0, 10000], step) == pytest.approx([-0.1, 0.1])


def test_one_number_is_a_gain() -> None:
    assert _run([10], ProcessingStep(function="linear", parameter="reflectance_scale")) == [5.0]


def test_numbers_may_stand_in_the_definition() -> None:
    step = ProcessingStep(function="linear", parameter=" 0.0000275, -0.2 ")
    assert _run([7273, 43636], step) == pytest.approx([0.0000075, 0.99999])


def test_a_line_without_a_parameter_joins_the_ranges() -> None:
    first = ProcessingStep(function="linear", data_range=(-1, 1))
    second = ProcessingStep(function="linear", data_range=(100, 200))
    assert _run([0, 5000, 10000, 20000], first) == [-1, 0, 1, 3]
    assert _run([0, 5000, 10000], first, second) == [100, 150, 200]


def test_reflectance_is_a_line_that_is_clipped() -> None:
    step = ProcessingStep(function="reflectance", parameter="0.0001,-0.1", data_range=(0, 1.2))
    assert _run([0, 1000, 6000, 65535], step) == pytest.approx([0, 0, 0.5, 1.2])


def test_an_offset_of_the_image_joins_old_and_new_processing() -> None:
    offset = ProcessingStep(
        function="offset", parameter="extra_properties.boa_offset", data_type="UInt16", data_range=(0, 10000)
    )
    scale = ProcessingStep(function="reflectance", parameter="0.0001")
    assert _run([1000, 4000], offset) == [0, 3000]
    assert _run([500, 1000, 4000], offset, scale) == pytest.approx([0, 0, 0.3])


def test_temperature_is_plancks_law_upside_down() -> None:
    linear = ProcessingStep(function="linear", parameter="3.342e-4, 0.1")
    (kelvin,) = _run([25000], linear, ProcessingStep(function="temperature"))
    radiance = 25000 * 3.342e-4 + 0.1
    assert kelvin == pytest.approx(1321.0789 / np.log(774.8853 / radiance + 1))
    assert 290 < kelvin < 300


def test_no_radiance_has_no_temperature() -> None:
    assert np.isnan(_run([0], ProcessingStep(function="temperature"))).all()


def test_clip_clips() -> None:
    assert _run([0, 5, 50], ProcessingStep(function="clip", data_type="Byte", data_range=(2, 20))) == [
        2,
        5,
        20,
    ]


def test_the_input_stays() -> None:
    array = np.array([5.0, 6.0])
    apply_steps(array, [BoundStep(function="clip", clip=(0, 1))])
    assert array.tolist() == [5.0, 6.0]


@pytest.mark.parametrize("function", STEP_FUNCTIONS)
def test_every_function_keeps_shape_and_gives_float64(function: str) -> None:
    step = ProcessingStep(function=function, parameter="-1" if function == "offset" else None)
    result = apply_steps(np.ones((2, 0, 3), "int16"), bind_steps([step], BAND, IMAGE))
    assert result.shape == (2, 0, 3)
    assert result.dtype == np.float64


def test_bound_steps_pickle_and_compare() -> None:
    bound = bind_steps([ProcessingStep(function="reflectance", parameter="2")], BAND, {})
    assert pickle.loads(pickle.dumps(bound)) == bound
    assert hash(bound) == hash(pickle.loads(pickle.dumps(bound)))


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (ProcessingStep(function="dlsr"), "known are linear, reflectance, offset, temperature, clip"),
        (ProcessingStep(function="linear", parameter="radiance_gain_bias"), "has no value there"),
        (ProcessingStep(function="linear", parameter="reflectance_gain_bias", index=2), "has no value there"),
        (
            ProcessingStep(function="linear", parameter="reflectance_gain_bias", index=3),
            "outside .* 3 entries",
        ),
        (ProcessingStep(function="linear", parameter="reflectance_gain_bias", index=-1), "outside"),
        (ProcessingStep(function="linear", parameter="extra_properties.gone"), "has no value there"),
        (ProcessingStep(function="linear", parameter="extra_properties.note"), "gives 'x'"),
        (ProcessingStep(function="linear", parameter="cloud_fraction"), "it must be numbers"),
        (ProcessingStep(function="linear", parameter="nan"), "it must be numbers"),
        (ProcessingStep(function="linear", parameter="1,2,3"), r"needs 2 coefficient\(s\)"),
        (ProcessingStep(function="offset"), r"needs 1 coefficient\(s\), the parameter gives \[\]"),
        (ProcessingStep(function="temperature", parameter="5"), r"needs 2 coefficient\(s\)"),
    ],
)
def test_coefficients_that_cannot_be_found_are_an_error_before_any_pixel(
    step: ProcessingStep, message: str
) -> None:
    with pytest.raises(BandError, match=message) as caught:
        bind_steps([step], BAND, IMAGE, image_name="image 'p:i'")
    assert "band 'b8', processing step 1" in str(caught.value)


def test_a_list_needs_a_position() -> None:
    band = BandScaling(name="b", data_range=(0, 1))
    step = ProcessingStep(function="linear", parameter="reflectance_scale")
    with pytest.raises(BandError, match="an index or the band a vendor_order"):
        bind_steps([step], band, IMAGE)


def test_a_line_from_an_empty_range_is_refused() -> None:
    with pytest.raises(BandError, match="is empty; give a parameter"):
        bind_steps([ProcessingStep(function="linear")], BandScaling(name="b", data_range=(3, 3)), {})
