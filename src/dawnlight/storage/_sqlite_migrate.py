"""Bringing the file of an older version up to date. Imported only then, because Alembic takes its time.

The numbers that ``user_version`` counts are those of the revisions in ``_sqlite_migrations/versions``, in
order. All steps happen in one transaction under the write mutex, after a copy of the file was written beside
it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from dawnlight.errors import CatalogDamagedError
from dawnlight.storage._sql_schema import SCHEMA_VERSION
from dawnlight.storage._sqlite_copy import write_copy
from dawnlight.storage._sqlite_engine import SqliteEngine

__all__ = ["SCRIPTS", "migrate_file"]

SCRIPTS = Path(__file__).with_name("_sqlite_migrations")
"""Where the migrations are."""

_log = logging.getLogger(__name__)


def migrate_file(
    engine: SqliteEngine, version: int, *, scripts: Path = SCRIPTS, target: int = SCHEMA_VERSION
) -> None:
    """Migrate the file of an engine to the newest version.

    Parameters
    ----------
    engine : SqliteEngine
        Open for writing.
    version : int
        The version that the caller saw; another process may have migrated since.
    scripts : Path
        Folder of an Alembic environment that takes ``config.attributes["connection"]``.
    target : int
        The version that its newest revision leads to.

    Raises
    ------
    CatalogDamagedError
        The file cannot be brought to the newest version; it is left as it was.
    CatalogError
        SQLite failed; the file is left as it was.
    """
    with engine.alone(f"migrating from version {version}") as connection:
        if _version(connection) >= target:
            return
        copy = _free_name(engine.path, version)
        write_copy(connection, copy)
        _log.info(
            "migrating %s from version %d to %d; the file as it was is %s", engine.path, version, target, copy
        )
        with _transaction(connection):
            _upgrade(connection, scripts)
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
            if broken is not None:
                raise CatalogDamagedError(
                    f"cannot migrate {str(engine.path)!r}: row {broken[1]} of {broken[0]} refers to a row of "
                    f"{broken[2]} that does not exist. The file was left as it was"
                )
            connection.exec_driver_sql(f"PRAGMA user_version = {target}")


def _upgrade(connection: Connection, scripts: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    """Begin and end a transaction by hand; tables may be rebuilt in it."""
    # Has no effect inside a transaction, so it comes first.
    connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    else:
        connection.exec_driver_sql("COMMIT")
    finally:
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")


def _version(connection: Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def _free_name(path: Path, version: int) -> Path:
    number = 0
    while True:
        suffix = f".{number}" if number else ""
        candidate = path.with_name(f"{path.stem}.v{version}{suffix}.backup.sqlite")
        if not candidate.exists():
            return candidate
        number += 1
