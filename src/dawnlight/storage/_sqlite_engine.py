"""Connections to one catalog file: how they are opened, who may write, what happens after a fork."""

from __future__ import annotations

import os
import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool, QueuePool

from dawnlight.errors import CatalogAccessError, CatalogError
from dawnlight.storage._locks import WriteMutex
from dawnlight.storage._sql_dialect import HintCompiler
from dawnlight.storage._sqlite_errors import translate_errors

__all__ = ["SqliteEngine", "can_distrust_schema"]

_BEGIN = "dawnlight_begin"
"""Name of the execution option that holds the statement a transaction starts with."""

_WAL_BYTES = 64 * 2**20

_SETTINGS = {
    "foreign_keys": "ON",
    "synchronous": "FULL",
    "journal_size_limit": _WAL_BYTES,
    "wal_autocheckpoint": 1000,  # pages of 4 KiB, SQLite's own default
    "mmap_size": 0,
    "cache_size": -32 * 1024,  # KiB
}
_BULK_SETTINGS = {
    "synchronous": "NORMAL",
    "wal_autocheckpoint": _WAL_BYTES // 4096,
    "cache_size": -256 * 1024,
}
"""What differs while many images are stored in one transaction after the other."""

_ABANDONED: list[object] = []
"""Engines inherited over a fork: never used and never closed, since that would touch the parent's locks."""


class SqliteEngine:
    """The only door to the live file: nothing else in the process may open it, not even to copy it.

    A second copy of SQLite in the process (inside GDAL, say) or a plain ``open()``/``close()`` of the file
    drops the POSIX locks of all connections, and a commit of another process can then be lost.

    Parameters
    ----------
    path : Path
        The database file.
    mutex : Path
        The lock file beside it.
    read_only : bool
        Open for reading; never takes the mutex.
    timeout : float
        Seconds to wait for a lock.
    """

    def __init__(self, path: Path, mutex: Path, *, read_only: bool, timeout: float) -> None:
        self.path = path
        self.read_only = read_only
        self.timeout = timeout
        self._mutex_path = mutex
        self._identity: tuple[int, int] | None = None
        self._closed = False
        self._start()

    def _start(self) -> None:
        """Make the pool of connections of this process."""
        self._pid = os.getpid()
        self._mutex = WriteMutex(self._mutex_path, self.timeout)
        self._snapshot = self.read_only and _is_unattended(self.path)
        self._engine = self._make_engine()
        self._finalizer = weakref.finalize(
            self, _dispose, self._engine, None if self.read_only else self._mutex, self._pid
        )

    def _make_engine(self) -> Engine:
        options: dict[str, Any] = {"poolclass": NullPool}
        if not self._snapshot:
            options = {
                "poolclass": QueuePool,
                "pool_size": 8,
                "max_overflow": 56,
                "pool_timeout": self.timeout,
            }
        # Not a method of this object: the engine must not keep it alive, or it would never be closed.
        self._connector = _Connector(self.path, self.timeout, self.read_only, self._snapshot)
        engine = create_engine("sqlite+pysqlite://", creator=self._connector, **options)
        engine.dialect.statement_compiler = HintCompiler
        event.listen(engine, "begin", _begin)
        return engine

    @contextmanager
    def read(self, action: str) -> Iterator[Connection]:
        """Read in one transaction: everything inside sees the same state.

        Parameters
        ----------
        action : str
            What is done, for error messages: ``"searching"``.

        Raises
        ------
        CatalogError
            Or a child: see `translate_errors`.
        """
        self._check_usable()
        if self.read_only and self._snapshot != _is_unattended(self.path):
            self._start()  # a writer came or went
        before = self._stamp()
        with translate_errors(self.path, action), self._engine.connect() as connection, connection.begin():
            yield connection
        if before != self._stamp():
            raise CatalogError(
                f"{str(self.path)!r} was written while it was read by a user who may not write there; try "
                "again"
            )

    @contextmanager
    def write(self, action: str, *, lazily: bool = False) -> Iterator[Connection]:
        """Write in one transaction, alone among all threads and processes.

        Everything is kept when the block ends, nothing when it raises.

        Parameters
        ----------
        action : str
            What is done, for error messages: ``"creating documents"``.
        lazily : bool
            Do not wait until it is on disk: a power failure (not a crash of the process) may take it back,
            as a whole, until a write that is not lazy returns.

        Raises
        ------
        CatalogAccessError
            The catalog was opened for reading.
        CatalogLockedError
            Another writer did not finish in time.
        CatalogError
            Or a child: see `translate_errors`.
        """
        self._check_usable()
        if self.read_only:
            raise CatalogAccessError(
                f"{str(self.path)!r} was opened with read_only=True, so {action} is refused"
            )
        with self._mutex.hold(), translate_errors(self.path, action), self._engine.connect() as plain:
            connection = plain.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
            with _bulk_settings(plain) if lazily else nullcontext(), connection.begin():
                yield connection

    @contextmanager
    def alone(self, action: str) -> Iterator[Connection]:
        """Hold the mutex without a transaction, for the statements that need it so.

        Those are ``VACUUM INTO``, changes of the journal mode, and migrations, which begin their own
        transaction after a copy was made.
        """
        self._check_usable()
        with self._mutex.hold(), translate_errors(self.path, action), self._engine.connect() as plain:
            yield plain.execution_options(**{_BEGIN: None})

    @contextmanager
    def creating(self) -> Iterator[None]:
        """Let connections make the file while the block runs; at its end the file's identity is noted.

        Afterwards a file that was deleted or replaced is noticed instead of made anew or mixed up.
        """
        self._connector.may_create = not self.read_only
        try:
            yield
        finally:
            self._connector.may_create = False
        self._identity = self._find_identity()

    def close(self) -> None:
        """Close all connections; the last one of all processes folds the write-ahead log into the file."""
        self._closed = True
        self._finalizer()

    def _check_usable(self) -> None:
        if self._closed:
            raise CatalogError(f"the catalog {str(self.path)!r} was closed; open it again")
        if self._pid != os.getpid():
            _ABANDONED.extend((self._engine, self._mutex))
            self._finalizer.detach()
            self._start()
        if self._identity is not None and self._identity != self._find_identity():
            raise CatalogError(
                f"{str(self.path)!r} was moved, deleted or replaced while it was open; close this store "
                "and open it again"
            )

    def _find_identity(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _stamp(self) -> tuple[int, int, bool] | None:
        """Tell the state of a file that is read without locks."""
        if not self._snapshot:
            return None
        found = self.path.stat()
        return found.st_mtime_ns, found.st_size, not _is_unattended(self.path)


class _Connector:
    """Opens connections with the settings that the catalog relies on."""

    def __init__(self, path: Path, timeout: float, read_only: bool, snapshot: bool) -> None:
        mode = "rw" if not read_only else "ro&immutable=1" if snapshot else "ro"
        self._uri = f"{path.absolute().as_uri()}?mode={mode}"
        self._timeout = timeout
        self.may_create = False

    def __call__(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._uri.replace("?mode=rw", "?mode=rwc") if self.may_create else self._uri,
            uri=True,
            timeout=self._timeout,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        for name, value in _SETTINGS.items():
            connection.execute(f"PRAGMA {name} = {value}")
        connection.execute(f"PRAGMA trusted_schema = {'OFF' if can_distrust_schema() else 'ON'}")
        return connection


@lru_cache(maxsize=1)
def can_distrust_schema() -> bool:
    """Tell whether SQLite lets our own checks run while it distrusts the schema of the file.

    Versions before 3.41 take their JSON functions for unsafe. With these, opening a catalog relies on the
    test that the file has no triggers and views but ours.
    """
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("CREATE TABLE probe (body TEXT CHECK (json_valid(body)))")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True


@contextmanager
def _bulk_settings(connection: Connection) -> Iterator[None]:
    """Let a connection take in a lot: no waiting for the disk but at checkpoints, and these later."""
    # The driver itself, because these settings cannot be changed in a transaction.
    driver: Any = connection.connection.driver_connection
    for name, value in _BULK_SETTINGS.items():
        driver.execute(f"PRAGMA {name} = {value}")
    try:
        yield
    finally:
        for name in _BULK_SETTINGS:
            driver.execute(f"PRAGMA {name} = {_SETTINGS[name]}")


def _begin(connection: Connection) -> None:
    statement = connection.get_execution_options().get(_BEGIN, "BEGIN")
    if statement is not None:
        connection.exec_driver_sql(statement)


def _is_unattended(path: Path) -> bool:
    """Tell whether nobody has the file open and this user could not join if someone did.

    SQLite cannot read a file in WAL mode without making (or finding) the log's files beside it. Where this
    user may not make them and no writer has, the file is all there is and can be read as it stands.
    """
    return not os.access(path.parent, os.W_OK) and not path.with_name(path.name + "-wal").exists()


def _dispose(engine: Engine, mutex: WriteMutex | None, pid: int) -> None:
    if pid != os.getpid():
        _ABANDONED.extend((engine, mutex))
        return
    with ExitStack() as stack:
        if mutex is not None:
            # Who holds the mutex for so long has the file open itself, so ours is not the last connection and
            # closing it folds nothing. A folder that is gone has no lock to take.
            with suppress(CatalogError):
                stack.enter_context(mutex.hold())
        engine.dispose()
