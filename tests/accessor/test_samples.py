from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
import xarray as xr

from dawnlight.catalog import ImageCollection
from dawnlight.errors import GeometryError, ParameterError
from dawnlight.geo import reproject_geometry

RNG = np.random.default_rng(1)
XY = np.column_stack([RNG.uniform(600000, 600640, 40), RNG.uniform(5000000, 5000480, 40)])
POINTS = [shapely.Point(*pair) for pair in XY]
OUTSIDE = shapely.Point(599999, 5000100)


def test_values_are_those_that_rasterio_samples(stack: xr.DataArray, files: Any) -> None:
    found = stack.sel(band="red").dl.sample([*POINTS, OUTSIDE], crs="EPSG:32631")
    assert found.dims == ("time", "point")
    for date, (path, _) in enumerate(files):
        with rasterio.open(path) as file:
            expected = np.array([value[1] for value in file.sample(XY)], dtype=float)
        expected[expected == 0] = np.nan
        np.testing.assert_array_equal(found[date, :-1], expected)
    assert np.isnan(found[:, -1]).all()
    assert found.dl.ndarray().dtype == np.uint16
    assert found.x.values[0] == 600005 + 10 * ((XY[0, 0] - 600000) // 10)


def test_bilinear_is_interpolation(stack: xr.DataArray) -> None:
    clear = stack.isel(time=1).sel(band="nir")
    found = clear.dl.sample(POINTS, crs="EPSG:32631", method="bilinear")
    x, y = xr.DataArray(XY[:, 0], dims="point"), xr.DataArray(XY[:, 1], dims="point")
    expected = clear.interp(x=x, y=y)
    inner = np.isfinite(expected.values)
    assert inner.sum() > 30
    np.testing.assert_allclose(found.values[inner], expected.values[inner], rtol=1e-4)
    assert np.isfinite(found).all()  # up to the rim


def test_classes_are_not_blended(stack: xr.DataArray) -> None:
    near = stack.dl.sample(POINTS, crs="EPSG:32631")
    blended = stack.dl.sample(POINTS, crs="EPSG:32631", method="bilinear")
    np.testing.assert_array_equal(blended.sel(band="scl"), near.sel(band="scl"))
    assert not np.array_equal(blended.sel(band="red"), near.sel(band="red"), equal_nan=True)
    single = stack.sel(band="scl").dl.sample(POINTS, crs="EPSG:32631", method="bilinear")
    np.testing.assert_array_equal(single, near.sel(band="scl"))


def lonlat(number: int) -> tuple[float, float]:
    point = reproject_geometry(POINTS[number], "EPSG:32631", "EPSG:4326")
    return point.x, point.y


def test_all_forms_of_points(loaded: xr.DataArray) -> None:
    geopandas = pytest.importorskip("geopandas")
    expected = loaded.dl.sample(POINTS[:2], crs="EPSG:32631")
    one, two = lonlat(0), lonlat(1)
    features = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "geometry": {"type": "Point", "coordinates": pair}, "properties": {}}
            for pair in (one, two)
        ],
    }
    table = geopandas.GeoDataFrame(geometry=POINTS[:2], crs="EPSG:32631", index=["a", "b"])
    for form in ([one, two], np.array([one, two]), features, shapely.MultiPoint([one, two]), table.geometry):
        np.testing.assert_array_equal(loaded.dl.sample(form), expected)
    named = loaded.dl.sample({"a": one, "b": shapely.Point(two)})
    np.testing.assert_array_equal(named, expected)
    assert named.point.values.tolist() == loaded.dl.sample(table).point.values.tolist() == ["a", "b"]
    np.testing.assert_array_equal(loaded.dl.sample(one), expected[..., :1])


def test_only_what_is_needed_is_read(images: ImageCollection) -> None:
    lazy = images.stack("red", chunks={"y": 16, "x": 16})
    seen: list[Any] = []
    reader = type(images)._reader if hasattr(type(images), "_reader") else None
    assert reader is None
    from dawnlight.raster._lazy import LazyRaster

    read = LazyRaster.read_into

    def watch(self: Any, out: Any, layer: int, bands: Any, window: Any) -> None:
        seen.append(window.size)
        read(self, out, layer, bands, window)

    found = lazy.dl.sample(POINTS[:3], crs="EPSG:32631")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LazyRaster, "read_into", watch)
        found.compute(scheduler="sync")
    assert len(seen) == 9
    assert max(seen) == 1


def test_nothing_is_computed(lazy: xr.DataArray, nothing_computed: Callable[[], Any]) -> None:
    with nothing_computed():
        for method in ("near", "bilinear"):
            assert lazy.dl.sample(POINTS, crs="EPSG:32631", method=method).chunks is not None


def test_datasets(stack: xr.DataArray) -> None:
    found = stack.dl.to_dataset().dl.sample(POINTS, crs="EPSG:32631")
    np.testing.assert_array_equal(found.nir, stack.sel(band="nir").dl.sample(POINTS, crs="EPSG:32631"))


def test_what_is_no_point_is_refused(loaded: xr.DataArray) -> None:
    with pytest.raises(GeometryError, match=r"points\['a'\] must be a Point"):
        loaded.dl.sample({"a": shapely.box(0, 0, 1, 1)})
    with pytest.raises(GeometryError, match="GeoDataFrame"):
        loaded.dl.sample(5)
    with pytest.raises(GeometryError, match="empty"):
        loaded.dl.sample([shapely.Point()])
    with pytest.raises(ParameterError, match="'near', 'bilinear'"):
        loaded.dl.sample(POINTS, method="cubic")
