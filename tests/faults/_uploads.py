"""What must hold for the uploads of a catalog, whatever happened to the processes that worked on them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.faults._stage import dump

import dawnlight as dl
from dawnlight.catalog import ImageUpload
from dawnlight.ingest import sweep
from dawnlight.testing._rasters import noise, write_raster

BOX = dl.geo.GeoBox.from_geotrans((500000, 10, 0, 4600000, 0, -10), (300, 280), 32615)


def make_source(folder: Path, seed: int = 0) -> Path:
    """Write a small image."""
    return write_raster(folder / f"source{seed}.tif", noise((300, 280), seed=seed), BOX)


def make_template(folder: Path) -> None:
    """Make a catalog with an empty product."""
    with dl.open(folder) as client:
        dl.Product(id="p", name="P", client=client).save()


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_files(client: Any) -> None:
    """See that every image has all its files, each with the bytes that were hashed."""
    for image in dl.Image.search(client=client):
        for file in image.files:
            path = Path(file.href)
            assert path.is_file(), f"{image.id}: {path} is missing"
            assert (path.stat().st_size, hash_of(path)) == (file.size_bytes, file.hash), f"{image.id}: {path}"


def recover(folder: Path, acknowledged: Iterable[str]) -> dict[str, str]:
    """Carry out what is left in a catalog, and see that nothing is lost, half done or left over."""
    with dl.open(folder) as client:
        check_files(client)  # before anything is carried on
        done = {}
        for upload in [*ImageUpload.search(client=client)]:
            upload.wait_for_completion(timeout=120)
            done[upload.id] = str(upload.status)
        assert set(acknowledged) <= done.keys(), "an acknowledged upload was lost"
        assert {done[id_] for id_ in acknowledged} <= {"success"}, [
            (each.id, each.status, each.error_message) for each in ImageUpload.search(client=client)
        ]
        check_files(client)
        assert client.store.doctor(deep=True) == []
        sweep(client.store, grace=0)
        used = {file.href for image in dl.Image.search(client=client) for file in image.files}
        assert len(used) == ("success" in done.values())
        dump(client)
    left = {str(path) for path in (folder / "blobs").rglob("*") if path.is_file()} if used else set()
    assert left - {str(folder / "blobs" / "unused.json")} == used, "files that nobody knows"
    assert not any((folder / "uploads").iterdir()) if (folder / "uploads").exists() else True
    return done
