"""The thread that carries out uploads inside the process that asked for them."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import time
import warnings

from dawnlight.errors import CatalogLockedError, DawnlightError
from dawnlight.ingest._worker import UploadWorker, recover
from dawnlight.storage import CatalogStore

__all__ = ["ensure_dispatcher", "stop_dispatcher", "wait_for_a_job"]

_PAUSE = 1.0
_JOIN_SECONDS = 10.0

_lock = threading.Lock()
_done = threading.Condition()
# By process, catalog and store: a fork has no threads, and a store that is closed takes its thread along.
_running: dict[tuple[int, int], _Dispatcher] = {}


class _Dispatcher(threading.Thread):
    """Works as long as there are uploads in the queue."""

    def __init__(self, store: CatalogStore) -> None:
        super().__init__(name="dawnlight-uploads", daemon=True)
        self.store = store
        self.stop = threading.Event()
        self.wake = threading.Event()

    def run(self) -> None:
        try:
            self._work()
        except DawnlightError as error:
            if not self.stop.is_set():
                warnings.warn(f"{self.store.url}: uploads wait: {error}", stacklevel=1)
        finally:
            with _lock:
                _running.pop(_key(self.store), None)
            with _done:
                _done.notify_all()

    def _work(self) -> None:
        worker = UploadWorker(self.store, stop=self.stop)
        recover(self.store)
        while not self.stop.is_set():
            self.wake.clear()
            try:
                done = worker.run_one()
            except CatalogLockedError:
                self.stop.wait(_PAUSE)  # somebody writes for long; the job is still there
                continue
            if done is not None:
                with _done:
                    _done.notify_all()
                continue
            due = worker.queue.next_due()
            if due is not None:
                self.wake.wait(min(max(due - time.time(), 0.01), _PAUSE))
                continue
            with _lock:
                if not self.wake.is_set():
                    _running.pop(_key(self.store), None)
                    return


def ensure_dispatcher(store: CatalogStore) -> None:
    """See to it that the uploads of a catalog are being carried out by this process.

    Parameters
    ----------
    store : CatalogStore
        The catalog. The work ends when it is closed, and is taken up by whoever opens the catalog next.
    """
    with _lock:
        known = _running.get(_key(store))
        if known is not None:
            known.wake.set()
            return
        made = _running[_key(store)] = _Dispatcher(store)
        made.start()


def wait_for_a_job(store: CatalogStore, seconds: float) -> bool:
    """Wait until this process has done something for the uploads of a catalog, or some time has passed.

    Parameters
    ----------
    store : CatalogStore
        The catalog.
    seconds : float
        The longest to wait.

    Returns
    -------
    bool
        False, without waiting, if this process does not work on them.
    """
    with _done:
        with _lock:
            if _key(store) not in _running:
                return False
        _done.wait(seconds)
    return True


def stop_dispatcher(store: CatalogStore) -> None:
    """End the work on a catalog's uploads in this process; what is not done goes back to the queue."""
    with _lock:
        known = _running.get(_key(store))
    if known is not None:
        known.stop.set()
        known.wake.set()
        known.join(_JOIN_SECONDS)


def _key(store: CatalogStore) -> tuple[int, int]:
    return os.getpid(), id(store)


@atexit.register
def _stop_all() -> None:
    for dispatcher in list(_running.values()):
        with contextlib.suppress(DawnlightError):
            stop_dispatcher(dispatcher.store)
