"""Several processes on one catalog: nothing is lost, nothing is half there, nobody is locked out.

The processes are started by `spawn`, as on all systems.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from dawnlight.search import Query
from dawnlight.storage import SqliteStore
from dawnlight.testing._store_suite import image, product
from dawnlight.testing._store_workers import (
    count_up,
    create,
    create_batches,
    create_without_end,
    open_again,
    read_batches,
)

_SPAWN = multiprocessing.get_context("spawn")
_PROCESSES = 4
Work = Callable[[str, int, int], None]


def _start(
    folder: Path, work: Callable[[str, int, int], None], count: int, processes: int
) -> list[BaseProcess]:
    found = [_SPAWN.Process(target=work, args=(str(folder), number, count)) for number in range(processes)]
    for process in found:
        process.start()
    return found


def _finish(processes: list[BaseProcess]) -> None:
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * len(processes)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with SqliteStore(tmp_path) as store:
        store.create([product("p", extra_properties={"n": 0})])
    yield tmp_path
    with SqliteStore(tmp_path) as store:
        assert store.doctor(deep=True) == []


@pytest.mark.slow
def test_no_create_is_lost(folder: Path) -> None:
    _finish(_start(folder, create, 50, _PROCESSES))
    with SqliteStore(folder) as store:
        assert store.count(Query(kind="image")) == 50 * _PROCESSES
        assert store.count(Query(kind="image").intersecting((-180, -90, 180, 90))) == 50 * _PROCESSES


@pytest.mark.slow
def test_no_update_is_lost(folder: Path) -> None:
    _finish(_start(folder, count_up, 25, _PROCESSES))
    with SqliteStore(folder) as store:
        found = store.get_many("product", ["p"])[0]
    assert found.attributes["extra_properties"] == {"n": 25 * _PROCESSES}
    assert found.version == 1 + 25 * _PROCESSES


@pytest.mark.slow
def test_readers_see_whole_batches(folder: Path) -> None:
    readers = _start(folder, read_batches, 4, 2)
    _finish(_start(folder, create_batches, 15, 2))
    _finish(readers)


@pytest.mark.slow
@pytest.mark.parametrize("count", [300, 2000], ids=["by triggers", "in bulk"])
def test_a_killed_writer_leaves_nothing_behind(folder: Path, count: int) -> None:
    (writer,) = _start(folder, create_without_end, count, 1)
    deadline = time.monotonic() + 60
    while not (folder / "done-1").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.07)
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    acknowledged = len(list(folder.glob("done-*")))
    start = time.monotonic()
    with SqliteStore(folder) as store:
        stored = store.count(Query(kind="image"))
        assert time.monotonic() - start < 5
        assert stored % count == 0
        assert acknowledged * count <= stored <= (acknowledged + 1) * count
        store.create([image("after")])
        store.delete("image", "p:after")


@pytest.mark.slow
def test_processes_that_open_at_once_make_one_catalog(tmp_path: Path) -> None:
    _finish(_start(tmp_path / "new", open_again, 5, _PROCESSES))
    with SqliteStore(tmp_path / "new", create=False) as store:
        assert store.doctor() == []


def test_threads_of_one_process_lose_no_update(folder: Path) -> None:
    """The quick version of the above, without the time that processes take to start."""
    import threading

    errors: list[Any] = []

    def work(number: int) -> None:
        try:
            count_up(str(folder), number, 10)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(_PROCESSES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with SqliteStore(folder) as store:
        assert store.get_many("product", ["p"])[0].version == 1 + 10 * _PROCESSES
