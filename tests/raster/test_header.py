"""Headers as values: what travels with the work."""

import json
import math
import pickle

import pytest
from affine import Affine

from dawnlight.errors import ParameterError, RasterError, RasterNotFoundError, UnsupportedRasterError
from dawnlight.geo import GeoBox
from dawnlight.raster._header import BandHeader, FileHeader, FileRef
from dawnlight.raster._href import gdal_name, is_remote, normalize_href, read_fingerprint

BOX = GeoBox((40, 30), Affine(10, 0, 500000, 0, -10, 4600000), "EPSG:32615")


def make_header(**changes):
    header = FileHeader(
        href="/data/a.tif",
        driver="GTiff",
        size_bytes=1234,
        modified_ns=1_700_000_000_123_456_789,
        geobox=BOX,
        bands=(
            BandHeader(dtype="uint16", nodata=0.0, description="B04", color="red", scale=1e-4, offset=-0.1),
            BandHeader(dtype="uint16", mask="alpha", color="alpha", unit="%"),
        ),
        overviews=((20, 15), (10, 8)),
        block=(16, 16),
        tags={"AREA_OR_POINT": "Area"},
    )
    return header.patch(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"names": ("red", None)},
        {"size_bytes": None, "modified_ns": None, "overviews": (), "tags": {}, "notes": ("a note",)},
        {"geobox": GeoBox((4, 3), Affine(3, 4, 0, 4, -3, 0), "+proj=laea +lat_0=52 +lon_0=10 +datum=WGS84")},
        *(
            {"bands": (BandHeader(dtype="float32", nodata=value),), "names": ()}
            for value in (math.nan, math.inf)
        ),
        {"bands": (BandHeader(dtype="float64", nodata=-1.2676506002282294e30),), "names": ()},
    ],
    ids=["full", "names", "bare", "rotated, no code", "NaN", "infinity", "long float"],
)
def test_a_header_survives_json_and_pickle(changes):
    header = make_header(**changes)
    assert FileHeader.from_dict(json.loads(json.dumps(header.to_dict(), allow_nan=False))) == header
    assert pickle.loads(pickle.dumps(header)) == header


def test_names_default_to_the_order_of_the_bands():
    assert make_header().names == (None, None)
    with pytest.raises(ParameterError, match="1 names for 2 bands"):
        make_header(names=("red",))


def test_ref_is_what_a_task_needs():
    assert make_header().ref == FileRef(
        href="/data/a.tif", size_bytes=1234, modified_ns=1_700_000_000_123_456_789, shape=(40, 30)
    )


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"version": 2, "href": "/data/a.tif"}, "version 2"),
        ({"href": "/data/a.tif"}, "version None"),
        ({"version": 1, "href": "/data/a.tif"}, "incomplete: 'driver'"),
    ],
)
def test_a_record_that_is_no_header_is_named(record, message):
    with pytest.raises(ParameterError, match=message) as caught:
        FileHeader.from_dict(record)
    assert "/data/a.tif" in str(caught.value)


# -- locations ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("a/b.tif", "/data/a/b.tif"),
        ("../b.tif", "/b.tif"),
        ("/x/./y.tif", "/x/y.tif"),
        ("file:///x/a%20b.tif", "/x/a b.tif"),
        ("file://localhost/x/y.tif", "/x/y.tif"),
        ("HTTPS://host/x.tif?a=1", "https://host/x.tif?a=1"),
        ("s3://bucket/key.tif", "s3://bucket/key.tif"),
    ],
)
def test_a_location_has_one_spelling(href, expected):
    assert normalize_href(href, base="/data") == expected
    assert normalize_href(expected, base="/elsewhere") == expected


@pytest.mark.parametrize(
    "href",
    [
        "",
        "  ",
        "a\0b.tif",
        "a\nb.tif",
        "a\udcff.tif",
        "GTIFF_DIR:2:/data/a.tif",
        "NETCDF:/data/a.nc:var",
        'HDF5:"a.h5"://x',
        "/vsizip/a.zip/b.tif",
        "/vsicurl/http://host/a.tif",
        "/vsimem/a.tif",
        "//vsizip/a.zip/b.tif",
        "ftp://host/a.tif",
        "zip+https://host/a.zip!b.tif",
        "file://host/a.tif",
        "https://",
        "https://host",
        "s3://bucket/",
        "http://[broken/a.tif",
    ],
)
def test_what_is_no_plain_location_is_refused(href):
    with pytest.raises(UnsupportedRasterError) as caught:
        normalize_href(href)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, RasterError)


def test_credentials_are_refused_and_not_repeated():
    with pytest.raises(UnsupportedRasterError, match="must not hold credentials") as caught:
        normalize_href("https://user:hunter2@host/a.tif")
    assert "hunter2" not in str(caught.value)


def test_a_file_with_a_colon_in_its_name_is_a_file(tmp_path, monkeypatch):
    (tmp_path / "GTIFF_DIR:1:a.tif").touch()
    monkeypatch.chdir(tmp_path)
    assert normalize_href("GTIFF_DIR:1:a.tif") == str(tmp_path / "GTIFF_DIR:1:a.tif")


@pytest.mark.parametrize(
    ("href", "name"),
    [
        ("/x/a.tif", "/x/a.tif"),
        ("https://host/a.tif", "/vsicurl/https://host/a.tif"),
        ("s3://bucket/a.tif", "/vsis3/bucket/a.tif"),
        ("gs://bucket/a.tif", "/vsigs/bucket/a.tif"),
    ],
)
def test_gdal_gets_a_name_it_cannot_misread(href, name):
    assert gdal_name(href) == name
    assert is_remote(href) == name.startswith("/vsi")


def test_fingerprints(tmp_path):
    file = tmp_path / "a.tif"
    file.write_bytes(b"12345")
    found = read_fingerprint(str(file))
    assert (found.size_bytes, found.modified_ns) == (5, file.stat().st_mtime_ns)
    assert read_fingerprint("https://host/a.tif").size_bytes is None
    with pytest.raises(RasterNotFoundError, match="no such file"):
        read_fingerprint(str(tmp_path / "b.tif"))
    with pytest.raises(RasterNotFoundError, match="no such file"):
        read_fingerprint(str(file / "b.tif"))
    with pytest.raises(UnsupportedRasterError, match="is a folder"):
        read_fingerprint(str(tmp_path))
    with pytest.raises(UnsupportedRasterError, match="not a regular file"):
        read_fingerprint("/dev/null")
