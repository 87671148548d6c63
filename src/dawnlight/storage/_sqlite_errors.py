"""SQLite's errors in the words of the catalog."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from pathlib import Path

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from dawnlight.errors import (
    BadRequestError,
    CatalogAccessError,
    CatalogDamagedError,
    CatalogError,
    CatalogLockedError,
)

__all__ = ["translate_errors"]

# Primary result codes, https://www.sqlite.org/rescode.html; extended codes hold them in their low byte.
_BUSY, _LOCKED, _PERM, _READONLY, _IOERR = 5, 6, 3, 8, 10
_NOT_SYNCED = frozenset((_IOERR | 4 << 8, _IOERR | 5 << 8))  # SQLITE_IOERR_FSYNC, SQLITE_IOERR_DIR_FSYNC
_CORRUPT, _FULL, _CANTOPEN, _AUTH, _NOTADB, _TOOBIG = 11, 13, 14, 23, 26, 18


@contextmanager
def translate_errors(path: Path, action: str) -> Iterator[None]:
    """Turn errors of SQLite inside a ``with`` block into ours, with the file and the action named.

    Parameters
    ----------
    path : Path
        The database.
    action : str
        What was being done, as it fits after "while": ``"creating documents"``.

    Raises
    ------
    CatalogError
        Or the one of its children that fits.
    BadRequestError
        The block asks for text that no database holds.
    """
    try:
        yield
    except DBAPIError as error:
        raise _translate(error.orig, path, action) from error
    except UnicodeEncodeError as error:  # what is asked for
        raise BadRequestError(
            f"{error.object!r:.100} is not valid Unicode (it holds half of a surrogate pair), so nothing in "
            f"a catalog can have it; asked while {action}"
        ) from error
    except (JSONDecodeError, UnicodeDecodeError) as error:  # only what is stored is decoded in here
        raise CatalogDamagedError(
            f"not a sound catalog: {str(path)!r} while {action} (cannot be read: {error}); run "
            "'dawnlight doctor --deep', and restore the latest backup"
        ) from error
    except sqlite3.Error as error:
        raise _translate(error, path, action) from error
    except PoolTimeoutError as error:
        raise CatalogLockedError(
            f"all connections to {str(path)!r} were busy for too long while {action}; use fewer threads at "
            "once"
        ) from error


def _translate(error: BaseException | None, path: Path, action: str) -> CatalogError:
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    where = f"{str(path)!r} while {action} ({error})"
    if primary in (_BUSY, _LOCKED):
        return CatalogLockedError(f"the catalog stayed locked: {where}; another program may have it open")
    if primary in (_PERM, _READONLY, _CANTOPEN, _AUTH):
        return CatalogAccessError(
            f"cannot open or write {where}; check the permissions of the folder, or open it with "
            "read_only=True"
        )
    if primary in (_CORRUPT, _NOTADB):
        return CatalogDamagedError(
            f"not a sound catalog: {where}; run 'dawnlight doctor', and restore the latest backup if it "
            "confirms"
        )
    if primary == _FULL:
        return CatalogError(f"the disk is full: {where}; nothing of this operation was kept")
    if code in _NOT_SYNCED:
        uncertain = CatalogError(
            f"the disk failed: {where}; it is open whether this operation was kept: look before you repeat it"
        )
        uncertain.uncertain = True
        return uncertain
    if primary == _IOERR:
        return CatalogError(f"the disk failed: {where}; nothing of this operation was kept")
    if primary == _TOOBIG:
        return CatalogError(f"a document is too large to be stored: {where}")
    return CatalogError(f"the database refused: {where}")
