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

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    Table,
    and_,
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
    "Wild",
    "among_keys",
    "bulk_insert",
    "candidates_in_boxes",
    "contained_in",
    "extra_type",
    "extra_value",
    "fits_pattern",
    "key_to_units",
    "list_items",
    "list_length",
    "overlap",
    "use_index",
    "use_keys",
]

_CANDIDATES = "SELECT id >> 1, mint, maxt FROM image_rt"

Box: TypeAlias = "tuple[float, float, float, float]"


class Wild(Enum):
    """A sign of a pattern that stands for others."""

    ONE = "any one character"
    RUN = "any run of characters, also none"


class Candidate(NamedTuple):
    """An image as the R*Tree knows it: its key, and a span of time that holds ``acquired``."""

    key: int
    mint: float
    maxt: float


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
    connection: Connection, boxes: Sequence[Box], times: tuple[float | None, float | None], most: int
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
    most : int
        How many are welcome at most.

    Returns
    -------
    list of Candidate or None
        In no order; one may come twice. None where there are more.
    """
    values: list[Any] = []
    parts = []
    for minx, miny, maxx, maxy in boxes:
        part = f"{_CANDIDATES} WHERE maxx >= ? AND minx <= ? AND maxy >= ? AND miny <= ?"
        values += [minx, maxx, miny, maxy]
        for bound, test in zip(times, (" AND maxt >= ?", " AND mint <= ?"), strict=True):
            if bound is not None:
                part += test
                values.append(bound)
        parts.append(part)
    statement = " UNION ALL ".join(parts)
    # The driver itself, because many small rows pass here; counting them costs a tenth of fetching them.
    driver: Any = connection.connection.driver_connection
    (count,) = driver.execute(f"SELECT count(*) FROM ({statement} LIMIT ?)", (*values, most + 1)).fetchone()
    if count > most:
        return None
    return list(map(Candidate._make, driver.execute(statement, values).fetchall()))


def among_keys(column: ColumnElement[Any], keys: Sequence[int]) -> ColumnElement[bool]:
    """Tell whether a column holds one of any number of keys."""
    items = func.json_each(str(list(keys))).table_valued("value")
    return column.in_(select(items.c.value))


def key_to_units(key: object) -> float:
    """Turn the key of a time into units of the R*Tree, cut to whole seconds as the triggers do."""
    moment = datetime.fromisoformat(f"{str(key)[:19]}+00:00")
    return math.floor(moment.timestamp()) / TIME_UNIT


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
