"""What databases spell differently: JSON, patterns, boxes, hints. Here for SQLite; nothing else knows it.

A second database gets a module with the same functions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any, TypeAlias

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
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
    "TIME_UNIT",
    "Box",
    "HintCompiler",
    "Sign",
    "Wild",
    "bulk_insert",
    "contained_in",
    "extra_type",
    "extra_value",
    "fits_pattern",
    "in_boxes",
    "list_items",
    "list_length",
    "overlap",
    "use_index",
    "use_keys",
]

Box: TypeAlias = "tuple[float, float, float, float]"


class Wild(Enum):
    """A sign of a pattern that stands for others."""

    ONE = "any one character"
    RUN = "any run of characters, also none"


Sign: TypeAlias = "str | tuple[str, ...] | Wild"
"""A character, several letters of which one stands, or a wildcard."""

TIME_UNIT = 5_000_000.0
"""Seconds in one unit of the R*Tree's third dimension, about 58 days."""

_RTREE = Table(
    "image_rt",
    MetaData(),
    *[Column(name, Integer) for name in ("id", "minx", "maxx", "miny", "maxy", "mint", "maxt")],
)


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


def in_boxes(boxes: Iterable[Box], times: tuple[float | None, float | None]) -> Select[Any]:
    """Select the keys of images whose bounds share a point with any of some boxes, and a few more.

    Parameters
    ----------
    boxes : iterable of tuple of float
        (minx, miny, maxx, maxy), degrees.
    times : tuple of float or None
        First and last time in units of the R*Tree; None for open.

    Returns
    -------
    Select
        Keys; one may come twice.
    """
    rt = _RTREE.c
    first, last = times
    during = []
    if first is not None:
        during.append(rt.maxt >= literal(first))
    if last is not None:
        during.append(rt.mint <= literal(last))
    parts = [
        select(rt.id.op(">>")(1).label("key")).where(
            rt.maxx >= literal(minx),
            rt.minx <= literal(maxx),
            rt.maxy >= literal(miny),
            rt.miny <= literal(maxy),
            *during,
        )
        for minx, miny, maxx, maxy in boxes
    ]
    if len(parts) == 1:
        return parts[0]
    union = parts[0].union_all(*parts[1:]).subquery()
    return select(union.c.key)


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


def bulk_insert(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows given in the order of the table's columns."""
    if not rows:
        return
    compiled = insert(table).compile(dialect=sqlite.dialect(), column_keys=[c.name for c in table.columns])
    connection.exec_driver_sql(str(compiled), list(rows))


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
