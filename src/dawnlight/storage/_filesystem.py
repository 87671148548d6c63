"""What the folder of a catalog is made of: does it exist, may we write, is it on a network."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from pathlib import Path

from dawnlight.errors import CatalogAccessError, CatalogNotFoundError, ConfigError

__all__ = ["network_filesystem", "prepare_folder", "sync_folder"]

_NETWORK_TYPES = re.compile(
    r"^(nfs\d?|cifs|smb\w*|ncpfs|afs|coda|9p|ceph|lustre|gpfs|glusterfs|beegfs\w*|pvfs2|orangefs|vboxsf|vmhgfs"
    r"|fuse\.(sshfs|glusterfs\w*|ceph\w*|s3fs|gcsfuse|goofys|rclone|mount-s3|blobfuse\w*|juicefs|smbnetfs|davfs\w*)"
    r"|davfs\d?)$"
)
"""Types in the kernel's mount table whose files other hosts can reach."""


def prepare_folder(folder: Path, *, create: bool, read_only: bool) -> None:
    """Check the folder of a catalog, and make it where asked.

    Parameters
    ----------
    folder : Path
        The catalog's folder.
    create : bool
        Make the folder when it is missing.
    read_only : bool
        Nothing will be written: neither a missing folder nor a missing permission is repaired.

    Raises
    ------
    ConfigError
        The path is a file.
    CatalogNotFoundError
        There is no such folder and none may be made.
    CatalogAccessError
        The folder cannot be made, entered, read or written.
    """
    try:
        if folder.exists() and not folder.is_dir():
            raise ConfigError(
                f"the catalog {str(folder)!r} is a file; give the folder that holds (or shall hold) "
                "catalog.sqlite"
            )
        if not folder.exists():
            if not create or read_only:
                raise CatalogNotFoundError(
                    f"there is no folder {str(folder)!r}; check the path, or open it with create=True"
                )
            _make_folder(folder)
    except (CatalogNotFoundError, ConfigError):
        raise
    except OSError as error:
        raise CatalogAccessError(
            f"cannot use the folder {str(folder)!r}: {error.strerror or error}"
        ) from error
    _check_access(folder, read_only)


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on disk."""
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each with its name on disk."""
    missing = []
    above = folder
    while not above.exists():
        missing.append(above)
        above = above.parent
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        with suppress(PermissionError):  # names may be made in a folder that may not be listed
            sync_folder(path.parent)


def _check_access(folder: Path, read_only: bool) -> None:
    if not os.access(folder, os.R_OK | os.X_OK):
        raise CatalogAccessError(f"the folder {str(folder)!r} cannot be read by this user")
    if not read_only and not os.access(folder, os.W_OK):
        raise CatalogAccessError(
            f"the folder {str(folder)!r} cannot be written by this user; open it with read_only=True to "
            "search and load"
        )


def network_filesystem(folder: Path, mounts: str | None = None) -> str | None:
    """Tell the type of the network file system a folder lies on.

    Parameters
    ----------
    folder : Path
        An existing folder.
    mounts : str, optional
        Text in the form of Linux' ``/proc/self/mountinfo``; by default the kernel's own.

    Returns
    -------
    str or None
        ``"nfs4"``, ``"cifs"``, ...; None for a local disk, and where the system does not tell.
    """
    if sys.platform == "win32":
        return "smb" if str(folder.resolve()).startswith("\\\\") else None
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return None
    kind = _mount_type(str(folder.resolve()), mounts)
    return kind if kind is not None and _NETWORK_TYPES.match(kind) else None


def _mount_type(path: str, mounts: str) -> str | None:
    """Find the type of the innermost mount above a path; later lines lie on top of earlier ones."""
    best, kind = -1, None
    for line in mounts.splitlines():
        left, separator, right = line.partition(" - ")
        fields = left.split(" ")
        if not separator or len(fields) < 5:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), fields[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= best:
            best, kind = len(point), right.split(" ")[0]
    return kind
