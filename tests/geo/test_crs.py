from __future__ import annotations

import threading

import numpy as np
import pyproj
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st

from dawnlight.errors import CRSError
from dawnlight.geo import normalize_crs, same_crs, spell_crs
from dawnlight.geo._crs import is_geographic, is_wgs84, meters_per_unit, transformer

MODIS = "+proj=sinu +lon_0=0 +x_0=0 +y_0=0 +R=6371007.181 +units=m +no_defs"
LAEA = "+proj=laea +lat_0=52 +lon_0=10 +x_0=4321000 +y_0=3210000 +ellps=GRS80 +units=m"

SPELLINGS = {
    "code": ("EPSG:32615", "EPSG:32615"),
    "lower case": ("epsg:32615", "EPSG:32615"),
    "blanks": (" EPSG:32615 ", "EPSG:32615"),
    "int": (32615, "EPSG:32615"),
    "numpy int": (np.int64(32615), "EPSG:32615"),
    "digits": ("32615", "EPSG:32615"),
    "urn": ("urn:ogc:def:crs:EPSG::32615", "EPSG:32615"),
    "url": ("http://www.opengis.net/def/crs/EPSG/0/32615", "EPSG:32615"),
    "init": ("+init=epsg:32615", "EPSG:32615"),
    "proj without plus": ("proj=utm zone=15 datum=WGS84", "EPSG:32615"),
    "proj": ("+proj=utm +zone=15 +datum=WGS84 +units=m +no_defs ", "EPSG:32615"),
    "lonlat": ("+proj=longlat +datum=WGS84 +no_defs", "EPSG:4326"),
    "crs84": ("OGC:CRS84", "EPSG:4326"),
    "crs83": ("OGC:CRS83", "EPSG:4269"),
    "esri": ("ESRI:54009", "ESRI:54009"),
    "ign": ("IGNF:ETRS89LAEA", "IGNF:ETRS89LAEA"),
    "compound": ("EPSG:4326+5773", "EPSG:9707"),
    "wkt1": (pyproj.CRS(32615).to_wkt("WKT1_GDAL"), "EPSG:32615"),
    "wkt1 esri": (pyproj.CRS(32615).to_wkt("WKT1_ESRI"), "EPSG:32615"),
    "wkt2 2015": (pyproj.CRS(3035).to_wkt("WKT2_2015"), "EPSG:3035"),
    "wkt2": (pyproj.CRS(4326).to_wkt(), "EPSG:4326"),
    "projjson": (pyproj.CRS(3857).to_json(), "EPSG:3857"),
    "projjson mapping": (pyproj.CRS(3857).to_json_dict(), "EPSG:3857"),
    "pyproj": (pyproj.CRS(3413), "EPSG:3413"),
    "rasterio": (rasterio.CRS.from_epsg(32633), "EPSG:32633"),
    "rasterio, north before east": (rasterio.CRS.from_epsg(3035), "EPSG:3035"),
    "rasterio esri": (rasterio.CRS.from_string("ESRI:54009"), "ESRI:54009"),
}


@pytest.mark.parametrize(("value", "code"), SPELLINGS.values(), ids=SPELLINGS)
def test_reads_every_usual_spelling(value: object, code: str) -> None:
    assert spell_crs(value) == code


CUSTOM = {
    "modis sinusoidal": MODIS,
    "laea like 3035": LAEA,
    "laea wkt": pyproj.CRS(LAEA).to_wkt(),
    "rasterio": rasterio.CRS.from_string(MODIS),
    "bound": "+proj=utm +zone=32 +ellps=bessel +towgs84=1,2,3 +units=m",
    "rotated pole": "+proj=ob_tran +o_proj=longlat +o_lat_p=40 +o_lon_p=0 +lon_0=10",
}


@pytest.mark.parametrize("value", CUSTOM.values(), ids=CUSTOM)
def test_a_custom_system_stays_wkt2(value: object) -> None:
    spelling = spell_crs(value)
    assert spelling.startswith(("PROJCRS[", "BOUNDCRS[", "GEOGCRS["))
    assert pyproj.CRS(spelling) == normalize_crs(value)


@pytest.mark.parametrize("value", [*(value for value, _ in SPELLINGS.values()), *CUSTOM.values()])
def test_a_spelling_is_its_own_spelling(value: object) -> None:
    spelling = spell_crs(value)
    assert spell_crs(spelling) == spelling
    assert normalize_crs(spelling) is normalize_crs(value)


BAD = {
    "empty": "",
    "blank": " ",
    "word": "foo",
    "word before proj": "foo proj=utm zone=15",
    "bracket after a word": "foo[",
    "name": "WGS 84 / UTM zone 15N",
    "unknown code": "EPSG:999999",
    "unknown authority": "NOPE:4326",
    "negative": -5,
    "zero": 0,
    "huge": 2**70,
    "float": 4326.0,
    "bool": True,
    "none": None,
    "bytes": b"EPSG:4326",
    "list": ["EPSG:4326"],
    "nul": "EPSG:4326\0",
    "unclosed wkt": "PROJCS[",
    "wkt of something else": 'SPHEROID["x",1,2]',
    "unknown projection": "+proj=foo",
    "incomplete": "+proj=utm",
    "json": "{}",
    "json of another kind": '{"type": "x"}',
    "broken json": "{",
    "mapping": {"type": object()},
    "vertical": "EPSG:5773",
    "geocentric": "EPSG:4978",
    "local": 'LOCAL_CS["here",UNIT["metre",1]]',
    "path": "/etc/passwd",
    "grid file": "+proj=longlat +ellps=GRS80 +nadgrids=/etc/passwd",
    "init file": "+init=/etc/passwd:4326",
    "init file in a pipeline": "+proj=pipeline +step +init=./x:1",
    "long": "+proj=utm +zone=15 " * 10_000,
    "brackets": "GEOGCS[" * 5_000,
    "empty rasterio": rasterio.CRS(),
}


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
def test_refuses_with_the_value_and_a_way_out(value: object) -> None:
    with pytest.raises(CRSError) as caught:
        normalize_crs(value)
    message = str(caught.value)
    assert message.startswith("crs=")
    assert len(message) < 400


def test_the_message_says_what_is_allowed() -> None:
    with pytest.raises(CRSError, match=r"authority code.*WKT.*PROJ"):
        normalize_crs("nonsense")


@given(st.one_of(st.text(max_size=60), st.integers(), st.floats(), st.binary(max_size=9)))
def test_any_value_is_read_or_refused(value: object) -> None:
    try:
        crs = normalize_crs(value)
    except CRSError:
        return
    assert crs.is_geographic or crs.is_projected


def test_repeated_calls_return_one_object() -> None:
    assert normalize_crs("EPSG:32615") is normalize_crs(pyproj.CRS(32615).to_wkt())


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("EPSG:4326", "OGC:CRS84", True),
        ("EPSG:32615", pyproj.CRS(32615).to_wkt("WKT1_GDAL"), True),
        ("EPSG:32615", "EPSG:32616", False),
        ("EPSG:4326", "EPSG:4269", False),
        ("EPSG:3035", "IGNF:ETRS89LAEA", False),
        (MODIS, "+proj=sinu +R=6371007.181", True),
        (MODIS, "+proj=sinu +R=6371000", False),
    ],
)
def test_same_crs(a: str, b: str, same: bool) -> None:
    assert same_crs(a, b) is same
    assert same_crs(b, a) is same


@pytest.mark.parametrize(
    ("crs", "geographic", "wgs84"),
    [
        ("EPSG:4326", True, True),
        (pyproj.CRS(4326).to_wkt("WKT1_GDAL"), True, True),
        (pyproj.CRS(4326).to_wkt(), True, True),
        ("EPSG:4269", True, False),
        (pyproj.CRS(4269).to_wkt(), True, False),
        ("EPSG:9707", True, False),
        ("EPSG:3857", False, False),
    ],
)
def test_kinds(crs: str, geographic: bool, wgs84: bool) -> None:
    assert is_geographic(crs) is geographic
    assert is_wgs84(crs) is wgs84


def test_meters_per_unit() -> None:
    assert meters_per_unit("EPSG:32615") == 1
    assert meters_per_unit("EPSG:2263") == pytest.approx(0.3048006096)
    assert meters_per_unit("EPSG:4326") == pytest.approx(111319.49079)
    assert meters_per_unit(CUSTOM["bound"]) == 1


def test_transformers_belong_to_their_thread() -> None:
    mine = transformer("EPSG:4326", "EPSG:32615")
    assert transformer(4326, pyproj.CRS(32615)) is mine
    assert transformer(4326, 32615, over=True) is not mine
    others: list[pyproj.Transformer] = []
    thread = threading.Thread(target=lambda: others.append(transformer(4326, 32615)))
    thread.start()
    thread.join()
    assert others[0] is not mine


def test_the_transformers_kept_are_bounded() -> None:
    from dawnlight.geo._crs import _TRANSFORMERS_PER_THREAD, _transformers

    first = transformer(4326, 32601)
    for zone in range(1, 61):
        transformer(4326, 32600 + zone)
        transformer(32600 + zone, 4326)
    assert len(_transformers.cache) == _TRANSFORMERS_PER_THREAD
    assert transformer(4326, 32601) is not first


def test_x_comes_before_y() -> None:
    lon, lat = transformer("EPSG:32615", "EPSG:4326").transform(500000, 4e6)
    assert (round(lon), round(lat)) == (-93, 36)
