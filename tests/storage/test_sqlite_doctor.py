"""The doctor finds what other programs, disks and bugs could do to a catalog."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from dawnlight.errors import CatalogNotFoundError
from dawnlight.storage import SqliteStore, doctor
from dawnlight.testing._store_suite import band, image, product, square


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with SqliteStore(tmp_path) as store:
        images = [image(f"i{number}", geometry=square(number, 0), tags=["x"]) for number in range(5)]
        resolution = {"value": 10.0, "unit": "meters"}
        store.create(
            [product(), band(resolution=resolution), image("across", geometry=square(179.5, 0)), *images]
        )
    return tmp_path


def _alter(folder: Path, *statements: str) -> None:
    connection = sqlite3.connect(folder / "catalog.sqlite", isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_a_sound_catalog_has_no_findings(folder: Path) -> None:
    assert doctor(folder, deep=True) == []


@pytest.mark.parametrize(
    ("statement", "check", "message"),
    [
        ("DROP INDEX image_by_time", "schema", "missing or changed: CREATE INDEX image_by_time"),
        ("CREATE TABLE mine (x)", "schema", "not part of the catalog: CREATE TABLE mine"),
        ("DELETE FROM product", "foreign keys", "row 1 of band refers to a row of product"),
        ("DELETE FROM image_rt WHERE id >> 9 = 2", "r*tree", "image with key 2 cannot be found by its place"),
        ("INSERT INTO image_rt VALUES (999, 0, 1, 0, 1, 0, 0)", "r*tree", "the R*Tree has row 999"),
        ("DELETE FROM image_rt_rowid WHERE rowid >> 9 = 2", "r*tree", "entries in %_rowid"),
        ("DELETE FROM image_tag WHERE image_key = 2", "tags", "key 2: the tag 'x' cannot be found by"),
        ("INSERT INTO image_tag VALUES ('y', 2)", "tags", "key 2: is found by the tag 'y'"),
        ("UPDATE image SET maxx = 77 WHERE key = 2", "documents", "the column maxx does not agree"),
        ("UPDATE image SET size_bytes = 1 WHERE key = 2", "documents", "column size_bytes does not agree"),
        ("UPDATE image SET id = 'p:other' WHERE key = 2", "documents", "id must be product_id:name"),
        ("UPDATE image SET acquired = 'soon' WHERE key = 2", "documents", "acquired="),
        ("UPDATE image SET footprint = x'00' WHERE key = 2", "documents", "image 'p:i0'"),
        ("UPDATE band SET resolution = 20.0", "documents", "column resolution does not agree"),
        ("UPDATE band SET body = json_remove(body, '$.resolution')", "documents", "not that of its bands"),
    ],
)
def test_what_is_wrong_is_found(folder: Path, statement: str, check: str, message: str) -> None:
    _alter(folder, statement)
    findings = [finding for finding in doctor(folder, deep=True) if finding.check == check]
    assert any(message in finding.message for finding in findings), doctor(folder, deep=True)


def test_damaged_pages_are_findings_not_errors(folder: Path) -> None:
    path = folder / "catalog.sqlite"
    content = bytearray(path.read_bytes())
    content[4096 * 4 :] = b"\xff" * (len(content) - 4096 * 4)
    path.write_bytes(content)
    assert {finding.check for finding in doctor(folder)} >= {"integrity"}
    path.write_bytes(b"nothing")
    assert [finding.check for finding in doctor(folder)] == ["integrity"]


def test_many_findings_are_cut(folder: Path) -> None:
    with SqliteStore(folder) as store:
        store.create([image(f"n{number}", tags=["x"]) for number in range(150)])
    _alter(folder, "DELETE FROM image_tag")
    assert len([finding for finding in doctor(folder, deep=True) if finding.check == "tags"]) == 101


def test_a_missing_catalog_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CatalogNotFoundError):
        doctor(tmp_path)
