"""Candidates in the order of their time, read from the R*Tree slice by slice until enough are there.

A search for the newest images in a place needs few of those that were ever taken there. Which span of time
holds a few hundred of them is not known, so it is guessed, widened where a slice holds few, and narrowed
where it holds too many::

    oldest                                        newest
      |-----------------------|----------|-----|----|
          and so on             slice 3    2     1        newest first

The slices part the candidates by the bound of their time that decides their rank, without gaps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from operator import itemgetter

from sqlalchemy import Connection

from dawnlight.storage._sql_dialect import NO_TIME, Box
from dawnlight.storage._sql_tree import (
    ALL_CODES,
    Candidate,
    Slice,
    candidates_in_boxes,
    extent_of_times,
)

__all__ = ["OrderedCandidates", "rank_of_candidate"]

_SMALLEST_SLICE, _LARGEST_SLICE = 32, 25_000
"""So many candidates a slice should hold, whoever asks for fewer or more."""
_NARROWEST = 1e-5
"""Units of the R*Tree, less than it can tell apart: a slice like this is taken whatever it holds."""
_LAND = 20_000.0
"""Square degrees that hold most images of the Earth, for the first guess."""
_TIMED = NO_TIME / 2
"""Between all times there are and the place of images without one."""


class OrderedCandidates:
    """The images whose bounds meet some boxes, earliest in the results first, as far as the R*Tree can tell.

    Parameters
    ----------
    connection : Connection
        In a transaction, until the last one is taken.
    boxes : sequence of tuple of float
        (minx, miny, maxx, maxy), degrees.
    times : tuple of float or None
        First and last time that all results lie in, in units of the R*Tree; None for open.
    ascending : bool
        True for the oldest first. Images without a time come last either way.
    after : float, optional
        Leave out what lies before this rank (see `rank_of_time`).
    codes : tuple of int
        First and last cloud code that results may have.
    """

    def __init__(
        self,
        connection: Connection,
        boxes: Sequence[Box],
        times: tuple[float | None, float | None],
        *,
        ascending: bool,
        after: float | None = None,
        codes: tuple[int, int] = ALL_CODES,
    ) -> None:
        self._connection = connection
        self._boxes = boxes
        self._times = times
        self._ascending = ascending
        self._after = after
        self._codes = codes
        self._missing = 1
        self._slices = self._read_slices()
        self._waiting: list[Candidate] = []

    def take(self, number: int) -> list[Candidate]:
        """Return the next ones, fewer only where no more are left."""
        while (missing := number - len(self._waiting)) > 0:
            self._missing = missing
            if not self._read():
                break
        taken, self._waiting = self._waiting[:number], self._waiting[number:]
        return taken

    def peek(self) -> Candidate | None:
        """Return the one that `take` would begin with; None where none are left."""
        while not self._waiting and self._read():
            pass
        return self._waiting[0] if self._waiting else None

    def _read(self) -> bool:
        found = next(self._slices, None)
        if found is None:
            return False
        # One image may be found twice: in two boxes, or on both sides of the antimeridian.
        found = list({candidate[0]: candidate for candidate in found}.values())
        found.sort(key=itemgetter(1 if self._ascending else 2), reverse=not self._ascending)
        self._waiting += found
        return True

    def _read_slices(self) -> Iterator[list[Candidate]]:
        extent = None if self._after == math.inf else extent_of_times(self._connection)
        if extent is not None:
            yield from self._read_timed(*extent)
        if self._times == (None, None):
            timeless = Slice(ascending=True, first=_TIMED, last=math.inf)
            found = candidates_in_boxes(
                self._connection, self._boxes, self._times, None, timeless, self._codes
            )
            yield found or []

    def _read_timed(self, oldest: float, newest: float, rows: int) -> Iterator[list[Candidate]]:
        first, last = times = self._timed_times()
        begin = oldest if first is None else max(first, oldest)
        end = newest if last is None else min(last, newest)
        density = rows / max(newest - oldest, _NARROWEST) * min(1.0, self._area() / _LAND) * self._share()
        wanted = self._wanted()
        width = wanted / density
        # Bounds are rounded outwards, so the outermost slices are open.
        start, stop, sign = (begin, end, 1.0) if self._ascending else (end, begin, -1.0)
        outer = -sign * _TIMED
        while True:
            inner = start + sign * width
            is_last = sign * (stop - inner) <= 0
            if is_last:
                inner = sign * _TIMED
            part = Slice(self._ascending, *sorted((outer, inner)))
            most = None if width <= _NARROWEST else 4 * wanted
            found = candidates_in_boxes(self._connection, self._boxes, times, most, part, self._codes)
            if found is None:
                width = min(width, abs(stop - start) or width) / 4
                continue
            yield found
            if is_last:
                return
            outer = start = inner
            sparse = len(found) <= wanted // 4
            wanted = self._wanted()
            growth = 8.0 if sparse else min(max(wanted / len(found), 0.25), 8.0)
            width = max(width * growth, _NARROWEST)

    def _timed_times(self) -> tuple[float | None, float | None]:
        """Return the times, without those before the rank to begin behind."""
        first, last = self._times
        if self._after is None:
            return first, last
        if self._ascending:
            return (self._after if first is None else max(first, self._after)), last
        return first, (-self._after if last is None else min(last, -self._after))

    def _wanted(self) -> int:
        """Return how many candidates the next slice should hold: a few more than are asked for."""
        return min(max(self._missing + self._missing // 4, _SMALLEST_SLICE), _LARGEST_SLICE)

    def _share(self) -> float:
        """Return the part of the images that have one of the codes, if all are equally many."""
        return max(1, self._codes[1] - self._codes[0] + 1) / (ALL_CODES[1] + 1)

    def _area(self) -> float:
        """Return square degrees; a little more, because footprints reach into a box from outside."""
        return sum((maxx - minx + 1) * (maxy - miny + 1) for minx, miny, maxx, maxy in self._boxes)


def rank_of_candidate(candidate: Candidate, *, ascending: bool) -> float:
    """Return a number that is not above the `rank_of_time` of the image."""
    _, mint, maxt = candidate
    if maxt >= NO_TIME:
        return math.inf
    return mint if ascending else -maxt
