"""Files of images that the catalog has already: unchanged, changed, moved, or new to the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dawnlight.errors import ParameterError, RasterError
from dawnlight.ingest._complete import is_current
from dawnlight.ingest._groups import FileGroup
from dawnlight.ingest._inspect import Candidate, without_name
from dawnlight.ingest._pattern import NamePattern
from dawnlight.ingest._report import FileResult
from dawnlight.raster._gdal import read_header
from dawnlight.raster._href import read_fingerprint
from dawnlight.search import Document

__all__ = ["Settled", "changes_of", "compare_with_image"]

_FROM_FILES = (
    "files",
    "file_headers",
    "geotrans",
    "x_pixels",
    "y_pixels",
    "cs_code",
    "projection",
    "geometry",
    "storage_state",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What can be said of the files of an image without looking into all of them."""

    results: tuple[FileResult, ...]
    """Of the files that are settled."""
    again: FileGroup | None
    """The image's files, to be looked at again for an update; None if there is nothing to update."""


def compare_with_image(
    group: FileGroup, image: Document, *, update: bool, pattern: NamePattern | None, default_crs: object
) -> Settled:
    """Compare the files of a group with those of the image of the same name.

    Parameters
    ----------
    group : FileGroup
        The files given.
    image : Document
        The image in the catalog.
    update : bool
        Whether differences are to be taken over.
    pattern : NamePattern or None
        For the image's files that were not given now.
    default_crs : CRS-like or None
        For files without one.

    Returns
    -------
    Settled
    """
    records = {record["href"]: record for record in image.get("file_headers") or () if record}
    known = [file["href"] for file in image.get("files") or () if file.get("href")]
    results: list[FileResult] = []
    differs = False
    for href in group.hrefs:
        try:
            found = read_fingerprint(href)
        except RasterError as error:
            results.append(_refuse(href, image, without_name(href, error)))
            continue
        if href in records and is_current(records[href], found):
            results.append(FileResult(href=href, status="unchanged", image_id=image.id))
        elif update:
            differs = True
        else:
            results.append(_refuse(href, image, _difference(href, image, known, group, default_crs)))
    if not differs:
        return Settled(results=tuple(results), again=None)
    gone = {result.href for result in results if result.status == "refused"}
    kept = tuple(href for href in known if href not in group.hrefs) if set(known) & set(group.hrefs) else ()
    given = [
        (href, match) for href, match in zip(group.hrefs, group.matches, strict=True) if href not in gone
    ]
    given += [(href, pattern.match(href) if pattern else None) for href in kept]
    # Files keep their places, since bands may be found by them; new ones come last.
    places = {href: number for number, href in enumerate(known)}
    given.sort(key=lambda item: places.get(item[0], len(places)))
    hrefs, matches = zip(*given, strict=True)
    return Settled(
        results=tuple(result for result in results if result.status == "refused"),
        again=FileGroup(name=group.name, hrefs=hrefs, matches=matches),
    )


def changes_of(candidate: Candidate, image: Document) -> dict[str, object]:
    """Return what an update changes in an image's document; empty if nothing.

    What follows from the files is taken over. The time of acquisition is, where the caller gave it.
    """
    found = {name: candidate.attributes.get(name) for name in _FROM_FILES}
    if candidate.acquisition.source in ("argument", "pattern"):
        found["acquired"] = candidate.acquisition.start
        found["acquired_end"] = candidate.acquisition.end
    if found["file_headers"] == image.get("file_headers"):
        # The pixels are the same, so a footprint or grid that was corrected by hand stays.
        found = {name: value for name, value in found.items() if name not in _FROM_FILES}
    return {name: value for name, value in found.items() if value != image.get(name)}


def _difference(
    href: str, image: Document, known: Sequence[str], group: FileGroup, default_crs: object
) -> str:
    if href in known:
        return "has changed since it was added; --update takes the new file over"
    if not set(known) & set(group.hrefs):
        shown = f"the file {known[0]}" if known else "no files"
        return (
            f"image {image.id!r} exists already with {shown}; --update puts this one in its place, and "
            "another product or a longer name in --pattern tells the images apart"
        )
    try:
        read_header(href, default_crs=default_crs)
    except (RasterError, ParameterError) as error:
        return without_name(href, error)
    return f"image {image.id!r} exists already without this file; --update adds it"


def _refuse(href: str, image: Document, reason: str) -> FileResult:
    return FileResult(href=href, status="refused", image_id=image.id, reason=reason)
