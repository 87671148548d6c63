"""Where the files of uploads are, and how they get there.

::

    <catalog folder>/
      uploads/<upload id>/0.tif ...            data that waits to be converted
      blobs/incoming/<upload id>-<fence>/      what a worker is writing; nobody else reads it
      blobs/<2 digits>/<upload id>-<fence>-0.tif   files of images; they never change

A file in `blobs` gets its name once it is whole, hashed and on disk, and the catalog learns about it after
that. Names are never used twice.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from dawnlight.storage._filesystem import sync_folder

__all__ = ["BlobFolder", "sha256_of", "sync_file", "sync_folder"]


class BlobFolder:
    """The files below a catalog's folder.

    Parameters
    ----------
    root : Path
        See `UploadQueue.folder`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.blobs = root / "blobs"
        self.uploads = root / "uploads"
        self.incoming = self.blobs / "incoming"

    def holds(self, href: str) -> bool:
        """Tell whether a location is that of a file which belongs to the catalog."""
        return href.startswith(f"{self.blobs}{os.sep}")

    def make_spool(self, upload_id: str) -> Path:
        """Make the folder for the data of an upload."""
        folder = self.uploads / upload_id
        folder.mkdir(parents=True)
        return folder

    def make_incoming(self, upload_id: str, fence: int) -> Path:
        """Make the folder that a worker writes to."""
        folder = self.incoming / f"{upload_id}-{fence}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def place(self, finished: Path, upload_id: str, fence: int, number: int) -> Path:
        """Give a finished file its name: on disk first, then renamed, then the name on disk."""
        folder = self.blobs / upload_id[:2]
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{upload_id}-{fence}-{number}.tif"
        sync_file(finished)
        os.replace(finished, target)
        for made in (folder, self.blobs, self.root):
            sync_folder(made)
        return target

    def discard(self, upload_id: str, *, before: int) -> None:
        """Remove what claims of an upload with a smaller fence left behind."""
        for path in self._of(upload_id):
            fence = path.name.removesuffix(".tif").split("-")[1]
            if fence.isdigit() and int(fence) < before:
                _remove(path)

    def discard_spool(self, upload_id: str) -> None:
        """Remove the data of an upload that is done."""
        shutil.rmtree(self.uploads / upload_id, ignore_errors=True)

    def spools(self) -> list[str]:
        """Return the ids of the uploads that have data."""
        try:
            return sorted(os.listdir(self.uploads))
        except FileNotFoundError:
            return []

    def files(self) -> Iterator[Path]:
        """Yield all files of images, and the folders that workers write to."""
        if not self.blobs.is_dir():
            return
        for folder in sorted(self.blobs.iterdir()):
            if folder.is_dir():
                yield from sorted(folder.iterdir())

    def _of(self, upload_id: str) -> Iterator[Path]:
        for folder in (self.incoming, self.blobs / upload_id[:2]):
            if folder.is_dir():
                yield from folder.glob(f"{upload_id}-*")


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_file(path: Path) -> None:
    """Wait until a file's bytes are on disk."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
