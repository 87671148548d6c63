from __future__ import annotations

import json
import warnings
from typing import Any

import geopandas
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from dawnlight.errors import InvalidShapeError
from dawnlight.geo import AOI, DLTile
from dawnlight.geo._dltile_cover import estimate_tiles

SAN_FRANCISCO = shapely.Polygon(
    [
        (-122.51140471760839, 37.77130087547876),
        (-122.45475646845254, 37.77475476721895),
        (-122.45303985468301, 37.76657207194229),
        (-122.51057242081689, 37.763446782666094),
    ]
)
WISCONSIN = shapely.Polygon(
    [
        (-90.1897158, 44.2267595),
        (-87.9570052, 43.8067829),
        (-88.5766841, 42.1269533),
        (-90.7457357, 42.5435965),
    ]
)
MISSOURI = shapely.box(-94.2, 39.9, -93.6, 40.3)


def keys(shape: Any, resolution: float, tilesize: int, pad: int = 0) -> list[str]:
    return list(DLTile.from_shape(shape, resolution, tilesize, pad, keys_only=True))


@pytest.mark.parametrize(
    ("shape", "grid", "count", "first"),
    [
        (SAN_FRANCISCO, (1, 500, 0), 31, "500:0:1.0:10:94:8359"),
        (SAN_FRANCISCO, (1, 128, 8), 325, None),
        (WISCONSIN, (10, 2048, 16), 116, None),
        (MISSOURI, (75, 256, 0), 12, None),
        (shapely.box(-1, 0, 1, 1), (1000, 100, 0), 12, None),
    ],
    ids=["31", "325", "116", "12", "two zones"],
)
def test_counts_of_the_contract(
    shape: shapely.Polygon, grid: tuple[Any, ...], count: int, first: str | None
) -> None:
    found = keys(shape, *grid)
    assert len(found) == len(set(found)) == count
    if first is not None:
        assert found[0] == first


def test_the_twelve() -> None:
    assert set(keys(MISSOURI, 75, 256)) == {
        f"256:0:75.0:15:{ti}:{tj}" for ti in range(-6, -2) for tj in range(230, 233)
    }
    assert set(keys(shapely.box(-1, 0, 1, 1), 1000, 100)) == {
        f"100:0:1000.0:{zone}:{ti}:{tj}"
        for zone, ti in ((30, 2), (30, 3), (31, -4), (31, -3))
        for tj in (-1, 0, 1)
    }


def test_order_is_south_to_north_and_east_to_west() -> None:
    found = [DLTile.from_key(key) for key in keys(shapely.box(-1, 0, 1, 1), 1000, 100)]
    assert found == sorted(found, key=lambda tile: (tile.zone, tile.tj, -tile.ti))


def test_tiles_keys_and_iterators_agree() -> None:
    tiles = DLTile.from_shape(MISSOURI, 75, 256, 2, all_touched=True)
    assert all(isinstance(tile, DLTile) and tile.all_touched for tile in tiles)
    assert [tile.key for tile in tiles] == keys(MISSOURI, 75, 256, 2)
    assert list(DLTile.iter_from_shape(MISSOURI, 75, 256, 2, all_touched=True)) == tiles
    assert list(DLTile.iter_from_shape(MISSOURI, 75, 256, 2, keys_only=True)) == keys(MISSOURI, 75, 256, 2)


@settings(max_examples=40)
@given(
    st.floats(-179, 178),
    st.floats(-79, 78),
    st.floats(0.05, 1.0),
    st.floats(0.05, 1.0),
    st.sampled_from([5, 20, 60]),
)
def test_a_tile_counts_if_and_only_if_it_touches(
    lon: float, lat: float, width: float, height: float, km: int
) -> None:
    shape = shapely.Polygon([(lon, lat), (lon + width, lat + height / 3), (lon + width / 2, lat + height)])
    found = DLTile.from_shape(shape, 100, km * 10, 0)
    zones = {tile.zone for tile in found}
    for zone in zones:
        strip = shapely.intersection(shape, shapely.box(6 * zone - 186, -90, 6 * zone - 180, 90))
        flat = pyproj.Transformer.from_crs(4326, 32600 + zone, always_xy=True)
        x, y = flat.transform(*shapely.get_coordinates(shapely.segmentize(strip, 0.01)).T)
        side = km * 1000.0
        some = DLTile.from_key(f"{km * 10}:0:100.0:{zone}:0:0")
        expected = set()
        for ti in range(int((min(x) - 5e5) // side) - 1, int((max(x) - 5e5) // side) + 2):
            for tj in range(int(min(y) // side) - 1, int(max(y) // side) + 2):
                tile = DLTile.from_key(some.key.replace(":0:0", f":{ti}:{tj}"))
                if tile.geometry.distance(strip) < 1e-9:
                    expected.add(tile)
        assert {tile for tile in found if tile.zone == zone} == expected


def test_concave_shapes_and_holes_are_not_filled() -> None:
    frame = shapely.box(-94, 39, -92, 41).difference(shapely.box(-93.8, 39.2, -92.2, 40.8))
    solid, hollow = keys(frame.convex_hull, 10, 256), keys(frame, 10, 256)
    assert len(hollow) < len(solid) / 2
    assert set(hollow) < set(solid)


def test_pad_does_not_make_more_tiles() -> None:
    assert len(keys(MISSOURI, 75, 256, 64)) == 12


def test_across_the_antimeridian() -> None:
    beyond = keys(shapely.box(179, -1, 181, 1), 100, 512)
    split = keys(
        shapely.MultiPolygon([shapely.box(179, -1, 180, 1), shapely.box(-180, -1, -179, 1)]), 100, 512
    )
    assert beyond == split
    assert {DLTile.from_key(key).zone for key in beyond} == {1, 60}


def test_the_whole_world_with_its_poles() -> None:
    tiles = DLTile.from_shape(shapely.box(-180, -90, 180, 90), 10000, 100, 0)
    assert {tile.zone for tile in tiles} == set(range(1, 61))
    assert DLTile.from_latlon(90, 3, 10000, 100, 0) in tiles
    assert DLTile.from_latlon(-90, 3, 10000, 100, 0) in tiles


def test_zones_that_are_only_touched_have_no_tiles() -> None:
    assert {DLTile.from_key(key).zone for key in keys(shapely.box(0, 0, 6, 1), 1000, 100)} == {31}


FEATURE = {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(MISSOURI)}
SPELLINGS = {
    "geojson": shapely.geometry.mapping(MISSOURI),
    "feature": FEATURE,
    "features": {"type": "FeatureCollection", "features": [FEATURE, FEATURE]},
    "json": json.dumps(FEATURE),
    "list": [MISSOURI, FEATURE, json.dumps(FEATURE)],
    "multi": shapely.MultiPolygon([MISSOURI]),
    "aoi": AOI(geometry=MISSOURI),
    "geopandas": geopandas.GeoSeries([MISSOURI], crs=4326),
    "geopandas in metres": geopandas.GeoSeries([MISSOURI.buffer(-0.001)], crs=4326).to_crs(32615),
    "bounds": MISSOURI.bounds,
    "overlapping": [MISSOURI, shapely.box(-94, 40, -93.6, 40.3)],
}


@pytest.mark.parametrize("shape", SPELLINGS.values(), ids=SPELLINGS)
def test_shapes_in_any_spelling(shape: Any) -> None:
    assert keys(shape, 75, 256) == keys(MISSOURI, 75, 256)


BAD = {
    "point": shapely.Point(0, 0),
    "line": shapely.LineString([(0, 0), (1, 1)]),
    "collection": shapely.GeometryCollection([MISSOURI]),
    "empty": shapely.Polygon(),
    "no features": {"type": "FeatureCollection", "features": []},
    "odd features": {"type": "FeatureCollection", "features": 5},
    "latitude": shapely.box(0, 0, 1, 91),
    "longitude": shapely.box(0, 0, 400, 1),
    "text": "POLYGON ((0 0, 1 1, 1 0, 0 0))",
    "json number": "5",
    "number": 5,
    "none": None,
    "context of nowhere": AOI(),
    "empty list": [],
    "invalid geojson": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]},
    "nested lists": [[[[[[[[[[MISSOURI]]]]]]]]]],
}


@pytest.mark.parametrize("shape", BAD.values(), ids=BAD)
def test_shapes_that_cannot_be_tiled(shape: Any) -> None:
    with pytest.raises(InvalidShapeError):
        DLTile.from_shape(shape, 75, 256, 0)
    with pytest.raises(InvalidShapeError):
        DLTile.iter_from_shape(shape, 75, 256, 0)


def test_the_estimate_of_the_contract() -> None:
    assert estimate_tiles([MISSOURI], 75 * 256) == 6


def test_many_tiles_warn_once_in_lists_and_never_in_iterators() -> None:
    country = shapely.box(-104, 40, -97, 43)
    with pytest.warns(UserWarning, match=r"about \d+ tiles.*iter_from_shape") as caught:
        DLTile.from_shape(country, 1, 1500, 0, keys_only=True)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        next(DLTile.iter_from_shape(country, 1, 1500, 0))


def test_an_iterator_of_a_continent_starts_at_once() -> None:
    tiles = DLTile.iter_from_shape(shapely.box(-120, 10, -60, 60), 1, 256, 0)
    assert isinstance(next(tiles), DLTile)
