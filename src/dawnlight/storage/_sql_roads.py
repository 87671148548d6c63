"""Which way to the rows: by place, by tag, along an index in the order asked for, or as the database likes.

The database keeps no statistics, so it would guess. The choice that matters is made here by a *probe*:
candidates are collected, but only up to the number where walking along the sort index and stopping early gets
cheaper::

    cost by candidates   ~ number of candidates
    cost of the walk     ~ results wanted x rows / candidates        equal at sqrt(results wanted x rows)

A row of the table costs about six times as much as a candidate in the R*Tree, which knows the time of each to
150 seconds, and the cloud fraction to 0.004. So where ``acquired`` decides the order, candidates are taken
slice by slice of time, rows are read in that order, and both only until the page is full.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, Connection, Select, bindparam, false, func, or_, select

from dawnlight.search import And, Eq, Expression, Or, Prefix, Query, Range
from dawnlight.storage._sql_candidates import OrderedCandidates
from dawnlight.storage._sql_dialect import (
    Box,
    among_keys_given,
    give_keys,
    key_to_units,
    keys_to_units,
    overlap,
    use_index,
    use_keys,
)
from dawnlight.storage._sql_schema import IMAGE_TAG, TABLES
from dawnlight.storage._sql_tree import ALL_CODES, Candidate, candidates_in_boxes, cloud_code

__all__ = ["Road", "Roads", "rank_of_time", "ranks_of_times"]

Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

_FEWEST_PROBED, _MOST_PROBED = 1_000, 50_000
_MOST_KEYS = 200_000
_MOST_BRANCHES = 16
_IN_TREE = ("acquired", "cloud_fraction")
_IMAGE = TABLES["image"]
_LAST_KEY = select(func.max(_IMAGE.c.key))


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """How the statements of one search reach their rows."""

    keys: Sequence[int] | None = None
    """Keys of all candidates, which lie in the place searched by their bounds; None: not by keys."""
    ordered: OrderedCandidates | None = None
    """The same, earliest in the results first, as far as the R*Tree can tell, read as they are taken."""
    index: str | None = None
    """Name of the index to walk along, in the order of ``acquired``."""
    branches: tuple[str, ...] = ()
    """Products of which each result has one; every one has a walk of its own."""

    @property
    def form(self) -> tuple[Hashable, ...]:
        """What two roads have in common whose statements differ in values only."""
        return self.keys is not None, self.index, bool(self.branches)

    def lead(self, statement: Select[Any]) -> Select[Any]:
        """Make a statement on images take this road; it is run with the parameters `given`."""
        if self.keys is not None:
            return use_keys(statement.where(among_keys_given(_IMAGE.c.key)), _IMAGE)
        if self.branches:
            statement = statement.where(_IMAGE.c.product_id == bindparam("branch"))
        return statement if self.index is None else use_index(statement, _IMAGE, self.index)

    def given(self) -> list[dict[str, str]]:
        """Return the parameters of the statement, once for each time that it must be run."""
        if self.keys is not None:
            return [give_keys(self.keys)]
        return [{"branch": product} for product in self.branches] or [{}]


class Roads:
    """Finds the road for one query.

    Parameters
    ----------
    query : Query
        Any search.
    shapes : sequence of shapely geometry or None
        Its place; see `dawnlight.search.search_shapes`.
    """

    def __init__(self, query: Query, shapes: Sequence[BaseGeometry] | None) -> None:
        self._query = query
        self._boxes: list[Box] | None = None if shapes is None else [shape.bounds for shape in shapes]
        self._terms = list(_terms(query.condition))

    def spatial_clause(self) -> ColumnElement[bool] | None:
        """Say the place by the bounds in the table: wider than the truth. None without a place."""
        if self._boxes is None:
            return None
        clause = overlap(_IMAGE, self._boxes) if self._boxes else false()
        return or_(_IMAGE.c.footprint.is_(None), clause) if self._query.match_null_geometry else clause

    def for_all(self, connection: Connection) -> Road:
        """Return the road for reading all results, in no order."""
        found = self._by_place(connection, _MOST_KEYS)
        return Road() if found is None else Road(keys=[key for key, _, _ in found])

    def for_page(self, connection: Connection, wanted: int, after: Sequence[Any] | None = None) -> Road:
        """Return the road for reading the first results behind a position.

        Parameters
        ----------
        connection : Connection
            In a transaction; asked for candidates.
        wanted : int
            How many results.
        after : sequence, optional
            Sort values of the last result before.
        """
        if self._query.kind != "image" or self._finds_ids():
            return Road()
        walk = self._walk()
        tag = self._tag()
        if self._boxes is None and tag is None:
            return walk or Road()
        if self._has_place and walk is not None and walk.index is not None and not walk.branches:
            return self._ordered(connection, after)
        most = _MOST_KEYS
        if walk is not None:
            rows = connection.execute(_LAST_KEY).scalar_one() or 0
            # Candidates with a place are cheap: most are never read.
            share = 1 if self._boxes is None else 2
            most = min(max(share * math.isqrt(wanted * rows), _FEWEST_PROBED), _MOST_PROBED)
        keys: list[int] | None = None
        if self._boxes is not None:
            found = self._by_place(connection, most)
            if found is not None:
                if walk is not None and walk.index is not None:
                    return self._ordered(connection, after)
                keys = [key for key, _, _ in found]
        elif tag is not None:
            statement = select(IMAGE_TAG.c.image_key).where(IMAGE_TAG.c.tag == tag).limit(most + 1)
            keys = list(connection.scalars(statement))
        return walk or Road() if keys is None or len(keys) > most else Road(keys=keys)

    @property
    def _has_place(self) -> bool:
        return bool(self._boxes) and not self._query.match_null_geometry

    def _ordered(self, connection: Connection, after: Sequence[Any] | None) -> Road:
        """Return the road of the candidates in the order of ``acquired``."""
        ascending = self._query.sort[0].ascending
        candidates = OrderedCandidates(
            connection,
            self._boxes or (),
            self._times(),
            ascending=ascending,
            after=None if after is None else rank_of_time(after[0], ascending=ascending),
            codes=self._codes(),
        )
        return Road(keys=(), ordered=candidates)

    def _by_place(self, connection: Connection, most: int) -> list[Candidate] | None:
        """Collect candidates; None where there is no place or they are more than `most`."""
        if not self._has_place:
            return None
        return candidates_in_boxes(connection, self._boxes or (), self._times(), most, codes=self._codes())

    def _tag(self) -> str | None:
        """Return a tag that all results have."""
        for term in self._terms:
            if isinstance(term, Eq) and term.name == "tags" and isinstance(term.value, str):
                return term.value
        return None

    def _finds_ids(self) -> bool:
        """Tell whether the index of ids leads to few rows."""
        return any(
            all(isinstance(part, Eq | Prefix) and part.name == "id" for part in _choices(term))
            for term in self._terms
        )

    def _walk(self) -> Road | None:
        """Return the walk along an index that gives the order asked for."""
        sort = self._query.sort
        if not sort or sort[0].field == "id":
            return Road()  # the index of ids, which the database finds by itself
        if sort[0].field != "acquired":
            return None
        for term in self._terms:
            parts = _choices(term)
            products = {
                str(part.value) for part in parts if isinstance(part, Eq) and part.name == "product_id"
            }
            only = all(isinstance(part, Eq) and part.name == "product_id" for part in parts)
            if only and len(products) <= _MOST_BRANCHES:
                return Road(index="image_by_product", branches=tuple(sorted(products)))
        return Road(index="image_by_time")

    @property
    def fits_tree(self) -> bool:
        """True when the R*Tree tells almost all there is to ask, so most candidates are results."""
        return all(isinstance(term, Eq | Range) and term.name in _IN_TREE for term in self._terms)

    def _times(self) -> tuple[float | None, float | None]:
        """Find the span of ``acquired`` that all results lie in, in units of the R*Tree."""
        first, last = self._bounds("acquired")
        return (
            max(map(key_to_units, first), default=None),
            min(map(key_to_units, last), default=None),
        )

    def _codes(self) -> tuple[int, int]:
        """Find the first and the last cloud code that results may have."""
        first, last = self._bounds("cloud_fraction")
        if not first and not last:
            return ALL_CODES
        return max(map(cloud_code, first), default=1), min(map(cloud_code, last), default=ALL_CODES[1])

    def _bounds(self, name: str) -> tuple[list[Any], list[Any]]:
        """Return the values that all results have at least, and at most, in one field."""
        first: list[Any] = []
        last: list[Any] = []
        for term in self._terms:
            if isinstance(term, Eq) and term.name == name:
                first.append(term.value)
                last.append(term.value)
            elif isinstance(term, Range) and term.name == name:
                first += [value for value in (term.gt, term.gte) if value is not None]
                last += [value for value in (term.lt, term.lte) if value is not None]
        return first, last


def rank_of_time(key: str | None, *, ascending: bool) -> float:
    """Return a number for the key of a time: larger ones are later in the results, whatever else decides."""
    if key is None:
        return math.inf
    return key_to_units(key) if ascending else -key_to_units(key)


def ranks_of_times(keys: Sequence[str | None], *, ascending: bool) -> Array:
    """Return `rank_of_time` of each."""
    ranks = np.full(len(keys), math.inf)
    timed = [index for index, key in enumerate(keys) if key is not None]
    units = np.array(keys_to_units([str(keys[index]) for index in timed]))
    ranks[timed] = units if ascending else -units
    return ranks


def _terms(condition: Expression | None) -> Iterator[Expression]:
    """Yield the parts that must all hold."""
    if isinstance(condition, And):
        for part in condition.parts:
            yield from _terms(part)
    elif condition is not None:
        yield condition


def _choices(term: Expression) -> tuple[Expression, ...]:
    """Return the parts of which one must hold."""
    return term.parts if isinstance(term, Or) and term.parts else (term,)
