"""The write mutex: one writer at a time, among threads and processes of one host."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from dawnlight.errors import CatalogAccessError, CatalogLockedError

__all__ = ["WriteMutex"]

_POLL_SECONDS = 0.002
"""How often a waiting process looks again; short beside one commit, so that a waiter is not starved."""


class WriteMutex:
    """An advisory lock on a file of its own, beside the database and never the database itself.

    SQLite's own locks order writers too, but a writer that waits in SQLite sleeps in ever longer steps, and
    versions before 3.51.3 can lose a commit when a checkpoint and a writer meet while the write-ahead log is
    reset. Taking this lock around every write transaction and every checkpoint removes both.

    Threads of one process queue at an ordinary lock first, so at most one of them waits for the file.

    Parameters
    ----------
    path : Path
        The lock file; created when missing, never deleted.
    timeout : float
        Seconds to wait before giving up.
    """

    def __init__(self, path: Path, timeout: float) -> None:
        self.path = path
        self.timeout = timeout
        self._thread_lock = threading.Lock()
        self._file_lock = FileLock(str(path), thread_local=False)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lock for the length of a ``with`` block.

        Raises
        ------
        CatalogLockedError
            Another thread or process kept it for longer than `timeout`.
        CatalogAccessError
            The lock file cannot be created or opened.
        """
        deadline = time.monotonic() + self.timeout
        if not self._thread_lock.acquire(timeout=self.timeout):
            raise self._locked("another thread of this process")
        try:
            self._acquire_file(max(0.0, deadline - time.monotonic()))
            try:
                yield
            finally:
                self._file_lock.release()
        finally:
            self._thread_lock.release()

    def _acquire_file(self, timeout: float) -> None:
        if not self.path.parent.is_dir():  # filelock would make it
            raise CatalogAccessError(f"the catalog's folder {str(self.path.parent)!r} is gone")
        try:
            self._file_lock.acquire(timeout=timeout, poll_interval=_POLL_SECONDS)
        except Timeout:
            raise self._locked("another process") from None
        except OSError as error:
            raise CatalogAccessError(
                f"cannot open the catalog's lock file {str(self.path)!r}: {error.strerror or error}; "
                "writing needs write permission in the catalog's folder (read_only=True does not)"
            ) from error

    def _locked(self, holder: str) -> CatalogLockedError:
        return CatalogLockedError(
            f"{holder} has held the write lock {str(self.path)!r} for more than {self.timeout:g} s; "
            "try again when its import or migration is done, or raise the store's timeout"
        )
