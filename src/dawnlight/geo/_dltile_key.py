"""Keys of the UTM grid: ``tilesize:pad:resolution:zone:ti:tj``."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from dawnlight.errors import InvalidTileError

__all__ = ["FALSE_EASTING", "TileKey", "central_meridian", "zone_of"]

FALSE_EASTING = 500_000.0
"""Easting of a zone's central meridian in metres."""

_KEY = re.compile(r"([0-9]+):(-?[0-9]+):([0-9]+\.?[0-9]*|\.[0-9]+):([0-9]{1,2}):(-?[0-9]+):(-?[0-9]+)")
_MAX_DIGITS = 15
_HALF_CIRCUMFERENCE = 2.1e7


@dataclass(frozen=True, slots=True, order=True)
class TileKey:
    """What makes a tile, checked.

    Parameters
    ----------
    tilesize : int
        Pixels along each side without padding, at least 1. Decimals are cut off.
    pad : int
        Pixels added on each side, at least 0. Decimals are cut off.
    resolution : float
        Side of a pixel in metres; rounded to the 6 decimals that a key holds.
    zone : int
        UTM zone, 1 to 60.
    ti : int
        Easting index: tiles east of the central meridian, negative to the west.
    tj : int
        Northing index: tiles north of the equator, negative to the south.

    Raises
    ------
    InvalidTileError
        A number is out of range.
    """

    tilesize: int
    pad: int
    resolution: float
    zone: int
    ti: int
    tj: int

    def __post_init__(self) -> None:
        for name in ("tilesize", "pad", "zone", "ti", "tj"):
            whole = _whole(name, getattr(self, name), cut=name in ("tilesize", "pad"))
            object.__setattr__(self, name, whole)
        object.__setattr__(self, "resolution", _resolution(self.resolution))
        if self.tilesize < 1:
            raise InvalidTileError(f"tilesize={self.tilesize} must be greater than 0")
        if self.pad < 0:
            raise InvalidTileError(f"pad={self.pad} must be 0 or more")
        if self.tilesize + 2 * self.pad > 2**31:
            raise InvalidTileError(f"tilesize={self.tilesize} with pad={self.pad} is more than 2**31 pixels")
        if not 1 <= self.zone <= 60:
            raise InvalidTileError(f"zone={self.zone} must be from 1 to 60")
        if self.side > _HALF_CIRCUMFERENCE:
            raise InvalidTileError(
                f"tilesize={self.tilesize} with resolution={self.resolution} m is wider than the Earth"
            )
        for name, index in (("ti", self.ti), ("tj", self.tj)):
            if abs(index) * self.side > _HALF_CIRCUMFERENCE:
                raise InvalidTileError(
                    f"{name}={index} puts the tile {index * self.side:.0f} m away from the origin of its "
                    "zone, which is beyond the Earth"
                )

    @property
    def side(self) -> float:
        """Length of a side without padding, in metres."""
        return self.tilesize * self.resolution

    @property
    def text(self) -> str:
        """The key as a string."""
        return f"{self.tilesize}:{self.pad}:{_format(self.resolution)}:{self.zone:02d}:{self.ti}:{self.tj}"

    @classmethod
    def parse(cls, text: str) -> TileKey:
        """Read a key.

        Parameters
        ----------
        text : str
            Exactly a key; a resolution may be written ``1``, ``1.0`` or ``.5``.

        Returns
        -------
        TileKey

        Raises
        ------
        InvalidTileError
            The text is not a key, or a number in it is out of range.

        Examples
        --------
        >>> TileKey.parse("128:16:960:15:-1:37").text
        '128:16:960.0:15:-1:37'
        """
        found = _KEY.fullmatch(text) if isinstance(cast(object, text), str) else None
        if found is None or any(len(part.lstrip("-")) > _MAX_DIGITS for part in found.groups()):
            shown = repr(text)[:80]
            raise InvalidTileError(
                f"dltile_key={shown} is not a tile key; it reads tilesize:pad:resolution:zone:ti:tj, for "
                "example '256:0:75.0:15:-5:230'"
            )
        tilesize, pad, resolution, zone, ti, tj = found.groups()
        return cls(int(tilesize), int(pad), float(resolution), int(zone), int(ti), int(tj))

    @classmethod
    def at(cls, easting: float, northing: float, *, zone: int, grid: tuple[float, int, int]) -> TileKey:
        """Return the tile that holds a point of a zone.

        Parameters
        ----------
        easting, northing : float
            Metres in the zone's northern system.
        zone : int
            UTM zone.
        grid : tuple
            (resolution, tilesize, pad).
        """
        resolution, tilesize, pad = grid
        origin = cls(tilesize, pad, resolution, zone, 0, 0)
        ti = math.floor((easting - FALSE_EASTING) / origin.side)
        return cls(
            origin.tilesize, origin.pad, origin.resolution, zone, ti, math.floor(northing / origin.side)
        )

    def divide(self, subdivide: object, resolution: float | None, pad: int | None) -> Iterator[TileKey]:
        """Check the arguments at once, and return the keys of the parts of a tile one by one.

        Parameters
        ----------
        subdivide : int
            Parts along each side.
        resolution : float, optional
            Of the parts, in metres; by default as here.
        pad : int, optional
            Of the parts, in pixels; by default as here.

        Returns
        -------
        iterator of TileKey
            Row by row from the upper left.

        Raises
        ------
        InvalidTileError
            The parts do not fit.
        """
        n = _divisor(subdivide, self.tilesize)
        pixel = self.resolution if resolution is None else _resolution(resolution)
        pixels = self.side / (n * pixel)
        size = round(pixels)
        if abs(pixels - size) > 1e-9 * pixels:
            raise InvalidTileError(
                f"resolution={resolution!r} must fit the side of the parts, {self.side / n} m, a whole "
                "number of times"
            )
        first = TileKey(size, self.pad if pad is None else pad, pixel, self.zone, self.ti * n, self.tj * n)
        return (replace(first, ti=first.ti + i, tj=first.tj + n - 1 - j) for j in range(n) for i in range(n))


def zone_of(lon: float) -> int:
    """Return the UTM zone of a longitude in -180 ... 180: plain 6 degree zones, and 60 at 180.

    Examples
    --------
    >>> zone_of(-180), zone_of(-93), zone_of(180)
    (1, 15, 60)
    """
    return min(60, max(1, 1 + math.floor((lon + 180) / 6)))


def central_meridian(zone: int) -> float:
    """Return the longitude in the middle of a UTM zone.

    Examples
    --------
    >>> central_meridian(15)
    -93.0
    """
    return 6.0 * zone - 183.0


def _divisor(subdivide: object, tilesize: int) -> int:
    try:
        n = _whole("subdivide", subdivide, cut=False)
    except (InvalidTileError, OverflowError):
        n = 0
    if n < 1 or tilesize % n:
        raise InvalidTileError(
            f"subdivide={subdivide!r} must be a whole number that divides tilesize={tilesize}"
        )
    return n


def _format(resolution: float) -> str:
    text = f"{resolution:.6f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def _resolution(value: object) -> float:
    try:
        if isinstance(value, bool | str):
            raise TypeError
        resolution = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise InvalidTileError(f"resolution={value!r} must be a number of metres") from None
    if not (math.isfinite(resolution) and resolution > 0):
        raise InvalidTileError(f"resolution={value!r} must be finite and greater than 0")
    rounded = float(_format(resolution))
    if rounded <= 0:
        raise InvalidTileError(
            f"resolution={value!r} is finer than the millionth of a metre that a key holds"
        )
    return rounded


def _whole(name: str, value: object, *, cut: bool) -> int:
    """Return a whole number; decimals are cut off where the reference platform does so."""
    try:
        if isinstance(value, bool):
            raise TypeError
        if isinstance(value, float | np.floating) and math.isfinite(value) and (cut or value == int(value)):
            return int(value)
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise InvalidTileError(f"{name}={value!r} must be a whole number") from None
