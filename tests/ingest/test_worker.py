"""Uploads are carried out exactly once, whoever dies when."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

import dawnlight as dl
from dawnlight.catalog import CatalogClient, ImageUpload
from dawnlight.geo import GeoBox
from dawnlight.ingest import _worker, find_damaged_files, find_lost_files, sweep
from dawnlight.ingest._blobs import BlobFolder
from dawnlight.ingest._sandbox import ChildFailure
from dawnlight.ingest._worker import UploadWorker, recover, worker_name
from dawnlight.search import Document
from dawnlight.storage import SqliteStore
from dawnlight.storage._uploads import MAX_ATTEMPTS
from dawnlight.testing._rasters import noise, write_raster

BOX = GeoBox.from_geotrans((500000, 10, 0, 4600000, 0, -10), (70, 60), 32615)
DEAD = 2**22 + 1  # beyond the largest process number


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with SqliteStore(tmp_path / "c") as store:
        store.create([Document(kind="product", id="p", attributes={"name": "P"})])
        yield store


def submit(store: SqliteStore, name: str = "a", *, overwrite: bool = False) -> str:
    """Queue an upload without a dispatcher."""
    id_ = uuid.uuid4().hex
    folder = BlobFolder(store.uploads.folder).make_spool(id_)
    write_raster(folder / "0.tif", noise((70, 60)), BOX)
    image = {"type": "image", "id": f"p:{name}", "attributes": {"acquired": "2024-01-01T00:00:00Z"}}
    upload = Document(
        kind="image_upload",
        id=id_,
        attributes={"product_id": "p", "image_id": f"p:{name}", "image": image},
    )
    store.uploads.submit(upload, {"files": ["0.tif"], "overwrite": overwrite})
    return id_


def status(store: SqliteStore, id_: str) -> str:
    found = store.get("image_upload", id_)
    assert found is not None
    return str(found.get("status"))


def files(store: SqliteStore) -> set[str]:
    return {path.name for name in ("blobs", "uploads") for path in (store.folder / name).rglob("*.tif")}


def test_a_job_leaves_its_file_and_nothing_else(store: SqliteStore) -> None:
    id_ = submit(store)
    worker = UploadWorker(store)
    assert worker.run_one() == id_
    assert worker.run_one() is None
    assert status(store, id_) == "success"
    assert files(store) == {f"{id_}-1-0.tif"}
    assert list(find_lost_files(store)) == list(find_damaged_files(store)) == []
    assert sweep(store, grace=0).removed == ()


def test_a_worker_that_comes_too_late_publishes_nothing(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = submit(store)
    convert = _worker.run_child

    def slow(*args: Any, **options: Any) -> Any:
        reply = convert(*args, **options)
        monkeypatch.setattr(_worker, "run_child", convert)
        store.uploads.expire(worker_name())  # taken for dead
        assert UploadWorker(store).run_one() == id_
        return reply

    monkeypatch.setattr(_worker, "run_child", slow)
    UploadWorker(store).run_one()
    found = store.get("image_upload", id_)
    assert found is not None
    kinds = [event["event_type"] for event in found.attributes["events"]]
    assert kinds.count("complete") == 1
    assert files(store) == {f"{id_}-2-0.tif"}


def test_failures_that_may_pass_are_repeated(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    id_ = submit(store)

    def full(*args: Any, **options: Any) -> Any:
        raise ChildFailure("the disk is full", passing=True)

    monkeypatch.setattr(_worker, "run_child", full)
    monkeypatch.setattr(_worker, "backoff", lambda attempts: 0.0)
    for number in range(1, MAX_ATTEMPTS + 1):
        assert UploadWorker(store).run_one() == id_
        assert status(store, id_) == ("pending" if number < MAX_ATTEMPTS else "failure")
    found = store.get("image_upload", id_)
    assert found is not None
    assert "the disk is full" in found.attributes["events"][-1]["message"]
    assert files(store) == set()


def test_a_canceled_job_ends_its_child(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    id_ = submit(store)

    def endless(*args: Any, keep: Any) -> Any:
        store.uploads.cancel(id_)
        while keep():
            pass

    monkeypatch.setattr(_worker, "run_child", endless)
    UploadWorker(store, lease=0.2).run_one()
    assert status(store, id_) == "canceled"
    recover(store)
    assert files(store) == set()


def test_lost_data_and_taken_names_are_failures(store: SqliteStore) -> None:
    lost = submit(store, "a")
    BlobFolder(store.folder).discard_spool(lost)
    store.create([Document(kind="image", id="p:b", attributes={"product_id": "p", "name": "b"})])
    taken = submit(store, "b")
    worker = UploadWorker(store)
    worker.run_one()
    worker.run_one()
    assert [status(store, id_) for id_ in (lost, taken)] == ["failure", "failure"]
    found = store.get("image_upload", taken)
    assert found is not None
    assert "overwrite" in found.attributes["events"][-1]["message"]
    assert files(store) == set()


def test_dead_workers_and_what_they_left(store: SqliteStore) -> None:
    id_ = submit(store)
    host = worker_name().rpartition(":")[0]
    job = store.uploads.claim(f"{host}:{DEAD}", lease=3600)
    assert job is not None
    blobs = BlobFolder(store.folder)
    (blobs.make_incoming(id_, job.fence) / "0.tif").write_bytes(b"half")
    orphan = blobs.blobs / id_[:2] / f"{id_}-{job.fence}-0.tif"
    orphan.parent.mkdir()
    orphan.write_bytes(b"whole, but never published")
    recover(store)
    UploadWorker(store).run_one()
    assert status(store, id_) == "success"
    assert files(store) == {f"{id_}-2-0.tif"}


def test_opening_a_catalog_carries_on(store: SqliteStore) -> None:
    id_ = submit(store)
    with dl.open(store.folder) as client:
        upload = ImageUpload.get(id_, client=client)
        assert upload is not None
        upload.wait_for_completion(timeout=60)
        assert upload.status == "success"
    with dl.open(store.folder, adopt=False) as client:
        assert isinstance(client, CatalogClient)


def test_files_without_an_image_go_after_their_grace_period(store: SqliteStore) -> None:
    first, second = submit(store), None
    worker = UploadWorker(store)
    worker.run_one()
    second = submit(store, overwrite=True)
    worker.run_one()
    assert len(files(store)) == 2
    waiting = sweep(store, grace=3600)
    assert [Path(name).name for name in waiting.waiting] == [f"{first}-1-0.tif"]
    assert sweep(store, grace=0, dry_run=True).removed
    assert len(files(store)) == 2
    assert sweep(store, grace=0).freed_bytes > 0
    assert files(store) == {f"{second}-1-0.tif"}
    store.delete("image", "p:a")
    sweep(store, grace=0)
    assert files(store) == set()


def test_the_data_of_waiting_uploads_is_not_swept(store: SqliteStore) -> None:
    submit(store)
    assert sweep(store, grace=0).removed == ()
    assert files(store) == {"0.tif"}


def test_a_flipped_bit_is_found(store: SqliteStore) -> None:
    id_ = submit(store)
    UploadWorker(store).run_one()
    (path,) = (store.folder / "blobs").rglob(f"{id_}*")
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    (found,) = find_damaged_files(store)
    assert (found.image_id, found.href) == ("p:a", str(path))
    assert "damaged" in found.reason
