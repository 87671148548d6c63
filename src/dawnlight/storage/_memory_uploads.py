"""The queue of uploads of a catalog in memory."""

from __future__ import annotations

import shutil
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dawnlight.errors import ConflictError
from dawnlight.search import Document
from dawnlight.storage._batches import missing
from dawnlight.storage._uploads import (
    ACTIVE,
    UploadJob,
    UploadQueue,
    check_cancelable,
    make_event,
    replacement,
    with_events,
)

if TYPE_CHECKING:
    from dawnlight.storage._memory import MemoryStore

__all__ = ["MemoryJobs", "MemoryUploads"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    due: float
    payload: Mapping[str, Any]
    fence: int = 0
    attempts: int = 0
    worker: str | None = None


@dataclass
class MemoryJobs:
    """Jobs and files, shared by all stores on the same documents."""

    jobs: dict[str, _Waiting] = field(default_factory=dict)

    @cached_property
    def folder(self) -> Path:
        """A temporary folder, which is removed with the catalog."""
        made = tempfile.mkdtemp(prefix="dawnlight-")
        weakref.finalize(self, shutil.rmtree, made, ignore_errors=True)
        return Path(made)


class MemoryUploads(UploadQueue):
    """See `UploadQueue`; every method holds the store's lock.

    Parameters
    ----------
    store : MemoryStore
        Whose uploads these are.
    shared : MemoryJobs
        Shared with its other views.
    """

    def __init__(self, store: MemoryStore, shared: MemoryJobs) -> None:
        self._store = store
        self._shared = shared
        self._jobs = shared.jobs

    @property
    def folder(self) -> Path:  # type: ignore[override]  # made when it is first needed
        """Where files go."""
        return self._shared.folder

    def submit(self, upload: Document, payload: Mapping[str, Any]) -> Document:
        """See `UploadQueue.submit`."""
        with self._store._writing():
            event = make_event(self._store._now(), "queue", "waits for a worker", component="catalog")
            attributes = {**upload.attributes, **with_events(upload, [event], "pending")}
            (stored,) = self._store.create(
                [Document(kind="image_upload", id=upload.id, attributes=attributes)]
            )
            self._jobs[upload.id] = _Waiting(due=time.time(), payload=dict(payload))
            return stored

    def claim(self, worker: str, *, lease: float) -> UploadJob | None:
        """See `UploadQueue.claim`."""
        now = time.time()
        with self._store._writing():
            due = sorted((job.due, id_) for id_, job in self._active().items() if job.due <= now)
            if not due:
                return None
            id_ = due[0][1]
            job = replace(self._jobs[id_], due=now + lease, fence=self._jobs[id_].fence + 1, worker=worker)
            self._jobs[id_] = job
            stored = self._documents[id_]
            event = make_event(self._store._now(), "run", f"taken by {worker}")
            upload = self._store.update("image_upload", id_, with_events(stored, [event], "running"))
            return UploadJob(
                id=id_, fence=job.fence, attempts=job.attempts, upload=upload, payload=job.payload
            )

    def extend(self, job: UploadJob, *, lease: float) -> bool:
        """See `UploadQueue.extend`."""
        with self._store._writing():
            if not self._holds(job):
                return False
            self._jobs[job.id] = replace(self._jobs[job.id], due=time.time() + lease)
            return True

    def release(self, job: UploadJob) -> None:
        """See `UploadQueue.release`."""
        with self._store._writing():
            if self._holds(job):
                self._jobs[job.id] = replace(self._jobs[job.id], due=time.time(), worker=None)
                self._store.update("image_upload", job.id, {"status": "pending"})

    def retry(self, job: UploadJob, events: Sequence[Mapping[str, Any]], *, delay: float) -> bool:
        """See `UploadQueue.retry`."""
        with self._store._writing():
            if not self._holds(job):
                return False
            known = self._jobs[job.id]
            self._jobs[job.id] = replace(
                known, due=time.time() + delay, attempts=known.attempts + 1, worker=None
            )
            changes = with_events(self._documents[job.id], events, "pending")
            self._store.update("image_upload", job.id, changes)
            return True

    def finish(
        self, job: UploadJob, image: Document | None, events: Sequence[Mapping[str, Any]], *, overwrite: bool
    ) -> bool:
        """See `UploadQueue.finish`."""
        with self._store._writing():
            if not self._holds(job):
                return False
            if image is not None:
                self._publish(image, overwrite=overwrite)
            status = "failure" if image is None else "success"
            self._store.update("image_upload", job.id, with_events(self._documents[job.id], events, status))
            del self._jobs[job.id]
            return True

    def cancel(self, id: str) -> Document:
        """See `UploadQueue.cancel`."""
        with self._store._writing():
            upload = self._documents.get(id)
            if upload is None:
                raise missing("image_upload", id)
            check_cancelable(upload)
            self._jobs.pop(id, None)
            event = make_event(self._store._now(), "cancel", "called off", component="catalog")
            return self._store.update("image_upload", id, with_events(upload, [event], "canceled"))

    def next_due(self) -> float | None:
        """See `UploadQueue.next_due`."""
        with self._store._reading():
            return min((job.due for job in self._active().values()), default=None)

    def workers(self) -> set[str]:
        """See `UploadQueue.workers`."""
        with self._store._reading():
            return {job.worker for job in self._active().values() if job.worker is not None}

    def expire(self, worker: str) -> int:
        """See `UploadQueue.expire`."""
        with self._store._writing():
            held = [id_ for id_, job in self._active().items() if job.worker == worker]
            for id_ in held:
                self._jobs[id_] = replace(self._jobs[id_], due=time.time(), worker=None)
            return len(held)

    def unfinished(self) -> set[str]:
        """See `UploadQueue.unfinished`."""
        with self._store._reading():
            return set(self._active())

    def _publish(self, image: Document, *, overwrite: bool) -> None:
        stored = self._store._documents["image"].get(image.id)
        if stored is None:
            self._store.create([image])
        elif overwrite:
            self._store.update("image", image.id, replacement(stored, image))
        else:
            raise ConflictError(
                f"image {image.id!r} exists already; overwrite=True puts this one in its place"
            )

    @property
    def _documents(self) -> dict[str, Document]:
        return self._store._documents["image_upload"]

    def _active(self) -> dict[str, _Waiting]:
        return {id_: job for id_, job in self._jobs.items() if self._status(id_) in ACTIVE}

    def _status(self, id_: str) -> Any:
        upload = self._documents.get(id_)
        return None if upload is None else upload.get("status")

    def _holds(self, job: UploadJob) -> bool:
        known = self._jobs.get(job.id)
        return known is not None and known.fence == job.fence and self._status(job.id) == "running"
