"""Opening the file of an embedded catalog: making it, telling whether it is ours, bringing it up to date."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from dawnlight._live_files import note_database
from dawnlight.errors import CatalogDamagedError, CatalogNotFoundError, CatalogVersionError
from dawnlight.search import time_to_wire
from dawnlight.storage._filesystem import network_filesystem, prepare_folder
from dawnlight.storage._sql_schema import SCHEMA_VERSION
from dawnlight.storage._sqlite_engine import SqliteEngine
from dawnlight.storage._sqlite_schema import APPLICATION_ID, create_schema, schema_statements

__all__ = ["DATABASE_NAME", "LOCK_NAME", "open_file"]

DATABASE_NAME = "catalog.sqlite"
LOCK_NAME = "catalog.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """What a database says about itself."""

    application_id: int
    version: int
    empty: bool

    @property
    def unfinished(self) -> bool:
        """A file without anything in it, as a crash while making it leaves behind."""
        return self.empty and self.application_id == 0


def open_file(
    folder: Path,
    *,
    create: bool,
    read_only: bool,
    timeout: float,
    migrate: Callable[[SqliteEngine, int], None] | None = None,
) -> SqliteEngine:
    """Open the catalog in a folder, making or updating it where needed and allowed.

    Parameters
    ----------
    folder : Path
        The catalog's folder.
    create : bool
        Make folder and file when they are missing.
    read_only : bool
        Change nothing at all.
    timeout : float
        Seconds to wait for locks.
    migrate : callable, optional
        Brings an engine's file from an older version to the newest; by default the migrations of the package,
        imported when they are needed.

    Returns
    -------
    SqliteEngine
        On a file of the newest version.

    Raises
    ------
    CatalogNotFoundError
        There is no catalog and none may be made.
    CatalogAccessError
        Folder or file cannot be read, or not written although `read_only` is False.
    CatalogDamagedError
        The file is no catalog.
    CatalogVersionError
        A newer Dawnlight wrote it, or an older one did and `read_only` forbids to update it.
    """
    prepare_folder(folder, create=create, read_only=read_only)
    path = folder / DATABASE_NAME
    if not path.exists() and (read_only or not create):
        raise CatalogNotFoundError(
            f"there is no catalog in {str(folder)!r} (no {DATABASE_NAME}); check the path, or open it with "
            "create=True"
        )
    engine = SqliteEngine(path, folder / LOCK_NAME, read_only=read_only, timeout=timeout)
    try:
        with engine.creating():
            if not read_only:
                _prepare(engine, folder, create)
            _check(engine, migrate)
    except BaseException:
        engine.close()
        raise
    note_database(path)
    return engine


def _prepare(engine: SqliteEngine, folder: Path, create: bool) -> None:
    """Set the journal mode and make the tables of a new file."""
    network = network_filesystem(folder)
    with engine.alone("opening the catalog") as connection:
        # The mode is part of the file; setting it again costs nothing.
        if _read_header(connection).application_id in (0, APPLICATION_ID):
            connection.exec_driver_sql(f"PRAGMA journal_mode = {'DELETE' if network else 'WAL'}")
    if network:
        warnings.warn(
            f"the catalog {str(folder)!r} lies on a network file system ({network}), whose locks cannot be "
            "relied on: "
            "use it from one computer only, or share it through the Dawnlight service",
            UserWarning,
            stacklevel=2,
        )
    with engine.read("opening the catalog") as connection:
        if not _read_header(connection).unfinished:
            return
    if not create:
        raise CatalogNotFoundError(
            f"{str(engine.path)!r} is empty: making it was never finished; open it with create=True to do so"
        )
    with engine.write("making the catalog") as connection:
        if _read_header(connection).unfinished:  # else another process was faster
            create_schema(connection, time_to_wire(datetime.now(UTC)))


def _check(engine: SqliteEngine, migrate: Callable[[SqliteEngine, int], None] | None) -> None:
    with engine.read("opening the catalog") as connection:
        header = _read_header(connection)
    where = repr(str(engine.path))
    if header.unfinished:
        raise CatalogNotFoundError(f"{where} is empty: making it was never finished")
    if header.application_id != APPLICATION_ID:
        raise CatalogDamagedError(
            f"{where} is a database, but not a Dawnlight catalog (its application id is "
            f"{header.application_id:#010x}); choose another folder"
        )
    if header.version > SCHEMA_VERSION:
        raise CatalogVersionError(
            f"{where} has version {header.version}, this Dawnlight knows versions up to {SCHEMA_VERSION}; "
            "upgrade the package: pip install --upgrade dawnlight"
        )
    if header.version == SCHEMA_VERSION:
        _refuse_foreign_code(engine)
        return
    if engine.read_only:
        raise CatalogVersionError(
            f"{where} has version {header.version} and must be brought to version {SCHEMA_VERSION} first; "
            "open it once without read_only=True"
        )
    if migrate is None:
        from dawnlight.storage._sqlite_migrate import migrate_file

        migrate = migrate_file
    migrate(engine, header.version)


def _refuse_foreign_code(engine: SqliteEngine) -> None:
    """Refuse triggers and views that are not ours: they would run with what this process may do."""
    ours = set(schema_statements())
    with engine.read("opening the catalog") as connection:
        found = connection.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE type IN ('trigger', 'view')"
        )
        foreign = [name for name, statement in found if statement not in ours]
    if foreign:
        raise CatalogDamagedError(
            f"{str(engine.path)!r} has triggers or views that are not part of a catalog: "
            f"{', '.join(foreign)}; "
            "drop them with the tool that made them, if you trust the file"
        )


def _read_header(connection: Connection) -> _Header:
    def ask(statement: str) -> int:
        return int(connection.exec_driver_sql(statement).scalar_one())

    return _Header(
        application_id=ask("PRAGMA application_id"),
        version=ask("PRAGMA user_version"),
        empty=ask("SELECT count(*) FROM sqlite_master") == 0,
    )
