"""What databases spell differently: JSON, patterns, boxes, hints. Here for SQLite; nothing else knows it.

A second database gets a module with the same functions.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
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
    "HintCompiler",
    "Prepared",
    "Sign",
    "Wild",
    "among_keys_given",
    "bulk_insert",
    "contained_in",
    "extra_type",
    "extra_value",
    "fits_pattern",
    "give_keys",
    "key_to_units",
    "keys_to_units",
    "list_items",
    "list_length",
    "overlap",
    "prepare",
    "use_index",
    "use_keys",
]

_GIVEN_KEYS = select(func.json_each(bindparam("keys", type_=String)).table_valued("value").c.value)

Box: TypeAlias = "tuple[float, float, float, float]"


class Wild(Enum):
    """A sign of a pattern that stands for others."""

    ONE = "any one character"
    RUN = "any run of characters, also none"


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


_DIALECT = sqlite.dialect(paramstyle="qmark")
_DIALECT.statement_compiler = HintCompiler


def use_index(statement: Select[Any], table: Table, index: str) -> Select[Any]:
    """Make a statement walk a table by an index."""
    return statement.with_hint(table, f"INDEXED BY {index}", "sqlite")


def use_keys(statement: Select[Any], table: Table) -> Select[Any]:
    """Make a statement find the rows of a table by ``key`` and by nothing else."""
    return statement.with_hint(table, "NOT INDEXED", "sqlite")


class Prepared(NamedTuple):
    """A statement that is compiled."""

    text: str
    slots: tuple[str | None, ...]
    """For each value that the driver is given, the name of its parameter; None where it never changes."""
    constants: tuple[Any, ...]
    """For each, the value that never changes."""

    def run(self, connection: Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it with the values of its parameters and return all rows."""
        given = [
            constant if name is None else values[name]
            for name, constant in zip(self.slots, self.constants, strict=True)
        ]
        # The driver itself: SQLAlchemy would look up the statement, and wrap the rows.
        driver: Any = connection.connection.driver_connection
        rows: list[tuple[Any, ...]] = driver.execute(self.text, given).fetchall()
        return rows


def prepare(statement: Select[Any]) -> Prepared:
    """Compile a statement.

    Parameters
    ----------
    statement : Select
        Values that change are parameters with names of their own (``bindparam("name")``) and strings, numbers
        or None, which reach the driver as they are.
    """
    compiled = statement.compile(dialect=_DIALECT)
    names = compiled.positiontup or []
    required = {bound.key for bound in compiled.bind_names if bound.required}
    return Prepared(
        text=str(compiled),
        slots=tuple(name if name in required else None for name in names),
        constants=tuple(None if name in required else compiled.params[name] for name in names),
    )


def among_keys_given(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Tell whether a column holds one of any number of keys, which come later: see `give_keys`."""
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
