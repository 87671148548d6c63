"""Reading a file's header, and deciding whether its pixels can be loaded at all."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import numpy as np
import pyproj
from affine import Affine
from rasterio.enums import MaskFlags

from dawnlight.errors import CRSError, RasterError, RasterReadError, UnsupportedRasterError
from dawnlight.geo import GeoBox, normalize_crs
from dawnlight.raster._gdal_open import (
    GDAL_ERRORS,
    gdal_environment,
    has_geotransform,
    open_dataset,
    reason,
)
from dawnlight.raster._header import BandHeader, FileHeader, MaskKind
from dawnlight.raster._href import is_remote, normalize_href, read_fingerprint
from dawnlight.raster._remote_file import learn

__all__ = ["DTYPES", "read_header", "read_palette"]

DTYPES = ("uint8", "int16", "uint16", "int32", "uint32", "float32", "float64")

# Limits that no honest file comes near and that keep a hostile one from costing memory.
MAX_BANDS = 4096
MAX_SIDE = 10_000_000
MAX_BLOCK_BYTES = 512 * 2**20
_MAX_TAGS = 100
_MAX_TAG_LENGTH = 1000
_MAX_OVERVIEWS = 40
_MASK_PIXELS = 2**22

_WRITE_CRS = "write the right one into the file (rio edit-info --crs EPSG:... FILE)"
_CONVERT = {
    "int8": "convert the file to int16 (gdal_translate -ot Int16)",
    "int64": "convert the file to Int32, or to Float64 if the values need it (gdal_translate -ot)",
    "uint64": "convert the file to UInt32, or to Float64 if the values need it (gdal_translate -ot)",
    "float16": "convert the file to Float32 (gdal_translate -ot Float32)",
    "complex": "write amplitude and phase, or the real and imaginary parts, as bands of their own",
}


def read_header(href: str | os.PathLike[str], *, default_crs: Any = None) -> FileHeader:
    """Read what a raster file says about itself, without its pixels.

    Side-car files of a local file (``.ovr``, ``.msk``, ``.aux.xml``, ``.tfw``) count as part of it, as in
    rasterio; for a remote file nothing but the file itself is asked for.

    Parameters
    ----------
    href : str or path-like
        Path (relative ones start from the working folder) or URL.
    default_crs : CRS-like, optional
        Coordinate reference system of a file that has a geotransform and no CRS. A file's own CRS wins.

    Returns
    -------
    FileHeader

    Raises
    ------
    RasterNotFoundError
        There is no such file.
    RasterReadError
        The file is damaged, or the file system does not let us read it.
    UnsupportedRasterError
        The file is sound but cannot be loaded; the message says why and what to do.

    Examples
    --------
    >>> header = read_header("scene.tif")  # doctest: +SKIP
    >>> header.geobox.shape, header.bands[0].dtype  # doctest: +SKIP
    ((1024, 1024), 'uint16')
    """
    href = normalize_href(href)
    fingerprint = read_fingerprint(href)
    notes: list[str] = []
    # Opened with its overviews in reach: without them GDAL leaves out the names of the bands, and rasterio
    # takes unset memory for a geotransform that does not exist. GDAL looks for overviews only when asked.
    with closing(open_dataset(href, None, quiet=True)) as dataset, gdal_environment(href):
        try:
            _check_size(href, dataset)
            _check_dtype(href, dataset)
            geobox = _read_geobox(href, dataset, default_crs)
            bands = _read_bands(dataset, notes)
            overviews = _read_overviews(href, dataset, notes)
            if is_remote(href):
                fingerprint = learn(href)
            if dataset.subdatasets:
                notes.append(f"only the first of the file's {len(dataset.subdatasets)} images is used")
            return FileHeader(
                href=href,
                driver=dataset.driver,
                size_bytes=fingerprint.size_bytes,
                modified_ns=fingerprint.modified_ns,
                geobox=geobox,
                bands=bands,
                overviews=overviews,
                block=_block(dataset),
                # The second holds what GDAL found in a provider's metadata file: the time of acquisition.
                tags=_short({**dataset.tags(ns="IMAGERY"), **dataset.tags()}),
                notes=tuple(dict.fromkeys(notes)),
            )
        except RasterError:
            raise
        except GDAL_ERRORS as error:
            raise RasterReadError(f"{href}: the header cannot be read: {reason(error)}") from error


def read_palette(href: str, band: int) -> tuple[tuple[int, int, int, int], ...] | None:
    """Read the colour table of a band.

    Parameters
    ----------
    href : str
        A normalised href.
    band : int
        1-based.

    Returns
    -------
    tuple of (red, green, blue, alpha) or None
        Indexed by pixel value, 0..255 each; None if the band has no colour table.
    """
    with closing(open_dataset(href)) as dataset:
        try:
            table = dataset.colormap(band)
        except ValueError:
            return None
    return tuple(table.get(value, (0, 0, 0, 255)) for value in range(max(table) + 1))


# -- checks ------------------------------------------------------------------------------------------


def _check_size(href: str, dataset: Any) -> None:
    if not 1 <= dataset.count <= MAX_BANDS:
        raise UnsupportedRasterError(f"{href}: has {dataset.count} bands; 1 to {MAX_BANDS} are loaded")
    if max(dataset.height, dataset.width) > MAX_SIDE:
        raise UnsupportedRasterError(
            f"{href}: is {dataset.width} x {dataset.height} pixels; no side may be longer than {MAX_SIDE}"
        )
    height, width = _block(dataset)
    samples = dataset.count if str(dataset.interleaving).upper().endswith("PIXEL") else 1
    size = height * width * samples * _itemsize(dataset.dtypes[0])
    if size > MAX_BLOCK_BYTES:
        raise UnsupportedRasterError(
            f"{href}: each of its blocks ({width} x {height} pixels, {samples} bands) holds "
            f"{size / 2**20:.0f} MiB, and a block is the least that can be read; up to "
            f"{MAX_BLOCK_BYTES // 2**20} MiB are loaded. "
            "Write it with tiles: gdal_translate -of COG INPUT OUTPUT.tif"
        )


def _check_dtype(href: str, dataset: Any) -> None:
    found = sorted(set(dataset.dtypes))
    if len(found) > 1:
        raise UnsupportedRasterError(
            f"{href}: its bands differ in data type ({', '.join(found)}); write one file per data type"
        )
    if found[0] in DTYPES:
        return
    remedy = _CONVERT["complex" if found[0].startswith("complex") else found[0]] if _known(found[0]) else ""
    raise UnsupportedRasterError(
        f"{href}: its samples are {found[0]}, and a catalog band is one of {', '.join(DTYPES)}"
        + (f"; {remedy}" if remedy else "")
    )


def _known(dtype: str) -> bool:
    return dtype in _CONVERT or dtype.startswith("complex")


def _read_geobox(href: str, dataset: Any, default_crs: Any) -> GeoBox:
    transform: Affine = dataset.transform
    # Without tie points GDAL has no geotransform, and shows one that begins at (0, 0).
    if transform.is_identity or (transform.c == transform.f == 0 and not has_geotransform(href)):
        raise UnsupportedRasterError(f"{href}: {_why_no_transform(dataset)}")
    if not all(math.isfinite(value) for value in transform[:6]):
        raise UnsupportedRasterError(f"{href}: its geotransform is not finite: {transform.to_gdal()}")
    if not transform.determinant:
        raise UnsupportedRasterError(f"{href}: its geotransform has pixels of no size: {transform.to_gdal()}")
    crs = _read_crs(href, dataset, default_crs)
    return GeoBox((int(dataset.height), int(dataset.width)), transform, crs)


def _why_no_transform(dataset: Any) -> str:
    points, _ = dataset.gcps
    if points:
        return (
            f"is placed by {len(points)} ground control points only, not by a pixel grid; warp it to a grid "
            "first (gdalwarp INPUT OUTPUT.tif)"
        )
    if dataset.rpcs is not None:
        return (
            "is placed by rational polynomial coefficients only, not by a pixel grid; orthorectify it first "
            "(gdalwarp -rpc INPUT OUTPUT.tif)"
        )
    return (
        "is not georeferenced: it has no geotransform. Give it one (rio edit-info --crs EPSG:... --transform "
        "'[xsize, 0, minx, 0, -ysize, maxy]' FILE), or a world file beside it"
    )


def _read_crs(href: str, dataset: Any, default_crs: Any) -> pyproj.CRS:
    if not dataset.crs:
        if default_crs is None:
            raise UnsupportedRasterError(
                f"{href}: has no coordinate reference system (CRS); {_WRITE_CRS}, or say which one the files "
                "have where you add them (dawnlight add --crs)"
            )
        return normalize_crs(default_crs)
    try:
        crs = normalize_crs(dataset.crs.to_wkt(version="WKT2_2019"))
    except CRSError as error:
        raise UnsupportedRasterError(f"{href}: its CRS cannot be used: {error}; {_WRITE_CRS}") from error
    if crs.is_compound:
        # Heights play no part in where a pixel lies.
        crs = normalize_crs(crs.sub_crs_list[0].to_wkt())
    if not (crs.is_geographic or crs.is_projected):
        raise UnsupportedRasterError(
            f"{href}: its coordinate reference system {crs.name!r} ({crs.type_name}) is not one of the "
            f"Earth's surface; {_WRITE_CRS}"
        )
    return crs


# -- parts -------------------------------------------------------------------------------------------


def _read_bands(dataset: Any, notes: list[str]) -> tuple[BandHeader, ...]:
    flags, nodata = dataset.mask_flag_enums, dataset.nodatavals
    colors, descriptions, units = dataset.colorinterp, dataset.descriptions, dataset.units
    scales, offsets = dataset.scales, dataset.offsets
    found = []
    for index, dtype in enumerate(dataset.dtypes):
        mask, value = _mask_kind(flags[index]), nodata[index]
        if mask == "internal" and MaskFlags.nodata in flags[index]:
            # NODATA_VALUES: a pixel is without data where *all* bands have their value at once.
            value = None
        scale, offset = float(scales[index]), float(offsets[index])
        if not (math.isfinite(scale) and math.isfinite(offset) and scale):
            notes.append(f"band {index + 1}: scale {scale} and offset {offset} are ignored")
            scale, offset = 1.0, 0.0
        found.append(
            BandHeader(
                dtype=dtype,
                nodata=_usable_nodata(value, dtype, index + 1, notes),
                mask=mask,
                description=descriptions[index] or None,
                color=colors[index].name.lower(),
                scale=scale,
                offset=offset,
                unit=units[index] or None,
            )
        )
    return tuple(found)


def _mask_kind(flags: list[MaskFlags]) -> MaskKind:
    if MaskFlags.alpha in flags:
        return "alpha"
    if MaskFlags.all_valid in flags:
        return "none"
    if MaskFlags.nodata in flags and MaskFlags.per_dataset not in flags:
        return "none"  # a nodata value is no mask: it is compared where the pixels are used
    return "internal"


def _usable_nodata(value: float | None, dtype: str, band: int, notes: list[str]) -> float | None:
    """Return the nodata value as the samples spell it, or None if no sample can have it."""
    if value is None:
        return None
    if dtype.startswith("float"):
        with np.errstate(over="ignore"):
            held = float(np.dtype(dtype).type(value))
        if math.isfinite(held) or not math.isfinite(value):
            return held
    else:
        info = np.iinfo(dtype)
        if math.isfinite(value) and value == int(value) and info.min <= value <= info.max:
            return float(value)
    notes.append(f"band {band}: nodata {value} is ignored, {dtype} cannot hold it")
    return None


def _read_overviews(href: str, dataset: Any, notes: list[str]) -> tuple[tuple[int, int], ...]:
    """Return the sizes of the overviews that can stand for the image, finest first."""
    if dataset.tags(ns="OVERVIEWS").get("OVERVIEW_FILE"):
        notes.append("overviews in a file of another name are ignored")
        return ()
    expected = _layout(dataset)
    found: list[tuple[int, int]] = []
    height, width = dataset.height, dataset.width
    # Counted, not tried out: GDAL also offers reductions that it makes while it decodes JPEG.
    for level in range(1, min(len(dataset.overviews(1)), _MAX_OVERVIEWS) + 1):
        try:
            overview = open_dataset(href, level, quiet=True)
        except RasterReadError as error:
            notes.append(f"overviews from number {level} on are ignored: {reason(error.__cause__)}")
            break
        with closing(overview):
            if overview.height > height or overview.width > width or overview.shape == (height, width):
                notes.append(f"overviews from number {level} on are ignored: they do not get smaller")
                break
            if _layout(overview) != expected or (level == 1 and _lacks_mask(dataset, overview)):
                notes.append(f"overviews from number {level} on are ignored: they lack a band or the mask")
                break
            height, width = int(overview.height), int(overview.width)
            found.append((height, width))
    return tuple(found)


def _lacks_mask(dataset: Any, overview: Any) -> bool:
    """Tell whether the image has masked pixels and its overview has none.

    Where an overview was made without the mask, GDAL says that it has one and that all pixels are valid.
    """
    masked = [n for n, flags in enumerate(dataset.mask_flag_enums, 1) if _mask_kind(flags) == "internal"]
    return any(not _any_masked(overview, band) and _any_masked(dataset, band) for band in masked[:1])


def _any_masked(dataset: Any, band: int) -> bool:
    # Whole rows of blocks, some megapixels at a time.
    rows = max(_MASK_PIXELS // dataset.width // _block(dataset)[0], 1) * _block(dataset)[0]
    for start in range(0, dataset.height, rows):
        stop = min(start + rows, dataset.height)
        if not dataset.read_masks(band, window=((start, stop), (0, dataset.width))).all():
            return True
    return False


def _layout(dataset: Any) -> tuple[Any, ...]:
    """Return what must be the same at every level for it to be read alike."""
    return dataset.dtypes, [_mask_kind(flags) for flags in dataset.mask_flag_enums]


def _block(dataset: Any) -> tuple[int, int]:
    height, width = dataset.block_shapes[0]
    return int(height), int(width)


def _itemsize(dtype: str) -> int:
    return 16 if dtype.startswith("complex") else np.dtype(dtype).itemsize


def _short(tags: Mapping[str, str]) -> dict[str, str]:
    short = {key: value for key, value in tags.items() if len(key) + len(value) <= _MAX_TAG_LENGTH}
    return dict(sorted(short.items())[:_MAX_TAGS])
