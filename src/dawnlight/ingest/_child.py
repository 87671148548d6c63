"""What runs in the child process: files from outside become new files of the catalog.

The parent (`dawnlight.ingest._sandbox`) writes one line of JSON and reads lines of JSON. Limits of the
operating system are set before anything is opened. When the parent dies, its end of the pipe closes, and the
child ends.

The request names ``sources`` and what the user calls them (``names``), the ``crs`` of files that have none,
and whether to ``convert`` them. If so, ``targets`` are the files to make, ``image`` and ``bands`` the
documents. If not, the answer is the headers or, with ``sample`` (a header and numbers of bands), a look at
some pixels.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dawnlight.errors import DawnlightError, RasterWriteError, UnsupportedRasterError
from dawnlight.geo import equal_area, normalize_crs, normalize_geometry
from dawnlight.geo._crs import same_crs
from dawnlight.ingest._complete import complete_image_document, finest, serve_bands
from dawnlight.ingest._kinds import find_kind
from dawnlight.ingest._samples import sample_bands
from dawnlight.raster._gdal import GdalReader
from dawnlight.raster._gdal_open import forbid_sidecars
from dawnlight.raster._gdal_strict import SourceLimits, read_untrusted_header
from dawnlight.raster._header import FileHeader
from dawnlight.raster._writers_cog import CogOptions, Copied, copy_to_cog
from dawnlight.search import Document

try:
    import resource
except ImportError:  # where the system has no such limits, the parent's time limit is left
    resource = None  # type: ignore[assignment]

__all__ = ["main"]

_OPENING_SECONDS = 10
_OPENING_BYTES = 16 * 2**20
_MOST_OPEN = 64
# Processor time and disk for so many bytes of pixels, with much to spare.
_BYTES_PER_SECOND = 2 * 2**20
_DISK_FACTOR = 2.5


def main() -> None:
    """Read the request, carry it out, and write the reply."""
    # What libraries print must not mix with the reply.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    request = json.loads(sys.stdin.readline())
    _limit(request)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    forbid_sidecars()

    def tell(**line: Any) -> None:
        out.write(json.dumps(line) + "\n")
        out.flush()

    try:
        reply = _convert(request, tell) if request["convert"] else _inspect(request, tell)
        tell(ok=True, usage=_usage(), **reply)
    except (DawnlightError, OSError, MemoryError) as error:
        tell(
            ok=False,
            error=type(error).__name__,
            message=_rename(str(error) or "needs more memory than it may have", request),
            passing=isinstance(error, RasterWriteError)
            or not isinstance(error, (DawnlightError, MemoryError)),
        )


def _usage() -> str:
    if resource is None:
        return ""
    used = resource.getrusage(resource.RUSAGE_SELF)
    # Linux counts in KiB, macOS in bytes.
    memory = used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return f"{used.ru_utime + used.ru_stime:.1f} s of processor time, {memory:.0f} MiB of memory"


def _limit(request: Mapping[str, Any]) -> None:
    for name, value in (
        ("RLIMIT_AS", request["memory_bytes"]),
        ("RLIMIT_NOFILE", _MOST_OPEN),
        ("RLIMIT_CORE", 0),
    ):
        _set_limit(name, value)
    _set_limit("RLIMIT_CPU", _OPENING_SECONDS + request["seconds"], final=False)
    _set_limit("RLIMIT_FSIZE", _OPENING_BYTES, final=False)


def _set_limit(name: str, value: float, *, final: bool = True) -> None:
    """Lower a limit; one that is not final can be raised again up to what the process was born with."""
    kind = getattr(resource, name, None)
    if kind is None:
        return
    _, hard = resource.getrlimit(kind)
    wanted = int(value) if hard == resource.RLIM_INFINITY else min(int(value), hard)
    # Some systems have no limit of this kind.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (wanted, wanted if final else hard))


def _end_with_parent() -> None:
    while sys.stdin.read(1):
        pass
    os._exit(1)


def _read_headers(request: Mapping[str, Any]) -> list[FileHeader]:
    return [
        read_untrusted_header(path, SourceLimits(), default_crs=request.get("crs"))
        for path in request["sources"]
    ]


def _inspect(request: Mapping[str, Any], tell: Any) -> dict[str, Any]:
    headers = _read_headers(request)
    if "sample" not in request:
        return {"headers": [header.to_dict() for header in headers]}
    # What the bands are was settled when the header was asked for; the file must still be that one.
    header = FileHeader.from_dict(request["sample"]["header"])
    _allow(headers, request, tell)
    with GdalReader(max_open=2) as reader:
        samples = sample_bands(header, request["sample"]["indexes"], reader)
    return {"samples": [sample.to_dict() for sample in samples]}


def _allow(headers: Sequence[FileHeader], request: Mapping[str, Any], tell: Any) -> None:
    """Allow the processor time that the pixels need, and tell the parent to wait as long."""
    total = sum(_pixel_bytes(header) for header in headers)
    _set_limit("RLIMIT_CPU", _OPENING_SECONDS + request["seconds"] + total / _BYTES_PER_SECOND, final=False)
    tell(bytes=total)


def _convert(request: Mapping[str, Any], tell: Any) -> dict[str, Any]:
    headers = _read_headers(request)
    _allow(headers, request, tell)
    _set_limit("RLIMIT_FSIZE", _OPENING_BYTES + _DISK_FACTOR * max(map(_pixel_bytes, headers)), final=False)
    image = Document(kind="image", id=request["id"], attributes=request["image"])
    _check_given(image, finest(headers))
    bands = [Document(kind="band", id=band["id"], attributes=band["attributes"]) for band in request["bands"]]
    served = serve_bands(headers, bands)
    types = {band.get("name"): band.get("type") for band in bands}
    made = []
    for header, target in zip(served, request["targets"], strict=True):
        options = CogOptions(
            kernel=request.get("kernel") or _kernel_for(header, types),
            factors=tuple(request["factors"]) if request.get("factors") else None,
        )
        made.append(copy_to_cog(header, Path(target), options))
    attributes = _describe(image, made, bands)
    notes = [note for header in headers for note in header.notes]
    if not any(name for header in served for name in header.names):
        notes.append("none of its bands is a band of the product; define the bands to load them")
    return {"attributes": attributes, "notes": notes}


def _describe(image: Document, made: Sequence[Copied], bands: Sequence[Document]) -> dict[str, Any]:
    """Return the attributes of the image with all that follows from its new files."""
    files = [{"href": copied.header.href} for copied in made]
    given = {name: value for name, value in image.attributes.items() if name != "file_headers"}
    document = Document(kind="image", id=image.id, attributes={**given, "files": files})
    attributes = dict(complete_image_document(document, bands).attributes)
    main = finest([copied.header for copied in made])
    valid = next(copied.valid for copied in made if copied.header is main)
    bits = []
    for copied in made:
        height, width = copied.header.shape
        count = len(copied.header.bands)
        bits += [round(8 * (copied.header.size_bytes or 0) / (height * width * count), 3)] * count
    found = {
        "fill_fraction": valid / (main.shape[0] * main.shape[1]),
        "bits_per_pixel": bits,
        "area": round(equal_area(normalize_geometry(attributes["geometry"])) / 1e6, 6),
    }
    return {**found, **attributes}


def _check_given(image: Document, header: FileHeader) -> None:
    """Refuse files that contradict what the image says of itself."""
    crs = image.get("cs_code") or image.get("projection")
    if crs is not None and not same_crs(normalize_crs(crs), header.geobox.crs):
        raise UnsupportedRasterError(
            f"{header.href}: its coordinate reference system is {header.geobox.crs.name!r}, and that of the "
            f"image {crs!r}; leave out cs_code and projection"
        )
    geotrans = image.get("geotrans")
    if geotrans is not None and not np.allclose(geotrans, header.geobox.geotrans, rtol=1e-9, atol=1e-9):
        raise UnsupportedRasterError(
            f"{header.href}: its geotransform is {header.geobox.geotrans}, and that of the image "
            f"{tuple(geotrans)}; leave out geotrans"
        )
    for name, size in (("x_pixels", header.geobox.width), ("y_pixels", header.geobox.height)):
        if image.get(name) not in (None, size):
            raise UnsupportedRasterError(
                f"{header.href}: its {name} would be {size}, and that of the image is {image.get(name)}"
            )


def _kernel_for(header: FileHeader, types: Mapping[Any, Any]) -> str:
    """Choose the resampling of overviews: no class is averaged with another."""
    kinds = [
        types.get(name) or find_kind(name or band.description or "", band)
        for name, band in zip(header.names, header.bands, strict=True)
        if band.color != "alpha"
    ]
    classes = sum(kind in ("class", "mask") for kind in kinds)
    if not classes:
        return "average"
    return "mode" if classes == len(kinds) else "nearest"


def _pixel_bytes(header: FileHeader) -> int:
    height, width = header.shape
    return height * width * sum(np.dtype(band.dtype).itemsize for band in header.bands)


def _rename(text: str, request: Mapping[str, Any]) -> str:
    """Name files as the user does."""
    for path, name in zip(request["sources"], request["names"], strict=True):
        text = text.replace(path, name)
    for path, name in zip(request.get("targets", ()), request["names"], strict=False):
        text = text.replace(path, f"the new file for {name}")
    return text


if __name__ == "__main__":
    main()
