"""Where a raster file is: one spelling for local paths and URLs, and nothing else gets through.

GDAL reads much more into a "file name" than a path: driver prefixes, chains of virtual file systems, inline
XML. A location that comes out of a catalog may have been written by somebody else, so only two forms are
accepted, an absolute local path and a URL of a known scheme, and both are handed to GDAL in a form that it
cannot take for anything else.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from dawnlight._live_files import is_live
from dawnlight.errors import RasterNotFoundError, RasterReadError, UnsupportedRasterError

__all__ = ["Fingerprint", "gdal_name", "is_remote", "normalize_href", "read_fingerprint"]

# Scheme -> what GDAL calls the same place (https://gdal.org/user/virtual_file_systems.html).
_REMOTE = {"http": "/vsicurl/http://", "https": "/vsicurl/https://", "s3": "/vsis3/", "gs": "/vsigs/"}
_SCHEMES = ", ".join(f"{scheme}://" for scheme in ("file", *_REMOTE))
# Two letters at least: "C:\images" is a drive, not a scheme.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_PREFIX = re.compile(r"([A-Za-z][A-Za-z0-9_+.-]+):")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What tells one state of a local file from another; None where it is not known (remote files)."""

    size_bytes: int | None = None
    """Size in bytes."""
    modified_ns: int | None = None
    """Modification time, nanoseconds since 1970."""


def normalize_href(href: str | os.PathLike[str], *, base: str | os.PathLike[str] | None = None) -> str:
    """Return the one spelling of a file's location: an absolute local path, or a URL of a known scheme.

    Parameters
    ----------
    href : str or path-like
        A path, a ``file:`` URL, or an ``http``, ``https``, ``s3`` or ``gs`` URL.
    base : str or path-like, optional
        Folder that relative paths start from; the working folder by default.

    Returns
    -------
    str
        `normalize_href` of the result is the result.

    Raises
    ------
    UnsupportedRasterError
        The text is no path and no URL of a known scheme: a GDAL connection string (``NETCDF:...``,
        ``GTIFF_DIR:...``), a path below ``/vsi...``, control characters, or a URL that holds credentials.

    Examples
    --------
    >>> normalize_href("scene/B04.tif", base="/data")
    '/data/scene/B04.tif'
    >>> normalize_href("s3://bucket/scene/B04.tif")
    's3://bucket/scene/B04.tif'
    """
    text = str(os.fspath(href))
    if not text.strip() or _CONTROL.search(text) or not _is_unicode(text):
        raise _refused(text, "it is empty, holds control characters or is not valid Unicode")
    url = _URL.match(text)
    if url:
        return _normalize_url(text, url[1].lower())
    prefix = _PREFIX.match(text)
    path = os.path.abspath(os.path.join(os.fspath(base) if base is not None else "", text))
    if prefix and not os.path.exists(path):
        raise _refused(text, f"{prefix[1]!r} is no scheme of a URL that Dawnlight reads ({_SCHEMES})")
    if _is_virtual(path):
        raise _refused(text, "it names a virtual file system of GDAL; give a plain path or a URL")
    return path


def is_remote(href: str) -> bool:
    """Tell whether a normalised href is read over the network."""
    url = _URL.match(href)
    return bool(url) and url is not None and url[1].lower() in _REMOTE


def gdal_name(href: str) -> str:
    """Return what GDAL is to open for an href; only an absolute path or a known URL gets this far."""
    href = normalize_href(href)
    url = _URL.match(href)
    return _REMOTE[url[1]] + href[url.end() :] if url else href


def read_fingerprint(href: str) -> Fingerprint:
    """Ask the file system for the size and modification time of a local file.

    Parameters
    ----------
    href : str
        A normalised href.

    Returns
    -------
    Fingerprint
        Empty for remote files.

    Raises
    ------
    RasterNotFoundError
        There is no such file.
    UnsupportedRasterError
        It is a folder or a special file.
    RasterReadError
        The file system does not let us look.
    """
    if is_remote(href):
        return Fingerprint()
    try:
        status = os.stat(href)
    except (FileNotFoundError, NotADirectoryError):
        raise RasterNotFoundError(
            f"{href}: there is no such file; it was moved, renamed or deleted, or its disk is not mounted"
        ) from None
    except OSError as error:
        raise RasterReadError(f"{href}: cannot be looked at ({error.strerror or error})") from error
    if os.path.isdir(href):
        raise UnsupportedRasterError(f"{href}: is a folder; give the raster files in it")
    if not os.path.isfile(href):
        raise UnsupportedRasterError(f"{href}: is not a regular file")
    if is_live(href, status):
        raise UnsupportedRasterError(f"{href}: is the database of a catalog, not a raster file")
    return Fingerprint(size_bytes=status.st_size, modified_ns=status.st_mtime_ns)


def _normalize_url(text: str, scheme: str) -> str:
    if scheme not in _REMOTE and scheme != "file":
        raise _refused(text, f"the scheme {scheme!r} is none of {_SCHEMES}")
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise _refused(text, str(error)) from None
    if scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise _refused(text, "a file URL must name this computer (file:///path)")
        return normalize_href(url2pathname(unquote(parts.path)))
    if "@" in parts.netloc:
        raise UnsupportedRasterError(
            f"{scheme}://...@{parts.netloc.rpartition('@')[2]}: a location must not hold credentials; "
            "give them through the environment or a configuration file of the service"
        )
    if not parts.netloc or not parts.path.strip("/"):
        raise _refused(text, "the URL names no file")
    return scheme + text[len(scheme) :]


def _is_virtual(path: str) -> bool:
    return path.replace("\\", "/").lstrip("/").lower().startswith("vsi") and not os.path.exists(path)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refused(text: object, reason: str) -> UnsupportedRasterError:
    return UnsupportedRasterError(f"{text!r} is not the location of a raster file: {reason}")
