"""Copies of the file of an embedded catalog: under their name only once they are whole and on disk."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Connection

from dawnlight.errors import CatalogError
from dawnlight.storage._filesystem import sync_folder

__all__ = ["write_copy"]

_DRAFT = ".part"


def write_copy(connection: Connection, target: Path) -> None:
    """Write what a connection sees into a new file, compact.

    The copy is written as ``<target>.part`` and renamed. What a copy to the same target that was cut off
    left behind is removed first.

    Parameters
    ----------
    connection : Connection
        One outside a transaction, of the process that holds the write mutex.
    target : Path
        A file that does not exist.

    Raises
    ------
    CatalogError
        The copy cannot be written. Nothing is left of it.
    """
    draft = target.with_name(target.name + _DRAFT)
    try:
        _discard(draft)
        connection.exec_driver_sql("VACUUM INTO ?", (str(draft),))
        with open(draft, "rb+") as file:
            os.fsync(file.fileno())
        os.rename(draft, target)
        sync_folder(target.parent)
    except OSError as error:
        _discard(draft)
        raise CatalogError(
            f"cannot write the copy {str(target)!r}: {error.strerror or error}; nothing was changed"
        ) from error
    except BaseException:
        _discard(draft)
        raise


def _discard(draft: Path) -> None:
    """Remove a draft and its journal, as far as that is possible."""
    for path in (draft, draft.with_name(f"{draft.name}-journal")):
        try:
            path.unlink(missing_ok=True)
        except OSError:
            continue  # writing the draft tells why
