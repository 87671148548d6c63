"""F5: no call in the process drops the locks on the catalog's file, so no other process writes in between."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.faults._uploads import make_source

import dawnlight as dl
from dawnlight.cli import main
from dawnlight.errors import DawnlightError
from dawnlight.ingest import add_files, find_damaged_files, find_lost_files, sweep
from dawnlight.storage import doctor, open_store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX locks")

# Asks, from another process, who holds the bytes that SQLite locks for as long as a connection is open.
_PROBE = """
import fcntl, os, struct, sys
form = "hhqqi4x"
handle = os.open(sys.argv[1], os.O_RDWR)
asked = struct.pack(form, fcntl.F_WRLCK, 0, 0x40000002, 510, 0)
kind, _, _, _, pid = struct.unpack(form, fcntl.fcntl(handle, fcntl.F_GETLK, asked))
print(pid if kind != fcntl.F_UNLCK else 0)
"""
_WRITE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
try:
    connection.execute("BEGIN IMMEDIATE")
    print("wrote")
except sqlite3.OperationalError as error:
    print(error)
"""


def elsewhere(code: str, path: Path) -> str:
    """Run code on a file in another process."""
    command = [sys.executable, "-S", "-E", "-c", code, str(path)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


class Scene:
    """An open catalog with an image and with names for its database that are not its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "c"
        self.database = self.folder / "catalog.sqlite"
        self.client = dl.open(self.folder)
        self.product = dl.Product(id="p", name="P", client=self.client)
        self.product.save()
        self.file = make_source(folder)
        add_files("p", [self.file], store=self.client.store, acquired="2024-01-01")
        (self.image,) = dl.Image.search(client=self.client)
        self.soft, self.hard, self.shared = (folder / f"{kind}.tif" for kind in ("soft", "hard", "shared"))
        self.soft.symlink_to(self.database)
        os.link(self.database, self.hard)
        self.shared.symlink_to(f"{self.database}-shm")
        self.backups = 0

    def is_locked(self) -> bool:
        return elsewhere(_PROBE, self.database) == str(os.getpid())

    def command(self, *arguments: str) -> None:
        found = CliRunner().invoke(main, [*arguments, "--catalog", str(self.folder)])
        assert found.exception is None or isinstance(found.exception, SystemExit), found.exception

    def readings(self) -> Iterator[tuple[str, Callable[[], Any]]]:
        """Yield what only looks."""
        store, image = self.client.store, self.image
        yield "search", lambda: list(dl.Image.search(client=self.client))
        yield "doctor", lambda: doctor(self.folder, deep=True)
        yield "doctor of the store", lambda: store.doctor(deep=True)
        yield "lost files", lambda: list(find_lost_files(store))
        yield "damaged files", lambda: list(find_damaged_files(store))
        yield "look for what may go", lambda: sweep(store, dry_run=True)
        yield "repr", lambda: (repr(self.client), repr(image), image._repr_html_(), str(self.product))
        yield "another client", lambda: open_store(self.folder, read_only=True).close()
        for name in ("ls", "search", "uploads"):
            yield f"command {name}", lambda name=name: self.command(name)
        yield "command doctor", lambda: self.command("doctor", "--deep")
        yield "command get", lambda: self.command("get", image.id)
        yield "pixels", lambda: image.ndarray(image.files[0].href and "gray")
        for name, path in self._names():
            yield f"upload {name}", lambda path=path: self._image().upload(str(path))
            yield f"pixels of {name}", lambda path=path: self._read(path)

    def changes(self) -> Iterator[tuple[str, Callable[[], Any]]]:
        """Yield what writes."""
        store = self.client.store
        yield "another store", lambda: open_store(self.folder).close()
        yield "gc", lambda: sweep(store, grace=0)
        yield "command gc", lambda: self.command("gc", "--grace", "0")
        yield "backup", lambda: store.backup(self.folder.parent / "copy.sqlite")
        yield "command backup", lambda: self.command("backup", str(self.folder.parent / "copy"))
        yield "add the folder", lambda: add_files("p", [self.folder], store=store)
        for name, path in self._names():
            yield f"add {name}", lambda path=path: add_files("p", [path], store=store, acquired="2024-01-01")
            yield (
                f"add a copy of {name}",
                lambda path=path: add_files("p", [path], store=store, acquired="2024-01-01", copy=True),
            )
            yield f"save an image of {name}", lambda path=path: self._save(path)

    def _names(self) -> Iterator[tuple[str, Path]]:
        yield "the database", self.database
        yield "a link", self.soft
        yield "a hard link", self.hard
        yield "the index of the log", self.shared

    def _image(self) -> Any:
        return dl.Image(product=self.product, name="new", acquired="2024-01-01", client=self.client)

    def _read(self, path: Path) -> Any:
        image = self._image()
        image.files = [dl.catalog.File(href=str(path), hash="0" * 64)]
        return image.ndarray("gray")

    def _save(self, path: Path) -> None:
        image = self._image()
        image.files = [dl.catalog.File(href=str(path), hash="0" * 64)]
        image.storage_state = "remote"  # saved without a look at the file
        with suppress(DawnlightError):
            image.save()
        self.command("doctor", "--deep")
        image = self._image()
        image.files = [dl.catalog.File(href=str(path))]
        image.save()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    scene.client.close()


@pytest.mark.slow
def test_f5_no_call_drops_the_locks_of_the_file(scene: Scene) -> None:
    assert scene.is_locked()
    for name, call in (*scene.readings(), *scene.changes()):
        with suppress(DawnlightError):
            call()
        assert scene.is_locked(), f"{name} dropped the locks of the catalog's file"
    with open(scene.database, "rb"):
        pass
    assert not scene.is_locked(), "the test would not notice"


@pytest.mark.slow
def test_f5_nobody_writes_into_a_transaction(scene: Scene) -> None:
    connection = sqlite3.connect(scene.database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE product SET name = 'held'")
    for name, call in scene.readings():
        with suppress(DawnlightError):
            call()
        assert elsewhere(_WRITE, scene.database) == "database is locked", name
    connection.execute("COMMIT")
    connection.close()
    assert elsewhere(_WRITE, scene.database) == "wrote"
