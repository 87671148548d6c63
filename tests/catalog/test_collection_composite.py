"""A fused composite is the reduction of the stack: same values, one task a chunk, nothing read before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr

import dawnlight as dl
from dawnlight.errors import BandError, EmptyCollectionError, ParameterError, ParameterTypeError
from dawnlight.geo import GeoBox
from dawnlight.testing import write_raster

METHODS = [
    ("median", None),
    ("mean", None),
    ("min", None),
    ("max", None),
    ("first", None),
    ("last", None),
    ("count", None),
    ("percentile", 30.0),
]
GRIDS = [
    (32630, (600000.0, 10.0, 0.0, 5600000.0, 0.0, -10.0)),
    (32630, (600135.0, 10.0, 0.0, 5599900.0, 0.0, -10.0)),
]


@pytest.fixture
def images(tmp_path: Path) -> dl.ImageCollection:
    """Five dates on two grids: values, a class band, missing pixels, and an alpha band of its own product."""
    rng = np.random.default_rng(7)
    client = dl.open("memory://")
    dl.Product(id="p", name="P", client=client).save()
    for index, name in enumerate(("red", "nir")):
        dl.SpectralBand(
            id=f"p:{name}",
            data_type="UInt16",
            data_range=(0, 10000),
            display_range=(0, 4000),
            nodata=0,
            band_index=0,
            file_index=index,
            client=client,
        ).save()
    dl.ClassBand(
        id="p:scl",
        data_type="Byte",
        data_range=(0, 9),
        display_range=(0, 9),
        band_index=0,
        file_index=2,
        nodata=255,
        class_labels=["none", "land", "water", "cloud"],
        client=client,
    ).save()
    for date in range(5):
        epsg, geotrans = GRIDS[date % 2]
        box = GeoBox.from_geotrans(geotrans, (96, 80), epsg)
        files = []
        for name in ("red", "nir", "scl"):
            high = 4 if name == "scl" else 3000
            pixels = rng.integers(0, high, (96, 80)).astype("uint8" if name == "scl" else "uint16")
            nodata = 255 if name == "scl" else 0
            path = tmp_path / f"{date}_{name}.tif"
            write_raster(path, pixels[None], box, nodata=nodata)
            files.append(dl.catalog.File(href=str(path)))
        dl.Image(id=f"p:d{date}", acquired=f"2023-01-0{date + 1}", files=files, client=client).save()
    return dl.Image.search(client=client).sort("acquired").collect()


AREA = GeoBox.from_geotrans((600050.0, 10.0, 0.0, 5599950.0, 0.0, -10.0), (70, 60), 32630)


def same(a: xr.DataArray, b: xr.DataArray) -> None:
    assert a.dtype == b.dtype
    np.testing.assert_array_equal(a.values, b.values)
    for name in ("y", "x", "band", "id", "time_first", "time_last"):
        np.testing.assert_array_equal(a.coords[name].values, b.coords[name].values)


@pytest.mark.parametrize(("method", "q"), METHODS)
def test_it_is_the_reduction_of_the_stack(images: dl.ImageCollection, method: str, q: float | None) -> None:
    rule: dict[str, Any] = {"scl": ["cloud", 2]}
    fused = images.composite("red nir", method, AREA, mask=rule, q=q, chunks=32)
    plain = images.stack("red nir scl", AREA).dl.composite("red nir", method, mask=rule, q=q)
    same(fused.compute(), plain.compute())


@pytest.mark.parametrize("resampler", ["near", "bilinear"])
@pytest.mark.parametrize("dilation", [0, 3])
def test_another_grid_and_dilation(images: dl.ImageCollection, resampler: str, dilation: int) -> None:
    place = {"crs": "EPSG:32631", "resolution": 14.0}
    area = dl.AOI(geometry=AREA.footprint())
    rule = {"scl": {"keep": [1, 2]}}
    fused = images.composite(
        "nir", "median", area, mask=rule, dilation=dilation, resampler=resampler, chunks=24, **place
    )
    stack = images.stack("nir scl", area, resampler=resampler, **place)
    same(fused.compute(), stack.dl.composite("nir", "median", mask=rule, dilation=dilation).compute())


def test_flattened_slots(images: dl.ImageCollection) -> None:
    fused = images.composite("red", "mean", AREA, flatten="geotrans")
    plain = images.stack("red", AREA, flatten="geotrans").dl.composite("red", "mean")
    np.testing.assert_array_equal(fused.values, plain.values)


def test_chunks_change_nothing_and_none_computes(images: dl.ImageCollection) -> None:
    whole = images.composite("red nir", geocontext=AREA, chunks=None, mask={"scl": [3]}, progress=False)
    assert isinstance(whole.data, np.ndarray)
    for chunks in (13, {"band": 1, "y": 20, "x": 60}):
        part = images.composite("red nir", geocontext=AREA, chunks=chunks, mask={"scl": [3]})
        np.testing.assert_array_equal(part.values, whole.values)


def test_building_and_slicing_compute_nothing_and_slices_reach_the_read(images: dl.ImageCollection) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("something was computed")

    with dask.config.set(scheduler=refuse):
        lazy = images.composite("red", geocontext=AREA)
        repr(lazy)
        corner = lazy.isel(y=slice(0, 4), x=slice(0, 4))
    assert corner.shape == (1, 4, 4)
    np.testing.assert_array_equal(corner.values, lazy.values[:, :4, :4])


def test_equal_calls_have_equal_tokens(images: dl.ImageCollection) -> None:
    one, two = (images.composite("red", geocontext=AREA, mask={"scl": [3]}) for _ in range(2))
    other = images.composite("red", geocontext=AREA, mask={"scl": [2]})
    assert one.data.name == two.data.name != other.data.name


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"bands": "red", "method": "mode"}, ParameterError, "median"),
        ({"bands": "red", "method": "percentile"}, ParameterError, "q from 0 to 100"),
        ({"bands": "red", "q": 50.0}, ParameterError, "no other method"),
        ({"bands": "red", "method": "percentile", "q": 101.0}, ParameterError, "0 to 100"),
        ({"bands": "scl"}, BandError, "holds classes"),
        ({"bands": "red", "mask": {"cloudy": [1]}}, BandError, "cloudy"),
        ({"bands": "red", "mask": {"scl": ["clouds"]}}, ParameterError, "did you mean 'cloud'"),
        ({"bands": "red", "mask": lambda array: array}, ParameterTypeError, "stack"),
        ({"bands": "red", "dilation": -1}, ParameterError, "0 or more"),
        ({"bands": "red", "dilation": 1.5}, ParameterTypeError, "whole number"),
    ],
)
def test_bad_arguments_are_refused_at_the_call(
    images: dl.ImageCollection, arguments: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        images.composite(geocontext=AREA, **arguments)


def test_no_images_no_composite() -> None:
    with pytest.raises(EmptyCollectionError):
        dl.ImageCollection([]).composite("red", geocontext=AREA)
