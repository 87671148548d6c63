from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import shapely
import xarray as xr

from dawnlight.errors import GeometryError, MissingExtraError, ParameterError
from dawnlight.geo import GeoBox, reproject_geometry

exactextract = pytest.importorskip("exactextract")

GRID = GeoBox.from_geotrans((600000, 10, 0, 5000480, 0, -10), (48, 64), "EPSG:32631")
ZONES = {
    "circle": shapely.Point(600300, 5000250).buffer(97),
    "sliver": shapely.Polygon([(600003, 5000003), (600630, 5000470), (600633, 5000450)]),
    "within one pixel": shapely.box(600302, 5000302, 600304, 5000305),
    "at the rim": shapely.Point(600640, 5000480).buffer(55),
    "two parts": shapely.MultiPolygon(
        [shapely.box(600012, 5000008, 600055, 5000055), shapely.box(600505, 5000101, 600577, 5000155)]
    ),
}
NAMES = {
    "count": "count",
    "sum": "sum",
    "mean": "mean",
    "min": "min",
    "max": "max",
    "variance": "variance",
    "stdev": "stdev",
    "median": "median",
    "mode": "mode",
    "variety": "variety",
}


def expected(values: np.ndarray[Any, Any]) -> list[dict[str, Any]]:
    from exactextract.raster import NumPyRasterSource

    raster = NumPyRasterSource(values, *GRID.bounds, nodata=np.nan)
    features = [
        {"type": "Feature", "geometry": shapely.geometry.mapping(zone), "properties": {}}
        for zone in ZONES.values()
    ]
    return [
        found["properties"] for found in exactextract.exact_extract(raster, features, list(NAMES.values()))
    ]


@pytest.mark.parametrize("band", ["red", "scl"])
def test_statistics_are_those_of_exactextract(stack: xr.DataArray, band: str) -> None:
    found = stack.sel(band=band).dl.zonal(ZONES, list(NAMES), crs="EPSG:32631").compute()
    assert set(found.sizes) == {"zone", "time"}
    assert found.zone.values.tolist() == list(ZONES)
    for date in range(3):
        for number, record in enumerate(expected(stack.sel(band=band).isel(time=date).values)):
            for ours, theirs in NAMES.items():
                value = float(found[ours].isel(zone=number, time=date))
                want = np.nan if record[theirs] is None else float(record[theirs])
                assert value == pytest.approx(want, rel=1e-5, nan_ok=True), (ours, number, date)


def test_the_mean_is_weighted_by_true_area(loaded: xr.DataArray) -> None:
    values = loaded.isel(time=1).sel(band="nir").values
    cells = np.array(
        [
            [
                shapely.area(
                    shapely.intersection(
                        ZONES["circle"],
                        shapely.box(600000 + 10 * x, 5000470 - 10 * y, 600010 + 10 * x, 5000480 - 10 * y),
                    )
                )
                for x in range(64)
            ]
            for y in range(48)
        ]
    )
    found = loaded.isel(time=1).sel(band="nir").dl.zonal(ZONES["circle"], crs="EPSG:32631")
    assert float(found[0]) == pytest.approx((values * cells).sum() / cells.sum(), rel=1e-6)


def test_one_statistic_is_an_array(stack: xr.DataArray) -> None:
    lonlat = {name: reproject_geometry(zone, "EPSG:32631", "EPSG:4326") for name, zone in ZONES.items()}
    found = stack.dl.zonal(lonlat)
    assert isinstance(found, xr.DataArray)
    assert (found.name, found.dims) == ("mean", ("zone", "time", "band"))
    metres = stack.dl.zonal(ZONES, crs="EPSG:32631")
    np.testing.assert_allclose(found, metres, rtol=1e-3)


def test_zones_without_pixels_are_missing(stack: xr.DataArray) -> None:
    away = shapely.box(100, 100, 110, 110)
    found = stack.dl.zonal([away], ["count", "mean", "median", "min"], crs="EPSG:32631")
    assert (found["count"] == 0).all()
    for name in ("mean", "median", "min"):
        assert found[name].isnull().all()


def test_south_up_arrays(loaded: xr.DataArray) -> None:
    turned = loaded.isel(y=slice(None, None, -1))
    xr.testing.assert_allclose(
        turned.dl.zonal(ZONES, crs="EPSG:32631"), loaded.dl.zonal(ZONES, crs="EPSG:32631")
    )


def test_nothing_is_computed(lazy: xr.DataArray, nothing_computed: Callable[[], Any]) -> None:
    with nothing_computed():
        found = lazy.dl.zonal(ZONES, ["mean", "median", "stdev"], crs="EPSG:32631")
        _ = lazy.dl.to_dataset().dl.zonal(ZONES, crs="EPSG:32631")
    assert all(variable.chunks is not None for variable in found.values())


def test_tables_bring_their_own_system(loaded: xr.DataArray) -> None:
    geopandas = pytest.importorskip("geopandas")
    table = geopandas.GeoDataFrame(
        geometry=list(ZONES.values()), crs="EPSG:32631", index=[7, 5, 3, 2, 1]
    ).to_crs(4326)
    found = loaded.dl.zonal(table, "max")
    assert found.zone.values.tolist() == [7, 5, 3, 2, 1]
    np.testing.assert_allclose(found[0], loaded.dl.zonal(ZONES, "max", crs="EPSG:32631")[0])


def test_what_cannot_be_used_is_named(loaded: xr.DataArray) -> None:
    with pytest.raises(ParameterError, match="'count', 'sum'"):
        loaded.dl.zonal(ZONES, "average")
    with pytest.raises(GeometryError, match="Polygon or MultiPolygon"):
        loaded.dl.zonal([shapely.Point(1, 1)])
    with pytest.raises(ParameterError, match="empty"):
        loaded.dl.zonal([])


def test_a_missing_library_says_how_to_install_it(
    loaded: xr.DataArray, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "exactextract":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match=r"pip install 'dawnlight\[zonal\]'"):
        loaded.dl.zonal(ZONES)
