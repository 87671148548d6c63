"""XYZTile: a tile of the web map pyramid."""

from __future__ import annotations

import math
import operator
from typing import Any, ClassVar, TypeAlias

import shapely
from affine import Affine
from shapely.geometry.base import BaseGeometry

from dawnlight.errors import InvalidTileError, ParameterError, ParameterTypeError
from dawnlight.geo._context import UNCHANGED, GeoContext, Unchanged
from dawnlight.geo._crs import normalize_crs
from dawnlight.geo._geobox import GeoBox

__all__ = ["XYZTile"]

Bounds: TypeAlias = "tuple[float, float, float, float]"

_CIRCUMFERENCE = 2 * math.pi * 6378137.0
_TILESIZE = 256
_MAX_ZOOM = 30


class XYZTile(GeoContext):
    """A tile of the web map pyramid: 256 x 256 pixels in web Mercator, EPSG:3857.

    Parameters
    ----------
    x : int
        Column, from 0 in the west to ``2**z - 1``.
    y : int
        Row, from 0 **in the north** to ``2**z - 1``.
    z : int
        Zoom level, from 0 (one tile for the world) to 30.
    all_touched : bool, default False
        See `GeoContext`.

    Raises
    ------
    InvalidTileError
        A number is out of range.
    ParameterTypeError
        A number is not whole.

    Examples
    --------
    >>> from dawnlight.geo import XYZTile
    >>> XYZTile(1, 1, 2).bounds
    (-10018754.171394622, 0.0, 0.0, 10018754.171394622)
    """

    __slots__ = ("_x", "_y", "_z")

    _x: int
    _y: int
    _z: int
    _fields: ClassVar[tuple[str, ...]] = ("_all_touched", "_x", "_y", "_z")

    def __init__(self, x: int, y: int, z: int, all_touched: bool = False) -> None:
        super().__init__(all_touched)
        column, row, zoom = _whole("x", x), _whole("y", y), _whole("z", z)
        if not 0 <= zoom <= _MAX_ZOOM:
            raise InvalidTileError(f"z={zoom} must be from 0 to {_MAX_ZOOM}")
        for name, value in (("x", column), ("y", row)):
            if not 0 <= value < 2**zoom:
                raise InvalidTileError(
                    f"{name}={value} must be from 0 to {2**zoom - 1} at zoom level z={zoom}"
                )
        self._set(_x=column, _y=row, _z=zoom)

    @property
    def x(self) -> int:
        """Column."""
        return self._x

    @property
    def y(self) -> int:
        """Row, counted from the north."""
        return self._y

    @property
    def z(self) -> int:
        """Zoom level."""
        return self._z

    @property
    def tilesize(self) -> int:
        """Pixels along each side."""
        return _TILESIZE

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return _TILESIZE, _TILESIZE

    @property
    def resolution(self) -> float:
        """Side of a pixel in units of EPSG:3857, which are metres at the equator."""
        return _CIRCUMFERENCE / float(2**self._z) / _TILESIZE

    @property
    def crs(self) -> str:
        """System of the grid."""
        return "EPSG:3857"

    @property
    def bounds_crs(self) -> str:
        """System of the bounds."""
        return "EPSG:3857"

    @property
    def bounds(self) -> Bounds:
        """(minx, miny, maxx, maxy) in EPSG:3857."""
        size = _CIRCUMFERENCE / 2**self._z
        half = _CIRCUMFERENCE / 2
        left, top = self._x * size - half, half - self._y * size
        return left, half - (self._y + 1) * size, (self._x + 1) * size - half, top

    @property
    def align_pixels(self) -> bool:
        """False: the grid is the tile's own."""
        return False

    @property
    def geometry(self) -> BaseGeometry:
        """The tile as a box in longitude and latitude."""
        west, east = (column * 360.0 / 2**self._z - 180.0 for column in (self._x, self._x + 1))
        return shapely.box(west, self._latitude(self._y + 1), east, self._latitude(self._y), ccw=True)

    def _latitude(self, row: int) -> float:
        return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / 2**self._z))))

    @property
    def raster_params(self) -> dict[str, Any]:
        """The arguments that describe this context in the wire protocol."""
        return {
            "bounds": self.bounds,
            "srs": self.crs,
            "bounds_srs": self.bounds_crs,
            "align_pixels": False,
            "resolution": self.resolution,
            **super().raster_params,
        }

    def parent(self) -> XYZTile:
        """Return the tile of the next coarser level that holds this one.

        Raises
        ------
        InvalidTileError
            At zoom level 0.

        Examples
        --------
        >>> from dawnlight.geo import XYZTile
        >>> XYZTile(5, 2, 3).parent() == XYZTile(2, 1, 2)
        True
        """
        if self._z == 0:
            raise InvalidTileError("the tile of zoom level z=0 has no parent")
        return XYZTile(self._x // 2, self._y // 2, self._z - 1, self._all_touched)

    def children(self) -> list[XYZTile]:
        """Return the four tiles of the next finer level: upper left, upper right, lower right, lower left.

        Raises
        ------
        InvalidTileError
            At zoom level 30.

        Examples
        --------
        >>> from dawnlight.geo import XYZTile
        >>> [(tile.x, tile.y) for tile in XYZTile(0, 0, 0).children()]
        [(0, 0), (1, 0), (1, 1), (0, 1)]
        """
        x, y, z = 2 * self._x, 2 * self._y, self._z + 1
        corners = ((x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1))
        return [XYZTile(column, row, z, self._all_touched) for column, row in corners]

    def assign(self, all_touched: bool | Unchanged = UNCHANGED, **others: Any) -> XYZTile:
        """Return a copy with another ``all_touched``; nothing else of a tile can change.

        Parameters
        ----------
        all_touched : bool, optional
            See `GeoContext`.
        **others
            Refused, with the way out.

        Raises
        ------
        ParameterError
            Another property of a context is given, such as ``crs`` or ``resolution``.
        ParameterTypeError
            An unknown name is given.

        Examples
        --------
        >>> from dawnlight.geo import XYZTile
        >>> XYZTile(0, 0, 0).assign(all_touched=True).all_touched
        True
        """
        refuse_changes(
            self, others, "a tile of another zoom level has another resolution: parent(), children()"
        )
        touched = self._all_touched if isinstance(all_touched, Unchanged) else all_touched
        return XYZTile(self._x, self._y, self._z, touched)

    def _resolve_geobox(self) -> GeoBox:
        left, _, _, top = self.bounds
        step = self.resolution
        return GeoBox(self.shape, Affine(step, 0, left, 0, -step, top), normalize_crs(self.crs))

    def _to_geometry(self) -> BaseGeometry:
        return self.geometry

    def _describe(self) -> dict[str, object]:
        return {
            "x": self._x,
            "y": self._y,
            "z": self._z,
            "tilesize": _TILESIZE,
            "resolution": self.resolution,
            "crs": self.crs,
            "bounds": self.bounds,
            "all_touched": self._all_touched,
        }


_CHANGEABLE = ("geometry", "resolution", "crs", "align_pixels", "bounds", "bounds_crs", "shape", "tilesize")


def refuse_changes(context: GeoContext, others: dict[str, Any], way_out: str) -> None:
    """Refuse keywords that would change the grid of a tile.

    Raises
    ------
    ParameterError
        A keyword is a property of contexts.
    ParameterTypeError
        A keyword is unknown.
    """
    for name, value in others.items():
        kind = type(context).__name__
        if name in _CHANGEABLE:
            raise ParameterError(
                f"{kind} does not support modifying {name} (got {name}={value!r}), since its grid is fixed: "
                f"{way_out}; or load the tile's area on a grid of your own with "
                "AOI(geometry=tile.geometry, crs=..., resolution=...)"
            )
        raise ParameterTypeError(f"{kind}.assign() got an unexpected keyword argument {name!r}")


def _whole(name: str, value: object) -> int:
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ParameterTypeError(f"{name}={value!r} must be a whole number") from None
