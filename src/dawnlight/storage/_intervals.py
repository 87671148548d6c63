"""Intervals of the calendar: where each begins, and how their contents add up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from dawnlight.errors import BadRequestError, ParameterError
from dawnlight.search import Query, time_to_key
from dawnlight.storage._protocol import IntervalSummary

__all__ = ["PREFIX_LENGTHS", "Binning", "make_binning", "require_images"]

DATE_FIELDS = ("acquired", "created", "modified", "published")

PREFIX_LENGTHS = {"year": 4, "quarter": 7, "month": 7, "week": 10, "day": 10, "hour": 13, "minute": 16}
"""How many characters of a time's key tell in which interval it lies."""

_REST_OF_TIME = "0000-01-01T00:00:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binning:
    """How images are put into intervals."""

    field: str
    interval: str
    start: str | None
    """Key of the first point in time that counts; None for all."""
    end: str | None
    """Key of the last point in time that counts; None for all."""

    @property
    def length(self) -> int:
        """Number of leading characters of a key that tell the interval."""
        return PREFIX_LENGTHS[self.interval]

    def holds(self, key: str) -> bool:
        """Tell whether a time counts."""
        return (self.start is None or key >= self.start) and (self.end is None or key <= self.end)

    def add_up(self, parts: Iterable[tuple[str, int, int]]) -> list[IntervalSummary]:
        """Join counts by leading characters into intervals.

        Parameters
        ----------
        parts : iterable of tuple
            The first `length` characters of a key, a count and a number of bytes, in any order.

        Returns
        -------
        list of IntervalSummary
            In order of time.
        """
        totals: dict[str, tuple[int, int]] = {}
        for prefix, count, size in parts:
            start = _first_instant(prefix, self.interval)
            before = totals.get(start, (0, 0))
            totals[start] = before[0] + count, before[1] + size
        return [
            IntervalSummary(start=start, count=count, bytes=size)
            for start, (count, size) in sorted(totals.items())
        ]


def make_binning(query: Query, field: str, interval: str, start: Any, end: Any) -> Binning:
    """Check the arguments of `CatalogStore.intervals`.

    Raises
    ------
    BadRequestError
        One of them cannot be used.
    """
    require_images(query)
    if field not in DATE_FIELDS:
        raise BadRequestError(
            f"field={field!r} is not a time to summarise by; allowed are {', '.join(DATE_FIELDS)}"
        )
    if interval not in PREFIX_LENGTHS:
        raise BadRequestError(f"interval={interval!r} is unknown; allowed are {', '.join(PREFIX_LENGTHS)}")
    # The plain spelling, also where a member of an enum was given.
    field = DATE_FIELDS[DATE_FIELDS.index(field)]
    interval = next(name for name in PREFIX_LENGTHS if name == interval)
    return Binning(
        field=field, interval=interval, start=_read_bound("start", start), end=_read_bound("end", end)
    )


def require_images(query: Query) -> None:
    """Refuse to summarise anything but images.

    Raises
    ------
    BadRequestError
        The query is for another kind.
    """
    if query.kind != "image":
        raise BadRequestError(f"only images can be summarised, not documents of kind {query.kind!r}")


def _read_bound(name: str, value: Any) -> str | None:
    if value is None:
        return None
    try:
        return time_to_key(value)
    except ParameterError as error:
        raise BadRequestError(f"{name}: {error}") from error


def _first_instant(prefix: str, interval: str) -> str:
    if interval == "quarter":
        month = (int(prefix[5:7]) - 1) // 3 * 3 + 1
        prefix = f"{prefix[:4]}-{month:02d}"
    elif interval == "week":
        day = date.fromisoformat(prefix)
        # The week of 0001-01-01, a Monday, is the first there is.
        prefix = (day - timedelta(days=day.weekday())).isoformat()
    return prefix + _REST_OF_TIME[len(prefix) :] + "Z"
