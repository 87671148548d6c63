from __future__ import annotations

import contextlib
import datetime as dt
import zoneinfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawnlight.errors import ParameterError
from dawnlight.search import parse_time, time_to_key, time_to_wire
from dawnlight.search._times import _read, _spell_key

UTC = dt.UTC
PLUS2 = dt.timezone(dt.timedelta(hours=2))

SPELLINGS = [
    ("2023-07-01T10:20:30Z", "2023-07-01T10:20:30Z"),
    ("2023-07-01t10:20:30z", "2023-07-01T10:20:30Z"),
    ("2023-07-01 10:20:30", "2023-07-01T10:20:30Z"),
    ("2023-07-01T10:20:30 UTC", "2023-07-01T10:20:30Z"),
    ("2023-07-01T10:20", "2023-07-01T10:20:00Z"),
    ("2023-07-01", "2023-07-01T00:00:00Z"),
    ("2023-07", "2023-07-01T00:00:00Z"),
    ("2023", "2023-01-01T00:00:00Z"),
    (" 2023-07-01 ", "2023-07-01T00:00:00Z"),
    ("2023-07-01T10", "2023-07-01T10:00:00Z"),
    ("2023-07-01 10+02:00", "2023-07-01T08:00:00Z"),
    ("20230701", "2023-07-01T00:00:00Z"),
    ("20230701T102030Z", "2023-07-01T10:20:30Z"),
    ("20230701T1020-0200", "2023-07-01T12:20:00Z"),
    ("2023-W26", "2023-06-26T00:00:00Z"),
    ("2023W266", "2023-07-01T00:00:00Z"),
    ("2023-W26-6T10:20Z", "2023-07-01T10:20:00Z"),
    ("2023-182", "2023-07-01T00:00:00Z"),
    ("2024-366T23:59:59", "2024-12-31T23:59:59Z"),
    ("2023-07-01T10:20:30.5Z", "2023-07-01T10:20:30.5Z"),
    ("2023-07-01T10:20:30,500Z", "2023-07-01T10:20:30.5Z"),
    ("2023-07-01T10:20:30.000000Z", "2023-07-01T10:20:30Z"),
    ("2023-07-01T10:20:30.123456789Z", "2023-07-01T10:20:30.123456789Z"),
    ("2023-07-01T10:20:30.1234567890000Z", "2023-07-01T10:20:30.123456789Z"),
    ("2023-07-01T10:20:30+02:00", "2023-07-01T08:20:30Z"),
    ("2023-07-01T10:20:30+0200", "2023-07-01T08:20:30Z"),
    ("2023-07-01T10:20:30-02", "2023-07-01T12:20:30Z"),
    ("2023-07-01T00:30:00.000000001+05:45", "2023-06-30T18:45:00.000000001Z"),
    ("0001-01-01", "0001-01-01T00:00:00Z"),
    ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    (dt.datetime(2023, 7, 1, 10, 20, 30), "2023-07-01T10:20:30Z"),
    (dt.datetime(2023, 7, 1, 10, 20, 30, 500000, tzinfo=PLUS2), "2023-07-01T08:20:30.5Z"),
    (
        dt.datetime(2023, 10, 29, 2, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Oslo"), fold=1),
        "2023-10-29T01:30:00Z",
    ),
    (
        dt.datetime(2023, 7, 1, 0, 0, 0, 700000, tzinfo=dt.timezone(dt.timedelta(microseconds=-500000))),
        "2023-07-01T00:00:01.2Z",
    ),
    (dt.date(2023, 7, 1), "2023-07-01T00:00:00Z"),
    (np.datetime64("2023-07-01T10:20:30.123456789"), "2023-07-01T10:20:30.123456789Z"),
    (np.datetime64("2023"), "2023-01-01T00:00:00Z"),
    (np.datetime64("2023-07"), "2023-07-01T00:00:00Z"),
    (np.datetime64("2023-07-01", "W"), "2023-06-29T00:00:00Z"),
    (np.datetime64("2023-07-01T10"), "2023-07-01T10:00:00Z"),
    (np.datetime64("2023-07-01T10:20"), "2023-07-01T10:20:00Z"),
    (np.datetime64("9999-12-31T23:59:59", "s"), "9999-12-31T23:59:59Z"),
    (pd.Timestamp("2023-07-01T10:20:30.123456789"), "2023-07-01T10:20:30.123456789Z"),
    (pd.Timestamp("2023-07-01T10:20:30.123456789", tz="Europe/Oslo"), "2023-07-01T08:20:30.123456789Z"),
]


@pytest.mark.parametrize(("value", "wire"), SPELLINGS, ids=lambda value: repr(value)[:50])
def test_every_usual_spelling_is_read(value, wire):
    assert time_to_wire(value) == wire
    assert time_to_key(value) == time_to_key(wire)
    found = parse_time(value)
    assert found.tzinfo == UTC
    assert time_to_wire(found) == wire


@pytest.mark.parametrize(
    "value",
    [
        "",
        "garbage",
        "2023-13-01",
        "2023-02-29",
        "2023-07-01T24:00:00",
        "2023-07-01T10:20:60Z",
        "2023-07T10:20",
        "2023-07-01T1020:30",
        "2023-07-01T10:2030",
        "2023-W54",
        "2023-W26-8",
        "2023-366",
        "2023-000",
        "2023182",
        "2023-07-01T10:20:30+25:00",
        "2023-07-01T10:20:30.1234567891Z",
        "2023-7-1",
        "23-07-01",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "2023-07-01T10:20:30Z; DROP TABLE image",
        "２０２３-07-01",
        "2023-07-01\n\n2023",
        dt.datetime(1, 1, 1, tzinfo=PLUS2),
        pd.NaT,
        np.datetime64("NaT"),
        np.datetime64("-0001-01-01"),
        np.datetime64("12023-01-01"),
        20230701,
        1688169600.0,
        True,
        None,
        b"2023-07-01",
        ["2023-07-01"],
        dt.time(10, 20),
    ],
    ids=lambda value: repr(value)[:40],
)
@pytest.mark.parametrize("read", [parse_time, time_to_wire, time_to_key])
def test_what_is_no_time_is_refused(read, value):
    with pytest.raises(ParameterError):
        read(value)


def test_microseconds_stay_a_datetime_and_nanoseconds_become_a_timestamp():
    assert type(parse_time("2023-07-01T10:20:30.123456Z")) is dt.datetime
    stamp = parse_time("2023-07-01T10:20:30.123456789Z")
    assert isinstance(stamp, pd.Timestamp)
    assert stamp == pd.Timestamp("2023-07-01T10:20:30.123456789Z")


def test_nanoseconds_that_no_datetime_holds_are_refused_but_compare():
    with pytest.raises(ParameterError, match="between the years 1678 and 2261"):
        parse_time("0900-01-01T00:00:00.000000001Z")
    assert time_to_key("0900-01-01T00:00:00.000000001Z") > time_to_key("0900-01-01")


def test_key_is_30_characters_wide():
    assert time_to_key("0001-01-01") == "0001-01-01T00:00:00.000000000Z"
    assert len(time_to_key("2023-07-01T10:20:30.5+02:00")) == 30


MOMENTS = st.tuples(
    st.datetimes(timezones=st.sampled_from([None, UTC, PLUS2]), min_value=dt.datetime(1700, 1, 1)),
    st.integers(0, 999),
)


@settings(deadline=None)
@given(MOMENTS, MOMENTS)
def test_text_order_of_keys_is_time_order(one, other):
    def exact(moment):
        value, nanoseconds = moment
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware, nanoseconds

    def spell(moment):
        value, nanoseconds = moment
        text = value.isoformat(timespec="microseconds")
        return f"{text[:26]}{nanoseconds:03d}{text[26:]}"

    keys = []
    for moment in (one, other):
        try:
            keys.append(time_to_key(spell(moment)))
        except ParameterError:
            return  # beyond the year 9999 in UTC
    assert (keys[0] < keys[1]) == (exact(one) < exact(other))
    assert (keys[0] == keys[1]) == (exact(one) == exact(other))


@settings(deadline=None)
@given(st.datetimes(timezones=st.just(UTC)))
def test_wire_spelling_round_trips(value):
    assert parse_time(time_to_wire(value)) == value
    assert parse_time(time_to_key(value)) == value


WIRE = ["2023-07-01", "2023-W26-6", "2023-02-30", "２０２３-07-01", "20230701T1"]


@pytest.mark.parametrize("day", WIRE)
@pytest.mark.parametrize("clock", ["T10:20:30", " 10:20:30", "T10:20:60", "T24:00:00", "T102030.0"])
@pytest.mark.parametrize(
    "end", ["Z", ".Z", ".5Z", ".123456789Z", ".1234567890Z", ".²Z", "z", "+00:00", ".5+01Z"]
)
def test_short_way_of_keys_gives_what_the_long_one_gives(day, clock, end):
    text = f"{day}{clock}{end}"
    try:
        expected = _spell_key(_read(text))
    except ParameterError:
        with pytest.raises(ParameterError):
            time_to_key(text)
    else:
        assert time_to_key(text) == expected


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(ParameterError):
        time_to_key(text)
