from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox as OdcGeoBox

import dawnlight.common
import dawnlight.geo
from dawnlight.errors import GeometryError, GridError, ParameterTypeError
from dawnlight.geo import AOI, DLTile, GeoBox, XYZTile, normalize_context

BOX = shapely.box(10, 20, 30, 40)


@pytest.mark.parametrize("context", [AOI(), DLTile.from_key("256:0:75.0:15:-5:230"), XYZTile(0, 0, 0)])
def test_a_context_is_returned_as_it_is(context: Any) -> None:
    assert normalize_context(context) is context


@pytest.mark.parametrize(
    "transform",
    [
        Affine(10, 0, 5e5, 0, -10, 4e6),
        Affine(1 / 3, 0, 0.1, 0, -1 / 3, 7.7),
        Affine(10, 0, 5e5, 0, 10, 4e6),
        Affine(8, 6, 5e5, 6, -8, 4e6),
    ],
)
def test_odc_grids_are_kept_exactly(transform: Affine) -> None:
    odc = OdcGeoBox((30, 40), transform, "EPSG:32615")
    context = normalize_context(odc)  # type: ignore[arg-type]
    assert isinstance(context, AOI)
    assert context.geobox.to_odc() == odc
    assert normalize_context(context.geobox) == context


def test_odc_without_a_crs() -> None:
    with pytest.raises(GridError):
        normalize_context(OdcGeoBox((3, 4), Affine.identity(), None))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value",
    [
        BOX,
        shapely.geometry.mapping(BOX),
        {"type": "Feature", "geometry": shapely.geometry.mapping(BOX)},
        geopandas.GeoSeries([BOX], crs=4326),
        geopandas.GeoDataFrame(geometry=[BOX], crs=4326),
    ],
)
def test_geometries_become_a_cutline(value: Any) -> None:
    context = normalize_context(value)
    assert context.geometry is not None
    assert shapely.union_all([context.geometry]).equals(BOX)
    assert context == AOI(geometry=value)


@pytest.mark.parametrize("value", [(10, 20, 30, 40), [10, 20, 30, 40], np.array([10, 20, 30, 40])])
def test_bounds_are_no_cutline(value: Any) -> None:
    assert normalize_context(value) == AOI(bounds=(10, 20, 30, 40))


def test_bounds_across_the_antimeridian() -> None:
    assert normalize_context((170, -10, -170, 10)) == AOI(bounds=(170, -10, 190, 10))


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("EPSG:4326", ParameterTypeError),
        (5, ParameterTypeError),
        (None, ParameterTypeError),
        ((1, 2, 3), ParameterTypeError),
        ((0, 0, 1, 95), GeometryError),
        ({}, GeometryError),
        (GeoBox((0, 1), Affine.identity(), dawnlight.geo.normalize_crs(4326)), GridError),
    ],
)
def test_refuses(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        normalize_context(value)


def test_everything_public_exists() -> None:
    for name in dawnlight.geo.__all__:
        assert getattr(dawnlight.geo, name).__doc__


def test_the_seed_name_of_the_contexts() -> None:
    for name in dawnlight.common.geo.__all__:
        assert getattr(dawnlight.common.geo, name) is getattr(dawnlight.geo, name)


def test_importing_it_is_light() -> None:
    # The parent package is replaced, since it may load more than this layer does.
    code = f"""
        import sys, types
        parent = types.ModuleType("dawnlight")
        parent.__path__ = [{str(dawnlight.__path__[0])!r}]
        sys.modules["dawnlight"] = parent
        from dawnlight.geo import DLTile
        DLTile.from_latlon(45, 60, 15.0, 1024, 16).geobox.footprint()
        heavy = {{"rasterio", "xarray", "dask", "pandas", "geopandas", "odc", "matplotlib", "scipy", "numba"}}
        print(sorted(heavy & set(sys.modules)))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
