"""What SQLite needs beyond the common tables: strict typing, the R*Tree and the triggers that fill it.

The R*Tree has three dimensions: longitude and latitude in degrees, and time since 1970 in units of 5 000 000
seconds. The unit matters: the tree splits its nodes along the axis with the longest margin, so times in
seconds would give slices of time as wide as the Earth (a 1-degree box in 1 M images: 35 ms; in these units
0.06 ms). It stores 32-bit floats, rounded outwards (150 s of time), so it answers with a superset and the
exact columns are always looked at too.

An image has one row, and the next number as well when its footprint crosses the antimeridian (see `_sql_tree`
for these numbers)::

    -180            180
      |##|         |##|      minx = 170 > maxx = -170
      second       first row
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from dawnlight.storage._image_batches import ImageBatch
from dawnlight.storage._sql_dialect import NO_TIME, TIME_UNIT
from dawnlight.storage._sql_schema import META, METADATA, SCHEMA_VERSION
from dawnlight.storage._sql_tree import row_number

__all__ = ["APPLICATION_ID", "HEAD_REVISION", "create_schema", "insert_images", "schema_statements"]

APPLICATION_ID = 0x4461776E
"""``Dawn`` in ASCII, in the header of the file: tells a catalog from any other SQLite database."""

HEAD_REVISION = "0003"
"""Name of the newest migration, as Alembic's version table holds it."""

_RTREE = "CREATE VIRTUAL TABLE image_rt USING rtree(id, minx, maxx, miny, maxy, mint, maxt)"

_TIME = f"(SELECT coalesce(strftime('%s', substr(NEW.acquired, 1, 19)) / {TIME_UNIT}, {NO_TIME}) AS t)"

# The part that starts at minx; and, after a crossing, the part that ends at maxx.
_FIRST = (
    f"INSERT INTO image_rt SELECT {row_number('NEW.')}, NEW.minx, iif(NEW.minx > NEW.maxx, 180.0, NEW.maxx), "
    f"NEW.miny, NEW.maxy, t, t FROM {_TIME};"
)
_SECOND = (
    f"INSERT INTO image_rt SELECT {row_number('NEW.', second=True)}, -180.0, NEW.maxx, "
    f"NEW.miny, NEW.maxy, t, t FROM {_TIME};"
)
_DELETE = (
    f"DELETE FROM image_rt WHERE id = {row_number('OLD.')}; "
    f"DELETE FROM image_rt WHERE id = {row_number('OLD.', second=True)};"
)


_FILL_TREE = (
    f"WITH placed AS MATERIALIZED (SELECT {row_number()} AS number, minx, maxx, miny, maxy, "
    f"coalesce(strftime('%s', substr(acquired, 1, 19)) / {TIME_UNIT}, {NO_TIME}) AS t "
    "FROM image WHERE key >= ? AND key < ? AND minx IS NOT NULL ORDER BY t) "
    "INSERT INTO image_rt SELECT number, minx, iif(minx > maxx, 180.0, maxx), miny, maxy, t, t FROM placed "
    "UNION ALL SELECT number + 1, -180.0, maxx, miny, maxy, t, t FROM placed WHERE minx > maxx"
)
"""What the triggers of insertion do, for many images at once.

In the order of time, in which the tree keeps its pages: neighbours go to one page.
"""

_WATCHED = ("key", "minx", "miny", "maxx", "maxy", "acquired", "cloud_fraction")
"""The columns that the R*Tree depends on."""


def _insert_triggers() -> dict[str, str]:
    """Make the triggers of insertion, by name; an image across the antimeridian fires both."""
    return {
        "image_rt_insert": (
            "CREATE TRIGGER image_rt_insert AFTER INSERT ON image WHEN NEW.minx IS NOT NULL "
            f"BEGIN {_FIRST} END"
        ),
        "image_rt_insert_second": (
            "CREATE TRIGGER image_rt_insert_second AFTER INSERT ON image WHEN NEW.minx > NEW.maxx "
            f"BEGIN {_SECOND} END"
        ),
    }


def _triggers() -> list[str]:
    changed = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in _WATCHED)
    update = f"AFTER UPDATE OF {', '.join(_WATCHED)} ON image WHEN {changed}"
    return [
        *_insert_triggers().values(),
        f"CREATE TRIGGER image_rt_delete AFTER DELETE ON image WHEN OLD.minx IS NOT NULL BEGIN {_DELETE} END",
        f"CREATE TRIGGER image_rt_update {update} BEGIN {_DELETE} "
        f"{_FIRST[:-1]} WHERE NEW.minx IS NOT NULL; {_SECOND[:-1]} WHERE NEW.minx > NEW.maxx; END",
    ]


def insert_images(connection: Connection, batches: Iterable[ImageBatch], first: int) -> None:
    """Insert many images, their tags, and their rows of the R*Tree, inside the caller's transaction.

    The result is that of the triggers. But a statement with triggers keeps a copy of every page it changes,
    in case it fails halfway, which takes a third of the time. So the triggers of insertion are taken out and
    put back; both are undone together with everything else if the transaction fails.

    The tree is filled by another thread. Each time that is one step of SQLite, outside of Python's lock, so
    the next batch can be prepared meanwhile. Only one of the two threads uses the connection at a time.

    Parameters
    ----------
    connection : Connection
        In a write transaction.
    batches : iterable of ImageBatch
        None of their images exists, all of their products do. It may prepare a batch when it is asked for
        it, but must not use the connection for that.
    first : int
        The key of the first image; the others count on.
    """
    triggers = _insert_triggers()
    for name in triggers:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    # The driver itself, because it takes rows one by one and keeps none.
    driver: Any = connection.connection.driver_connection
    tags: list[tuple[str, int]] = []
    with ThreadPoolExecutor(1, thread_name_prefix="dawnlight-tree") as pool:
        wait: Callable[[], Any] = _do_nothing
        for batch in batches:
            wait()
            for names, rows in batch.rows(first):
                values = ", ".join("?" for _ in names)
                driver.executemany(f"INSERT INTO image ({', '.join(names)}) VALUES ({values})", rows)
            wait = _start(pool, driver.execute, _FILL_TREE, (first, first + len(batch.ids)))
            tags += batch.tags(first)
            first += len(batch.ids)
        tags.sort()  # into the order of their table
        wait()
    driver.executemany("INSERT INTO image_tag VALUES (?, ?)", tags)
    for statement in triggers.values():
        connection.exec_driver_sql(statement)


def _do_nothing() -> None:
    """Wait for nothing."""


def _start(pool: ThreadPoolExecutor, action: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    """Start an action in another thread; return what waits for its end and raises its error."""
    try:
        return pool.submit(action, *arguments).result
    except RuntimeError:  # no more threads: the interpreter ends, or there are too many
        action(*arguments)
        return _do_nothing


def schema_statements() -> list[str]:
    """List the statements that make an empty catalog at the newest version."""
    dialect = sqlite.dialect()
    statements: list[str] = []
    for table in METADATA.sorted_tables:
        create = str(CreateTable(table).compile(dialect=dialect)).strip()
        statements.append(create + (", STRICT" if create.endswith("WITHOUT ROWID") else " STRICT"))
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        statements += [str(CreateIndex(index).compile(dialect=dialect)).strip() for index in indexes]
    statements += [_RTREE, *_triggers()]
    statements.append("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    return statements


def create_schema(connection: Connection, created: str) -> None:
    """Make the tables of an empty catalog, inside the caller's transaction.

    Parameters
    ----------
    connection : Connection
        In a write transaction, on a database without tables.
    created : str
        The time to note, as the wire spells it.
    """
    for statement in schema_statements():
        connection.exec_driver_sql(statement)
    rows: list[dict[str, Any]] = [
        {"name": "uuid", "value": str(uuid.uuid4())},
        {"name": "created", "value": created},
    ]
    connection.execute(META.insert(), rows)
    connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (HEAD_REVISION,))
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
