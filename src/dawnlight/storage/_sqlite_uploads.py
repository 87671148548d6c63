"""The queue of uploads of an embedded catalog: a table beside that of the uploads."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from dawnlight.errors import ConflictError
from dawnlight.search import Document
from dawnlight.storage._batches import missing, prepare_batch
from dawnlight.storage._rules import prepare_changed
from dawnlight.storage._sql_rows import CODECS
from dawnlight.storage._sql_schema import TABLES, UPLOAD_JOB
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
    from dawnlight.storage._sqlite import SqliteStore

__all__ = ["SqliteUploads"]

_UPLOAD = TABLES["image_upload"]
_JOB = UPLOAD_JOB.c


class SqliteUploads(UploadQueue):
    """See `UploadQueue`.

    Parameters
    ----------
    store : SqliteStore
        Whose uploads these are.
    """

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.folder: Path = store.folder

    def submit(self, upload: Document, payload: Mapping[str, Any]) -> Document:
        """See `UploadQueue.submit`."""
        now = self._store._now()
        event = make_event(now, "queue", "waits for a worker", component="catalog")
        attributes = {**upload.attributes, **with_events(upload, [event], "pending")}
        document = Document(kind="image_upload", id=upload.id, attributes=attributes)
        batch = prepare_batch([document], now, ())
        with self._store._engine.write("queueing an upload") as connection:
            (stored,) = self._store._insert(connection, batch)
            row = {
                "id": upload.id,
                "due": time.time(),
                "fence": 0,
                "attempts": 0,
                "payload": json.dumps(dict(payload)),
            }
            connection.execute(insert(UPLOAD_JOB).values(row))
        return stored

    def claim(self, worker: str, *, lease: float) -> UploadJob | None:
        """See `UploadQueue.claim`."""
        now = time.time()
        due = self.next_due()
        if due is None or due > now:
            return None  # looked at without the lock of the writers
        first = (
            select(_JOB.id)
            .join_from(UPLOAD_JOB, _UPLOAD, _UPLOAD.c.id == _JOB.id)
            .where(_JOB.due <= now, _UPLOAD.c.status.in_(ACTIVE))
            .order_by(_JOB.due, _JOB.id)
            .limit(1)
            .scalar_subquery()
        )
        statement = (
            update(UPLOAD_JOB)
            .where(_JOB.id == first)
            .values(fence=_JOB.fence + 1, due=now + lease, worker=worker)
            .returning(_JOB.id, _JOB.fence, _JOB.attempts, _JOB.payload)
        )
        with self._store._engine.write("taking an upload") as connection:
            row = connection.execute(statement).one_or_none()
            if row is None:
                return None
            event = make_event(self._store._now(), "run", f"taken by {worker}")
            upload = self._change(connection, row.id, [event], "running")
        return UploadJob(
            id=row.id,
            fence=row.fence,
            attempts=row.attempts,
            upload=upload,
            payload=json.loads(row.payload),
        )

    def extend(self, job: UploadJob, *, lease: float) -> bool:
        """See `UploadQueue.extend`."""
        running = select(_UPLOAD.c.id).where(_UPLOAD.c.id == job.id, _UPLOAD.c.status == "running").exists()
        statement = update(UPLOAD_JOB).where(_held(job), running).values(due=time.time() + lease)
        with self._store._engine.write("keeping an upload") as connection:
            return connection.execute(statement).rowcount == 1

    def release(self, job: UploadJob) -> None:
        """See `UploadQueue.release`."""
        with self._store._engine.write("giving an upload back") as connection:
            statement = update(UPLOAD_JOB).where(_held(job)).values(due=time.time(), worker=None)
            if connection.execute(statement).rowcount == 1 and self._is_running(connection, job):
                self._change(connection, job.id, [], "pending")

    def retry(self, job: UploadJob, events: Sequence[Mapping[str, Any]], *, delay: float) -> bool:
        """See `UploadQueue.retry`."""
        values = {"due": time.time() + delay, "attempts": _JOB.attempts + 1, "worker": None}
        with self._store._engine.write("putting an upload back") as connection:
            if not self._is_running(connection, job):
                return False
            if connection.execute(update(UPLOAD_JOB).where(_held(job)).values(values)).rowcount != 1:
                return False
            self._change(connection, job.id, events, "pending")
        return True

    def finish(
        self, job: UploadJob, image: Document | None, events: Sequence[Mapping[str, Any]], *, overwrite: bool
    ) -> bool:
        """See `UploadQueue.finish`."""
        now = self._store._now()
        batch = [] if image is None else prepare_batch([image], now, ())
        with self._store._engine.write("publishing an upload") as connection:
            if not self._is_running(connection, job):
                return False
            if connection.execute(delete(UPLOAD_JOB).where(_held(job))).rowcount != 1:
                return False
            for document in batch:
                self._publish(connection, document, now, overwrite=overwrite)
            self._change(connection, job.id, events, "failure" if image is None else "success")
        return True

    def cancel(self, id: str) -> Document:
        """See `UploadQueue.cancel`."""
        with self._store._engine.write("calling an upload off") as connection:
            check_cancelable(self._read(connection, id))
            connection.execute(delete(UPLOAD_JOB).where(_JOB.id == id))
            event = make_event(self._store._now(), "cancel", "called off", component="catalog")
            return self._change(connection, id, [event], "canceled")

    def next_due(self) -> float | None:
        """See `UploadQueue.next_due`."""
        statement = (
            select(func.min(_JOB.due))
            .join_from(UPLOAD_JOB, _UPLOAD, _UPLOAD.c.id == _JOB.id)
            .where(_UPLOAD.c.status.in_(ACTIVE))
        )
        with self._store._engine.read("looking for uploads") as connection:
            found: float | None = connection.execute(statement).scalar_one()
        return found

    def workers(self) -> set[str]:
        """See `UploadQueue.workers`."""
        with self._store._engine.read("looking for uploads") as connection:
            return set(connection.scalars(select(_JOB.worker).where(_JOB.worker.is_not(None)).distinct()))

    def expire(self, worker: str) -> int:
        """See `UploadQueue.expire`."""
        statement = update(UPLOAD_JOB).where(_JOB.worker == worker).values(due=time.time(), worker=None)
        with self._store._engine.write("taking over uploads") as connection:
            return int(connection.execute(statement).rowcount)

    def unfinished(self) -> set[str]:
        """See `UploadQueue.unfinished`."""
        statement = (
            select(_JOB.id)
            .join_from(UPLOAD_JOB, _UPLOAD, _UPLOAD.c.id == _JOB.id)
            .where(_UPLOAD.c.status.in_(ACTIVE))
        )
        with self._store._engine.read("looking for uploads") as connection:
            return set(connection.scalars(statement))

    # -- inside a transaction --------------------------------------------------------------------------

    def _read(self, connection: Connection, id_: str) -> Document:
        row = connection.execute(select(_UPLOAD).where(_UPLOAD.c.id == id_)).one_or_none()
        if row is None:
            raise missing("image_upload", id_)
        return CODECS["image_upload"].from_row(row)

    def _is_running(self, connection: Connection, job: UploadJob) -> bool:
        status = select(_UPLOAD.c.status).where(_UPLOAD.c.id == job.id)
        return connection.execute(status).scalar_one_or_none() == "running"

    def _change(
        self, connection: Connection, id_: str, events: Sequence[Mapping[str, Any]], status: str
    ) -> Document:
        stored = self._read(connection, id_)
        changed = prepare_changed(stored, with_events(stored, events, status), self._store._now())
        self._store._replace(connection, stored, changed)
        return changed

    def _publish(self, connection: Connection, image: Document, now: str, *, overwrite: bool) -> None:
        codec = CODECS["image"]
        row = connection.execute(select(codec.table).where(codec.table.c.id == image.id)).one_or_none()
        if row is None:
            self._store._insert(connection, [image])
        elif overwrite:
            stored = codec.from_row(row)
            self._store._replace(connection, stored, prepare_changed(stored, replacement(stored, image), now))
        else:
            raise ConflictError(
                f"image {image.id!r} exists already; overwrite=True puts this one in its place"
            )


def _held(job: UploadJob) -> ColumnElement[bool]:
    return (_JOB.id == job.id) & (_JOB.fence == job.fence)
