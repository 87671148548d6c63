"""Carrying out uploads: one job after the other, each in a child process, each published in one step."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dawnlight.errors import BadRequestError, CatalogError, CatalogLockedError, DawnlightError, NotFoundError
from dawnlight.ingest._blobs import BlobFolder, sha256_of
from dawnlight.ingest._sandbox import ChildFailure, run_child
from dawnlight.search import Document, Eq, Query, time_to_wire
from dawnlight.storage import CatalogStore
from dawnlight.storage._uploads import MAX_ATTEMPTS, MAX_CLAIMS, UploadJob, backoff, make_event

__all__ = ["UploadWorker", "recover", "worker_name"]

LEASE = 60.0
"""Seconds after which a worker that gives no sign of life loses its job."""


class UploadWorker:
    """Takes uploads of a catalog and carries them out.

    Parameters
    ----------
    store : CatalogStore
        The catalog.
    lease : float, default: 60
        Seconds for which a job is kept without a sign of life.
    stop : threading.Event, optional
        Set, it ends the work; the job at hand is given back.
    """

    def __init__(
        self, store: CatalogStore, *, lease: float = LEASE, stop: threading.Event | None = None
    ) -> None:
        self.store = store
        self.queue = store.uploads
        self.blobs = BlobFolder(self.queue.folder)
        self.lease = lease
        self.stop = stop or threading.Event()
        self.name = worker_name()

    def run_one(self) -> str | None:
        """Carry out the job that has been due for longest.

        Returns
        -------
        str or None
            Id of the upload; None if none was due.
        """
        job = self.queue.claim(self.name, lease=self.lease)
        if job is None:
            return None
        if job.fence > 1:
            self.blobs.discard(job.id, before=job.fence)
        try:
            if job.fence > MAX_CLAIMS:
                raise ChildFailure(f"its workers died {job.fence - 1} times; that is most likely its doing")
            self._carry_out(job)
        except ChildFailure as failure:
            self._fail(job, str(failure), passing=failure.passing, kind=failure.kind)
        except CatalogLockedError:
            raise  # the lease runs out and the job is tried again
        except (BadRequestError, NotFoundError) as error:
            self._fail(job, str(error), passing=False)
        except (OSError, DawnlightError) as error:
            self._fail(job, f"{type(error).__name__}: {error}", passing=True)
        return job.id

    def _carry_out(self, job: UploadJob) -> None:
        incoming = self.blobs.make_incoming(job.id, job.fence)
        try:
            reply = run_child(self._request(job, str(incoming)), keep=_Keeper(self, job))
            if reply is None:
                if self.stop.is_set():
                    self.queue.release(job)
                elif job.id not in self.queue.unfinished():
                    self.blobs.discard_spool(job.id)
                return
            image = self._publishable(job, reply)
            events = [
                *(
                    self._event("log", note, severity="WARNING")
                    for note in (*job.payload.get("notes", ()), *reply["notes"])
                ),
                self._event("usage", reply["usage"]),
                self._event("complete", f"image {image.id!r} is in the catalog"),
            ]
            published = kept = False
            try:
                published = self.queue.finish(
                    job, image, events, overwrite=bool(job.payload.get("overwrite"))
                )
            except CatalogError as error:
                kept = error.uncertain  # the image may be in the catalog, so its files must be there
                raise
            finally:
                if not (published or kept):
                    self.blobs.discard(job.id, before=job.fence + 1)
            if published:
                self.blobs.discard_spool(job.id)
        finally:
            shutil.rmtree(incoming, ignore_errors=True)

    def _request(self, job: UploadJob, incoming: str) -> dict[str, Any]:
        upload = job.upload
        given: Mapping[str, Any] = upload.get("image") or {}
        options: Mapping[str, Any] = upload.get("image_upload_options") or {}
        sources = [str(self.blobs.uploads / job.id / name) for name in job.payload["files"]]
        lost = next((path for path in sources if not os.path.exists(path)), None)
        if lost is not None:
            raise ChildFailure(f"its data is gone: there is no file {lost}")
        query = Query(kind="band", where=Eq("product_id", str(upload.get("product_id"))))
        return {
            "convert": True,
            "id": upload.get("image_id"),
            "sources": sources,
            "names": list(job.payload.get("names") or job.payload["files"]),
            "targets": [os.path.join(incoming, f"{number}.tif") for number in range(len(sources))],
            "image": dict(given.get("attributes") or {}),
            "bands": [
                {"id": band.id, "attributes": dict(band.attributes)} for band in self.store.search(query)
            ],
            "crs": job.payload.get("crs"),
            "factors": list(options.get("overviews") or ()),
            "kernel": options.get("overview_resampler"),
        }

    def _publishable(self, job: UploadJob, reply: Mapping[str, Any]) -> Document:
        """Give the new files their names and return the image that lists them."""
        attributes = dict(reply["attributes"])
        files: list[dict[str, Any]] = []
        records: list[dict[str, Any]] = []
        for number, (file, record) in enumerate(
            zip(attributes["files"], attributes["file_headers"], strict=True)
        ):
            digest = sha256_of(file["href"])
            target = self.blobs.place(Path(file["href"]), job.id, job.fence, number)
            status = target.stat()
            files.append({"href": str(target), "size_bytes": status.st_size, "hash": digest})
            if job.payload.get("origins"):
                files[-1]["provider_href"] = job.payload["origins"][number]
            records.append(
                {
                    **record,
                    "href": str(target),
                    "size_bytes": status.st_size,
                    "modified_ns": status.st_mtime_ns,
                }
            )
        attributes |= {"files": files, "file_headers": records, "storage_state": "available"}
        attributes["product_id"] = job.upload.get("product_id")
        attributes["name"] = str(job.upload.get("image_id")).removeprefix(f"{attributes['product_id']}:")
        return Document(kind="image", id=str(job.upload.get("image_id")), attributes=attributes)

    def _fail(self, job: UploadJob, message: str, *, passing: bool, kind: str = "error") -> None:
        again = passing and job.attempts + 1 < MAX_ATTEMPTS
        if again:
            delay = backoff(job.attempts + 1)
            text = f"attempt {job.attempts + 1} failed and is repeated in {delay:.0f} s: {message}"
            self.queue.retry(job, [self._event(kind, text, severity="WARNING")], delay=delay)
            return
        event = self._event(kind, message, severity="ERROR")
        if self.queue.finish(job, None, [event], overwrite=False):
            self.blobs.discard_spool(job.id)

    def _event(self, kind: str, message: str, *, severity: str = "INFO") -> dict[str, Any]:
        return make_event(_now(), kind, message, severity=severity)


class _Keeper:
    """Extends the lease in time, and tells whether the work is still wanted."""

    def __init__(self, worker: UploadWorker, job: UploadJob) -> None:
        self._worker = worker
        self._job = job
        # Often enough that a cancellation is noticed soon.
        self._pause = min(worker.lease / 4, 2.0)
        self._last = time.monotonic()

    def __call__(self) -> bool:
        if self._worker.stop.is_set():
            return False
        now = time.monotonic()
        if now - self._last < self._pause:
            return True
        self._last = now
        return self._worker.queue.extend(self._job, lease=self._worker.lease)


def recover(store: CatalogStore) -> None:
    """Take back the jobs of workers of this computer that are dead, and remove data of uploads that are done.

    Parameters
    ----------
    store : CatalogStore
        The catalog.
    """
    queue = store.uploads
    mine = worker_name().rpartition(":")[0]
    for worker in queue.workers():
        host, _, pid = worker.rpartition(":")
        if host == mine and pid.isdigit() and not _is_alive(int(pid)):
            queue.expire(worker)
    blobs = BlobFolder(queue.folder)
    spools = blobs.spools()
    if spools:
        done = {upload.id for upload in store.get_many("image_upload", spools)} - queue.unfinished()
        for id_ in done:
            blobs.discard_spool(id_)


def worker_name() -> str:
    """Return what this process is called: host and process number."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _is_alive(pid: int) -> bool:
    if os.name != "posix":
        return True  # cannot be told; the lease decides
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _now() -> str:
    return time_to_wire(datetime.now(UTC))
