"""Which way to the rows: by place, by tag, along an index in the order asked for, or as the database likes.

The database keeps no statistics, so it would guess. The choice that matters is made here by a *probe*:
candidates are counted, but only up to the number where walking along the sort index and stopping early gets
cheaper::

    cost by candidates   ~ number of candidates
    cost of the walk     ~ results wanted x rows / candidates        equal at sqrt(results wanted x rows)
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, false, func, or_, select

from dawnlight.search import And, Eq, Expression, Or, Prefix, Query, Range, search_shapes
from dawnlight.storage._sql_dialect import TIME_UNIT, Box, in_boxes, overlap, use_index, use_keys
from dawnlight.storage._sql_schema import IMAGE_TAG, TABLES

__all__ = ["Road", "Roads"]

_FEWEST_PROBED, _MOST_PROBED = 1_000, 50_000
_MOST_BRANCHES = 16
_IMAGE = TABLES["image"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """How the statements of one search reach their rows."""

    keys: Select[Any] | None = None
    """Selects the keys of all candidates, and perhaps of others; None: not by keys."""
    index: str | None = None
    """Name of the index to walk along, in the order of ``acquired``."""
    branches: tuple[ColumnElement[bool], ...] = ()
    """Conditions of which exactly one holds for each result; every one has a walk of its own."""

    def lead(self, statement: Select[Any]) -> Select[Any]:
        """Make a statement on images take this road."""
        if self.keys is not None:
            return use_keys(statement.where(_IMAGE.c.key.in_(self.keys)), _IMAGE)
        return statement if self.index is None else use_index(statement, _IMAGE, self.index)


class Roads:
    """Finds the road for one query.

    Parameters
    ----------
    query : Query
        Any search.
    """

    def __init__(self, query: Query) -> None:
        self._query = query
        self.boxes: list[Box] | None = None
        """Boxes that cover the place searched; None without one."""
        if query.geometry is not None:
            self.boxes = [shape.bounds for shape in search_shapes(query.geometry)]
        self._terms = list(_terms(query.condition))

    def spatial_clause(self) -> ColumnElement[bool] | None:
        """Say the place by the bounds in the table: wider than the truth."""
        if self.boxes is None:
            return None
        clause = overlap(_IMAGE, self.boxes) if self.boxes else false()
        return or_(_IMAGE.c.footprint.is_(None), clause) if self._query.match_null_geometry else clause

    def for_all(self) -> Road:
        """Return the road for reading all results, in no order."""
        keys = self._keys_by_place()
        return Road() if keys is None else Road(keys=keys)

    def for_page(self, connection: Connection, wanted: int) -> Road:
        """Return the road for reading the first results.

        Parameters
        ----------
        connection : Connection
            In a transaction; asked for numbers of candidates.
        wanted : int
            How many results.
        """
        if self._query.kind != "image" or self._finds_ids():
            return Road()
        sources = [keys for keys in (self._keys_by_place(), self._keys_by_tag()) if keys is not None]
        walk = self._walk()
        if walk is None:
            return Road(keys=sources[0]) if sources else Road()
        if sources:
            most = self._most_candidates(connection, wanted)
            counts = [_count_up_to(connection, keys, most) for keys in sources]
            fewest = min(range(len(sources)), key=counts.__getitem__)
            if counts[fewest] <= most:
                return Road(keys=sources[fewest])
        return walk

    def _most_candidates(self, connection: Connection, wanted: int) -> int:
        rows = connection.execute(select(func.coalesce(func.max(_IMAGE.c.key), 0))).scalar_one()
        return min(max(math.isqrt(wanted * rows), _FEWEST_PROBED), _MOST_PROBED)

    def _keys_by_place(self) -> Select[Any] | None:
        if not self.boxes or self._query.match_null_geometry:
            return None
        return in_boxes(self.boxes, self._times())

    def _keys_by_tag(self) -> Select[Any] | None:
        for term in self._terms:
            if isinstance(term, Eq) and term.name == "tags" and isinstance(term.value, str):
                return select(IMAGE_TAG.c.image_key).where(IMAGE_TAG.c.tag == term.value)
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
            products = [
                part.value for part in _choices(term) if isinstance(part, Eq) and part.name == "product_id"
            ]
            if 0 < len(products) == len(_choices(term)) and len(set(products)) <= _MOST_BRANCHES:
                branches = tuple(
                    _IMAGE.c.product_id == product for product in sorted(set(map(str, products)))
                )
                return Road(index="image_by_product", branches=branches)
        return Road(index="image_by_time")

    def _times(self) -> tuple[float | None, float | None]:
        """Find the span of ``acquired`` that all results lie in, in units of the R*Tree."""
        first: list[float] = []
        last: list[float] = []
        for term in self._terms:
            if isinstance(term, Eq) and term.name == "acquired":
                first.append(_to_units(term.value))
                last.append(_to_units(term.value))
            elif isinstance(term, Range) and term.name == "acquired":
                first += [_to_units(value) for value in (term.gt, term.gte) if value is not None]
                last += [_to_units(value) for value in (term.lt, term.lte) if value is not None]
        return max(first, default=None), min(last, default=None)


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


def _count_up_to(connection: Connection, keys: Select[Any], most: int) -> int:
    return int(
        connection.execute(select(func.count()).select_from(keys.limit(most + 1).subquery())).scalar_one()
    )


def _to_units(key: object) -> float:
    """Turn the key of a time into units of the R*Tree, whole seconds as the triggers do."""
    moment = datetime.fromisoformat(f"{str(key)[:19]}+00:00")
    return math.floor(moment.timestamp()) / TIME_UNIT
