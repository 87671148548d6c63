"""F1 for documents: `kill -9` while a catalog is made, changed, migrated and copied."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from tests.faults._stage import dump
from tests.faults._tracing import WRITES, Stage, Told, spread, start_again

import dawnlight as dl
from dawnlight.errors import CatalogNotFoundError
from dawnlight.storage._sql_schema import SCHEMA_VERSION

KILLS = 36
OLD_CATALOG = Path(__file__).parents[1] / "storage" / "catalog_v1.sql"


def reopened(folder: Path) -> Any:
    """Return what a catalog holds, and see that nothing is wrong with it or beside it."""
    try:
        with dl.open(folder, create=False) as client:
            found = dump(client)
    except CatalogNotFoundError:
        found = None
    with dl.open(folder) as client:
        assert client.store.doctor(deep=True) == []
        dl.Product(id="after", name="After", client=client).save()
        assert dl.Product.get("after", client=client) is not None
    assert {path.name for path in folder.iterdir()} <= {"catalog.sqlite", "catalog.lock"}
    return found


def is_between(found: Any, told: Told, states: list[Any]) -> bool:
    """Tell whether a catalog holds all that was acknowledged, and nothing half."""
    if found is None:
        return told.acknowledged == 0
    done = told.acknowledged
    return found in states[max(done - 1, 0) : done + 1]


@pytest.fixture(scope="module")
def states(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Return what the catalog holds after each call of the act, when nothing happens to it."""
    told = stage.play("documents", tmp_path_factory.mktemp("states") / "c", record=True)
    assert told.ended
    assert len(told.states) == 10
    return told.states


@pytest.mark.slow
def test_f1_documents_survive_a_kill_at_any_call(stage: Stage, states: list[Any], tmp_path: Path) -> None:
    folder = tmp_path / "c"
    _, calls = stage.calls(folder, "documents", folder, traced=WRITES)
    reached = set()
    for call in spread(calls, KILLS):
        shutil.rmtree(folder, ignore_errors=True)
        told = stage.play(
            "documents", folder, traced=[call.name], inject=f"{call.name}:signal=SIGKILL:when={call.number}"
        )
        assert not told.ended, f"{call}: nothing was killed"
        found = reopened(folder) if folder.exists() else None
        assert is_between(found, told, states), f"killed at {call} after {told.acknowledged} calls"
        reached.add(told.acknowledged)
    assert reached >= set(range(1, 10))


@pytest.fixture
def old_catalog(tmp_path: Path) -> Path:
    """Return a folder with a catalog of the first version."""
    folder = tmp_path / "old"
    folder.mkdir()
    connection = sqlite3.connect(folder / "catalog.sqlite")
    connection.executescript(OLD_CATALOG.read_text(encoding="utf-8"))
    connection.close()
    return folder


def read_version(path: Path) -> int:
    """Ask a closed catalog, or a copy of one, for its version."""
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    finally:
        connection.close()


@pytest.mark.slow
def test_f1_a_migration_survives_a_kill_at_any_call(stage: Stage, old_catalog: Path, tmp_path: Path) -> None:
    folder = tmp_path / "c"
    start_again(old_catalog, folder)
    _, calls = stage.calls(folder, "migrate", folder, traced=WRITES)
    with dl.open(folder) as client:
        whole = dump(client)
    assert whole
    versions = set()
    for call in spread(calls, KILLS // 2):
        start_again(old_catalog, folder)
        stage.play(
            "migrate", folder, traced=[call.name], inject=f"{call.name}:signal=SIGKILL:when={call.number}"
        )
        for copy in folder.glob("*.backup.sqlite"):
            assert read_version(copy) == 1, f"killed at {call}: a copy that is not whole"
        versions.add(read_version(folder / "catalog.sqlite"))
        with dl.open(folder) as client:
            assert dump(client) == whole, f"killed at {call}"
            assert client.store.doctor(deep=True) == []
        assert read_version(folder / "catalog.sqlite") == SCHEMA_VERSION
        left = {path.name for path in folder.iterdir()} - {"catalog.sqlite", "catalog.lock"}
        assert all(name.endswith(".backup.sqlite") for name in left), f"killed at {call}: {left}"
    assert versions == {1, SCHEMA_VERSION}


@pytest.mark.slow
def test_f1_a_backup_is_whole_or_not_there(stage: Stage, states: list[Any], tmp_path: Path) -> None:
    folder, target = tmp_path / "c", tmp_path / "copies" / "catalog.sqlite"
    target.parent.mkdir()
    with dl.open(folder) as client:
        dl.Product(id="p", name="P", client=client).save()
    _, calls = stage.calls(target.parent, "backup", folder, target, traced=WRITES)
    for call in spread(calls, KILLS // 2):
        for path in target.parent.iterdir():
            path.unlink()
        stage.play(
            "backup",
            folder,
            target,
            traced=[call.name],
            inject=f"{call.name}:signal=SIGKILL:when={call.number}",
        )
        if target.exists():
            read_version(target)
            with dl.open(target.parent) as client:
                assert dl.Product.exists("p", client=client), f"killed at {call}"
