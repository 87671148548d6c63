"""Work that the catalog does at a user's request and that can be asked about later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dawnlight.catalog._enums import TaskState

__all__ = ["DeletionTaskStatus", "TaskStatus"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStatus:
    """Where a task stands.

    Parameters
    ----------
    id : str
        Identifier of the task.
    status : TaskState
        Where it stands.
    start_datetime : datetime, optional
        When it began.
    duration_in_seconds : float, optional
        How long it took.
    errors : tuple of str
        What went wrong.
    """

    id: str
    status: TaskState = TaskState.NEVERRAN
    start_datetime: datetime | None = None
    duration_in_seconds: float | None = None
    errors: tuple[str, ...] = ()

    def reload(self) -> None:
        """Ask the catalog again.

        An embedded catalog finishes a task before it answers, so the first answer is final and there is
        nothing to ask.
        """

    def wait_for_completion(self, timeout: float | None = None) -> None:
        """Return when the task is in a final state, which in an embedded catalog is at once.

        Parameters
        ----------
        timeout : float, optional
            Longest time to wait, in seconds.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionTaskStatus(TaskStatus):
    """Where the deletion of everything that belongs to a product stands.

    Parameters
    ----------
    id : str
        Id of the product.
    status : TaskState
        Where it stands.
    start_datetime : datetime, optional
        When it began.
    duration_in_seconds : float, optional
        How long it took.
    errors : tuple of str
        What went wrong.
    objects_deleted : int, optional
        How many bands, images and uploads were deleted.
    """

    objects_deleted: int | None = None
