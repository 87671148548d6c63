from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawnlight.errors import ParameterError
from dawnlight.search import (
    INTERVALS,
    Document,
    IntervalSummary,
    Summary,
    document_bytes,
    floor_time,
    interval_bounds,
    intervals,
    summarize,
    time_to_wire,
)

UTC = dt.UTC


def image(acquired, size=None, product="p", **attributes):
    files = None if size is None else [{"href": "a.tif", "size_bytes": size}]
    attributes = {"product_id": product, "acquired": acquired, "files": files, **attributes}
    return Document(kind="image", id=f"{product}:{acquired}", attributes=attributes)


FLOORS = [
    ("year", "2023-12-31T23:59:59.999999999Z", "2023-01-01T00:00:00Z"),
    ("quarter", "2023-03-31T23:59:59Z", "2023-01-01T00:00:00Z"),
    ("quarter", "2023-04-01", "2023-04-01T00:00:00Z"),
    ("quarter", "2023-12-31", "2023-10-01T00:00:00Z"),
    ("month", "2024-02-29T12:00:00Z", "2024-02-01T00:00:00Z"),
    ("week", "2023-07-03", "2023-07-03T00:00:00Z"),
    ("week", "2023-07-09T23:59:59Z", "2023-07-03T00:00:00Z"),
    ("week", "2023-01-01", "2022-12-26T00:00:00Z"),
    ("week", "0001-01-03", "0001-01-01T00:00:00Z"),
    ("week", "9999-12-31", "9999-12-27T00:00:00Z"),
    ("day", "2023-07-01T23:59:59.9Z", "2023-07-01T00:00:00Z"),
    ("day", "2023-07-01T00:30:00+02:00", "2023-06-30T00:00:00Z"),
    ("hour", "2023-07-01T10:59:59Z", "2023-07-01T10:00:00Z"),
    ("minute", "2023-07-01T10:20:59.999999999Z", "2023-07-01T10:20:00Z"),
    ("minute", "0900-07-01T10:20:59.999999999Z", "0900-07-01T10:20:00Z"),
]


@pytest.mark.parametrize(("interval", "value", "start"), FLOORS)
def test_interval_begins(interval, value, start):
    assert time_to_wire(floor_time(value, interval)) == start
    assert floor_time(start, interval) == floor_time(value, interval)


@settings(deadline=None)
@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from(sorted(INTERVALS)))
def test_interval_begins_before_and_on_a_border(moment, interval):
    start = floor_time(moment, interval)
    assert start <= moment
    assert floor_time(start, interval) == start
    if start > dt.datetime(1, 1, 1, tzinfo=UTC):
        assert floor_time(start - dt.timedelta(microseconds=1), interval) < start


IMAGES = [
    image("2023-01-31T10:00:00Z", 5),
    image("2023-03-05T00:00:00Z", 7, "q"),
    image("2023-01-01T00:00:00Z", 1),
    image("2022-12-31T23:59:59.999999999Z"),
    image(None, 100),
    image("garbage", 100),
]


def test_counts_by_month():
    assert intervals(IMAGES, "acquired", "month") == [
        IntervalSummary(start="2022-12-01T00:00:00Z", count=1, bytes=0),
        IntervalSummary(start="2023-01-01T00:00:00Z", count=2, bytes=6),
        IntervalSummary(start="2023-03-01T00:00:00Z", count=1, bytes=7),
    ]


@pytest.mark.parametrize(
    ("start", "end", "counts"),
    [
        (None, None, [1, 2, 1]),
        ("", 0, [1, 2, 1]),
        ("2023-01-01", None, [2, 1]),
        ("2023-01-01T00:00:00.000000001Z", None, [1, 1]),
        (None, "2023-01-31T10:00:00Z", [1, 2]),
        (None, dt.datetime(2023, 1, 31, 9, 59), [1, 1]),
        ("2023-01-15", "2023-03-04", [1]),
        ("2023-03-05", "2023-03-05", [1]),
        ("2030", None, []),
    ],
)
def test_both_ends_are_included(start, end, counts):
    assert [found.count for found in intervals(IMAGES, "acquired", "month", start, end)] == counts


@pytest.mark.parametrize("interval", INTERVALS)
def test_every_interval_counts_every_image_once(interval):
    found = intervals(IMAGES, "acquired", interval)
    assert sum(part.count for part in found) == 4
    assert [part.start for part in found] == sorted(
        {time_to_wire(floor_time(d.get("acquired"), interval)) for d in IMAGES[:4]}
    )


def test_other_times_can_be_counted_by():
    images = [image(None, created="2023-01-01T00:00:00Z"), image("2023-07-01")]
    assert [found.count for found in intervals(images, "created", "year")] == [1]
    assert intervals([], "published", "year") == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tags", "month"), "acquired, created, modified, published"),
        (("acquired_end", "month"), "aggregate_date_field"),
        (("acquired", "decade"), "year, quarter, month, week, day, hour, minute"),
        (("acquired", "month", "garbage"), "garbage"),
        (("acquired", "month", 5), "not a point in time"),
        (("acquired", "month", "2024", "2023"), "is after"),
    ],
)
def test_misuse_is_explained(arguments, words):
    with pytest.raises(ParameterError, match=words):
        intervals(IMAGES, *arguments)


def test_bounds_are_keys():
    assert interval_bounds("2023", None) == ("2023-01-01T00:00:00.000000000Z", None)


def test_summary():
    assert summarize(IMAGES) == Summary(count=6, bytes=213, products=("p", "q"))
    assert summarize([]) == Summary(count=0, bytes=0, products=())
    assert summarize([Document(kind="product", id="p", attributes={})]).products == ("p",)


@pytest.mark.parametrize(
    ("files", "size"),
    [
        (None, 0),
        ([], 0),
        ([{"href": "a"}], 0),
        ([{"size_bytes": 5}, {"size_bytes": None}, {"size_bytes": 7}], 12),
        ([{"size_bytes": True}, {"size_bytes": "5"}, "x"], 0),
    ],
)
def test_unknown_sizes_count_nothing(files, size):
    assert document_bytes(image(None, files=files)) == size
