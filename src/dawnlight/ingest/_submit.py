"""Putting uploads into the queue: the data is on disk, under the catalog's folder, before the job is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any, TypeAlias

from dawnlight._live_files import is_live
from dawnlight.errors import (
    CatalogAccessError,
    RasterNotFoundError,
    RasterWriteError,
    UnsupportedRasterError,
)
from dawnlight.ingest._arrays import PixelArray, write_array
from dawnlight.ingest._blobs import BlobFolder, sync_file, sync_folder
from dawnlight.ingest._dispatcher import ensure_dispatcher
from dawnlight.search import Document
from dawnlight.storage import CatalogStore

__all__ = ["FileSource", "find_sidecars", "submit_arrays", "submit_files"]

FileSource: TypeAlias = "Path | IO[bytes]"

_SIDECARS = (".ovr", ".aux.xml", ".tfw", ".tifw", ".wld", ".j2w", ".prj", ".rpc")


def submit_files(
    store: CatalogStore,
    upload: Document,
    files: Sequence[FileSource],
    names: Sequence[str],
    *,
    overwrite: bool,
    keep_origin: bool = False,
    crs: str | None = None,
) -> Document:
    """Copy files into the catalog's folder and queue their upload.

    Parameters
    ----------
    store : CatalogStore
        The catalog.
    upload : Document
        The upload, without status.
    files : sequence of path or binary file
        The files of the image.
    names : sequence of str
        What to call them in messages.
    overwrite : bool
        Whether the image may take the place of one that is there.
    keep_origin : bool, default: False
        Whether the files of the image are to say where they came from: `names` as ``provider_href``.
    crs : str, optional
        Coordinate reference system of files that have none.

    Returns
    -------
    Document
        The upload, pending: whatever happens to this process, it will be carried out.

    Raises
    ------
    RasterNotFoundError
        There is no such file.
    UnsupportedRasterError
        A file has its mask in another file, which would be lost.
    RasterWriteError
        The data cannot be stored; nothing is left of it.
    """
    notes = [note for file in files if isinstance(file, Path) for note in find_sidecars(file)]

    def write(folder: Path) -> list[str]:
        stored = []
        for number, file in enumerate(files):
            target = folder / f"{number}{_extension(names[number])}"
            with _opened(file) as source, open(target, "wb") as copy:
                shutil.copyfileobj(source, copy, 2**20)
            stored.append(target.name)
        return stored

    payload: dict[str, Any] = {"names": list(names), "notes": notes, "overwrite": overwrite, "crs": crs}
    if keep_origin:
        payload["origins"] = list(names)
    return _submit(store, upload, payload, write)


def submit_arrays(
    store: CatalogStore,
    upload: Document,
    arrays: Sequence[tuple[PixelArray, Any, Sequence[Document]]],
    *,
    overwrite: bool,
) -> Document:
    """Write arrays into the catalog's folder and queue their upload; see `submit_files`.

    Parameters
    ----------
    store : CatalogStore
        The catalog.
    upload : Document
        The upload, without status.
    arrays : sequence of (PixelArray, GeoBox, sequence of Document)
        For each file its pixels, its grid and the bands of the product that it serves.
    overwrite : bool
        Whether the image may take the place of one that is there.

    Returns
    -------
    Document
    """

    def write(folder: Path) -> list[str]:
        stored = []
        for number, (array, geobox, bands) in enumerate(arrays):
            write_array(array, folder / f"{number}.tif", geobox, bands)
            stored.append(f"{number}.tif")
        return stored

    names = [f"array {number}" for number in range(len(arrays))]
    return _submit(store, upload, {"names": names, "overwrite": overwrite}, write)


def find_sidecars(path: Path) -> list[str]:
    """Return remarks on files beside a file, which are not uploaded with it.

    Raises
    ------
    RasterNotFoundError
        There is no such file.
    UnsupportedRasterError
        One of them is its mask.
    """
    if not os.path.isfile(path):  # also for names that no file can have
        raise RasterNotFoundError(f"{path}: there is no such file")
    if is_live(path):
        raise UnsupportedRasterError(f"{path}: is the database of a catalog, not a raster file")
    if os.path.exists(f"{path}.msk"):
        raise UnsupportedRasterError(
            f"{path}: has its mask in a file beside it, {path.name}.msk; bring both into one file first "
            "(gdal_translate --config GDAL_TIFF_INTERNAL_MASK YES INPUT OUTPUT.tif)"
        )
    around = (*(Path(f"{path}{end}") for end in _SIDECARS), *(path.with_suffix(end) for end in _SIDECARS))
    found = sorted({other.name for other in around if other != path and other.is_file()})
    return [f"{path.name}: the file {name} beside it plays no part" for name in found]


def _submit(
    store: CatalogStore, upload: Document, payload: dict[str, Any], write: Callable[[Path], list[str]]
) -> Document:
    if store.read_only:
        raise CatalogAccessError(f"{store.url!r} was opened with read_only=True, so it takes no uploads")
    queue = store.uploads
    blobs = BlobFolder(queue.folder)
    folder: Path | None = None
    try:
        folder = blobs.make_spool(upload.id)
        stored = write(folder)
        for name in stored:
            sync_file(folder / name)
        for made in (folder, blobs.uploads, blobs.root):
            sync_folder(made)
        document = queue.submit(upload, {**payload, "files": stored})
    except BaseException as error:
        # If the job may be in the queue, its data must be there; if it is not, the next sweep takes the data.
        if folder is not None and not getattr(error, "uncertain", False):
            blobs.discard_spool(upload.id)
        if type(error) in (OSError, PermissionError):
            raise RasterWriteError(f"the data of the upload cannot be stored: {error}") from error
        raise
    ensure_dispatcher(store)
    return document


def _opened(file: FileSource) -> AbstractContextManager[IO[bytes]]:
    return open(file, "rb") if isinstance(file, Path) else nullcontext(file)


def _extension(name: str) -> str:
    end = Path(name).suffix.lower()
    return end if end in (".jp2", ".j2k") else ".tif"
