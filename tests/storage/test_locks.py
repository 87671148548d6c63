"""The write mutex keeps threads and processes apart, gives up in time, and says who is in the way."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from dawnlight.errors import CatalogAccessError, CatalogLockedError
from dawnlight.storage._locks import WriteMutex


def test_one_at_a_time_among_threads(tmp_path: Path) -> None:
    mutexes = [WriteMutex(tmp_path / "lock", 30), WriteMutex(tmp_path / "lock", 30)]
    inside = worst = 0

    def work(number: int) -> None:
        nonlocal inside, worst
        for _ in range(20):
            with mutexes[number % 2].hold():
                inside += 1
                worst = max(worst, inside)
                time.sleep(0.0005)
                inside -= 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worst == 1


@pytest.mark.parametrize("same", [True, False], ids=["same object", "like another process"])
def test_waiting_ends_with_an_error_that_names_the_lock(tmp_path: Path, same: bool) -> None:
    first = WriteMutex(tmp_path / "lock", 30)
    second = first if same else WriteMutex(tmp_path / "lock", 0.05)
    second.timeout = 0.05
    errors: list[BaseException] = []

    def wait() -> None:
        try:
            with second.hold():
                pass
        except CatalogLockedError as error:
            errors.append(error)

    with first.hold():
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()
    assert "lock' for more than 0.05 s" in str(errors[0])
    with first.hold():
        pass


def test_an_error_inside_releases(tmp_path: Path) -> None:
    mutex = WriteMutex(tmp_path / "lock", 0.05)
    with pytest.raises(KeyError), mutex.hold():
        raise KeyError
    with mutex.hold():
        assert os.listdir(tmp_path) == ["lock"]


def test_a_lock_that_cannot_be_made_is_an_access_error(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(CatalogAccessError, match="lock file"), WriteMutex(tmp_path / "lock", 0.05).hold():
        pass


def test_a_folder_that_is_gone_is_not_made_again(tmp_path: Path) -> None:
    with pytest.raises(CatalogAccessError, match="is gone"), WriteMutex(tmp_path / "a" / "lock", 0.05).hold():
        pass
    assert list(tmp_path.iterdir()) == []
