"""F2: calls of the file system fail. An error of ours names the operation; the state is before or after."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.faults._tracing import WRITES, Call, Stage, Told, spread
from tests.faults.test_document_kills import is_between, reopened

import dawnlight as dl
from dawnlight import errors

FAULTS = {
    "pwrite64": ("ENOSPC", "EIO"),
    "write": ("ENOSPC", "EIO"),
    "fsync": ("EIO",),
    "fdatasync": ("EIO", "ENOSPC"),
    "ftruncate": ("EIO",),
    "mkdir": ("EACCES", "EROFS", "ENOSPC"),
    "unlink": ("EACCES",),
    "openat": ("EMFILE", "EACCES", "EROFS", "EIO"),
    "pread64": ("EIO",),
}
RUNS = 40


def check(folder: Path, told: Told, states: list[Any], what: str) -> None:
    """See that an error is one of ours with a use, and that nothing is half done."""
    if told.ended:
        assert told.acknowledged == len(states), what
    else:
        assert told.error is not None, f"{what}: neither an end nor an error: {told}"
        name, _, message = told.error.partition(" ")
        assert issubclass(getattr(errors, name), errors.CatalogError), f"{what}: {told.error}"
        assert str(folder) in message, f"{what}: {told.error}"
    if told.ended or folder.exists():
        assert is_between(reopened(folder), told, [*states, states[-1]]), f"{what}: {told.error}"


def variants(calls: list[Call]) -> list[tuple[Call, str, str]]:
    """Return calls with the error that each is to give, once or from then on."""
    found = []
    for number, call in enumerate(spread(calls, RUNS)):
        kinds = FAULTS.get(call.name, ("EIO",))
        found.append((call, kinds[number % len(kinds)], ("", "+")[number // 2 % 2]))
    return found


@pytest.fixture(scope="module")
def states(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    return stage.play("documents", tmp_path_factory.mktemp("states") / "c", record=True).states


@pytest.mark.slow
def test_f2_documents_when_calls_fail(stage: Stage, states: list[Any], tmp_path: Path) -> None:
    folder = tmp_path / "c"
    _, calls = stage.calls(folder, "documents", folder, traced=(*WRITES, "openat", "pread64"))
    failed = 0
    for call, error, rest in variants(calls):
        shutil.rmtree(folder, ignore_errors=True)
        told = stage.play(
            "documents",
            folder,
            traced=[call.name],
            inject=f"{call.name}:error={error}:when={call.number}{rest}",
        )
        # From then on not even the act can tell.
        if told.lines or rest == "":
            check(folder, told, states, f"{error} at {call}{rest}")
        failed += told.error is not None
    assert failed > RUNS // 3


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["RLIMIT_NOFILE", "RLIMIT_FSIZE"])
def test_f2_documents_under_limits(stage: Stage, states: list[Any], tmp_path: Path, limit: str) -> None:
    folder = tmp_path / "c"
    values = range(7, 12) if limit == "RLIMIT_NOFILE" else [4096, 20_000, 100_000, 150_000, 300_000]
    failed = 0
    failed = 0
    for value in values:
        shutil.rmtree(folder, ignore_errors=True)
        told = stage.play("documents", folder, limits={limit: value})
        if told.lines:
            check(folder, told, states, f"{limit}={value}")
            failed += told.error is not None
    assert failed


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs to become another user")
def test_f2_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    """What another user may not write is told by the operation, and read all the same."""
    folder = tmp_path / "c"
    with dl.open(folder) as client:
        dl.Product(id="p", name="P", client=client).save()
    before = (folder / "catalog.sqlite").read_bytes()
    for path in (folder, *folder.parents):
        if path.stat().st_uid == 0 and path != Path("/"):
            path.chmod(0o755)
    pid = os.fork()
    if pid == 0:
        status = 1
        with suppress(BaseException):
            os.setgid(65534)
            os.setuid(65534)
            with pytest.raises(errors.CatalogAccessError, match="cannot be written by this user"):
                dl.open(folder)
            with dl.open(folder, read_only=True) as client:
                assert dl.Product.exists("p", client=client)
                with pytest.raises(errors.CatalogAccessError, match="read_only=True"):
                    dl.Product(id="q", name="Q", client=client).save()
            status = 0
        os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    assert (folder / "catalog.sqlite").read_bytes() == before
