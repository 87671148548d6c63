"""Searching a table: statements by pages, exact tests of what SQL cannot say, sums."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any

import numpy as np
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    null,
    or_,
    select,
)

from dawnlight.search import (
    Document,
    IntervalSummary,
    Query,
    Summary,
    make_matcher,
    place,
    search_shapes,
)
from dawnlight.storage._intervals import Binning
from dawnlight.storage._spatial import intersects_any
from dawnlight.storage._sql_candidates import OrderedCandidates, rank_of_candidate
from dawnlight.storage._sql_dialect import among_keys_given, give_keys, use_keys
from dawnlight.storage._sql_forms import find_form
from dawnlight.storage._sql_roads import Road, Roads, ranks_of_times
from dawnlight.storage._sql_rows import CODECS

__all__ = ["TableSearch"]

_LARGEST_BATCH = 4096
_STREAM_BATCH = 4096
_SMALLEST_BATCH = 64

_SIZE: BindParameter[int] = bindparam("size", type_=Integer)
_NOT_READ = frozenset({"minx", "miny", "maxx", "maxy", "size_bytes"})
"""Columns that documents are not made of; they come as NULL, because each value that is read costs time."""
_WHOLE = {
    kind: select(*[null().label(c.name) if c.name in _NOT_READ else c for c in codec.table.columns])
    for kind, codec in CODECS.items()
}

Values = Sequence[Any]


class TableSearch:
    """One query on the table of its kind.

    SQL answers with candidates in order, batch by batch. What it could not test exactly is tested here:
    footprints in GEOS, other conditions by the model's own evaluator on the whole document.

    Parameters
    ----------
    query : Query
        The search; its limit plays no part.
    """

    def __init__(self, query: Query) -> None:
        self._query = query
        self._codec = CODECS[query.kind]
        self._table = self._codec.table
        self._whole = _WHOLE[query.kind]
        self._shapes = None if query.geometry is None else search_shapes(query.geometry)
        self._roads = Roads(query, self._shapes)
        self._form, condition, self._given = find_form(query.kind, query.condition)
        self._clause = condition.clause
        self._matcher = None
        if not condition.exact or query.text is not None:
            self._matcher = make_matcher(query.intersecting(None))
        self._keys = query.sort
        self._nullable = {key.field for key in self._keys if self._table.c[key.field].nullable}

    @property
    def exact(self) -> bool:
        """True when SQL alone gives the answer."""
        return self._shapes is None and self._matcher is None

    # -- pages ---------------------------------------------------------------------------------------

    def fetch(self, connection: Connection, after: Values | None, room: int) -> tuple[list[Document], bool]:
        """Read the results behind a position.

        Parameters
        ----------
        connection : Connection
            In a transaction.
        after : sequence or None
            Sort values of the last result before; None for the start.
        room : int
            How many results, at least 1.

        Returns
        -------
        documents : list of Document
            At most `room`.
        more : bool
            Whether results are left.
        """
        road = self._roads.for_page(connection, room, after)
        if road.ordered is not None:
            return self._fetch_ordered(connection, road.ordered, after, room)
        found: list[Document] = []
        for values, null_phase in self._phases(after, road):
            batches = self._batches(connection, road, values, null_phase, room)
            for rows in batches:
                found += self._documents(rows)
                if len(found) > room:
                    return found[:room], True
        return found, False

    def _fetch_ordered(
        self, connection: Connection, candidates: OrderedCandidates, after: Values | None, room: int
    ) -> tuple[list[Document], bool]:
        """Read candidates in the order of their rough time, until enough are certain to come first.

        A result is certain when its own time lies before the rough times of all candidates not yet read.
        The statement leaves the place to the exact test, because candidates are in it but for a few.
        """
        ascending = self._keys[0].ascending
        time = self._codec.position(self._keys[0].field)

        def make() -> Select[Any]:
            among = among_keys_given(self._table.c.key)
            statement = self._whole.where(among, self._clause, *self._following(after, None))
            return use_keys(statement, self._table)

        name = "ordered", self._keys, _pattern(after)
        given = _give_values(after)
        rows: list[Values] = []
        ranks = np.empty(0)
        few = room + room // 8 + 8 if self._roads.fits_tree else 2 * (room + 1)
        size = min(few, _LARGEST_BATCH)
        seen = certain = 0
        while certain <= room and (chunk := candidates.take(size)):
            given |= give_keys([key for key, _, _ in chunk])
            accepted = self._accept(self._run(connection, name, make, given))
            rows += accepted
            ranks = np.append(ranks, ranks_of_times([row[time] for row in accepted], ascending=ascending))
            seen += len(chunk)
            following = candidates.peek()
            rest = math.inf if following is None else rank_of_candidate(following, ascending=ascending)
            certain = int(np.count_nonzero(ranks < rest))
            # As many more as hold the rest of the page if they are like those before.
            missing = (room + 1 - certain) * seen // max(1, len(rows))
            size = min(max(missing + missing // 4, _SMALLEST_BATCH), 2 * size, _LARGEST_BATCH)
        return self._codec.from_rows(self._sorted(rows)[:room]), len(rows) > room

    def _sorted(self, rows: Sequence[Values]) -> list[Values]:
        """Sort rows: by id, and then by each key, the first one last; nulls behind the others each time."""
        found = sorted(rows, key=itemgetter(self._codec.position("id")))
        for key in reversed(self._keys):
            position = self._codec.position(key.field)
            known = [row for row in found if row[position] is not None]
            nulls = [row for row in found if row[position] is None]
            known.sort(key=itemgetter(position), reverse=not key.ascending)
            found = known + nulls
        return found

    def _phases(self, after: Values | None, road: Road) -> list[tuple[Values | None, bool | None]]:
        """Split a walk into the part with and the part without a value, so that each is a piece of the index.

        None for the second means that nulls are sorted by the statement.
        """
        if road.index is None:
            return [(after, None)]
        if after is not None and after[0] is None:
            return [(after, True)]
        return [(after, False), (None, True)]

    def _batches(
        self, connection: Connection, road: Road, after: Values | None, null_phase: bool | None, room: int
    ) -> Iterator[list[Values]]:
        size = room + 1 if self.exact else room + room // 4 + 8
        while True:
            size = min(size, max(_LARGEST_BATCH, room + 1))
            rows = self._rows(connection, road, after, null_phase, size)
            yield rows
            if len(rows) < size:
                return
            after, size = self._values(rows[-1]), 2 * size

    def _rows(
        self, connection: Connection, road: Road, after: Values | None, null_phase: bool | None, size: int
    ) -> list[Values]:
        def make() -> Select[Any]:
            order = self._order(null_phase)
            conditions = [*self._conditions(road), *self._following(after, null_phase)]
            if road.keys is not None:
                # Sort by little before reading much: whole rows are ten times as wide as what sorts them.
                few = road.lead(select(self._table.c.key).where(*conditions)).order_by(*order).limit(_SIZE)
                inner = few.subquery()
                chosen = self._table.c.key.in_(select(inner.c.key))
                return use_keys(self._whole.where(chosen), self._table).order_by(*order)
            return road.lead(self._whole.where(*conditions)).order_by(*order).limit(_SIZE)

        name: Hashable = None  # where the place is in the statement
        if self._spatial_clause(road) is None:
            name = "rows", self._keys, _pattern(after), null_phase, road.form
        given = {"size": size, **_give_values(after)}
        parts = [self._run(connection, name, make, {**given, **more}) for more in road.given()]
        if len(parts) == 1:
            return parts[0]
        merged = heapq.merge(*parts, key=lambda row: place(self._query, self._values(row)))
        return list(islice(merged, size))

    def _run(
        self,
        connection: Connection,
        name: Hashable,
        make: Callable[[], Select[Any]],
        given: Mapping[str, Any],
    ) -> list[Values]:
        """Run a statement with the values of its parameters.

        Its name tells it from others with this condition; with None it is made anew.
        """
        given = {**self._given, **given}
        if self._form is None or name is None:
            return list(connection.execute(make(), given))
        return list(self._form.run(connection, name, make, given))

    def _conditions(self, road: Road) -> list[ColumnElement[bool]]:
        spatial = self._spatial_clause(road)
        return [self._clause] if spatial is None else [self._clause, spatial]

    def _spatial_clause(self, road: Road) -> ColumnElement[bool] | None:
        return None if road.keys is not None else self._roads.spatial_clause()

    def _order(self, null_phase: bool | None) -> list[ColumnElement[Any]]:
        order: list[ColumnElement[Any]] = []
        for index, key in enumerate(self._keys):
            column = self._table.c[key.field]
            if index == 0 and null_phase is not None:
                if null_phase:
                    continue
            elif key.field in self._nullable:
                order.append(column.is_(None))
            order.append(column.asc() if key.ascending else column.desc())
        return [*order, self._table.c.id]

    def _following(self, after: Values | None, null_phase: bool | None) -> Iterator[ColumnElement[bool]]:
        if null_phase is not None:
            first = self._table.c[self._keys[0].field]
            yield first.is_(None) if null_phase else first.is_not(None)
        if after is not None:
            yield from self._behind(after)

    def _behind(self, after: Values) -> Iterator[ColumnElement[bool]]:
        """Say "behind these sort values": larger in the first key that differs; see `_give_values`."""
        columns = self._table.c
        choices: list[ColumnElement[bool]] = []
        same: list[ColumnElement[bool]] = []
        for index, (key, value) in enumerate(zip(self._keys, after, strict=False)):
            column = columns[key.field]
            if value is None:
                same.append(column.is_(None))
                continue
            asked: BindParameter[Any] = bindparam(_after(index))
            larger = column > asked if key.ascending else column < asked
            behind = or_(larger, column.is_(None)) if key.field in self._nullable else larger
            choices.append(and_(*same, behind))
            if index == 0:
                # Says nothing new, but lets an index begin there.
                bound = column >= asked if key.ascending else column <= asked
                yield or_(bound, column.is_(None)) if key.field in self._nullable else bound
            same.append(column == asked)
        choices.append(and_(*same, columns.id > bindparam(_after(len(after) - 1))))
        yield or_(*choices)

    def _values(self, row: Values) -> Values:
        return [row[self._codec.position(name)] for name in (*(key.field for key in self._keys), "id")]

    def _documents(self, rows: Sequence[Values]) -> list[Document]:
        """Make documents of the rows that really match."""
        documents = self._codec.from_rows(self._in_place(rows))
        if self._matcher is not None:
            documents = [document for document in documents if self._matcher(document)]
        return documents

    def _accept(self, rows: Sequence[Values]) -> Sequence[Values]:
        """Keep the rows that really match."""
        rows = self._in_place(rows)
        if self._matcher is not None:
            documents = self._codec.from_rows(rows)
            rows = [row for row, document in zip(rows, documents, strict=True) if self._matcher(document)]
        return rows

    def _in_place(self, rows: Sequence[Values], position: int | None = None) -> Sequence[Values]:
        """Keep the rows whose footprints really meet the place; their column may be given."""
        if self._shapes is None or not rows:
            return rows
        position = self._codec.position("footprint") if position is None else position
        found = intersects_any(
            self._shapes, [row[position] for row in rows], null_matches=self._query.match_null_geometry
        )
        return [row for row, inside in zip(rows, found.tolist(), strict=True) if inside]

    # -- sums ----------------------------------------------------------------------------------------

    def count(self, connection: Connection) -> int:
        """Count all results."""
        if self.exact:
            return int(self._run(connection, "count", lambda: self._sum(func.count()), {})[0][0])
        return sum(1 for _ in self._stream(connection, ()))

    def summary(self, connection: Connection) -> Summary:
        """Add up all results."""
        columns = self._table.c
        if self.exact:
            statement = self._sum(columns.product_id, func.count(), func.sum(columns.size_bytes))
            groups: Any = connection.execute(statement.group_by(columns.product_id), self._given)
        else:
            groups = (
                (product, 1, size) for product, size in self._stream(connection, ("product_id", "size_bytes"))
            )
        count = size = 0
        products = set()
        for product, images, size_bytes in groups:
            count += images
            size += size_bytes
            products.add(product)
        return Summary(count=count, bytes=size, products=tuple(sorted(products)))

    def intervals(self, connection: Connection, binning: Binning) -> list[IntervalSummary]:
        """Add up all results by interval of time."""
        columns = self._table.c
        if self.exact:
            column = columns[binning.field]
            prefix = func.substr(column, 1, binning.length)
            statement = self._sum(prefix, func.count(), func.sum(columns.size_bytes)).where(
                column.is_not(None)
            )
            if binning.start is not None:
                statement = statement.where(column >= binning.start)
            if binning.end is not None:
                statement = statement.where(column <= binning.end)
            groups: Any = connection.execute(statement.group_by(prefix), self._given)
        else:
            groups = (
                (key[: binning.length], 1, size)
                for key, size in self._stream(connection, (binning.field, "size_bytes"))
                if key is not None and binning.holds(key)
            )
        return binning.add_up(tuple(group) for group in groups)

    def _sum(self, *columns: Any) -> Select[Any]:
        return select(*columns).select_from(self._table).where(self._clause)

    def _stream(self, connection: Connection, names: Sequence[str]) -> Iterator[list[Any]]:
        """Yield some columns of all results, in no order."""
        whole = self._matcher is not None
        read = list(self._codec.names if whole else dict.fromkeys((*names, "footprint")))
        picked = [read.index(name) for name in names]
        place = None if self._shapes is None else read.index("footprint")
        columns = [self._table.c[name] for name in read]
        road = self._roads.for_all(connection)
        statement = road.lead(select(*columns).where(*self._conditions(road)))
        result = connection.execute(statement, {**self._given, **road.given()[0]})
        for rows in result.partitions(_STREAM_BATCH):
            for row in self._in_place(rows, place):
                if self._matcher is None or self._matcher(self._codec.from_row(row)):
                    yield [row[index] for index in picked]


def _pattern(after: Values | None) -> tuple[bool, ...] | None:
    """Return what the statement of a page depends on of the sort values before it."""
    return None if after is None else tuple(value is None for value in after)


def _give_values(after: Values | None) -> dict[str, Any]:
    """Return the parameters that give these sort values to the statement."""
    return {
        _after(index): int(value) if isinstance(value, bool) else value
        for index, value in enumerate(after or ())
        if value is not None
    }


def _after(index: int) -> str:
    return f"after{index}"
