from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from dawnlight.errors import (
    InvalidLatLonError,
    InvalidRowColError,
    InvalidTileError,
    ParameterError,
    ParameterTypeError,
)
from dawnlight.geo import DLTile, GeoBox, split_antimeridian

KEY = "256:0:75.0:15:-5:230"

# (lat, lon, resolution, tilesize, pad), key, bounds where the contract states them
POINTS: list[tuple[tuple[float, float, float, int, int], str, tuple[float, ...] | None]] = [
    ((35.691, -105.944, 10, 512, 0), "512:0:10.0:13:-17:771", (412960, 3947520, 418080, 3952640)),
    ((30.0131, 31.2089, 10, 2, 49), "2:49:10.0:36:-8637:166079", None),
    ((41.5, -93.5, 75, 256, 0), "256:0:75.0:15:-3:239", (442400, 4588800, 461600, 4608000)),
    ((-33.9, 151.2, 10, 512, 16), "512:16:10.0:56:-33:-733", (330880, -3753120, 336320, -3747680)),
    ((60, 5, 1.5, 1000, 0), "1000:0:1.5:31:74:4435", None),
    ((0, -180, 960, 128, 16), "128:16:960.0:01:-3:0", (116000, -15360, 269600, 138240)),
]


@pytest.mark.parametrize(("arguments", "key", "bounds"), POINTS, ids=[key for _, key, _ in POINTS])
def test_from_latlon(arguments: Any, key: str, bounds: tuple[float, ...] | None) -> None:
    lat, lon, resolution, tilesize, pad = arguments
    tile = DLTile.from_latlon(lat, lon, resolution=resolution, tilesize=tilesize, pad=pad)
    assert tile.key == key
    assert tile == DLTile.from_key(key)
    if bounds is not None:
        assert tile.bounds == bounds


def test_the_southern_hemisphere_uses_the_northern_system() -> None:
    assert DLTile.from_latlon(-33.9, 151.2, 10, 512, 16).crs == "EPSG:32656"


def test_from_key() -> None:
    tile = DLTile.from_key("128:16:960.0:15:-1:37")
    assert tile.bounds == (361760, 4531200, 515360, 4684800)
    assert tile.geotrans == (361760, 960, 0, 4684800, 0, -960)
    assert tile.assign(8).bounds == (369440, 4538880, 507680, 4677120)
    assert (tile.tilesize, tile.pad, tile.resolution, tile.zone, tile.ti, tile.tj) == (
        128,
        16,
        960.0,
        15,
        -1,
        37,
    )
    assert tile.tile_extent == 160
    assert tile.shape == (160, 160)


def test_geometry_to_a_hundred_millionth_of_a_degree() -> None:
    tile = DLTile.from_key(KEY)
    assert tile.bounds == (404000, 4416000, 423200, 4435200)
    ring = shapely.get_coordinates(tile.geometry)
    assert ring[0] == pytest.approx((-94.12281762965068, 39.88863328309294), abs=1e-8)
    x, y = pyproj.Transformer.from_crs(32615, 4326, always_xy=True).transform(
        [404000, 423200, 423200, 404000, 404000], [4416000, 4416000, 4435200, 4435200, 4416000]
    )
    np.testing.assert_allclose(ring, np.column_stack([x, y]), rtol=0, atol=1e-12)
    assert tile.__geo_interface__ == shapely.geometry.mapping(tile.geometry)


def test_system() -> None:
    tile = DLTile.from_key("128:16:960.0:05:-1:37")
    assert tile.crs == tile.bounds_crs == "EPSG:32605"
    assert tile.proj4 == "+proj=utm +zone=5 +datum=WGS84 +units=m +no_defs "
    assert tile.wkt.startswith('PROJCS["WGS 84 / UTM zone 5N"')
    assert '"central_meridian",-153' in tile.wkt
    assert pyproj.CRS(tile.wkt) == pyproj.CRS(32605)


def test_the_grid() -> None:
    tile = DLTile.from_key("128:16:960.0:15:-1:37")
    assert tile.geobox == GeoBox.from_geotrans(tile.geotrans, (160, 160), "EPSG:32615")
    assert tile.geobox.bounds == tile.bounds
    assert tile.raster_params == {"dltile": tile.key, "align_pixels": False}
    assert tile.align_pixels is False


@pytest.mark.parametrize(
    ("lat", "lon"),
    [
        (91, 0),
        (-90.1, 0),
        (0, 180.1),
        (0, -181),
        (math.nan, 0),
        (0, math.inf),
        ("x", 0),
        ([1, 2], [3, 4]),
        (None, 0),
    ],
)
def test_points_off_the_earth(lat: Any, lon: Any) -> None:
    with pytest.raises(InvalidLatLonError):
        DLTile.from_latlon(lat, lon, 10, 512, 0)


@pytest.mark.parametrize("bad", [{"resolution": 0}, {"tilesize": 0}, {"pad": -1}, {"tilesize": "x"}])
def test_bad_grids(bad: dict[str, Any]) -> None:
    with pytest.raises(InvalidTileError):
        DLTile.from_latlon(**{"lat": 0, "lon": 0, "resolution": 10, "tilesize": 16, "pad": 0, **bad})
    with pytest.raises(ValueError, match=next(iter(bad))):
        DLTile.from_shape(
            **{"shape": shapely.box(0, 0, 1, 1), "resolution": 10, "tilesize": 16, "pad": 0, **bad}
        )


def test_the_last_meridian_belongs_to_the_last_zone() -> None:
    tile = DLTile.from_latlon(10, 180, 10, 512, 0)
    assert tile.zone == 60
    assert tile.geometry.covers(shapely.Point(180, 10))


def test_geometry_across_the_antimeridian() -> None:
    tile = DLTile.from_latlon(0.5, 180, 100, 512, 0)
    assert tile.geometry.bounds[2] > 180
    assert tile.geometry.geom_type == "Polygon"
    assert split_antimeridian(tile.geometry).geom_type == "MultiPolygon"


def test_geometry_at_a_pole() -> None:
    tile = DLTile.from_latlon(90, 0, 100, 512, 0)
    assert tile.geometry.is_valid
    assert tile.geometry.bounds[3] == 90
    assert tile.geometry.covers(shapely.Point(-100, 89.999))


@settings(max_examples=200)
@given(
    st.floats(-84, 84),
    st.floats(-180, 180),
    st.sampled_from([0.5, 1, 10, 30, 75, 960]),
    st.integers(1, 1024),
    st.integers(0, 64),
)
def test_a_tile_holds_its_point(lat: float, lon: float, resolution: float, tilesize: int, pad: int) -> None:
    tile = DLTile.from_latlon(lat, lon, resolution, tilesize, pad)
    x, y = pyproj.Transformer.from_crs(4326, tile.crs, always_xy=True).transform(lon, lat)
    west, south, east, north = tile.assign(pad=0).bounds
    assert west - 1e-6 <= x <= east + 1e-6
    assert south - 1e-6 <= y <= north + 1e-6
    (row,), (col,) = tile.latlon_to_rowcol(lat, lon)
    assert pad <= row <= pad + tilesize
    assert pad <= col <= pad + tilesize
    assert DLTile.from_key(tile.key) == tile


# -- parts -----------------------------------------------------------------------------------------------


def test_subtile() -> None:
    tile = DLTile.from_key(KEY, all_touched=True)
    parts = list(tile.subtile(2))
    assert [part.key for part in parts] == [
        "128:0:75.0:15:-10:461",
        "128:0:75.0:15:-9:461",
        "128:0:75.0:15:-10:460",
        "128:0:75.0:15:-9:460",
    ]
    assert all(part.all_touched for part in parts)
    assert [part.key for part in parts] == list(tile.subtile(2, keys_only=True))
    assert next(tile.subtile(2, resolution=150, pad=1)).key == "64:1:150.0:15:-10:461"
    assert next(tile.subtile(1)) == tile


@given(st.integers(1, 6), st.integers(1, 64), st.integers(0, 9), st.integers(-50, 50), st.integers(-50, 50))
def test_subtiles_fill_the_tile(n: int, size: int, pad: int, ti: int, tj: int) -> None:
    tile = DLTile.from_key(f"{n * size}:{pad}:10.0:15:{ti}:{tj}")
    parts = list(tile.subtile(n, pad=0))
    assert len(parts) == n * n
    whole = shapely.union_all([shapely.box(*part.bounds) for part in parts])
    assert whole.equals(shapely.box(*tile.assign(pad=0).bounds))
    assert sum(part.tile_extent**2 for part in parts) == (n * size) ** 2


@pytest.mark.parametrize(
    "arguments",
    [
        (3,),
        (0,),
        (-1,),
        (2.5,),
        ("2",),
        (None,),
        (True,),
        (2, 7.0),
        (2, -75),
        (2, "x"),
        (2, 75, -1),
        (2, 1e9),
    ],
)
def test_parts_that_do_not_fit(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(InvalidTileError):
        DLTile.from_key(KEY).subtile(*arguments)


# -- pixels ----------------------------------------------------------------------------------------------


def test_pixel_vectors() -> None:
    tile = DLTile.from_key("2048:0:30.0:15:3:80")
    (lat,), (lon,) = tile.rowcol_to_latlon(56, 1111)
    assert (lat, lon) == pytest.approx((44.894653081367544, -90.24334206726267), abs=1e-8)
    assert tile.latlon_to_rowcol(44.8, -90.2) == [(403,), (1237,)]


def test_pixels_are_tuples_of_plain_numbers() -> None:
    tile = DLTile.from_key(KEY)
    lats, lons = tile.rowcol_to_latlon([0, 1], [5, 6])
    assert isinstance(lats, tuple)
    assert [type(value) for value in (*lats, *lons)] == [float] * 4
    rows, _ = tile.latlon_to_rowcol(np.array(lats), list(lons))
    assert rows == (0, 1)
    assert type(rows[0]) is int


@pytest.mark.parametrize(
    "key", [KEY, "512:16:10.0:56:-33:-733", DLTile.from_latlon(89.9, 10, 100, 128, 3).key]
)
@settings(max_examples=30)
@given(data=st.data())
def test_pixels_round_trip(key: str, data: st.DataObject) -> None:
    tile = DLTile.from_key(key)
    pixels = data.draw(
        st.lists(st.tuples(st.integers(-50, 600), st.integers(-50, 600)), min_size=1, max_size=9)
    )
    rows, cols = zip(*pixels, strict=True)
    lats, lons = tile.rowcol_to_latlon(rows, cols)
    assert tile.latlon_to_rowcol(lats, lons) == [rows, cols]


@pytest.mark.parametrize(
    ("row", "col"),
    [([1, 2], [1]), (1, [1]), ([1], 1), ("a", 1), (None, None), ([[1]], [[1]]), (math.nan, 1), ([], [1])],
)
def test_pixels_that_do_not_pair_up(row: Any, col: Any) -> None:
    tile = DLTile.from_key(KEY)
    with pytest.raises(InvalidRowColError):
        tile.rowcol_to_latlon(row, col)
    with pytest.raises(InvalidLatLonError):
        tile.latlon_to_rowcol(row, col)


def test_points_that_have_no_pixel() -> None:
    with pytest.raises(InvalidLatLonError, match="90"):
        DLTile.from_key(KEY).latlon_to_rowcol(91, 0)
    with pytest.raises(InvalidLatLonError, match="too far"):
        DLTile.from_key(KEY).latlon_to_rowcol(0, -3)


# -- assign and features ---------------------------------------------------------------------------------


def test_assign() -> None:
    tile = DLTile.from_key(KEY)
    assert tile.assign(pad=3).key == "256:3:75.0:15:-5:230"
    assert tile.assign(all_touched=True).all_touched
    assert tile.assign(all_touched=True).assign(pad=1).all_touched
    with pytest.raises(InvalidTileError):
        tile.assign(pad=-1)


@pytest.mark.parametrize("name", ["crs", "resolution", "bounds", "shape", "geometry"])
def test_the_grid_cannot_be_assigned(name: str) -> None:
    with pytest.raises(ParameterError, match=rf"does not support modifying {name}.*AOI\("):
        DLTile.from_key(KEY).assign(**{name: 10})


def test_unknown_keyword() -> None:
    with pytest.raises(ParameterTypeError, match="'size'"):
        DLTile.from_key(KEY).assign(size=10)


def feature(**changes: Any) -> dict[str, Any]:
    tile = DLTile.from_key(KEY)
    properties = {
        "key": KEY,
        "resolution": 75.0,
        "tilesize": 256,
        "pad": 0,
        "cs_code": "EPSG:32615",
        "outputBounds": list(tile.bounds),
        "zone": 15,
        "ti": -5,
        "tj": 230,
        **changes,
    }
    return {"type": "Feature", "geometry": tile.__geo_interface__, "properties": properties}


def test_from_a_feature() -> None:
    assert DLTile(feature()) == DLTile.from_key(KEY)
    assert DLTile(feature(key=None)) == DLTile.from_key(KEY)
    assert DLTile(feature(), all_touched=True).all_touched


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (feature(key="junk"), "junk"),
        (feature(key=None, zone=None), "neither 'key' nor 'zone'"),
        (feature(zone=16), "zone=16 contradicts"),
        ({"type": "Feature"}, "properties"),
        (KEY, "from_key"),
        (None, "properties"),
    ],
)
def test_features_that_are_no_tile(value: Any, message: str) -> None:
    with pytest.raises(InvalidTileError, match=message):
        DLTile(value)
