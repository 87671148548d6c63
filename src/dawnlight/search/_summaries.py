"""Counts over the images of a search: in all, and by calendar interval."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

from dawnlight.errors import ParameterError
from dawnlight.search._comparables import comparable
from dawnlight.search._documents import Document
from dawnlight.search._fields import FIELDS
from dawnlight.search._times import parse_time, time_to_key, time_to_wire

__all__ = [
    "DATE_FIELDS",
    "INTERVALS",
    "IntervalSummary",
    "Summary",
    "document_bytes",
    "floor_time",
    "interval_bounds",
    "intervals",
    "summarize",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a search finds, in numbers.

    Parameters
    ----------
    count : int
        Number of documents.
    bytes : int
        Sum of the sizes of their files, as far as these are known.
    products : tuple of str
        Ids of the products they belong to, each once, sorted.
    """

    count: int
    bytes: int
    products: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalSummary:
    """What a search finds in one interval of the calendar.

    Parameters
    ----------
    start : str
        First moment of the interval (UTC), in wire spelling.
    count : int
        Number of documents in it; at least 1.
    bytes : int
        Sum of the sizes of their files, as far as these are known.
    """

    start: str
    count: int
    bytes: int


DATE_FIELDS = ("acquired", "created", "modified", "published")
"""The times of an image by which images are counted."""


def _floor_week(moment: datetime) -> datetime:
    return _midnight(moment.date() - timedelta(days=moment.weekday()))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


INTERVALS: Mapping[str, Callable[[datetime], datetime]] = MappingProxyType(
    {
        "year": lambda moment: datetime(moment.year, 1, 1, tzinfo=UTC),
        "quarter": lambda moment: datetime(moment.year, moment.month - (moment.month - 1) % 3, 1, tzinfo=UTC),
        "month": lambda moment: datetime(moment.year, moment.month, 1, tzinfo=UTC),
        "week": _floor_week,
        "day": lambda moment: _midnight(moment.date()),
        "hour": lambda moment: _midnight(moment.date()) + timedelta(hours=moment.hour),
        "minute": lambda moment: (
            _midnight(moment.date()) + timedelta(hours=moment.hour, minutes=moment.minute)
        ),
    }
)
"""By the name of an interval, a function from a moment (UTC) to the first moment of its interval."""


def floor_time(value: object, interval: str) -> datetime:
    """Return the first moment of the calendar interval that a time lies in.

    Parameters
    ----------
    value : str, datetime, date, numpy.datetime64 or pandas.Timestamp
        See `parse_time`.
    interval : {"year", "quarter", "month", "week", "day", "hour", "minute"}
        Intervals of the UTC calendar; weeks begin on Monday (ISO 8601), quarters in January, April, July
        and October.

    Returns
    -------
    datetime
        Aware, UTC.

    Raises
    ------
    ParameterError
        The value is no time, or the interval is unknown.

    Examples
    --------
    >>> floor_time("2023-07-02T12:00:00Z", "week").isoformat()
    '2023-06-26T00:00:00+00:00'
    """
    # The key, cut to microseconds: nanoseconds never change the interval.
    return _floor(interval)(parse_time(time_to_key(value)[:26] + "Z"))


def document_bytes(document: Document) -> int:
    """Add up the sizes of a document's files.

    Parameters
    ----------
    document : Document
        Any document.

    Returns
    -------
    int
        Bytes; a file of unknown size counts 0.
    """
    files = document.get("files")
    sizes = [item.get("size_bytes") for item in files or () if isinstance(item, Mapping)]
    return sum(size for size in sizes if isinstance(size, int) and not isinstance(size, bool))


def summarize(documents: Iterable[Document]) -> Summary:
    """Count documents, their bytes and their products.

    Parameters
    ----------
    documents : iterable of Document
        What a search finds, without its limit.

    Returns
    -------
    Summary
        The numbers.

    Examples
    --------
    >>> from dawnlight.search import Document, summarize
    >>> files = [{"href": "a.tif", "size_bytes": 5}]
    >>> summarize([Document(kind="image", id="p:a", attributes={"product_id": "p", "files": files})])
    Summary(count=1, bytes=5, products=('p',))
    """
    count = size = 0
    products = set()
    for document in documents:
        count += 1
        size += document_bytes(document)
        product = document.id if document.kind == "product" else document.get("product_id")
        if isinstance(product, str):
            products.add(product)
    return Summary(count=count, bytes=size, products=tuple(sorted(products)))


def interval_bounds(start: object, end: object) -> tuple[str | None, str | None]:
    """Read the ends of a period.

    Parameters
    ----------
    start, end : str, datetime, date, numpy.datetime64, pandas.Timestamp or None
        Both inclusive. None, ``""`` and ``0`` leave an end open.

    Returns
    -------
    start, end : str or None
        Keys as `time_to_key` makes them; None where open.

    Raises
    ------
    ParameterError
        An end is no time, or the start is after the end.
    """
    low, high = _read_bound("start_datetime", start), _read_bound("end_datetime", end)
    if low is not None and high is not None and low > high:
        raise ParameterError(f"start_datetime={start!r} is after end_datetime={end!r}")
    return low, high


def intervals(
    documents: Iterable[Document], field: str, interval: str, start: object = None, end: object = None
) -> list[IntervalSummary]:
    """Count documents by the calendar interval that a time of theirs lies in.

    Parameters
    ----------
    documents : iterable of Document
        What a search finds, without its limit.
    field : {"acquired", "created", "modified", "published"}
        Documents in which it is null are not counted.
    interval : {"year", "quarter", "month", "week", "day", "hour", "minute"}
        See `floor_time`.
    start, end : str, datetime, date, numpy.datetime64 or pandas.Timestamp, optional
        Only documents between these are counted, both ends included; None leaves an end open. They need
        not lie on the border of an interval, and the first and last interval then hold what is left.

    Returns
    -------
    list of IntervalSummary
        In order of time; intervals without documents are left out.

    Raises
    ------
    ParameterError
        The field or the interval is unknown, or an end cannot be read.

    Examples
    --------
    >>> from dawnlight.search import Document, intervals
    >>> times = ["2023-01-31T10:00:00Z", "2023-01-01T00:00:00Z", "2023-03-05T00:00:00Z"]
    >>> images = [Document(kind="image", id=f"p:{t}", attributes={"acquired": t}) for t in times]
    >>> [(found.start, found.count) for found in intervals(images, "acquired", "month")]
    [('2023-01-01T00:00:00Z', 2), ('2023-03-01T00:00:00Z', 1)]
    """
    if field not in DATE_FIELDS:
        raise ParameterError(
            f"aggregate_date_field={field!r} cannot be counted by; allowed are {', '.join(DATE_FIELDS)}"
        )
    floor = _floor(interval)
    low, high = interval_bounds(start, end)
    totals: dict[datetime, tuple[int, int]] = {}
    for document in documents:
        key = _time_key(document, field)
        if key is None or (low is not None and key < low) or (high is not None and key > high):
            continue
        begin = floor(parse_time(key[:26] + "Z"))
        count, size = totals.get(begin, (0, 0))
        totals[begin] = (count + 1, size + document_bytes(document))
    return [
        IntervalSummary(start=time_to_wire(begin), count=count, bytes=size)
        for begin, (count, size) in sorted(totals.items())
    ]


def _read_bound(name: str, value: object) -> str | None:
    if value is None or (isinstance(value, str | int) and not value):
        return None
    try:
        return time_to_key(value)
    except ParameterError as error:
        raise ParameterError(f"{name}: {error}") from error


def _floor(interval: str) -> Callable[[datetime], datetime]:
    floor = INTERVALS.get(interval)
    if floor is None:
        raise ParameterError(f"interval={interval!r} is unknown; allowed are {', '.join(INTERVALS)}")
    return floor


def _time_key(document: Document, field: str) -> str | None:
    value = comparable(FIELDS["image"][field], document)
    return value if isinstance(value, str) else None
