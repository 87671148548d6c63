"""Patterns of file names."""

from datetime import UTC, datetime

import pytest

from dawnlight.errors import ParameterError
from dawnlight.ingest import NamePattern


@pytest.mark.parametrize(
    ("pattern", "path", "name", "band"),
    [
        ("{name}_{band}.tif", "/x/LC08_T1_B4.tif", "LC08_T1", "B4"),
        ("{name}_{band}.tif", "/x/LC08_T1_B4.TIF", "LC08_T1", "B4"),
        ("{name}_{band}", "/x/LC08_T1_B4.jp2", "LC08_T1", "B4"),
        ("{name}_{band:B?|B1?|QA_*}.tif", "LC08_QA_T1_QA_PIXEL.tif", "LC08", "QA_T1_QA_PIXEL"),
        ("{name}_{band:B?|QA_PIXEL}.tif", "LC08_QA_T1_QA_PIXEL.tif", "LC08_QA_T1", "QA_PIXEL"),
        ("{name}_{band:SR_*|ST_*|QA_*}.tif", "LC08_T2_SR_QA_AEROSOL.tif", "LC08_T2", "SR_QA_AEROSOL"),
        ("{name}/{band}.tif", "/a/b/scene/B04.tif", "scene", "B04"),
        ("{name}/*/{band}.tif", "/a/scene/10m/B04.tif", "scene", "B04"),
        ("{band}/{name}.tif", "s3://bucket/red/scene.tif", "scene", "red"),
        ("{name}_{band}.tif", "https://host/a/scene_red.tif?key=a_b.tif", "scene", "red"),
        ("{band}/{band}_{name}.tif", "/a/ndvi/ndvi_x.tif", "x", "ndvi"),
        ("{name:S2?_*}_{band}.tif", "S2A_x_B4.tif", "S2A_x", "B4"),
        ("*_{name}_v?.tif", "a_b_c_v1.tif", "c", None),
        ("{{{name}}}.tif", "{a}.tif", "a", None),
        ("{name}.{band}.tif", "a.b.c.tif", "a.b", "c"),
        ("{name}+({band}).tif", "a+(b).tif", "a", "b"),
    ],
)
def test_names_and_bands(pattern, path, name, band):
    found = NamePattern(pattern).match(path)
    assert (found.name, found.band) == (name, band)


@pytest.mark.parametrize(
    ("pattern", "path", "name", "date", "end"),
    [
        ("{name}_{date:%Y%m%d}_{band}.tif", "L8_20180131_B4.tif", "L8_20180131", (2018, 1, 31), None),
        ("{date:%d-%b-%y}.tif", "31-Jan-18.tif", "31-Jan-18", (2018, 1, 31), None),
        ("{date:%Y%j}.tif", "2018031.tif", "2018031", (2018, 1, 31), None),
        (
            "{date:%Y%m%dT%H%M%S}.tif",
            "20180131T101112.tif",
            "20180131T101112",
            (2018, 1, 31, 10, 11, 12),
            None,
        ),
        ("{date}.tif", "2018-01-31.tif", "2018-01-31", (2018, 1, 31), None),
        ("{date}.tif", "2018031.tif", "2018031", (2018, 1, 31), None),
        ("{date}_x.tif", "20180131_101112_x.tif", "20180131_101112", (2018, 1, 31, 10, 11, 12), None),
        (
            "{band}/*_{date}_{end}.tif",
            "a/m_20180131_20180228.tif",
            "20180131_20180228",
            (2018, 1, 31),
            (2018, 2, 28),
        ),
        ("{date:%Y%m%d}_100%%.tif", "20180131_100%%.tif", "20180131", (2018, 1, 31), None),
        ("{date:%Y%%}.tif", "2018%.tif", "2018%", (2018, 1, 1), None),
    ],
)
def test_dates(pattern, path, name, date, end):
    found = NamePattern(pattern).match(path)
    assert found.name == name
    assert found.date == datetime(*date, tzinfo=UTC)
    assert found.end == (end and datetime(*end, tzinfo=UTC))


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("{name}_{band}.tif", "/x/scene.tif"),
        ("{name}_{band}.tif", "/x/scene_b.jp2"),
        ("{name}_b.tif", "/x/scene_B.tif"),
        ("{name}/{band}.tif", "B04.tif"),
        ("{name}_{band}.tif", "/a_b/c.tif"),
        ("{band}/{band}_{name}.tif", "/a/ndvi/evi_x.tif"),
        ("{date:%Y%m%d}.tif", "/a/2018-01-31.tif"),
    ],
)
def test_what_does_not_fit(pattern, path):
    assert NamePattern(pattern).match(path) is None


@pytest.mark.parametrize(
    ("pattern", "path", "message"),
    [
        ("{date:%Y%m%d}.tif", "20181301.tif", "'20181301' is no date of the form %Y%m%d"),
        ("{date}.tif", "20181301.tif", "'20181301' is no date"),
        ("{date}.tif", "2018999.tif", "'2018999' is no date"),
    ],
)
def test_digits_that_are_no_date(pattern, path, message):
    with pytest.raises(ParameterError, match=message):
        NamePattern(pattern).match(path)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("", "needs {name} or {date}"),
        ("{band}.tif", "needs {name} or {date}"),
        ("*.tif", "needs {name} or {date}"),
        ("{Name}.tif", "{Name} is unknown; known are {name}, {band}, {date}, {end}"),
        ("{}.tif", "{} is unknown"),
        ("{name.tif", "'{' has no counterpart"),
        ("name}.tif", "'}' has no counterpart"),
        ("{date:%Y%q}.tif", "'%q' is not a part of a date; known are %Y"),
        ("{date:%Y%}.tif", "'%' is not a part of a date"),
    ],
)
def test_patterns_that_cannot_be_read(pattern, message):
    with pytest.raises(ParameterError) as caught:
        NamePattern(pattern)
    assert message in str(caught.value)
    assert repr(pattern) in str(caught.value)


def test_a_pattern_is_a_value():
    assert NamePattern("{name}.tif") == NamePattern("{name}.tif")
    assert repr(NamePattern("{name}.tif")) == "NamePattern(text='{name}.tif')"
    assert NamePattern("{name}_{band}.tif").has_band
    assert not NamePattern("{name}.tif").has_band
