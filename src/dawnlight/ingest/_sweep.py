"""Removing files that no image needs any more, and proving that the others are as they were written."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dawnlight._live_files import is_live
from dawnlight.ingest._blobs import BlobFolder, sha256_of
from dawnlight.ingest._files_check import LostFile
from dawnlight.search import Query
from dawnlight.storage import CatalogStore

__all__ = ["GRACE", "Sweep", "find_damaged_files", "sweep"]

GRACE = 24 * 3600.0
"""Seconds for which a file that lost its image stays, for arrays that were made from it."""

_LEDGER = "unused.json"
_SHA256_DIGITS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What became of files without an image."""

    removed: tuple[str, ...]
    """Files and folders that are gone."""
    waiting: tuple[str, ...]
    """Those that will be removed once their grace period is over."""
    freed_bytes: int
    """Size of what is gone."""


def sweep(store: CatalogStore, *, grace: float = GRACE, dry_run: bool = False) -> Sweep:
    """Remove the files of uploads that no image refers to, some time after that was first noticed.

    Files of uploads that are not done are never touched, nor is anything outside the catalog's own folder.

    Parameters
    ----------
    store : CatalogStore
        The catalog.
    grace : float, default: one day
        Seconds between the first sweep that finds a file unused and the one that removes it.
    dry_run : bool, default: False
        Only tell.

    Returns
    -------
    Sweep
    """
    blobs = BlobFolder(store.uploads.folder)
    # First the files and then the images: one that is published in between is not taken for unused.
    found = [*blobs.files(), *(blobs.uploads / id_ for id_ in blobs.spools())]
    busy = store.uploads.unfinished()
    used = _used(store, blobs)
    unused = [path for path in found if str(path) not in used and path.name.partition("-")[0] not in busy]
    ledger = blobs.blobs / _LEDGER
    since = _read(ledger)
    now = time.time()
    first = {str(path): since.get(str(path), now) for path in unused}
    due = [path for path in unused if first[str(path)] <= now - grace]
    freed = sum(_size(path) for path in due)
    if not dry_run:
        for path in due:
            _remove(path)
            first.pop(str(path))
        if first or ledger.exists():
            _write(ledger, first)
    gone = {str(path) for path in due}
    waiting = tuple(name for name in map(str, unused) if name not in gone)
    return Sweep(removed=tuple(map(str, due)), waiting=waiting, freed_bytes=freed)


def find_damaged_files(store: CatalogStore) -> Iterator[LostFile]:
    """Read every file that the catalog wrote and compare its SHA-256 with the one taken then.

    Parameters
    ----------
    store : CatalogStore
        The catalog.

    Yields
    ------
    LostFile
        Each file that differs. Missing ones are told by `find_lost_files`.
    """
    for image in store.search(Query(kind="image")):
        for file in image.get("files") or ():
            href, digest = file.get("href"), file.get("hash")
            if len(digest or "") != _SHA256_DIGITS or not os.path.isfile(href or "") or is_live(href):
                continue
            try:
                found = sha256_of(href)
            except OSError as error:
                reason = f"cannot be read ({error.strerror or error})"
            else:
                if found == digest:
                    continue
                reason = (
                    "is damaged: its bytes are not those that were written (SHA-256 differs); restore it "
                    "from a backup, or upload the image again with overwrite=True"
                )
            yield LostFile(image_id=image.id, href=href, reason=reason)


def _used(store: CatalogStore, blobs: BlobFolder) -> set[str]:
    return {
        file["href"]
        for image in store.search(Query(kind="image"))
        for file in image.get("files") or ()
        if file.get("href") and blobs.holds(file["href"])
    }


def _read(ledger: Path) -> dict[str, float]:
    try:
        found = json.loads(ledger.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): float(since) for name, since in found.items()} if isinstance(found, dict) else {}


def _write(ledger: Path, first: dict[str, float]) -> None:
    draft = ledger.with_name(f"{ledger.name}.{os.getpid()}")
    draft.write_text(json.dumps(first), encoding="utf-8")
    os.replace(draft, ledger)


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(part.stat().st_size for part in path.rglob("*") if part.is_file())
    return path.stat().st_size if path.exists() else 0


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
