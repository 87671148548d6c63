"""How sums are asked for and put together; what they mean is defined in `dawnlight.search`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dawnlight.errors import BadRequestError, ParameterError
from dawnlight.search import (
    DATE_FIELDS,
    INTERVALS,
    IntervalSummary,
    Query,
    floor_time,
    interval_bounds,
    time_to_wire,
)

__all__ = ["Binning", "make_binning", "require_images"]

_PREFIX_LENGTHS = {"year": 4, "quarter": 7, "month": 7, "week": 10, "day": 10, "hour": 13, "minute": 16}


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
        """How many characters of a time's key tell in which interval it lies."""
        return _PREFIX_LENGTHS[self.interval]

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
        starts: dict[str, str] = {}
        totals: dict[str, tuple[int, int]] = {}
        for prefix, count, size in parts:
            if prefix not in starts:
                # A key that is cut off is the first moment of what is left.
                starts[prefix] = time_to_wire(floor_time(prefix, self.interval))
            before = totals.get(starts[prefix], (0, 0))
            totals[starts[prefix]] = before[0] + count, before[1] + size
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
    if interval not in INTERVALS:
        raise BadRequestError(f"interval={interval!r} is unknown; allowed are {', '.join(INTERVALS)}")
    try:
        low, high = interval_bounds(start, end)
    except ParameterError as error:
        raise BadRequestError(str(error)) from error
    # The plain spelling, also where a member of an enum was given.
    return Binning(
        field=next(name for name in DATE_FIELDS if name == field),
        interval=next(name for name in INTERVALS if name == interval),
        start=low,
        end=high,
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
