"""F14: catalog files that are damaged, or another's: an error of ours or a finding, never a silent loss."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.faults._stage import dump
from tests.faults._tracing import ALL
from tests.faults._uploads import make_source

import dawnlight as dl
from dawnlight.cli import main
from dawnlight.errors import (
    BadRequestError,
    CatalogDamagedError,
    CatalogError,
    CatalogVersionError,
    RasterError,
)
from dawnlight.storage import doctor

ROUNDS = 100 if ALL else 6
NAMES = [f"i{number}" for number in range(60)]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a closed catalog with images, one of them with a file."""
    folder = tmp_path_factory.mktemp("sound")
    with dl.open(folder / "c") as client:
        product = dl.Product(id="p", name="P", client=client)
        product.save()
        band = dl.SpectralBand(product=product, name="red", data_type="UInt16", client=client)
        band.band_index, band.data_range, band.display_range = 0, [0, 1], [0, 1]
        band.save()
        file = make_source(folder)
        images = [
            dl.Image(product=product, name=name, acquired="2024-01-01", client=client) for name in NAMES
        ]
        images[0].files = [dl.catalog.File(href=str(file))]
        for image in images:
            image.geometry = {"type": "Point", "coordinates": [1, 2]}
        dl.Image.save_many(images)
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    shutil.copytree(sound / "c", tmp_path / "c")
    return tmp_path / "c"


def alter(folder: Path, *statements: str) -> None:
    """Change a closed catalog as another program would."""
    connection = sqlite3.connect(folder / "catalog.sqlite", isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def examine(folder: Path) -> list[str]:
    """Ask the command line what is wrong: findings, or the one error."""
    found = CliRunner().invoke(main, ["doctor", "--deep", "--catalog", str(folder)])
    assert found.exit_code in (0, 1, 2), found.exception
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return [] if found.exit_code == 0 else found.output.splitlines()


def is_whole_or_told(folder: Path, before: Any) -> str:
    """Use a catalog; what it holds is right, or an error or a finding says that it is not."""
    told = examine(folder)
    try:
        with dl.open(folder) as client:
            found = dump(client)
            for name in NAMES[::7]:
                dl.Image.get(f"p:{name}", client=client)
            dl.Image.search(client=client).intersects((0, 0, 3, 3)).count()
            dl.Product(id="new", name="New", client=client).save()
    except (CatalogError, BadRequestError):
        return "error"
    if found == before:
        return "whole"
    if [row[:2] for row in found] == [row[:2] for row in before] and not told:
        # SQLite keeps no checksums: another letter in a text is a text like any other.
        return "another text"
    assert told, "the catalog lost something, and nothing says so"
    return "finding"


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"not a database" * 99, CatalogDamagedError), (random.Random(1).randbytes(9000), CatalogDamagedError)],
    ids=["text", "random"],
)
def test_f14_a_file_that_is_no_database(folder: Path, content: bytes, error: type[Exception]) -> None:
    (folder / "catalog.sqlite").write_bytes(content)
    for options in ({}, {"read_only": True}):
        with pytest.raises(error, match="not a sound catalog"):
            dl.open(folder, **options)
    assert "not a sound catalog" in " ".join(examine(folder))
    assert (folder / "catalog.sqlite").read_bytes() == content


def test_f14_an_empty_file_is_told_where_a_catalog_must_be(folder: Path) -> None:
    (folder / "catalog.sqlite").write_bytes(b"")
    with pytest.raises(CatalogError, match="empty"):
        dl.open(folder, create=False)
    assert "empty" in " ".join(examine(folder))


@pytest.mark.parametrize(
    ("statements", "error", "match"),
    [
        (["PRAGMA user_version = 99"], CatalogVersionError, "upgrade"),
        (["PRAGMA application_id = 1196444487"], CatalogDamagedError, "not a Dawnlight catalog"),
        (["CREATE VIEW spy AS SELECT * FROM image"], CatalogDamagedError, "spy"),
        (
            ["CREATE TRIGGER spy AFTER DELETE ON image BEGIN DELETE FROM product; END"],
            CatalogDamagedError,
            "spy",
        ),
    ],
    ids=["newer", "another program's", "view", "trigger"],
)
def test_f14_foreign_files_are_refused(
    folder: Path, statements: list[str], error: type[Exception], match: str
) -> None:
    alter(folder, *statements)
    before = (folder / "catalog.sqlite").read_bytes()
    for options in ({}, {"read_only": True}):
        with pytest.raises(error, match=match):
            dl.open(folder, **options)
    assert match in " ".join(examine(folder))
    assert (folder / "catalog.sqlite").read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE image_tag",
        "DROP INDEX image_by_time",
        "DELETE FROM image_rt",
        "ALTER TABLE product ADD COLUMN mine TEXT",
        "PRAGMA writable_schema = ON; DELETE FROM sqlite_master WHERE type = 'trigger'",
    ],
)
def test_f14_a_changed_schema_is_found(folder: Path, statement: str) -> None:
    alter(folder, *statement.split("; "))
    assert examine(folder)


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(100, len(content))]


def _overwrite(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(100, len(content) - 4000)
    return content[:start] + chance.randbytes(4000) + content[start + 4000 :]


def _zero_page(content: bytes, chance: random.Random) -> bytes:
    start = 4096 * chance.randrange(1, len(content) // 4096)
    return content[:start] + bytes(4096) + content[start + 4096 :]


def _flip(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(30):
        changed[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return bytes(changed)


@pytest.mark.slow
@pytest.mark.parametrize("mutate", [_cut, _overwrite, _zero_page, _flip])
def test_f14_damage_is_never_silent(
    folder: Path, sound: Path, mutate: Callable[[bytes, random.Random], bytes]
) -> None:
    with dl.open(folder) as client:
        before = dump(client)
    content = (sound / "c" / "catalog.sqlite").read_bytes()
    chance = random.Random(14)
    outcomes = []
    for _ in range(ROUNDS):
        shutil.rmtree(folder)
        folder.mkdir()
        (folder / "catalog.sqlite").write_bytes(mutate(content, chance))
        outcomes.append(is_whole_or_told(folder, before))
    assert {"error", "finding"} & set(outcomes), outcomes


def test_f14_a_log_that_is_lost_or_another_files(folder: Path, tmp_path: Path) -> None:
    """Without its log a file is what it was at the last checkpoint; the log of another is not mixed in."""
    with dl.open(folder) as client:
        before = dump(client)
    (folder / "catalog.sqlite-wal").write_bytes(random.Random(3).randbytes(50_000))
    with dl.open(folder) as client:
        assert dump(client) == before
    assert examine(folder) == []


def test_f14_a_missing_raster_file_is_told(folder: Path, sound: Path) -> None:
    with dl.open(folder) as client:
        image = dl.Image.get("p:i0", client=client)
        image.files = [dl.catalog.File(href=str(make_source(folder.parent, seed=3)))]
        image.save()
        (folder.parent / "source3.tif").unlink()
        with pytest.raises(RasterError, match="no such file"):
            image.ndarray("red")
    assert "source3.tif" in " ".join(examine(folder))
    assert doctor(folder) == []  # the catalog's own file is sound
