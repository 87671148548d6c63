from __future__ import annotations

from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
from odc.geo.geom import box as odc_box

from dawnlight.errors import GeometryError, NoFootprintError, ParameterTypeError
from dawnlight.geo import AOI, DLTile, GeoBox, XYZTile, normalize_geometry

BOX = shapely.box(10, 20, 30, 40)


class Described:
    def __init__(self, mapping: object) -> None:
        self.mapping = mapping

    @property
    def __geo_interface__(self) -> Any:
        if isinstance(self.mapping, Exception):
            raise self.mapping
        return self.mapping


SPELLINGS = {
    "shapely": BOX,
    "geojson": shapely.geometry.mapping(BOX),
    "feature": {"type": "Feature", "geometry": shapely.geometry.mapping(BOX), "properties": {}},
    "interface": Described(shapely.geometry.mapping(BOX)),
    "bounds": (10, 20, 30, 40),
    "bounds list": [10, 20, 30, 40],
    "bounds array": np.array([10, 20, 30, 40]),
    "aoi": AOI(geometry=BOX),
    "aoi of bounds": AOI(bounds=(10, 20, 30, 40)),
    "geobox": GeoBox.from_geotrans((10, 1, 0, 40, 0, -1), (20, 20), 4326),
    "odc geometry": odc_box(10, 20, 30, 40, "EPSG:4326"),
}


@pytest.mark.parametrize("value", SPELLINGS.values(), ids=SPELLINGS)
def test_reads_every_spelling(value: Any) -> None:
    assert normalize_geometry(value).equals(BOX)


def test_a_shapely_geometry_is_returned_as_it_is() -> None:
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    assert normalize_geometry(BOX) is BOX
    assert normalize_geometry(bow) is bow


def test_heights_are_dropped() -> None:
    geometry = normalize_geometry(shapely.Point(1, 2, 3))
    assert not geometry.has_z
    assert geometry == shapely.Point(1, 2)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32632", None])
def test_geopandas_in_any_system(crs: str | None) -> None:
    frame = geopandas.GeoDataFrame(geometry=[BOX, shapely.box(8, 45, 9, 46)], crs="EPSG:4326")
    if crs is None:
        frame = frame.set_crs(None, allow_override=True)
    elif crs != "EPSG:4326":
        frame = frame.to_crs(crs)
    geometry = normalize_geometry(frame)
    assert geometry.geom_type == "GeometryCollection"
    assert geometry.bounds == pytest.approx((8, 20, 30, 46), abs=2e-3)
    series = normalize_geometry(frame.geometry)
    assert series.bounds == pytest.approx(geometry.bounds)


def test_odc_geometry_in_another_system() -> None:
    geometry = normalize_geometry(odc_box(500000, 4e6, 600000, 4.1e6, "EPSG:32615"))
    assert geometry.bounds[0] == pytest.approx(-93)


def test_contexts_and_grids_of_other_systems() -> None:
    aoi = AOI(bounds=(500000, 4e6, 600000, 4.1e6), bounds_crs="EPSG:32615")
    assert normalize_geometry(aoi).bounds[0] == pytest.approx(-93)
    assert normalize_geometry(XYZTile(1, 1, 2)).bounds == pytest.approx((-90, 0, 0, 66.51326044311186))
    tile = DLTile.from_key("256:0:75.0:15:-5:230")
    assert normalize_geometry(tile) == tile.geometry
    with pytest.raises(NoFootprintError):
        normalize_geometry(AOI())


def test_bounds_across_the_antimeridian() -> None:
    assert normalize_geometry((170, -10, -170, 10)).equals(shapely.box(170, -10, 190, 10))


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (shapely.Point(0, 90.5), "latitude 90.5"),
        (shapely.Point(0, -91), "latitude -91"),
        (shapely.Point(361, 0), "longitude 361"),
        (shapely.box(500000, 4000000, 600000, 4100000), "latitude 4000000"),
        (shapely.Point(float("nan"), 0), "longitude nan"),
        (shapely.LineString([(0, 0), (0, float("inf"))]), "latitude inf"),
        ((0, 0, 10, 95), "latitude 95"),
    ],
)
def test_outside_the_world_names_the_coordinate(value: Any, place: str) -> None:
    with pytest.raises(GeometryError, match=place):
        normalize_geometry(value)


def test_one_turn_beyond_is_inside_the_world() -> None:
    assert normalize_geometry(shapely.box(-360, -90, 360, 90)).bounds == (-360, -90, 360, 90)


BAD: dict[str, tuple[Any, type[Exception], str]] = {
    "empty": (shapely.Polygon(), GeometryError, "is empty"),
    "empty collection": ({"type": "FeatureCollection", "features": []}, GeometryError, "is empty"),
    "wkt": ("POINT (1 2)", ParameterTypeError, "str is not understood"),
    "number": (5, ParameterTypeError, "int is not understood"),
    "none": (None, ParameterTypeError, "NoneType"),
    "three numbers": ((1, 2, 3), ParameterTypeError, "tuple"),
    "bounds of words": (("a", "b", "c", "d"), GeometryError, "four numbers"),
    "bounds of nan": ((0, 0, float("nan"), 1), GeometryError, "finite"),
    "bounds upside down": ((0, 5, 1, 4), GeometryError, "south < north"),
    "bounds of no extent": ((5, 0, 5, 1), GeometryError, "extent"),
    "flat polygon": (
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [2, 0], [0, 0]]]},
        GeometryError,
        "no extent",
    ),
    "broken interface": (Described(RuntimeError("no idea")), GeometryError, "no idea"),
    "odd interface": (Described("POINT"), ParameterTypeError, "Described"),
}


@pytest.mark.parametrize(("value", "error", "message"), BAD.values(), ids=BAD)
def test_refuses(value: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        normalize_geometry(value)
