"""Opening a raster file with GDAL so that nothing but this file is opened, and only as what it is."""

from __future__ import annotations

import os
import threading
import warnings
from typing import Any

import rasterio
from rasterio._env import get_gdal_config, set_gdal_config  # no public name
from rasterio._err import CPLE_BaseError  # no public name, and rasterio lets these through here and there
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from dawnlight._options import get_options
from dawnlight.errors import RasterNotFoundError, RasterReadError, UnsupportedRasterError
from dawnlight.raster._href import gdal_name, is_remote

__all__ = [
    "DRIVERS",
    "GDAL_ERRORS",
    "forbid_sidecars",
    "gdal_environment",
    "has_geotransform",
    "open_dataset",
    "reason",
]

GDAL_ERRORS = (RasterioError, CPLE_BaseError, OSError, UnicodeError)
"""What reading and writing a damaged or strange file may raise."""

# The formats that are read. Both hold pixels and nothing else: no reference to another file is followed.
# Formats that are descriptions of other files (VRT) or containers of many data sets (netCDF, HDF, GRIB, zip)
# are not here.
DRIVERS = ("GTiff", "JP2OpenJPEG")

# First bytes of a file -> the GDAL driver for it.
_SIGNATURES = (
    (b"II*\x00", "GTiff"),
    (b"MM\x00*", "GTiff"),
    (b"II+\x00", "GTiff"),  # BigTIFF
    (b"MM\x00+", "GTiff"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JP2OpenJPEG"),
    (b"\xff\x4f\xff\x51", "JP2OpenJPEG"),  # a bare codestream
)
# What else people have in such folders, so that the refusal can name it.
_OTHERS = (
    (b"<VRTDataset", "a VRT, which only describes other files; add the files it refers to, or convert it"),
    (b"\x89PNG", "a PNG picture, which carries no coordinate reference system; convert it"),
    (b"\xff\xd8\xff", "a JPEG picture, which carries no coordinate reference system; convert it"),
    (b"\x89HDF", "HDF5 or netCDF, a container of many data sets; convert the one you want"),
    (b"\x0e\x03\x13\x01", "HDF4, a container of many data sets; convert the one you want"),
    (b"CDF", "netCDF, a container of many data sets; convert the one you want"),
    (b"GRIB", "GRIB; convert it"),
    (b"PK\x03\x04", "a zip archive; unpack it first"),
    (b"\x1f\x8b", "compressed with gzip; unpack it first"),
    (b"<!DOCTYPE html", "a web page; the download of the image probably failed"),
    (b"<html", "a web page; the download of the image probably failed"),
)
_TO_GEOTIFF = "(gdal_translate INPUT OUTPUT.tif makes a GeoTIFF)"

BLOCK_CACHE_BYTES = 128 * 2**20
"""Most that GDAL may keep of decoded blocks in this process."""

# Common to every read. These are set on each open and read, for the thread that does it, so that neither the
# user's environment nor another library in the process changes which pixels come out.
_OPTIONS = {
    # Dask or the caller runs the reads in parallel; threads inside of each would fight for the same cores.
    "GDAL_NUM_THREADS": "1",
    # A damaged block is an error. With YES libtiff hands out whatever it has.
    "GTIFF_IGNORE_READ_ERRORS": "NO",
    # GeoTIFF rule for rasters whose tie points are pixel centres; YES would shift them by half a pixel.
    "GTIFF_POINT_GEO_IGNORE": "NO",
}
_LOCAL = {
    # Side-car files (.ovr, .msk, .aux.xml, .tfw) are looked for by name instead of by listing the folder: the
    # same files are found, and a folder of 100,000 images costs no more than one of ten.
    "GDAL_DISABLE_READDIR_ON_OPEN": "TRUE",
}
_REMOTE = {
    # No side-car files: each would be a request of its own, mostly answered by 404.
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    # Every wait is bounded: seconds to connect, and seconds with less than one byte a second.
    "GDAL_HTTP_CONNECTTIMEOUT": "10",
    "GDAL_HTTP_LOW_SPEED_TIME": "30",
    "GDAL_HTTP_LOW_SPEED_LIMIT": "1",
    # What a later attempt may cure; a 403 or 404 is final.
    "GDAL_HTTP_RETRY_CODES": "408,425,429,500,502,503,504",
    "GDAL_HTTP_RETRY_DELAY": "0.5",
    # One request for the ranges of neighbouring blocks.
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    # Most headers of cloud-optimised files fit into this many bytes, so one request opens the file.
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
}


def _limit_block_cache() -> None:
    """Keep GDAL's own cache of blocks small, unless the environment says how large it is to be.

    By default it takes up to 5 % of the machine's memory, more than everything else here, and for little:
    tiles that are needed again are kept by `dawnlight.raster._tile_cache`.
    """
    if "GDAL_CACHEMAX" not in os.environ and get_gdal_config("GDAL_CACHEMAX") > BLOCK_CACHE_BYTES:
        set_gdal_config("GDAL_CACHEMAX", BLOCK_CACHE_BYTES)


# It belongs to the process, so it is set once, where GDAL comes in, and not for each read.
_limit_block_cache()


def gdal_environment(href: str) -> rasterio.Env:
    """Return the GDAL settings for a file, as a context manager for one open or read."""
    if not is_remote(href):
        return rasterio.Env(**_OPTIONS, **_LOCAL)
    options = get_options()
    bounds = {
        "GDAL_HTTP_MAX_RETRY": str(options.read_attempts - 1),
        "GDAL_HTTP_TIMEOUT": str(options.read_timeout),  # seconds for one request
    }
    return rasterio.Env(**_OPTIONS, **_REMOTE, **bounds)


def forbid_sidecars() -> None:
    """From now on, in the whole process, no file is looked for beside the one that is opened.

    For processes that handle files from outside. It cannot be taken back.
    """
    _LOCAL.update(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_PAM_ENABLED="NO")


def open_dataset(href: str, level: int | None = 0, *, quiet: bool = False) -> Any:
    """Open one resolution level of a raster file.

    Parameters
    ----------
    href : str
        A normalised href.
    level : int or None, default: 0
        0 is full resolution and shows no overviews at all; k is the k-th overview as a dataset of its own;
        None is full resolution as GDAL opens it by default.
    quiet : bool, default: False
        Do not warn about a file without georeferencing: the caller refuses it with more help.

    Returns
    -------
    rasterio.io.DatasetReader
        (Not named in the signature: rasterio ships no types.)

    Raises
    ------
    UnsupportedRasterError
        The file is not of a format that is read.
    RasterNotFoundError
        A server says that there is no such file.
    RasterReadError
        It claims to be of such a format, and cannot be opened.
    """
    name = gdal_name(href)
    failure: Exception | None = None
    for driver in _candidates(href):
        try:
            if not quiet:
                return _open(href, name, driver, level)
            with _quiet:
                return _open(href, name, driver, level)
        except GDAL_ERRORS as error:
            failure = failure or error
    what, why = f"overview {level}" if level else "the file", reason(failure)
    if "HTTP response code: 404" in why:
        raise RasterNotFoundError(f"{href}: there is no such file ({why})") from failure
    if is_remote(href) and "not recognized as being in a supported file format" in why:
        raise UnsupportedRasterError(
            f"{href}: what the server sends is neither a GeoTIFF nor JPEG 2000 (a page to log in, perhaps)"
        ) from failure
    raise RasterReadError(f"{href}: cannot open {what}: {why}") from failure


def reason(error: BaseException | None) -> str:
    """Return what GDAL says went wrong: the innermost message, which names the cause."""
    texts: list[str] = []
    while error is not None:
        text = str(error).strip()
        if text and "previous exception" not in text.lower() and text not in texts:
            texts.append(text)
        error = error.__cause__
    return " <- ".join(texts) or "GDAL gives no reason"


def has_geotransform(href: str) -> bool:
    """Tell whether a file has a geotransform, where what rasterio shows may be a default instead."""
    found: list[warnings.WarningMessage]
    with _quiet.alone(), warnings.catch_warnings(record=True) as found:
        # The only sign that rasterio gives.
        warnings.simplefilter("always", NotGeoreferencedWarning)
        open_dataset(href, None).close()
    return not any(issubclass(warning.category, NotGeoreferencedWarning) for warning in found)


class _Quiet:
    """Silences the warning about missing georeferencing while at least one thread is inside.

    `warnings.catch_warnings` swaps state of the whole process: overlapping uses must not restore it in turn.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._swap = warnings.catch_warnings()

    def alone(self) -> threading.Lock:
        """Return a context in which no other thread comes in or goes out."""
        return self._lock

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._swap = warnings.catch_warnings()
                self._swap.__enter__()
                warnings.simplefilter("ignore", NotGeoreferencedWarning)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._swap.__exit__(None, None, None)


_quiet = _Quiet()


def _open(href: str, name: str, driver: str, level: int | None) -> Any:
    options = {} if level is None else {"OVERVIEW_LEVEL": str(level - 1) if level else "NONE"}
    with gdal_environment(href):
        return rasterio.open(name, driver=driver, sharing=False, **options)


def _candidates(href: str) -> tuple[str, ...]:
    """Return the drivers to try: for a local file the one its first bytes ask for."""
    if is_remote(href):
        path = href.partition("?")[0].lower()
        return DRIVERS[::-1] if path.endswith((".jp2", ".j2k", ".jpx")) else DRIVERS
    try:
        with open(href, "rb") as file:
            head = file.read(512)
    except OSError as error:
        raise RasterReadError(f"{href}: cannot be read ({error.strerror or error})") from error
    for signature, driver in _SIGNATURES:
        if head.startswith(signature):
            return (driver,)
    if not head:
        raise RasterReadError(f"{href}: the file is empty; the copy or download of it was probably cut off")
    text = head.lstrip()
    for signature, what in _OTHERS:
        if text[: len(signature)].lower() == signature.lower():
            raise UnsupportedRasterError(
                f"{href}: is {what} {_TO_GEOTIFF}" if "convert" in what else f"{href}: is {what}"
            )
    raise UnsupportedRasterError(
        f"{href}: is neither a GeoTIFF nor JPEG 2000 (its first bytes are {head[:8]!r}) {_TO_GEOTIFF}"
    )
