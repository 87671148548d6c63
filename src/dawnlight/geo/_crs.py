"""Coordinate reference systems: one spelling for each, and transformers that are safe to share out.

Every `pyproj.CRS` that leaves `normalize_crs` is *canonical*: one object per system, made from an authority
code wherever the system is exactly that code. So two of them are the same system if and only if their
``srs`` texts are equal, which costs a string comparison.

Dawnlight orders coordinates x then y everywhere (``always_xy``). The axis order that an authority writes
into a geographic system (latitude first in EPSG:4326) therefore makes no difference here.
"""

from __future__ import annotations

import json
import re
import threading
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Protocol, TypeAlias, cast, runtime_checkable

import pyproj
import pyproj.exceptions

from dawnlight.errors import CRSError

__all__ = [
    "WGS84",
    "CRSLike",
    "is_geographic",
    "is_wgs84",
    "meters_per_unit",
    "normalize_crs",
    "same_crs",
    "spell_crs",
    "transformer",
]


@runtime_checkable
class SupportsWkt(Protocol):
    """An object that can tell its WKT, such as a rasterio CRS."""

    def to_wkt(self) -> str:
        """Return the system as WKT."""


CRSLike: TypeAlias = "str | int | Mapping[str, Any] | pyproj.CRS | SupportsWkt"
"""What `normalize_crs` reads."""

WGS84 = "EPSG:4326"
"""Longitude and latitude in degrees, the system of every geometry in Dawnlight."""

_ALLOWED = (
    "use an authority code ('EPSG:32615', 'ESRI:54009', 32615), WKT, a PROJ string, PROJJSON, "
    "or a pyproj or rasterio CRS"
)
_MAX_LENGTH = 65_536
_TRANSFORMERS_PER_THREAD = 64

_CODE = re.compile(
    r"[A-Za-z][A-Za-z0-9_.\-]*:[A-Za-z0-9_.\-]+(\+([A-Za-z][A-Za-z0-9_.\-]*:)?[A-Za-z0-9_.\-]+)*"
)
# Anything else in front of a bracket would make PROJ search its database for a name.
_WKT = re.compile(
    r"(PROJCS|GEOGCS|GEOCCS|COMPD_CS|VERT_CS|LOCAL_CS|"
    r"(BASE|BOUND|COMPOUND|DERIVEDPROJ|ENGINEERING|ENG|GEODETIC|GEOD|GEOGRAPHIC|GEOG|PROJECTED|PROJ|"
    r"VERTICAL|VERT)CRS)\s*[\[(]",
    re.IGNORECASE,
)
_URN = re.compile(r"(urn:ogc:def:|https?://(www\.)?opengis\.net/)[\w:/.,\-#?=&]+", re.IGNORECASE)
_INIT = re.compile(r"\+?init=([A-Za-z0-9_]+):([A-Za-z0-9_]+)(\s+\+?(no_defs|type=crs))*\s*")
# A system's text must not make PROJ open files: grids and init files named by a path.
_PATH = re.compile(r"(grids|init|file)\s*=\s*[^\s\"]*[/\\]|PARAMETERFILE\s*[\[(][^\])]*[/\\]", re.IGNORECASE)
# OGC's codes are EPSG's with x before y, as every code is read here.
_EPSG_OF_OGC = {"OGC:CRS83": "EPSG:4269", "OGC:CRS27": "EPSG:4267"}
_MIN_CONFIDENCE = 20
"""Percent from which PROJ's search for a code proposes one; whether it is the same system is checked."""


def normalize_crs(value: CRSLike) -> pyproj.CRS:
    """Read a coordinate reference system in any usual spelling.

    Parameters
    ----------
    value : str, int, mapping, pyproj.CRS or object with to_wkt()
        An authority code (``"EPSG:32615"``, ``"ESRI:54009"``, ``4326``), WKT 1 or 2, a PROJ string, PROJJSON
        (text or mapping), a pyproj CRS, or a rasterio CRS.

    Returns
    -------
    pyproj.CRS
        The canonical object of a geographic or projected system. Repeated calls return the same object.

    Raises
    ------
    CRSError
        The value is none of these, names no known system, or the system is not one of positions on the
        Earth's surface (vertical, geocentric, local).

    Notes
    -----
    Where the system equals an authority code up to the axis order of longitude and latitude, the result is
    made from the code. Names (``"WGS 84"``) are not accepted, because looking them up is a guess.

    Examples
    --------
    >>> normalize_crs(32615).to_authority()
    ('EPSG', '32615')
    >>> normalize_crs("+proj=utm +zone=15 +datum=WGS84") is normalize_crs("EPSG:32615")
    True
    """
    return _canonical(_to_text(value))


def spell_crs(crs: CRSLike) -> str:
    """Return the one text that stands for a system.

    Parameters
    ----------
    crs : str, int, mapping, pyproj.CRS or object with to_wkt()
        As for `normalize_crs`.

    Returns
    -------
    str
        ``"AUTHORITY:CODE"`` where the system is exactly that code, else WKT 2 (2019).

    Raises
    ------
    CRSError
        As for `normalize_crs`.

    Examples
    --------
    >>> spell_crs(4326)
    'EPSG:4326'
    >>> spell_crs("+proj=sinu +R=6371007.181 +units=m")[:8]
    'PROJCRS['
    """
    return normalize_crs(crs).srs


def same_crs(a: CRSLike, b: CRSLike) -> bool:
    """Return whether two values spell the same system (axis order aside).

    Examples
    --------
    >>> same_crs("EPSG:4326", "OGC:CRS84")
    True
    """
    one, two = normalize_crs(a), normalize_crs(b)
    return one is two or _equal(one.srs, two.srs)


def is_geographic(crs: CRSLike) -> bool:
    """Return whether the coordinates are longitudes and latitudes.

    Examples
    --------
    >>> is_geographic("EPSG:4326"), is_geographic("EPSG:3857")
    (True, False)
    """
    return bool(normalize_crs(crs).is_geographic)


def is_wgs84(crs: CRSLike) -> bool:
    """Return whether a system is longitude and latitude on WGS 84 itself.

    Examples
    --------
    >>> is_wgs84("+proj=longlat +datum=WGS84 +no_defs"), is_wgs84("EPSG:4269")
    (True, False)
    """
    return same_crs(crs, WGS84)


def meters_per_unit(crs: CRSLike) -> float:
    """Return the length in metres of one unit of a system's coordinates.

    Parameters
    ----------
    crs : str, int, mapping, pyproj.CRS or object with to_wkt()
        As for `normalize_crs`.

    Returns
    -------
    float
        Exact for projected systems. For geographic ones the length of one unit (usually a degree) along the
        equator of the system's ellipsoid.

    Examples
    --------
    >>> meters_per_unit("EPSG:32615")
    1.0
    >>> round(meters_per_unit("EPSG:4326"), 3)
    111319.491
    """
    return _meters_per_unit(spell_crs(crs))


def transformer(src: CRSLike, dst: CRSLike, *, over: bool = False) -> pyproj.Transformer:
    """Return a transformer of coordinates between two systems, x before y on both sides.

    Parameters
    ----------
    src, dst : str, int, mapping, pyproj.CRS or object with to_wkt()
        As for `normalize_crs`.
    over : bool, default False
        Longitudes beyond 180 degrees are not wrapped, so cylindrical projections go on past the antimeridian.

    Returns
    -------
    pyproj.Transformer
        Belongs to the calling thread (PROJ objects must not be used by two threads at once): ask again
        rather than hand it over.

    Examples
    --------
    >>> x, y = transformer("EPSG:4326", "EPSG:32615").transform(-93.0, 0.0)
    >>> round(x), round(y)
    (500000, 0)
    """
    key = (spell_crs(src), spell_crs(dst), over)
    cache = _transformers.cache
    found = cache.get(key)
    if found is None:
        found = pyproj.Transformer.from_crs(
            normalize_crs(src), normalize_crs(dst), always_xy=True, force_over=over
        )
        cache[key] = found
        if len(cache) > _TRANSFORMERS_PER_THREAD:
            cache.popitem(last=False)
    else:
        cache.move_to_end(key)
    return found


class _Transformers(threading.local):
    def __init__(self) -> None:
        self.cache: OrderedDict[tuple[str, str, bool], pyproj.Transformer] = OrderedDict()


_transformers = _Transformers()


def _to_text(value: object) -> str:
    """Return a text from which the system can be made, without judging it."""
    if isinstance(value, str):
        return value
    if isinstance(value, pyproj.CRS):
        return value.srs
    if isinstance(value, bool):
        raise _unreadable(value)
    if isinstance(value, int):
        return f"EPSG:{value}"
    if isinstance(value, Mapping):
        try:
            return json.dumps(dict(value))
        except (TypeError, ValueError, RecursionError):
            raise _unreadable(value) from None
    if hasattr(value, "__index__"):
        return f"EPSG:{value.__index__()}"
    if isinstance(value, SupportsWkt):
        try:
            # WKT 2 keeps the datum ensembles and axes that GDAL's WKT 1 loses.
            return str(cast(Any, value).to_wkt(version="WKT2_2019"))
        except TypeError:
            return str(value.to_wkt())
        except Exception as error:
            # A foreign object may fail in its own way, an empty rasterio CRS for example.
            raise CRSError(f"crs={_shorten(value)} cannot tell its WKT: {error}") from error
    raise _unreadable(value)


@lru_cache(maxsize=1024)
def _canonical(text: str) -> pyproj.CRS:
    parsed = _parse(text)
    code = _exact_code(parsed)
    return _interned(code if code is not None else _stable_wkt(parsed))


def _stable_wkt(crs: pyproj.CRS) -> str:
    """Return WKT that reads and writes as itself; PROJ changes names of axes on the first round."""
    text = crs.to_wkt("WKT2_2019")
    for _ in range(3):
        again = pyproj.CRS.from_wkt(text).to_wkt("WKT2_2019")
        if again == text:
            break
        text = again
    return text


@lru_cache(maxsize=1024)
def _interned(spelling: str) -> pyproj.CRS:
    return pyproj.CRS.from_user_input(spelling)


def _parse(text: str) -> pyproj.CRS:
    text = text.strip()
    init = _INIT.fullmatch(text)
    if init:
        # PROJ's old spelling means the code with x before y, which is how Dawnlight reads every code.
        text = f"{init[1].upper()}:{init[2]}"
    elif text.isascii() and text.isdigit():
        text = f"EPSG:{text}"
    if len(text) > _MAX_LENGTH or not _looks_like_crs(text):
        raise _unreadable(text)
    if _PATH.search(text):
        raise CRSError(f"crs={_shorten(text)} names a file by its path, which is not allowed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            crs = pyproj.CRS.from_user_input(text)
    except (pyproj.exceptions.ProjError, ValueError, RecursionError) as error:
        raise _unreadable(text) from error
    if not (crs.is_geographic or crs.is_projected):
        raise CRSError(
            f"crs={_shorten(text)} is a {crs.type_name}, which has no positions on the Earth's surface; "
            "a geographic or projected system is needed"
        )
    return crs


def _looks_like_crs(text: str) -> bool:
    if not text or "\0" in text:
        return False
    if text.startswith("{") or (text.startswith(("+", "proj=")) and "proj=" in text):
        return True
    return bool(_CODE.fullmatch(text) or _URN.fullmatch(text) or _WKT.match(text))


def _exact_code(crs: pyproj.CRS) -> str | None:
    """Return the code that ``crs`` equals, or None. A near match of PROJ's search is not enough."""
    if crs.is_geographic and _interned(WGS84).equals(crs, ignore_axis_order=True):
        return WGS84
    candidates = [crs.to_authority(auth_name="EPSG", min_confidence=_MIN_CONFIDENCE)]
    candidates.append(crs.to_authority(min_confidence=_MIN_CONFIDENCE))
    for found in candidates:
        if found is not None:
            code = _EPSG_OF_OGC.get(":".join(found), ":".join(found))
            if _interned(code).equals(crs, ignore_axis_order=True):
                return code
    return None


@lru_cache(maxsize=1024)
def _equal(a: str, b: str) -> bool:
    return a == b or bool(_interned(a).equals(_interned(b), ignore_axis_order=True))


@lru_cache(maxsize=1024)
def _meters_per_unit(spelling: str) -> float:
    crs = _interned(spelling)
    factor = float(crs.axis_info[0].unit_conversion_factor)
    if not crs.is_geographic:
        return factor
    ellipsoid = crs.ellipsoid
    return factor * (float(ellipsoid.semi_major_metre) if ellipsoid is not None else 6378137.0)


def _shorten(value: object, limit: int = 80) -> str:
    text = repr(value[: 2 * limit] if isinstance(value, str) else value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _unreadable(value: object) -> CRSError:
    return CRSError(f"crs={_shorten(value)} is not a coordinate reference system; {_ALLOWED}")
