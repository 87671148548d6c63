"""When an image was taken."""

import pytest

from dawnlight.errors import ParameterError
from dawnlight.ingest._times import find_acquisition, find_in_name, find_in_tags, parse_compact


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("LC08_L1TP_013032_20180131_20180207_01_T1", "2018-01-31T00:00:00Z"),
        ("S2A_MSIL1C_20180101T105441_N0206_R051_T31TDH_20180101T124911", "2018-01-01T10:54:41Z"),
        ("exe_2024-06-02_12-21-19_EPSG27700", "2024-06-02T12:21:19Z"),
        ("20170831_172754_101c_3B_AnalyticMS", "2017-08-31T17:27:54Z"),
        ("MOD10A2.A2022033.h09v05.061.2022042050729_Extent", "2022-02-02T00:00:00Z"),
        ("OR_ABI-L2_M1-M6_G16_s20211451811238_e20211451811295", "2021-05-25T18:11:23Z"),
        ("openEO_2023-06-01Z", "2023-06-01T00:00:00Z"),
        ("m_3907864_sw_17_060_20210912", "2021-09-12T00:00:00Z"),
        ("20180131999999", "2018-01-31T00:00:00Z"),
        ("scene_2024-02-29T23:59:59", "2024-02-29T23:59:59Z"),
    ],
)
def test_dates_in_names(name, start):
    found = find_in_name(name)
    assert (found.start, found.end, found.source) == (start, None, "name")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "B04",
        "N03E003",
        "m_3211605_ne",
        "12345678",
        "20181301",
        "20230229",
        "18500101",
        "2018031",
        "123456789012",
        "v1_99991231",
    ],
)
def test_digits_that_are_no_date(name):
    assert find_in_name(name) is None


@pytest.mark.parametrize(
    ("tags", "start", "end", "source"),
    [
        ({"datetime": "2024-06-02T11:21:19.024000Z"}, "2024-06-02T11:21:19.024Z", None, "tag datetime"),
        (
            {"ACQUISITIONDATETIME": "2020-01-01 10:00:00"},
            "2020-01-01T10:00:00Z",
            None,
            "tag ACQUISITIONDATETIME",
        ),
        ({"acquired": "2020:01:02 03:04:05"}, "2020-01-02T03:04:05Z", None, "tag acquired"),
        (
            {
                "RANGEBEGINNINGDATE": "2022-02-02",
                "RANGEBEGINNINGTIME": "01:02:03",
                "RANGEENDINGDATE": "2022-02-09",
            },
            "2022-02-02T01:02:03Z",
            "2022-02-09T00:00:00Z",
            "tag RANGEBEGINNINGDATE",
        ),
        ({"DATE_ACQUIRED": "2022-02-02"}, "2022-02-02T00:00:00Z", None, "tag DATE_ACQUIRED"),
        (
            {
                "NC_GLOBAL#time_coverage_start": "2021-05-25T18:11:23.8Z",
                "NC_GLOBAL#time_coverage_end": "2021-05-25T18:11:29.5Z",
            },
            "2021-05-25T18:11:23.8Z",
            "2021-05-25T18:11:29.5Z",
            "tag NC_GLOBAL#time_coverage_start",
        ),
        ({"acquired": "soon", "datetime": "20200102"}, "2020-01-02T00:00:00Z", None, "tag datetime"),
        (
            {"datetime": "2020-01-02", "acquired_end": "2020-01-01"},
            "2020-01-02T00:00:00Z",
            None,
            "tag datetime",
        ),
    ],
)
def test_tags(tags, start, end, source):
    found = find_in_tags(tags)
    assert (found.start, found.end, found.source) == (start, end, source)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"acquired": ""},
        {"datetime": "never"},
        {"datetime": "0001-01-01"},
        {"TIFFTAG_DATETIME": "2020:01:01 00:00:00"},
    ],
)
def test_tags_that_do_not_say_it(tags):
    assert find_in_tags(tags) is None


def test_the_surest_source_wins():
    made = {"TIFFTAG_DATETIME": "2017:05:10 19:44:53"}
    assert find_acquisition({"acquired": "2017-01-01", **made}, "x_20170420").source == "tag acquired"
    assert find_acquisition(made, "x_20170420").source == "name"
    assert find_acquisition(made, "x").start == "2017-05-10T19:44:53Z"
    assert find_acquisition({}, "x") is None


def test_compact_dates():
    assert parse_compact("2018031").isoformat() == "2018-01-31T00:00:00+00:00"
    with pytest.raises(ParameterError):
        parse_compact("2018-13-01")
