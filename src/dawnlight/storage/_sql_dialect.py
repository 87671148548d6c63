"""What databases spell differently: JSON, patterns, boxes, hints. Here for SQLite; nothing else knows it.

A second database gets a module with the same functions.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    Table,
    and_,
    bindparam,
    func,
    insert,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.sql.selectable import FromClause, TableValuedAlias

__all__ = [
    "NO_TIME",
    "TIME_UNIT",
    "Box",
    "Candidate",
    "HintCompiler",
    "Sign",
    "Slice",
    "Wild",
    "among_keys",
    "among_keys_given",
    "bulk_insert",
    "candidates_in_boxes",
    "contained_in",
    "extent_of_times",
    "extra_type",
    "extra_value",
    "fits_pattern",
    "give_keys",
    "key_to_units",
    "keys_to_units",
    "list_items",
    "list_length",
    "overlap",
    "rows_of_keys",
    "use_index",
    "use_keys",
]

_CANDIDATES = "SELECT id >> 1, mint, maxt FROM image_rt"
# Each by itself, so that each is one look at an index.
_EXTENT = (
    "SELECT (SELECT min(acquired) FROM image), (SELECT max(acquired) FROM image), "
    "(SELECT max(key) FROM image)"
)

_GIVEN_KEYS = select(func.json_each(bindparam("keys", type_=String)).table_valued("value").c.value)

Box: TypeAlias = "tuple[float, float, float, float]"


class Wild(Enum):
    """A sign of a pattern that stands for others."""

    ONE = "any one character"
    RUN = "any run of characters, also none"


Candidate: TypeAlias = "tuple[int, float, float]"
"""An image as the R*Tree knows it: its key, and a span of time that holds ``acquired``."""


class Slice(NamedTuple):
    """A part of the candidates by time, in units of the R*Tree."""

    ascending: bool
    """True: their spans begin in ``[first, last)``. False: their spans end in ``(first, last]``."""
    first: float
    last: float


Sign: TypeAlias = "str | tuple[str, ...] | Wild"
"""A character, several letters of which one stands, or a wildcard."""

TIME_UNIT = 5_000_000.0
"""Seconds in one unit of the R*Tree's third dimension, about 58 days."""

NO_TIME = 1_000_000.0
"""Where on that dimension images without a time are: behind all others."""


class HintCompiler(SQLiteCompiler):
    """SQLAlchemy's compiler for SQLite, which leaves out hints, with hints."""

    def get_from_hint_text(self, table: FromClause, text: str | None) -> str | None:
        """Return what follows the name of a table in FROM."""
        return text


def use_index(statement: Select[Any], table: Table, index: str) -> Select[Any]:
    """Make a statement walk a table by an index."""
    return statement.with_hint(table, f"INDEXED BY {index}", "sqlite")


def use_keys(statement: Select[Any], table: Table) -> Select[Any]:
    """Make a statement find the rows of a table by ``key`` and by nothing else."""
    return statement.with_hint(table, "NOT INDEXED", "sqlite")


def candidates_in_boxes(
    connection: Connection,
    boxes: Sequence[Box],
    times: tuple[float | None, float | None],
    most: int | None,
    part: Slice | None = None,
) -> list[Candidate] | None:
    """Find the images whose bounds share a point with any of some boxes, and a few more.

    Parameters
    ----------
    connection : Connection
        In a transaction.
    boxes : sequence of tuple of float
        (minx, miny, maxx, maxy), degrees.
    times : tuple of float or None
        First and last time in units of the R*Tree; None for open.
    most : int or None
        How many are welcome at most; None for any number.
    part : Slice, optional
        Only those in a slice of time.

    Returns
    -------
    list of Candidate or None
        In no order; one may come twice. None where there are more.
    """
    test, bounds = "maxx >= ? AND minx <= ? AND maxy >= ? AND miny <= ?", []
    for bound, comparison in zip(times, (" AND maxt >= ?", " AND mint <= ?"), strict=True):
        if bound is not None:
            test += comparison
            bounds.append(bound)
    if part is not None:
        test += " AND mint >= ? AND mint < ?" if part.ascending else " AND maxt > ? AND maxt <= ?"
        bounds += [part.first, part.last]
    statement = " UNION ALL ".join([f"{_CANDIDATES} WHERE {test}"] * len(boxes))
    values = [value for minx, miny, maxx, maxy in boxes for value in (minx, maxx, miny, maxy, *bounds)]
    # The driver itself, because many small rows pass here.
    driver: Any = connection.connection.driver_connection
    found: list[Candidate]
    if most is None:
        found = driver.execute(statement, values).fetchall()
        return found
    if part is None:
        # Counting costs a tenth of fetching, and there may be very many.
        count = f"SELECT count(*) FROM ({statement} LIMIT ?)"
        if driver.execute(count, (*values, most + 1)).fetchone()[0] > most:
            return None
    found = driver.execute(f"{statement} LIMIT ?", (*values, most + 1)).fetchall()
    return None if len(found) > most else found


def extent_of_times(connection: Connection) -> tuple[float, float, int] | None:
    """Return the first and the last time of all images, in units of the R*Tree, and about their number."""
    driver: Any = connection.connection.driver_connection
    oldest, newest, last_key = driver.execute(_EXTENT).fetchone()
    return None if oldest is None else (key_to_units(oldest), key_to_units(newest), last_key)


def rows_of_keys(connection: Connection, table: Table, keys: Sequence[int]) -> dict[int, tuple[Any, ...]]:
    """Read whole rows of a table by ``key``, its first column."""
    driver: Any = connection.connection.driver_connection
    names = ", ".join(column.name for column in table.columns)
    statement = f"SELECT {names} FROM {table.name} NOT INDEXED WHERE key IN (SELECT value FROM json_each(?))"
    return {row[0]: row for row in driver.execute(statement, tuple(give_keys(keys).values())).fetchall()}


def among_keys(column: ColumnElement[Any], keys: Sequence[int]) -> ColumnElement[bool]:
    """Tell whether a column holds one of any number of keys."""
    items = func.json_each(str(list(keys))).table_valued("value")
    return column.in_(select(items.c.value))


def among_keys_given(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Tell the same of keys that come when the statement is executed; see `give_keys`."""
    return column.in_(_GIVEN_KEYS)


def give_keys(keys: Sequence[int]) -> dict[str, str]:
    """Return the parameters that give keys to a statement with `among_keys_given`."""
    return {"keys": str(list(keys))}


def key_to_units(key: object) -> float:
    """Turn the key of a time into units of the R*Tree, cut to whole seconds as the triggers do."""
    moment = datetime.fromisoformat(f"{str(key)[:19]}+00:00")
    return math.floor(moment.timestamp()) / TIME_UNIT


def keys_to_units(keys: Sequence[str]) -> list[float]:
    """Turn the keys of many times into units of the R*Tree, as `key_to_units` does."""
    seconds = np.array([key[:19] for key in keys], dtype="datetime64[s]").astype(np.int64)
    units: list[float] = (seconds / TIME_UNIT).tolist()
    return units


def contained_in(column: ColumnElement[Any], texts: Sequence[str]) -> ColumnElement[bool]:
    """Tell whether a text column holds one of any number of texts."""
    items = func.json_each(json.dumps(list(texts))).table_valued("value")
    return column.in_(select(items.c.value))


def list_items(body: ColumnElement[Any], name: str) -> TableValuedAlias:
    """Return the items of a list of strings in a JSON column as a table with the column ``value``."""
    return func.json_each(body, f"$.{name}").table_valued("value")


def list_length(body: ColumnElement[Any], name: str) -> ColumnElement[int]:
    """Return the length of a list in a JSON column; 0 where it is missing."""
    return func.coalesce(func.json_array_length(body, f"$.{name}"), 0)


def extra_value(body: ColumnElement[Any], key: str) -> ColumnElement[Any]:
    """Return one extra property of a JSON column, in the database's type for it; NULL where it is missing."""
    path = _extra_path(key)
    return func.json_extract(body, path) if path is not None else _extra_item(body, key, "value")


def extra_type(body: ColumnElement[Any], key: str) -> ColumnElement[str]:
    """Return ``text``, ``integer``, ``real``, ``true`` or ``false``; NULL where the property is missing."""
    path = _extra_path(key)
    return func.json_type(body, path) if path is not None else _extra_item(body, key, "type")


def fits_pattern(column: ColumnElement[Any], pattern: Sequence[Sign]) -> ColumnElement[bool]:
    """Tell whether a text column fits a pattern as a whole, case counting.

    Parameters
    ----------
    column : ColumnElement
        Text.
    pattern : sequence of Sign
        What stands one after the other.
    """
    return column.op("GLOB", is_comparison=True)(literal("".join(map(_spell_glob, pattern)), String))


def bulk_insert(connection: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows given in the order of the table's columns."""
    if not rows:
        return
    compiled = insert(table).compile(dialect=sqlite.dialect(), column_keys=[c.name for c in table.columns])
    connection.exec_driver_sql(str(compiled), [tuple(row) for row in rows])


def overlap(table: Table, boxes: Iterable[Box]) -> ColumnElement[bool]:
    """Tell by the exact columns whether an image's bounds share a point with any of some boxes.

    ``minx > maxx`` marks bounds across the antimeridian: all longitudes but those between.
    """
    c = table.c
    crossing = c.minx > c.maxx
    return or_(
        *[
            and_(
                c.maxy >= miny,
                c.miny <= maxy,
                or_(
                    and_(c.minx <= maxx, c.maxx >= minx),
                    and_(crossing, or_(c.minx <= maxx, c.maxx >= minx)),
                ),
            )
            for minx, miny, maxx, maxy in boxes
        ]
    )


def _spell_glob(sign: Sign) -> str:
    if sign is Wild.ONE:
        return "?"
    if sign is Wild.RUN:
        return "*"
    if isinstance(sign, tuple):
        return f"[{''.join(sign)}]"
    return f"[{sign}]" if sign in ("*", "?", "[") else str(sign)


def _extra_path(key: str) -> str | None:
    """Spell a key as a JSON path; None where that has no way to spell it."""
    if any(sign in '"\\' or sign < " " for sign in key):
        return None
    return f'$.extra_properties."{key}"'


def _extra_item(body: ColumnElement[Any], key: str, column: str) -> ColumnElement[Any]:
    items = func.json_each(body, "$.extra_properties").table_valued("key", "value", "type")
    return select(items.c[column]).where(items.c.key == key).scalar_subquery()
