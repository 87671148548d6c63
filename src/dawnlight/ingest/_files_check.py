"""Whether the files of a catalog's images are still there, and still the ones that were added."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dawnlight.errors import RasterError
from dawnlight.ingest._complete import is_current
from dawnlight.raster._href import is_remote, read_fingerprint
from dawnlight.search import Query
from dawnlight.storage import CatalogStore

__all__ = ["LostFile", "find_lost_files"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LostFile:
    """A file that cannot be read as it was added."""

    image_id: str
    """The image."""
    href: str
    """The file."""
    reason: str
    """What happened to it."""


def find_lost_files(store: CatalogStore) -> Iterator[LostFile]:
    """Look for the local files of all images that are gone or have changed since they were added.

    Parameters
    ----------
    store : CatalogStore
        The catalog.

    Yields
    ------
    LostFile
        Each one. Remote files are not asked for.
    """
    for image in store.search(Query(kind="image")):
        for record in image.get("file_headers") or ():
            href = record.get("href") if record else None
            if not href or is_remote(href):
                continue
            try:
                found = read_fingerprint(href)
            except RasterError as error:
                reason = str(error).removeprefix(f"{href}: ")
            else:
                if is_current(record, found):
                    continue
                reason = "has changed since it was added; dawnlight add --update takes the new file over"
            yield LostFile(image_id=image.id, href=href, reason=reason)
