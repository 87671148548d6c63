"""The queue of uploads: claims, leases, fences; the same in memory and in SQLite."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dawnlight.errors import ConflictError, NotFoundError, ValidationError
from dawnlight.search import Document
from dawnlight.storage import CatalogStore, MemoryStore, SqliteStore
from dawnlight.storage._uploads import UploadJob, UploadQueue, backoff, make_event


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CatalogStore]:
    made = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "c")
    with made as store:
        store.create([Document(kind="product", id="p", attributes={"name": "P"})])
        yield store


@pytest.fixture
def queue(store: CatalogStore) -> UploadQueue:
    return store.uploads


def submit(queue: UploadQueue, id_: str = "u", **attributes: Any) -> Document:
    given = {"product_id": "p", "image_id": "p:a", **attributes}
    return queue.submit(Document(kind="image_upload", id=id_, attributes=given), {"files": ["0.tif"]})


def claim(queue: UploadQueue, worker: str = "w:1", lease: float = 60) -> UploadJob:
    job = queue.claim(worker, lease=lease)
    assert job is not None
    return job


def image(**attributes: Any) -> Document:
    return Document(kind="image", id="p:a", attributes={"product_id": "p", "name": "a", **attributes})


def status(store: CatalogStore, id_: str = "u") -> str:
    found = store.get("image_upload", id_)
    assert found is not None
    return str(found.get("status"))


def test_from_the_queue_to_the_catalog(store: CatalogStore, queue: UploadQueue) -> None:
    assert queue.next_due() is None
    assert queue.claim("w:1", lease=1) is None
    assert submit(queue).get("status") == "pending"
    assert queue.unfinished() == {"u"}
    job = claim(queue)
    assert (job.id, job.fence, job.attempts, job.payload) == ("u", 1, 0, {"files": ["0.tif"]})
    assert status(store) == "running"
    assert queue.workers() == {"w:1"}
    assert queue.claim("w:2", lease=1) is None
    events = [make_event("2024-01-01T00:00:00Z", "complete", "done")]
    assert queue.finish(job, image(tags=["t"]), events, overwrite=False)
    assert status(store) == "success"
    assert store.exists("image", "p:a")
    found = store.get("image_upload", "u")
    assert found is not None
    assert [event["event_type"] for event in found.attributes["events"]] == ["queue", "run", "complete"]
    assert (queue.next_due(), queue.unfinished(), queue.workers()) == (None, set(), set())


def test_a_lease_that_is_over_goes_to_another(store: CatalogStore, queue: UploadQueue) -> None:
    submit(queue)
    slow = claim(queue, lease=0)
    fast = claim(queue, "w:2")
    assert fast.fence == 2
    assert not queue.extend(slow, lease=60)
    assert not queue.retry(slow, [], delay=0)
    assert not queue.finish(slow, image(), [], overwrite=True)
    queue.release(slow)
    assert status(store) == "running"
    assert not store.exists("image", "p:a")
    assert queue.extend(fast, lease=60)
    assert queue.finish(fast, image(), [], overwrite=False)
    assert not queue.finish(fast, image(), [], overwrite=True)


def test_a_dead_worker_loses_its_jobs_at_once(queue: UploadQueue) -> None:
    submit(queue)
    claim(queue)
    assert queue.expire("w:2") == 0
    assert queue.expire("w:1") == 1
    assert claim(queue).fence == 2


def test_what_may_pass_is_tried_again(store: CatalogStore, queue: UploadQueue) -> None:
    submit(queue)
    assert queue.retry(claim(queue), [], delay=0)
    assert status(store) == "pending"
    job = claim(queue)
    assert (job.attempts, job.fence) == (1, 2)
    assert queue.retry(job, [], delay=100)
    assert queue.claim("w:1", lease=1) is None
    due = queue.next_due()
    assert due is not None
    assert due > time.time() + 90


def test_a_job_given_back_is_untried(store: CatalogStore, queue: UploadQueue) -> None:
    submit(queue)
    queue.release(claim(queue))
    assert status(store) == "pending"
    assert claim(queue).attempts == 0


def test_a_failure_publishes_nothing(store: CatalogStore, queue: UploadQueue) -> None:
    submit(queue)
    assert queue.finish(claim(queue), None, [], overwrite=False)
    assert status(store) == "failure"
    assert not store.exists("image", "p:a")


def test_an_image_is_replaced_whole(store: CatalogStore, queue: UploadQueue) -> None:
    store.create([image(tags=["old"], cloud_fraction=0.5)])
    submit(queue)
    job = claim(queue)
    with pytest.raises(ConflictError, match="exists already"):
        queue.finish(job, image(tags=["new"]), [], overwrite=False)
    assert status(store) == "running"
    assert queue.finish(job, image(tags=["new"]), [], overwrite=True)
    found = store.get("image", "p:a")
    assert found is not None
    assert (found.version, found.get("tags"), found.get("cloud_fraction")) == (2, ["new"], None)


def test_a_bad_image_changes_nothing(store: CatalogStore, queue: UploadQueue) -> None:
    submit(queue)
    job = claim(queue)
    with pytest.raises(ValidationError):
        queue.finish(job, image(x_pixels=-1), [], overwrite=False)
    assert status(store) == "running"
    assert queue.extend(job, lease=60)


@pytest.mark.parametrize("running", [False, True])
def test_canceling(store: CatalogStore, queue: UploadQueue, running: bool) -> None:
    submit(queue)
    job = claim(queue) if running else None
    assert queue.cancel("u").get("status") == "canceled"
    assert queue.claim("w:1", lease=1) is None
    if job is not None:
        assert not queue.extend(job, lease=60)
        assert not queue.finish(job, image(), [], overwrite=True)
    with pytest.raises(ConflictError, match="canceled"):
        queue.cancel("u")
    with pytest.raises(NotFoundError):
        queue.cancel("nowhere")


def test_a_status_set_by_hand_counts(store: CatalogStore, queue: UploadQueue) -> None:
    submit(queue)
    job = claim(queue)
    store.update("image_upload", "u", {"status": "canceled"})
    assert not queue.extend(job, lease=60)
    assert queue.unfinished() == set()
    assert queue.claim("w:1", lease=1) is None


def test_uploads_go_with_their_product(store: CatalogStore, queue: UploadQueue) -> None:
    submit(queue)
    job = claim(queue)
    store.delete_related("p")
    store.delete("product", "p")
    assert not queue.finish(job, image(), [], overwrite=False)
    assert queue.next_due() is None
    with pytest.raises(NotFoundError):
        submit(queue, "v")


def test_each_job_goes_to_one_worker(store: CatalogStore, queue: UploadQueue) -> None:
    ids = [f"u{number:02}" for number in range(30)]
    for id_ in ids:
        submit(queue, id_, image_id=f"p:{id_}")

    def work(worker: int) -> list[str]:
        done = []
        while (job := queue.claim(f"w:{worker}", lease=60)) is not None:
            done.append(job.id)
            queue.finish(job, None, [], overwrite=False)
        return done

    with ThreadPoolExecutor(4) as pool:
        taken = sorted(id_ for done in pool.map(work, range(4)) for id_ in done)
    assert taken == ids


def test_pauses_grow() -> None:
    assert [backoff(attempts) // 2**attempts for attempts in (1, 2, 3)] == [1, 1, 1]
