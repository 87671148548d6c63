"""Looking at the files of an image: everything its document needs, or why it cannot be had."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dawnlight.errors import ParameterError, RasterError
from dawnlight.ingest._complete import describe_files, make_file, make_record
from dawnlight.ingest._groups import FileGroup
from dawnlight.ingest._names import check_distinct, name_bands, stem_of, without_alpha
from dawnlight.ingest._report import FileResult
from dawnlight.ingest._times import Acquisition, find_in_name, find_in_tags
from dawnlight.raster._header import FileHeader
from dawnlight.raster._reader import RasterReader
from dawnlight.search import Document, time_to_wire

__all__ = ["Candidate", "InspectOptions", "Refusal", "inspect_group"]


class Refusal(Exception):  # noqa: N818 - never leaves the package: it becomes a line of the report
    """An image cannot be added, for a reason that the user can act on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectOptions:
    """How files are looked at."""

    acquired: str | None = None
    """Acquisition time of all images, in wire spelling."""
    bands: tuple[str, ...] = ()
    """Names of the bands."""
    crs: Any = None
    """CRS of files that have none."""
    footprint: bool = True
    """Whether to look at pixels for the footprint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An image that could be added, if its bands fit those of the product."""

    group: FileGroup
    """Where it comes from."""
    headers: tuple[FileHeader, ...]
    """Of its usable files; `FileHeader.names` holds the names of their bands."""
    acquisition: Acquisition
    """When it was acquired."""
    attributes: dict[str, Any]
    """Of its document."""
    refused: tuple[FileResult, ...]
    """Files of the group that cannot be used."""

    @property
    def band_names(self) -> tuple[str, ...]:
        """Names of all bands of the image."""
        return tuple(name for header in self.headers for name in header.names if name is not None)

    def to_document(self, product_id: str) -> Document:
        """Return the image's document."""
        attributes = {**self.attributes, "product_id": product_id, "name": self.group.name}
        return Document(kind="image", id=f"{product_id}:{self.group.name}", attributes=attributes)


def inspect_group(
    group: FileGroup,
    options: InspectOptions,
    read: Callable[[str], FileHeader],
    reader: RasterReader | None,
    *,
    strict: bool,
) -> Candidate | tuple[FileResult, ...]:
    """Look at the files of an image.

    Parameters
    ----------
    group : FileGroup
        The files.
    options : InspectOptions
        How to look.
    read : callable
        Reads the header of a file.
    reader : RasterReader or None
        Looks at pixels for the footprint; None takes that of the pixel grid.
    strict : bool
        Whether the image is nothing without one of its files.

    Returns
    -------
    Candidate or tuple of FileResult
        The refusals of all its files if no image can be made of them.
    """
    headers: list[FileHeader] = []
    refused: list[FileResult] = []
    for href, match in zip(group.hrefs, group.matches, strict=True):
        try:
            header = read(href)
            headers.append(header.patch(names=name_bands(header, band=match.band if match else None)))
        except (RasterError, ParameterError) as error:
            refused.append(FileResult(href=href, status="refused", reason=without_name(href, error)))
    if not headers or (strict and refused):
        return tuple(refused)
    try:
        headers = _rename(headers, options, group)
        check_distinct(
            [name for header in headers for name in header.names if name], f"image {group.name!r}'s bands"
        )
        acquisition = _find_acquisition(group, headers, options)
        attributes = describe_files(headers, reader)
    except (Refusal, RasterError, ParameterError) as error:
        reason = without_name(headers[0].href, error)
        whole = (FileResult(href=header.href, status="refused", reason=reason) for header in headers)
        return (*refused, *whole)
    attributes["acquired"] = acquisition.start
    if acquisition.end is not None:
        attributes["acquired_end"] = acquisition.end
    attributes["files"] = [make_file(header) for header in headers]
    attributes["file_headers"] = [make_record(header) for header in headers]
    return Candidate(
        group=group,
        headers=tuple(headers),
        acquisition=acquisition,
        attributes=attributes,
        refused=tuple(replace(result, image_id=None) for result in refused),
    )


def without_name(href: str, error: BaseException) -> str:
    """Return an error's message without the file's name in front, which the report shows itself."""
    return str(error).removeprefix(f"{href}: ")


def _rename(headers: list[FileHeader], options: InspectOptions, group: FileGroup) -> list[FileHeader]:
    """Give the bands the names asked for, in their order, where no pattern names them."""
    if not options.bands or any(match and match.band is not None for match in group.matches):
        return headers
    count = sum(len(header.bands) for header in headers)
    if count != len(options.bands):
        raise Refusal(
            f"has {count} bands, and {len(options.bands)} names were given: {', '.join(options.bands)}"
        )
    names = iter(options.bands)
    return [without_alpha(header.patch(names=tuple(next(names) for _ in header.bands))) for header in headers]


def _find_acquisition(
    group: FileGroup, headers: Sequence[FileHeader], options: InspectOptions
) -> Acquisition:
    if options.acquired is not None:
        return Acquisition(start=options.acquired, source="argument")
    for match in group.matches:
        if match is not None and match.date is not None:
            end = None if match.end is None else time_to_wire(match.end)
            return Acquisition(start=time_to_wire(match.date), end=end, source="pattern")
    ways = [
        *(find_in_tags(header.tags) for header in headers),
        find_in_name(group.name),
        *(find_in_name(stem_of(header.href)) for header in headers),
        *(find_in_tags(header.tags, doubtful=True) for header in headers),
    ]
    found = next((way for way in ways if way is not None), None)
    if found is None:
        raise Refusal(
            "does not say when it was acquired, neither in its tags nor in its name; give the time with "
            "--acquired, or show where it is in the name with {date:...} in --pattern"
        )
    return found
