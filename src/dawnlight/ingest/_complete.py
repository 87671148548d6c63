"""What an image document does not say and its files do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dawnlight.errors import BandError, ParameterError
from dawnlight.geo import GeoBox, spell_crs
from dawnlight.geo._crs import meters_per_unit
from dawnlight.ingest._footprints import find_footprint
from dawnlight.ingest._names import without_alpha
from dawnlight.raster._dtypes import data_type_of, numpy_dtype
from dawnlight.raster._gdal import GdalReader, read_header
from dawnlight.raster._header import FileHeader
from dawnlight.raster._href import Fingerprint, normalize_href, read_fingerprint
from dawnlight.raster._reader import RasterReader
from dawnlight.search import Document

__all__ = [
    "complete_image_document",
    "describe_files",
    "finest",
    "is_current",
    "make_file",
    "make_record",
    "serve_bands",
]


def complete_image_document(
    document: Document, bands: Sequence[Document], *, footprint: bool = True
) -> Document:
    """Fill in what an image document leaves out, from its files, so that its pixels can be loaded.

    The files stay where they are. What the document says already is kept, but for the spelling of hrefs and
    the sizes of the files. Headers that are there and still fit their files are not read again, so this may
    be called at every save.

    Parameters
    ----------
    document : Document
        An image. One without files, or whose `storage_state` is ``"remote"``, is returned as it is.
    bands : sequence of Document
        The bands of its product, which say what each raster band is: by `vendor_band_name` or name where the
        file names its bands so, else by `file_index` and `band_index`.
    footprint : bool, default: True
        Look at the pixels for the footprint; False takes that of the pixel grid.

    Returns
    -------
    Document
        With ``files`` (absolute hrefs, sizes), ``file_headers``, ``geotrans``, ``x_pixels``, ``y_pixels``,
        ``cs_code`` or ``projection``, ``geometry`` and ``storage_state``.

    Raises
    ------
    RasterNotFoundError, RasterReadError, UnsupportedRasterError
        A file is not there, is damaged, or cannot be loaded.
    BandError
        A raster band does not fit the band of the product that it serves.
    """
    given = document.attributes
    if given.get("storage_state") == "remote" or not given.get("files"):
        return document
    files = [dict(file) for file in given["files"]]
    missing = next((number for number, file in enumerate(files) if not file.get("href")), None)
    if missing is not None:
        raise ParameterError(
            f"image {document.id!r}: files[{missing}] has no href, so it cannot be loaded; give it one, or "
            "set storage_state='remote'"
        )
    known = given.get("file_headers") or ()
    headers = [
        _header_of(file, known[number] if number < len(known) else None, given)
        for number, file in enumerate(files)
    ]
    headers = serve_bands(headers, bands)
    with GdalReader() as reader:
        described = describe_files(
            headers, reader if footprint else None, outline=given.get("geometry") is None
        )
    attributes = {**given, **_missing(given, described)}
    attributes["files"] = [make_file(header, file) for header, file in zip(headers, files, strict=True)]
    attributes["file_headers"] = [make_record(header) for header in headers]
    return Document(kind="image", id=document.id, attributes=attributes, version=document.version)


def make_file(header: FileHeader, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a file as an image document lists it."""
    size = {} if header.size_bytes is None else {"size_bytes": header.size_bytes}
    return {**(given or {}), "href": header.href, **size}


def make_record(header: FileHeader) -> dict[str, Any]:
    """Return a header as an image document keeps it."""
    # Tags were of use for the time of acquisition; kept, they would be most of a catalog.
    return header.patch(tags={}).to_dict()


def describe_files(
    headers: Sequence[FileHeader], reader: RasterReader | None, *, outline: bool = True
) -> dict[str, Any]:
    """Return the attributes of an image that follow from its files.

    Parameters
    ----------
    headers : sequence of FileHeader
        Of the image's files; each may have a grid of its own.
    reader : RasterReader or None
        Looks at the pixels for the footprint; None takes that of the pixel grid.
    outline : bool, default: True
        Whether the footprint is wanted.

    Returns
    -------
    dict
        ``geotrans``, ``x_pixels``, ``y_pixels``, ``cs_code`` or ``projection``, ``storage_state`` and, if
        wanted, ``geometry``. The grid is that of the finest file, the first one of equals.
    """
    header = finest(headers)
    height, width = header.geobox.shape
    spelling = spell_crs(header.geobox.crs)
    found: dict[str, Any] = {
        "geotrans": list(header.geobox.geotrans),
        "x_pixels": width,
        "y_pixels": height,
        "cs_code" if spelling.startswith(("EPSG:", "ESRI:")) else "projection": spelling,
        "storage_state": "available",
    }
    if outline:
        found["geometry"] = find_footprint(header, reader)
    return found


def finest(headers: Sequence[FileHeader]) -> FileHeader:
    """Return the file with the smallest pixels on the ground, the first one of equals."""
    return min(headers, key=lambda header: _meters(header.geobox))


def is_current(record: Mapping[str, Any], found: Fingerprint) -> bool:
    """Tell whether a stored header still fits its file, by size and modification time if known."""
    pairs = (
        (record.get("size_bytes"), found.size_bytes),
        (record.get("modified_ns"), found.modified_ns),
    )
    return all(None in (then, now) or then == now for then, now in pairs)


def _meters(geobox: GeoBox) -> float:
    height, width = geobox.resolution
    return height * width * meters_per_unit(geobox.crs) ** 2


def _header_of(
    file: Mapping[str, Any], record: Mapping[str, Any] | None, given: Mapping[str, Any]
) -> FileHeader:
    href = normalize_href(file["href"])
    if record is not None and record.get("href") == href and is_current(record, read_fingerprint(href)):
        try:
            return FileHeader.from_dict(record)
        except ParameterError:
            pass  # written by another version: read it anew
    return read_header(href, default_crs=given.get("cs_code") or given.get("projection"))


def serve_bands(headers: Sequence[FileHeader], bands: Sequence[Document]) -> list[FileHeader]:
    """Say which band of the product each raster band serves, and check that it fits."""
    named: list[list[str | None]] = [list(header.names) for header in headers]
    taken = {name for names in named for name in names}
    for band in bands:
        if band.get("name") in taken:
            continue
        place = _place(headers, band)
        if place is not None and named[place[0]][place[1]] is None:
            named[place[0]][place[1]] = band.get("name")
    by_name = {band.get("name"): band for band in bands}
    masks = {"alpha", *(name for name, band in by_name.items() if band.get("type") == "mask")}
    served = [
        without_alpha(header.patch(names=tuple(names)), masks)
        for header, names in zip(headers, named, strict=True)
    ]
    for header in served:
        for name, info in zip(header.names, header.bands, strict=True):
            wanted = by_name[name].get("data_type") if name in by_name else None
            if wanted is not None and not np.can_cast(np.dtype(info.dtype), numpy_dtype(wanted), "safe"):
                raise BandError(
                    f"{header.href}: band {name!r} is defined as {wanted}, and the file stores "
                    f"{data_type_of(info.dtype)}, which does not fit; correct the band's data_type"
                )
    return served


def _place(headers: Sequence[FileHeader], band: Document) -> tuple[int, int] | None:
    for wanted in (band.get("vendor_band_name"), band.get("name")):
        places = [
            (number, index)
            for number, header in enumerate(headers)
            for index, info in enumerate(header.bands)
            if wanted and info.description == wanted
        ]
        if len(places) == 1:
            return places[0]
    number, index = band.get("file_index") or 0, band.get("band_index") or 0
    return (number, index) if number < len(headers) and index < len(headers[number].bands) else None


def _missing(given: Mapping[str, Any], described: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is described and not given; grid and CRS belong together and are taken as a whole."""
    found = {name: described[name] for name in ("geometry", "storage_state") if name in described}
    if given.get("geotrans") is None or list(given["geotrans"]) == described["geotrans"]:
        found |= {name: described[name] for name in ("geotrans", "x_pixels", "y_pixels")}
    if given.get("cs_code") is None and given.get("projection") is None:
        found |= {name: described[name] for name in ("cs_code", "projection") if name in described}
    return {name: value for name, value in found.items() if given.get(name) is None}
