"""Older files are brought up to date in one step, with a copy kept; a failed step changes nothing."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from functools import partial
from pathlib import Path

import pytest

from dawnlight.errors import CatalogDamagedError, CatalogError, CatalogVersionError
from dawnlight.search import Properties, Query
from dawnlight.storage import SqliteStore, _sqlite_file, _sqlite_migrate
from dawnlight.storage._sql_schema import SCHEMA_VERSION
from dawnlight.storage._sqlite_migrate import SCRIPTS, migrate_file
from dawnlight.storage._sqlite_schema import HEAD_REVISION
from dawnlight.testing._store_suite import image, product, square

_NEXT = SCHEMA_VERSION + 1
_REVISION = f"{_NEXT:04d}"
_BACKUP = f"catalog.v{SCHEMA_VERSION}.backup.sqlite"
_MIGRATION = """
from alembic import op
revision = "{revision}"
down_revision = "{before}"

def upgrade():
    op.execute("ALTER TABLE product ADD COLUMN novelty TEXT")
    op.execute("UPDATE product SET novelty = 'new'")
    {more}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with SqliteStore(tmp_path / "c") as store:
        store.create([product(), image()])
    return tmp_path / "c"


def _future(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str = "") -> None:
    """Pretend that this Dawnlight knows one more version."""
    scripts = tmp_path / "scripts"
    shutil.copytree(SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    text = _MIGRATION.format(revision=_REVISION, before=HEAD_REVISION, more=more)
    (scripts / "versions" / f"v{_REVISION}_next.py").write_text(text)
    monkeypatch.setattr(_sqlite_file, "SCHEMA_VERSION", _NEXT)
    monkeypatch.setattr(_sqlite_migrate, "migrate_file", partial(migrate_file, scripts=scripts, target=_NEXT))


def _ask(path: Path, statement: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def test_an_older_file_is_migrated_and_a_copy_kept(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _future(tmp_path, monkeypatch)
    with SqliteStore(folder) as store:
        assert store.exists("image", "p:a")
    path = folder / "catalog.sqlite"
    assert _ask(path, "SELECT novelty FROM product") == [("new",)]
    assert _ask(path, "PRAGMA user_version") == [(_NEXT,)]
    assert _ask(path, "SELECT version_num FROM alembic_version") == [(_REVISION,)]
    copy = folder / _BACKUP
    assert _ask(copy, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert _ask(copy, "SELECT count(*) FROM image") == [(1,)]
    SqliteStore(folder).close()
    assert len(list(folder.glob("*backup*"))) == 1


def test_a_failed_migration_leaves_the_file_as_it_was(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _future(tmp_path, monkeypatch, more='op.execute("INSERT INTO nowhere VALUES (1)")')
    with pytest.raises(CatalogError, match=r"migrating from version .*nowhere"):
        SqliteStore(folder)
    path = folder / "catalog.sqlite"
    assert _ask(path, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert "novelty" not in str(_ask(path, "SELECT sql FROM sqlite_master WHERE name = 'product'"))
    monkeypatch.undo()
    with SqliteStore(folder) as store:
        assert store.doctor(deep=True) == []


def test_a_migration_that_breaks_references_is_undone(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _future(tmp_path, monkeypatch, more='op.execute("DELETE FROM product")')
    with pytest.raises(
        CatalogDamagedError, match=r"row 1 of image refers to a row of product.*left as it was"
    ):
        SqliteStore(folder)
    assert _ask(folder / "catalog.sqlite", "SELECT count(*) FROM product") == [(1,)]


def test_an_older_file_cannot_be_read_only(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _future(tmp_path, monkeypatch)
    with pytest.raises(CatalogVersionError, match="open it once without read_only=True"):
        SqliteStore(folder, read_only=True)


def test_the_chain_ends_where_new_files_begin() -> None:
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(SCRIPTS))
    assert script.get_current_head() == HEAD_REVISION
    assert len(list(script.walk_revisions())) == SCHEMA_VERSION


def test_every_version_leads_to_what_new_files_are(tmp_path: Path) -> None:
    """The statements of version 1 are kept with the tests; new ones are added to them by the migrations."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    connection = sqlite3.connect(old / "catalog.sqlite")
    connection.executescript((Path(__file__).parent / "catalog_v1.sql").read_text(encoding="utf-8"))
    connection.close()
    SqliteStore(old).close()
    SqliteStore(new).close()
    statement = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite%' ORDER BY name"
    before, after = (_ask(folder / "catalog.sqlite", statement) for folder in (old, new))
    assert [(name, " ".join(str(sql).split())) for name, sql in before] == [
        (name, " ".join(str(sql).split())) for name, sql in after
    ]
    with SqliteStore(old) as store:
        assert store.doctor(deep=True) == []


def test_an_old_catalog_keeps_all_its_rows_and_answers(tmp_path: Path) -> None:
    """Version 1 had the same tables of documents; the R*Tree told nothing of clouds."""
    old, new = tmp_path / "old" / "catalog.sqlite", tmp_path / "new"
    images = [
        image(
            f"i{number}",
            # Two lie across the antimeridian, some have no place or no time.
            geometry=square(171.0 + number, 0) if number % 5 else None,
            acquired=f"2024-01-{number + 1:02d}T00:00:00Z" if number % 4 else None,
            cloud_fraction=number / 10 if number % 3 else None,
            tags=["x"],
        )
        for number in range(12)
    ]
    with SqliteStore(new) as store:
        store.create([product(), *images])
    old.parent.mkdir()
    connection = sqlite3.connect(old)
    connection.executescript((Path(__file__).parent / "catalog_v1.sql").read_text(encoding="utf-8"))
    connection.execute("ATTACH ? AS new", (str(new / "catalog.sqlite"),))
    for table in ("image_tag", "image", "band", "upload", "product"):
        connection.execute(f"DELETE FROM {table}")
    for table in ("product", "image", "image_tag"):
        connection.execute(f"INSERT INTO {table} SELECT * FROM new.{table}")
    connection.commit()
    connection.close()
    before = _ask(old, "SELECT * FROM image ORDER BY key")
    assert len(before) == 12
    p = Properties()
    with SqliteStore(old.parent) as migrated, SqliteStore(new) as made:
        assert migrated.doctor(deep=True) == []
        for condition in (
            p.cloud_fraction < 0.45,
            p.cloud_fraction >= 0.45,
            p.cloud_fraction.isnull,
            p.id != "",
        ):
            query = (
                Query(kind="image").intersecting((170, -5, 190, 5)).filtered(condition).sorted_by("acquired")
            )
            found = migrated.page(query).documents
            assert found == made.page(query).documents
            assert len(found) == made.count(query) > 0
        migrated.update("image", "p:i1", {"cloud_fraction": 0.9})
        migrated.delete("image", "p:i2")
        assert migrated.doctor(deep=True) == []
    assert _ask(old.with_name("catalog.v1.backup.sqlite"), "SELECT * FROM image ORDER BY key") == before
    statement = "SELECT id, minx, maxx, miny, maxy, mint, maxt FROM image_rt WHERE id >> 9 > 3 ORDER BY id"
    assert _ask(old, statement) == _ask(new / "catalog.sqlite", statement)


def test_migrations_run_on_a_file_at_the_newest_version_change_nothing(folder: Path) -> None:
    before = _ask(folder / "catalog.sqlite", "SELECT sql FROM sqlite_master ORDER BY name")
    with SqliteStore(folder) as store, store._engine.alone("testing") as connection:
        _sqlite_migrate._upgrade(connection, SCRIPTS)
    assert _ask(folder / "catalog.sqlite", "SELECT sql FROM sqlite_master ORDER BY name") == before


def test_alembic_is_not_imported_without_need(folder: Path) -> None:
    import subprocess

    code = (
        "import sys; from dawnlight.storage import SqliteStore; "
        f"SqliteStore({str(folder)!r}).close(); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_package_does_not_load_sqlalchemy_without_need() -> None:
    import subprocess

    code = "import sys, dawnlight.storage; sys.exit(bool({'sqlalchemy', 'sqlite3'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
