"""The queue of uploads: what a store keeps of each until its image is in the catalog.

::

    submit ─► pending ──claim──► running ──finish──► success, failure
                 ▲                 │  ▲
                 └──── retry ──────┘  └── claim by another worker, once the lease is over
    cancel: from pending or running ─► canceled

A job has one time, ``due``: from then on a worker may take it. For one that waits it is when its turn has
come, for one that is being worked on it is the end of the lease. Each claim raises the ``fence``; whoever
finishes, extends or gives back a job must hold the current one, so a worker that was thought dead changes
nothing. What is done leaves the queue, and the document of the upload stays.
"""

from __future__ import annotations

import os
import random
import socket
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dawnlight.errors import ConflictError
from dawnlight.search import Document

__all__ = [
    "ACTIVE",
    "FINAL",
    "MAX_ATTEMPTS",
    "MAX_CLAIMS",
    "UploadJob",
    "UploadQueue",
    "backoff",
    "check_cancelable",
    "make_event",
    "replacement",
    "with_events",
]

ACTIVE = ("pending", "running")
"""Statuses of uploads that somebody still has to work on."""

FINAL = ("success", "failure", "canceled")
"""Statuses that never change again."""

MAX_ATTEMPTS = 4
"""So often an upload is tried when each time something failed that may work later."""

MAX_CLAIMS = 50
"""So often an upload is taken up when its workers die: more, and the upload itself is the likely cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadJob:
    """An upload in the hands of one worker."""

    id: str
    """Of the upload."""
    fence: int
    """Number of the claim, counted from 1."""
    attempts: int
    """How often it failed before."""
    upload: Document
    """The document of the upload."""
    payload: Mapping[str, Any] = field(hash=False)
    """What `UploadQueue.submit` was given."""


class UploadQueue(ABC):
    """The uploads of one catalog that are not done, and the folder for their files.

    Methods can be called from any thread and process; each is one transaction.

    Attributes
    ----------
    folder : Path
        ``uploads/<id>`` in it holds the data of waiting uploads, ``blobs`` the files of finished ones.
    """

    folder: Path

    @abstractmethod
    def submit(self, upload: Document, payload: Mapping[str, Any]) -> Document:
        """Put an upload into the queue.

        Parameters
        ----------
        upload : Document
            A new ``image_upload``, without status.
        payload : mapping
            JSON values for the worker: ``files`` (names in ``uploads/<id>``) and ``overwrite``.

        Returns
        -------
        Document
            As stored, pending.

        Raises
        ------
        ConflictError
            There is such an upload.
        NotFoundError
            There is no such product.
        """

    @abstractmethod
    def claim(self, worker: str, *, lease: float) -> UploadJob | None:
        """Take the job that has been due for longest.

        Parameters
        ----------
        worker : str
            Who takes it.
        lease : float
            Seconds for which nobody else gets it.

        Returns
        -------
        UploadJob or None
            None if no job is due.
        """

    @abstractmethod
    def extend(self, job: UploadJob, *, lease: float) -> bool:
        """Keep a job for some seconds from now.

        Returns
        -------
        bool
            False when the job is no longer this worker's: canceled, deleted, or taken by another.
        """

    @abstractmethod
    def release(self, job: UploadJob) -> None:
        """Give a job back untried, for others to take at once."""

    @abstractmethod
    def retry(self, job: UploadJob, events: Sequence[Mapping[str, Any]], *, delay: float) -> bool:
        """Put a job back after a failure that may pass.

        Parameters
        ----------
        job : UploadJob
            The job.
        events : sequence of mapping
            What happened; see `make_event`.
        delay : float
            Seconds until it is due again.

        Returns
        -------
        bool
            False when it was no longer this worker's.
        """

    @abstractmethod
    def finish(
        self, job: UploadJob, image: Document | None, events: Sequence[Mapping[str, Any]], *, overwrite: bool
    ) -> bool:
        """End a job and publish its image, both or neither.

        Parameters
        ----------
        job : UploadJob
            The job.
        image : Document or None
            The image; None ends the upload as a failure.
        events : sequence of mapping
            What happened; see `make_event`.
        overwrite : bool
            Whether the image may take the place of one that is there.

        Returns
        -------
        bool
            False when it was no longer this worker's; nothing is changed then.

        Raises
        ------
        ConflictError
            There is such an image and it may not be overwritten.
        ValidationError
            The image breaks a rule of the catalog.
        NotFoundError
            The product is gone.
        """

    @abstractmethod
    def cancel(self, id: str) -> Document:
        """End an upload that is not done.

        Returns
        -------
        Document
            As stored, canceled.

        Raises
        ------
        NotFoundError
            There is no such upload.
        ConflictError
            It is done.
        """

    @abstractmethod
    def next_due(self) -> float | None:
        """Return the time (seconds since 1970) from which a job can be claimed; None if there is none."""

    @abstractmethod
    def workers(self) -> set[str]:
        """Return who holds jobs at the moment, as `claim` was told."""

    @abstractmethod
    def expire(self, worker: str) -> int:
        """End the leases of a worker that is known to be dead; return how many it had."""

    @abstractmethod
    def unfinished(self) -> set[str]:
        """Return the ids of the uploads in the queue."""


def make_event(
    now: str, kind: str, message: str, *, severity: str = "INFO", component: str = "worker"
) -> dict[str, Any]:
    """Make the record of something that happened to an upload.

    Parameters
    ----------
    now : str
        When, in wire spelling.
    kind : str
        Value of `ImageUploadEventType`.
    message : str
        For the user.
    severity : str, default: "INFO"
        Value of `ImageUploadEventSeverity`.
    component : str, default: "worker"
        Which part of the system reports it.

    Returns
    -------
    dict
    """
    return {
        "id": uuid.uuid4().hex,
        "event_datetime": now,
        "component": component,
        "component_id": f"{socket.gethostname()}:{os.getpid()}",
        "event_type": kind,
        "severity": severity,
        "message": message,
    }


def with_events(
    upload: Document, events: Sequence[Mapping[str, Any]], status: str | None = None
) -> dict[str, Any]:
    """Return the changes that add events to an upload, and set its status."""
    changes: dict[str, Any] = {"events": [*(upload.get("events") or ()), *map(dict, events)]}
    if status is not None:
        changes["status"] = status
    return changes


def check_cancelable(upload: Document) -> None:
    """Raise `ConflictError` for an upload that is done."""
    if upload.get("status") in FINAL:
        raise ConflictError(
            f"upload {upload.id!r} has the status {upload.get('status')!r} and cannot be canceled any more"
        )


def replacement(stored: Document, image: Document) -> dict[str, Any]:
    """Return the changes that make an image into another one of the same id."""
    kept = ("created", "modified")
    gone = {name: None for name in stored.attributes if name not in kept}
    return {**gone, **{name: value for name, value in image.attributes.items() if name not in kept}}


def backoff(attempts: int) -> float:
    """Return the seconds to wait after so many failures: 2, 4, 8 ..., each with up to half more by chance."""
    return float(2 ** max(attempts, 1)) * (1 + random.random() / 2)
