"""F15: a backup while others write is one moment's state; a migration that races leaves one version."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.faults._stage import dump
from tests.faults.test_document_kills import old_catalog, read_version

import dawnlight as dl
from dawnlight.storage import doctor, open_store
from dawnlight.storage._sql_schema import SCHEMA_VERSION

__all__ = ["old_catalog"]

BATCH = 20
WRITERS = 2
BACKUPS = 5
_WRITE = """
import itertools, sys
import dawnlight as dl
folder, number, batch = sys.argv[1], sys.argv[2], int(sys.argv[3])
with dl.open(folder) as client:
    for step in itertools.count():
        names = [f"w{number}-{step}-{each}" for each in range(batch)]
        images = [dl.Image(product_id="p", name=name, acquired="2024-01-01", client=client) for name in names]
        for image in images:
            image.geometry = {"type": "Point", "coordinates": [step % 90, int(number)]}
        dl.Image.save_many(images)
        print(step, flush=True)
"""
_OPEN = """
import sys, time
import dawnlight as dl
time.sleep(max(0, float(sys.argv[2]) - time.time()))
with dl.open(sys.argv[1]) as client:
    print(dl.Image.search(client=client).count(), len(client.store.doctor(deep=True)))
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_f15_a_backup_under_load_is_one_moment(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    with dl.open(folder) as client:
        dl.Product(id="p", name="P", client=client).save()
        writers = [start(_WRITE, folder, number, BATCH) for number in range(WRITERS)]
        acknowledged = [0] * WRITERS

        def count(number: int) -> None:
            for line in writers[number].stdout or ():
                acknowledged[number] = int(line) + 1

        readers = [threading.Thread(target=count, args=(number,)) for number in range(WRITERS)]
        for reader in readers:
            reader.start()
        try:
            while not all(acknowledged):
                assert all(writer.poll() is None for writer in writers)
                time.sleep(0.01)
            moments = []
            for number in range(BACKUPS):
                target = tmp_path / f"copy{number}" / "catalog.sqlite"
                target.parent.mkdir()
                before = list(acknowledged)
                client.store.backup(target)
                moments.append((target, before))
        finally:
            for writer in writers:
                writer.kill()
                writer.wait()
            for reader in readers:
                reader.join()
            for writer in writers:
                assert writer.stdout is not None
                writer.stdout.close()
        assert doctor(folder, deep=True) == []
        whole = {image.id for image in dl.Image.search(client=client)}
    for target, before in moments:
        assert read_version(target) == SCHEMA_VERSION
        assert doctor(target.parent, deep=True) == []
        with open_store(target.parent) as copy, dl.catalog.CatalogClient(copy) as client:
            found = {image.id for image in dl.Image.search(client=client)}
        assert found <= whole
        for number in range(WRITERS):
            steps = [int(id_.split("-")[1]) for id_ in found if id_.startswith(f"p:w{number}-")]
            # Whole batches, none left out, and all that was acknowledged before the backup began.
            assert sorted(steps) == sorted(list(range(max(steps) + 1)) * BATCH)
            assert max(steps) + 1 >= before[number]


@pytest.mark.slow
def test_f15_processes_that_migrate_at_once_end_at_one_version(old_catalog: Path, tmp_path: Path) -> None:
    expected = tmp_path / "expected"
    expected.mkdir()
    (expected / "catalog.sqlite").write_bytes((old_catalog / "catalog.sqlite").read_bytes())
    with dl.open(expected) as client:
        before = dump(client)
        count = dl.Image.search(client=client).count()
    moment = time.time() + 3
    racers = [start(_OPEN, old_catalog, moment) for _ in range(3)]
    answers = {racer.communicate(timeout=120)[0].strip() for racer in racers}
    assert [racer.returncode for racer in racers] == [0] * 3
    assert answers == {f"{count} 0"}
    with dl.open(old_catalog) as client:
        assert dump(client) == before
    assert read_version(old_catalog / "catalog.sqlite") == SCHEMA_VERSION
    (copy,) = old_catalog.glob("*.backup.sqlite")
    assert read_version(copy) == 1
