"""Files of catalogs that this process has open, which nothing else in the process may open.

POSIX locks belong to a process, and the first ``close()`` of a file drops all that the process has on it, of
whatever handle. So reading the database of an open catalog as if it were an image, through a link say, would
let other processes write into the middle of a transaction. Everything that opens files which others name asks
here first.
"""

from __future__ import annotations

import os

__all__ = ["is_live", "note_database"]

_databases: set[str] = set()
_ENDS = ("", "-shm", "-wal", "-journal")


def note_database(path: str | os.PathLike[str]) -> None:
    """Note the database of a catalog that is open from now on.

    Parameters
    ----------
    path : str or path-like
        Its absolute path. It stays noted when it is closed: it is no image then either.
    """
    _databases.add(os.fspath(path))


def is_live(path: str | os.PathLike[str], status: os.stat_result | None = None) -> bool:
    """Tell whether a file is one of an open catalog, also under another name.

    Parameters
    ----------
    path : str or path-like
        The file.
    status : os.stat_result, optional
        What is known of it.

    Returns
    -------
    bool
        False also where there is no such file.

    Examples
    --------
    >>> is_live("no such file")
    False
    """
    if not _databases:
        return False
    try:
        status = status or os.stat(path)
    except (OSError, ValueError):
        return False
    return any(_is_file(f"{database}{end}", status) for database in tuple(_databases) for end in _ENDS)


def _is_file(path: str, status: os.stat_result) -> bool:
    try:
        other = os.stat(path)
    except OSError:
        return False
    return os.path.samestat(status, other)
