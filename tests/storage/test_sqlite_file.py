"""Opening the embedded catalog: what is made, what is refused, and with which words."""

from __future__ import annotations

import gc
import os
import sqlite3
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from dawnlight.errors import (
    CatalogAccessError,
    CatalogDamagedError,
    CatalogError,
    CatalogNotFoundError,
    CatalogVersionError,
)
from dawnlight.search import Query
from dawnlight.storage import SqliteStore, _sqlite_file
from dawnlight.storage._sql_schema import SCHEMA_VERSION
from dawnlight.storage._sqlite_engine import can_distrust_schema
from dawnlight.testing._store_suite import image, product


def _in_child(work: Callable[[], None], user: int | None = None) -> None:
    """Run in a forked child, perhaps as another user; fail if that fails."""
    pid = os.fork()
    if pid == 0:
        try:
            if user is not None:
                os.setgid(user)
                os.setuid(user)
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0


def _alter(folder: Path, *statements: str) -> None:
    """Change a closed catalog as another program would."""
    connection = sqlite3.connect(folder / "catalog.sqlite", isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a small, closed catalog."""
    with SqliteStore(tmp_path) as store:
        store.create([product(), image()])
    return tmp_path


def test_settings_of_the_connections(tmp_path: Path) -> None:
    with SqliteStore(tmp_path) as store, store._engine.read("testing") as connection:
        values = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in (
                "application_id",
                "user_version",
                "journal_mode",
                "foreign_keys",
                "synchronous",
                "journal_size_limit",
                "trusted_schema",
                "busy_timeout",
            )
        }
        tables = connection.exec_driver_sql("SELECT name, strict FROM pragma_table_list WHERE type = 'table'")
        loose = {name for name, strict in tables if not strict}
    assert values == {
        "application_id": 0x4461776E,
        "user_version": SCHEMA_VERSION,
        "journal_mode": "wal",
        "foreign_keys": 1,
        "synchronous": 2,
        "journal_size_limit": 64 * 2**20,
        "trusted_schema": int(not can_distrust_schema()),
        "busy_timeout": 30000,
    }
    assert loose <= {"alembic_version", "sqlite_schema", "sqlite_temp_schema"}


@pytest.mark.parametrize("column", ["body", "is_core"])
def test_the_tables_refuse_what_is_of_the_wrong_type(folder: Path, column: str) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        _alter(folder, f"UPDATE product SET {column} = 'not of this type'")


def test_foreign_keys_are_kept(folder: Path) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        _alter(folder, "PRAGMA foreign_keys = ON", "DELETE FROM product")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").write_bytes(b"GIF89a" * 1000)
    for read_only in (False, True):
        with pytest.raises(CatalogDamagedError, match="not a sound catalog"):
            SqliteStore(tmp_path, read_only=read_only)


def test_a_foreign_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    _alter(tmp_path, "CREATE TABLE mine (x)")
    before = (tmp_path / "catalog.sqlite").read_bytes()
    with pytest.raises(CatalogDamagedError, match="not a Dawnlight catalog"):
        SqliteStore(tmp_path)
    _alter(tmp_path, "PRAGMA application_id = 7")
    with pytest.raises(CatalogDamagedError, match="application id is 0x00000007"):
        SqliteStore(tmp_path)
    assert len((tmp_path / "catalog.sqlite").read_bytes()) == len(before)


def test_a_newer_catalog_is_refused(folder: Path) -> None:
    _alter(folder, "PRAGMA user_version = 99")
    with pytest.raises(
        CatalogVersionError, match=r"version 99, this Dawnlight knows versions up to \d+; upgrade"
    ):
        SqliteStore(folder)


def test_foreign_triggers_are_refused(folder: Path) -> None:
    _alter(folder, "CREATE TRIGGER spy AFTER INSERT ON image BEGIN DELETE FROM image_tag; END")
    with pytest.raises(CatalogDamagedError, match=r"not part of a catalog: spy"):
        SqliteStore(folder)


def test_an_unfinished_file_is_finished(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").touch()
    with pytest.raises(CatalogNotFoundError, match="never finished"):
        SqliteStore(tmp_path, create=False)
    with SqliteStore(tmp_path) as store:
        assert store.count(Query(kind="product")) == 0


def test_damage_is_told_when_it_is_met(folder: Path) -> None:
    path = folder / "catalog.sqlite"
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(CatalogDamagedError, match="doctor"), SqliteStore(folder) as store:
        store.get("product", "p")


def test_a_file_replaced_while_open_is_noticed(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    SqliteStore(other).close()
    with SqliteStore(folder) as store:
        os.replace(other / "catalog.sqlite", folder / "catalog.sqlite")
        with pytest.raises(CatalogError, match="moved, deleted or replaced"):
            store.create([product("q")])
    with SqliteStore(folder) as store:
        assert not store.exists("product", "p")


def test_reading_only_changes_nothing(folder: Path) -> None:
    before = (folder / "catalog.sqlite").read_bytes()
    with SqliteStore(folder, read_only=True) as store:
        assert store.exists("image", "p:a")
        for action in (
            lambda: store.create([product("q")]),
            lambda: store.update("product", "p", {"name": "n"}),
            lambda: store.delete("image", "p:a"),
            lambda: store.delete_related("p"),
        ):
            with pytest.raises(CatalogAccessError, match="read_only=True"):
                action()
    assert (folder / "catalog.sqlite").read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs another user")
def test_other_users_read_what_they_may_not_write(folder: Path) -> None:
    for path in (folder, *folder.parents):
        if path.stat().st_uid == os.geteuid() and path != Path("/"):
            path.chmod(0o755)
    (folder / "catalog.sqlite").chmod(0o644)

    def work() -> None:
        with pytest.raises(CatalogAccessError, match=r"cannot be written by this user.*read_only=True"):
            SqliteStore(folder)
        with SqliteStore(folder, read_only=True) as store:
            assert store.exists("image", "p:a")

    _in_child(work, user=65534)
    with SqliteStore(folder) as writer:  # makes the log's files beside the catalog
        writer.create([product("q")])
        _in_child(work, user=65534)
    folder.chmod(0o700)

    def refused() -> None:
        with pytest.raises(CatalogAccessError, match=r"cannot be read|cannot use"):
            SqliteStore(folder, read_only=True)

    _in_child(refused, user=65534)


def test_a_forked_child_opens_connections_of_its_own(folder: Path) -> None:
    with SqliteStore(folder) as store:
        store.get("product", "p")

        def work() -> None:
            store.create([product("child")])
            assert store.exists("product", "child")

        _in_child(work)
        store.create([product("parent")])
        assert store.exists("product", "child")
        assert store.doctor() == []


def test_a_store_that_is_forgotten_is_closed(folder: Path) -> None:
    store = SqliteStore(folder)
    store.create([product("q")])
    del store
    gc.collect()
    assert not (folder / "catalog.sqlite-wal").exists()


def test_network_file_systems_get_no_log_and_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sqlite_file, "network_filesystem", lambda folder: "nfs4")
    with pytest.warns(UserWarning, match=r"network file system \(nfs4\).*service"):
        store = SqliteStore(tmp_path)
    with store, store._engine.read("testing") as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"


def test_a_folder_removed_while_open_stays_removed(tmp_path: Path) -> None:
    import shutil

    store = SqliteStore(tmp_path / "c")
    shutil.rmtree(tmp_path / "c")
    with pytest.raises(CatalogError, match="deleted"):
        store.get("product", "p")
    store.close()
    assert list(tmp_path.iterdir()) == []
