from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import dawnlight as dl
from dawnlight.catalog import (
    Band,
    BandCollection,
    BandType,
    CatalogClient,
    ClassBand,
    GenericBand,
    MaskBand,
    MicrowaveBand,
    Product,
    SpectralBand,
)
from dawnlight.errors import AttributeValidationError

CLASSES = {
    BandType.SPECTRAL: SpectralBand,
    BandType.MICROWAVE: MicrowaveBand,
    BandType.MASK: MaskBand,
    BandType.CLASS: ClassBand,
    BandType.GENERIC: GenericBand,
}
COMMON = {"data_type": "UInt16", "band_index": 0}


def make(model: Any, client: CatalogClient, name: str = "x", **attributes: Any) -> Any:
    ranges = {} if model is MaskBand else {"data_range": (0, 10000), "display_range": (0, 4000)}
    return model(id=f"fields:{name}", client=client, **{**COMMON, **ranges, **attributes})


@pytest.mark.parametrize(("type_", "model"), CLASSES.items())
def test_the_class_decides_the_type(type_: BandType, model: Any) -> None:
    assert model().type == type_
    assert model(type=type_).type == type_
    assert model().serialize() == {"type": type_}
    wrong = next(other for other in BandType if other != type_)
    for value in (wrong, None, "nothing"):
        with pytest.raises(AttributeValidationError, match="type"):
            model(type=value)


@pytest.mark.parametrize(("type_", "model"), CLASSES.items())
def test_bands_come_back_in_their_class(
    client: CatalogClient, product: Product, type_: BandType, model: Any
) -> None:
    band = make(model, client)
    band.save()
    for found in (Band.get(band.id, client=client), next(iter(Band.search(client=client)))):
        assert type(found) is model
        assert found == band
        assert found.type == type_
    assert model.search(client=client).count() == 1
    assert isinstance(model.search(client=client).collect(), BandCollection)
    others = [other for other in CLASSES.values() if other is not model]
    assert all(other.search(client=client).count() == 0 for other in others)


def test_attributes_of_other_classes_are_unknown() -> None:
    with pytest.raises(AttributeError):
        MaskBand(wavelength_nm_center=1)
    with pytest.raises(AttributeError):
        SpectralBand().is_alpha = True  # type: ignore[attr-defined]


def test_an_unknown_type_of_a_document_is_a_generic_band(client: CatalogClient) -> None:
    band = Band._class_for(make(GenericBand, client)._to_document())
    assert band is GenericBand
    odd = GenericBand(id="p:x", type="thermal", _saved=True)
    assert odd.type == "thermal"
    assert not odd.is_modified


def test_the_range_of_a_mask_is_fixed(client: CatalogClient, product: Product) -> None:
    mask = make(MaskBand, client, data_range=(0, 1))
    assert mask.data_range == mask.display_range == (0.0, 1.0)
    for value in ((0, 255), None, "x"):
        with pytest.raises(AttributeValidationError):
            mask.data_range = value
    assert "data_range" not in mask.serialize()
    mask.save()
    assert mask.data_range == (0, 1)
    assert mask.state == "saved"


def test_own_classes_can_be_derived(client: CatalogClient, product: Product) -> None:
    class Index(SpectralBand):
        """A band of one's own."""

        @property
        def title(self) -> str:
            return f"Index {self.name}"

    make(Index, client).save()
    found = Index.get("fields:x", client=client)
    assert isinstance(found, Index)
    assert found.title == "Index x"
    assert [type(band) for band in Index.search(client=client)] == [Index]
    assert type(Band.get("fields:x", client=client)) is SpectralBand


def test_every_attribute_makes_the_round_trip(client: CatalogClient, product: Product) -> None:
    given: dict[str, Any] = {
        "description": "Red light",
        "sort_order": 3,
        "vendor_order": 4,
        "nodata": 65535,
        "resolution": {"value": 10, "unit": "meters"},
        "file_index": 1,
        "jpx_layer_index": 2,
        "vendor_band_name": "B4",
        "processing_levels": {"default": "toa", "toa": [{"function": "f", "index": 3, "data_range": (0, 1)}]},
        "derived_params": {"function": "f", "bands": ["a"], "source_type": "Byte"},
        "physical_range": (0, 1),
        "physical_range_unit": "reflectance",
        "wavelength_nm_center": 665,
        "wavelength_nm_min": 650,
        "wavelength_nm_max": 680,
        "wavelength_nm_fwhm": 30,
        "tags": ["a"],
        "extra_properties": {"x": 1.5},
    }
    band = make(SpectralBand, client, **given)
    before = band.serialize()
    band.save()
    found = SpectralBand.get(band.id, client=client)
    assert found is not None
    assert {name: value for name, value in found.serialize().items() if name in before} == before
    assert found.processing_levels["toa"][0].data_range == (0, 1)


@pytest.mark.parametrize("location", ["memory://", "folder"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), np.float32("nan"), -9999, 0.5])
def test_any_nodata_value_survives_storage(tmp_path, location, value):
    with dl.open(tmp_path / "catalog" if location == "folder" else location) as client:
        dl.Product(id="p", name="P", client=client).save()
        band = dl.SpectralBand(id="p:b", nodata=value, band_index=0, client=client)
        band.update(data_type="Float32", data_range=(0, 1), display_range=(0, 1))
        band.save()
        assert band.state == "saved"
        for found in (band, dl.Band.get("p:b", client=client), *dl.Band.search(client=client)):
            assert (found.nodata == value) or (math.isnan(found.nodata) and math.isnan(value))
            assert type(found.nodata) is (int if isinstance(value, int) else float)
            assert not found.is_modified
            found.nodata = found.nodata
            assert not found.is_modified
            assert found == found
