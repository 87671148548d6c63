"""One road for pixels: what `prepare` settles before anything is read."""

from __future__ import annotations

import numpy as np
import pytest

import dawnlight as dl
from dawnlight.catalog._loading import Options, prepare, scaling_of
from dawnlight.errors import EmptyCollectionError, ParameterError
from dawnlight.geo import AOI, GeoBox
from dawnlight.testing._archive import Archive
from dawnlight.testing._rasters import noise

BOX = GeoBox.from_geotrans((300000, 10, 0, 5000000, 0, -10), (40, 60), 32632)
TYPES = {
    "u8": "Byte",
    "u16": "UInt16",
    "i16": "Int16",
    "u32": "UInt32",
    "i32": "Int32",
    "f32": "Float32",
    "f64": "Float64",
}
NUMPY = {
    "u8": "uint8",
    "u16": "uint16",
    "i16": "int16",
    "u32": "uint32",
    "i32": "int32",
    "f32": "float32",
    "f64": "float64",
}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    with dl.open("memory://loading") as client:
        archive = Archive(client, tmp_path_factory.mktemp("archive"))
        archive.add_product("p", {name: {"data_type": TYPES[name]} for name in TYPES})
        archive.add_image("p", "a", BOX, {name: noise(BOX.shape, NUMPY[name], 3) for name in TYPES})
        yield archive.collection("p:a")


def settle(images, **options):
    return prepare(list(images), [[0]], lambda: AOI.from_geobox(BOX), Options(**options))


@pytest.mark.parametrize("mask_nodata", [True, False])
@pytest.mark.parametrize(
    "bands", ["u8", "u16 i16", "u32 i32", "u32 i16", "i32 f32", "u8 f64", "u8 u16 i16 u32 i32 f32 f64"]
)
@pytest.mark.parametrize("scaling", [None, "auto"])
def test_every_mix_of_types_loads(images, bands, mask_nodata, scaling):
    loading = settle(images, bands=bands, mask_nodata=mask_nodata, scaling=scaling)
    values = loading.load(progress=False)
    assert values.shape == (1, len(bands.split()), 40, 60)
    assert values.dtype == loading.to_dask().dtype
    assert np.array_equal(values, loading.to_dask().compute(scheduler="synchronous"), equal_nan=True)
    if scaling is None:
        for k, name in enumerate(bands.split()):
            own = noise(BOX.shape, NUMPY[name], 3).astype(loading.dtype)
            assert np.array_equal(values[0, k].astype(loading.dtype), own)
    else:
        assert (np.nanmin(values), np.nanmax(values)) == (0, 255)


def test_the_default_context_is_asked_for_only_when_needed(images):
    def fail():
        raise AssertionError("the call had a context")

    prepare(list(images), [[0]], fail, Options(bands="u8", geocontext=BOX))
    with pytest.raises(ParameterError, match="geocontext is not given"):
        prepare(list(images), [[0]], lambda: None, Options(bands="u8"))


def test_nothing_to_load(images):
    with pytest.raises(EmptyCollectionError):
        prepare([], [], lambda: None, Options(bands="u8"))


@pytest.mark.parametrize("errors", ["ignore", "", None, True])
def test_errors_must_be_one_of_two(images, errors):
    with pytest.raises(ParameterError, match="must be 'raise' or 'mask'"):
        settle(images, bands="u8", errors=errors)


def test_a_tolerant_call_needs_a_mask(images):
    with pytest.raises(ParameterError, match="needs mask_nodata=True"):
        settle(images, bands="u8", errors="mask", mask_nodata=False)


def test_masked_values_come_in_their_own_type(images):
    loading = settle(images, bands="u32")
    found = loading.masked(loading.load(progress=False))
    assert found.dtype == np.uint32
    assert np.array_equal(found.data[0, 0], noise(BOX.shape, "uint32", 3))
    bare = settle(images, bands="u32", mask_nodata=False)
    assert type(bare.masked(bare.load(progress=False))) is np.ndarray


def test_scaling_of(images):
    client = images[0]._client
    assert scaling_of(["p"], client, "u16 i16", None, None, None) == (None, "Int32")
    assert scaling_of(["p"], client, ["u16"], None, "display", None) == ([(0, 4000, 0, 255)], "Byte")
