from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from dawnlight.catalog import (
    DerivedParamsAttribute,
    File,
    ImageUploadEvent,
    ImageUploadOptions,
    ProcessingStepAttribute,
    Resolution,
    ResolutionUnit,
    SpectralBand,
)
from dawnlight.errors import AttributeValidationError


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("60m", 60, "meters"),
        ("-6.5 deg.", -6.5, "degrees"),
        ("60  m.", 60, "meters"),
        ("1.234 °", 1.234, "degrees"),
        ("10 Metres", 10, "meters"),
        (".5 degree", 0.5, "degrees"),
    ],
)
def test_resolutions_are_read_from_text(text: str, value: float, unit: str) -> None:
    assert SpectralBand(resolution=text).resolution == Resolution(value=value, unit=unit)


@pytest.mark.parametrize("value", ["60", "m", "1e3 m", "1 km", 60, {"value": 1, "unit": "miles"}])
def test_other_resolutions_are_rejected(value: Any) -> None:
    with pytest.raises(AttributeValidationError):
        SpectralBand(resolution=value)


def test_resolutions_take_arguments_in_order() -> None:
    assert Resolution(10, ResolutionUnit.METERS) == Resolution(unit="meters", value=10)


def test_an_unknown_unit_of_a_document_is_kept() -> None:
    band = SpectralBand(id="p:red", resolution={"value": 1, "unit": "miles"}, _saved=True)
    assert band.resolution is not None
    assert band.resolution.unit == "miles"
    assert not band.is_modified


def test_unknown_keys_of_documents_are_left_out() -> None:
    band = SpectralBand(id="p:red", resolution={"value": 1, "unit": "meters", "new": 1}, _saved=True)
    assert band.resolution == Resolution(1, "meters")
    assert band.serialize()["resolution"] == {"value": 1, "unit": "meters", "new": 1}


@pytest.mark.parametrize("value", [File(href="a"), Resolution(1, "meters"), ProcessingStepAttribute(index=1)])
def test_objects_compare_copy_and_pickle_by_content(value: Any) -> None:
    for found in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert found == value
        assert found is not value
        assert type(found) is type(value)
    assert value != File(href="b")
    assert value != value.serialize()


def test_events_are_read_only() -> None:
    with pytest.raises(AttributeValidationError, match="read-only"):
        ImageUploadEvent(message="x")


def test_upload_options() -> None:
    options = ImageUploadOptions(upload_type="file", overviews=[2, 4])
    assert options.serialize() == {"upload_type": "file", "overviews": [2, 4]}
    with pytest.raises(AttributeValidationError):
        ImageUploadOptions(overview_resampler="near")


LEVELS = {"toa": [{"function": "gain_bias", "index": 1}], "default": "toa"}


def test_processing_levels_hold_aliases_and_steps() -> None:
    band = SpectralBand(processing_levels=LEVELS)
    assert band.processing_levels["default"] == "toa"
    assert band.processing_levels["toa"] == [ProcessingStepAttribute(function="gain_bias", index=1)]
    assert band.serialize()["processing_levels"] == LEVELS


def test_changes_inside_processing_levels_count() -> None:
    band = SpectralBand(id="p:red", processing_levels=LEVELS, _saved=True)
    step = band.processing_levels["toa"][0]
    assert band.state == "saved"
    step.index = 2
    assert band.state == "modified"
    step.index = 1
    assert band.state == "saved"
    band.processing_levels["toa"].append({"function": "x"})
    assert isinstance(band.processing_levels["toa"][1], ProcessingStepAttribute)
    assert band.state == "modified"


@pytest.mark.parametrize(
    "value",
    [
        {"toa": 1},
        {"toa": None},
        {"toa": {"function": "x"}},
        [{"function": "x"}],
        {"toa": ["x"]},
        {"toa": [{"index": "x"}]},
        {"toa": [{"data_range": [1]}]},
    ],
)
def test_other_processing_levels_are_rejected(value: Any) -> None:
    with pytest.raises(AttributeValidationError):
        SpectralBand(processing_levels=value)


def test_an_unknown_field_of_a_step_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="fonction"):
        SpectralBand(processing_levels={"toa": [{"fonction": "x"}]})


def test_derived_params() -> None:
    band = SpectralBand(id="p:x", derived_params={"function": "ndvi", "bands": ["nir", "red"]}, _saved=True)
    assert band.derived_params == DerivedParamsAttribute(function="ndvi", bands=["nir", "red"])
    band.derived_params.bands.append("blue")
    assert band.is_modified


@pytest.mark.parametrize(
    "value", [{}, {"function": "x"}, {"function": "x", "bands": []}, {"function": 1, "bands": ["a"]}, "x"]
)
def test_other_derived_params_are_rejected(value: Any) -> None:
    with pytest.raises(AttributeValidationError):
        SpectralBand(derived_params=value)
