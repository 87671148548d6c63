"""GeoBox: a resolved grid of pixels in a coordinate reference system."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyproj
import shapely
from affine import Affine
from shapely.geometry.base import BaseGeometry

from dawnlight.errors import GridError, MissingExtraError, ParameterTypeError
from dawnlight.geo._crs import WGS84, CRSLike, normalize_crs, same_crs
from dawnlight.geo._extent import reproject_bounds
from dawnlight.geo._project import is_lonlat
from dawnlight.geo._reproject import reproject_geometry
from dawnlight.geo._snap import count_pixels, snap_outwards
from dawnlight.geo._sphere import split_antimeridian
from dawnlight.geo._window import Window

if TYPE_CHECKING:
    import odc.geo.geobox

__all__ = ["MAX_PIXELS", "GeoBox", "from_bounds"]

Bounds: TypeAlias = "tuple[float, float, float, float]"

MAX_PIXELS = 2**31
"""Most pixels along one axis of a grid."""


@dataclass(frozen=True, slots=True, eq=False)
class GeoBox:
    """A grid of pixels: how many, where, and in which system.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns, (ny, nx). Zero is allowed: an empty grid.
    transform : affine.Affine
        From (column, row) to (x, y); pixel (0, 0) spans from (0, 0) to (1, 1). Rotated and south-up grids are
        allowed.
    crs : pyproj.CRS
        Anything that `normalize_crs` reads is accepted and becomes the canonical object.

    Raises
    ------
    GridError
        The shape is negative or larger than 2**31 along an axis, or the transform is not finite or squeezes
        pixels to nothing.

    Notes
    -----
    Equal grids have equal shape, transform (exactly) and system, and equal hashes.

    Examples
    --------
    >>> box = GeoBox((10, 20), Affine(30, 0, 500000, 0, -30, 4600000), normalize_crs("EPSG:32615"))
    >>> box.bounds
    (500000.0, 4599700.0, 500600.0, 4600000.0)
    """

    shape: tuple[int, int]
    transform: Affine
    crs: pyproj.CRS

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", _check_shape(self.shape))
        object.__setattr__(self, "transform", _check_transform(self.transform))
        object.__setattr__(self, "crs", normalize_crs(self.crs))

    @property
    def _key(self) -> tuple[Any, ...]:
        return self.shape, tuple(self.transform)[:6], self.crs.srs

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, GeoBox) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, self._key

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        return ("dawnlight.GeoBox", *self._key)

    def __repr__(self) -> str:
        numbers = ", ".join(f"{value:.10g}" for value in tuple(self.transform)[:6])
        spelling = self.crs.srs if len(self.crs.srs) <= 40 else self.crs.name
        return f"GeoBox(shape={self.shape}, transform=({numbers}), crs={spelling!r})"

    @classmethod
    def from_geotrans(cls, geotrans: Sequence[float], shape: tuple[int, int], crs: CRSLike) -> GeoBox:
        """Make a grid from a transform in GDAL's order.

        Parameters
        ----------
        geotrans : sequence of 6 float
            (x of the corner, x per column, x per row, y of the corner, y per column, y per row).
        shape : tuple of int
            Rows and columns.
        crs : CRS-like
            See `normalize_crs`.

        Returns
        -------
        GeoBox

        Examples
        --------
        >>> GeoBox.from_geotrans((500000, 30, 0, 4600000, 0, -30), (10, 20), 32615).resolution
        (30.0, 30.0)
        """
        if len(geotrans) != 6:
            raise GridError(f"geotrans={geotrans!r} must have 6 numbers, in GDAL's order")
        return cls(shape, Affine.from_gdal(*(float(value) for value in geotrans)), normalize_crs(crs))

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.shape[0]

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.shape[1]

    @property
    def size(self) -> int:
        """Number of pixels."""
        return self.shape[0] * self.shape[1]

    @property
    def geotrans(self) -> tuple[float, float, float, float, float, float]:
        """The transform in GDAL's order."""
        a, b, c, d, e, f = tuple(self.transform)[:6]
        return c, a, b, f, d, e

    @property
    def resolution(self) -> tuple[float, float]:
        """Length of a pixel's side along a row and along a column, in units of the CRS, without sign."""
        a, b, _, d, e, _ = tuple(self.transform)[:6]
        return math.hypot(a, d), math.hypot(b, e)

    @property
    def is_axis_aligned(self) -> bool:
        """Whether rows run along x and columns along y."""
        return bool(self.transform.b == 0 and self.transform.d == 0)

    @property
    def is_north_up(self) -> bool:
        """Whether it is axis aligned, x grows along rows and y falls from row to row."""
        return bool(self.is_axis_aligned and self.transform.a > 0 and self.transform.e < 0)

    @property
    def bounds(self) -> Bounds:
        """Hull (minx, miny, maxx, maxy) of the grid's corners in its CRS."""
        corners = self._corners()
        (minx, miny), (maxx, maxy) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        return minx, miny, maxx, maxy

    @property
    def x(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The x coordinates of the pixel centres, one for each column."""
        self._need_axis_aligned("x")
        return np.asarray(
            self.transform.c + self.transform.a * (np.arange(self.width) + 0.5), dtype=np.float64
        )

    @property
    def y(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The y coordinates of the pixel centres, one for each row."""
        self._need_axis_aligned("y")
        return np.asarray(
            self.transform.f + self.transform.e * (np.arange(self.height) + 0.5), dtype=np.float64
        )

    def window(self, window: Window) -> GeoBox:
        """Return the grid of a window.

        Parameters
        ----------
        window : Window
            In pixels of this grid; it may reach beyond it.

        Returns
        -------
        GeoBox
            Its pixels coincide with those of this grid.

        Examples
        --------
        >>> box = GeoBox.from_geotrans((0, 10, 0, 100, 0, -10), (10, 10), 32615)
        >>> box.window(Window(2, 1, 3, 4)).bounds
        (10.0, 50.0, 50.0, 80.0)
        """
        x, y = _apply(self.transform, window.x, window.y)
        a, b, _, d, e, _ = tuple(self.transform)[:6]
        return GeoBox(window.shape, Affine(a, b, x, d, e, y), self.crs)

    def pad(self, n: int) -> GeoBox:
        """Return the grid with ``n`` more pixels on each side.

        Examples
        --------
        >>> GeoBox.from_geotrans((0, 10, 0, 100, 0, -10), (10, 10), 32615).pad(1).shape
        (12, 12)
        """
        return self.window(Window(0, 0, *self.shape).pad(n))

    def zoom_to(self, shape: tuple[int, int]) -> GeoBox:
        """Return a grid of the same extent with another number of pixels.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns.

        Returns
        -------
        GeoBox

        Raises
        ------
        GridError
            One of the two grids is empty and the other is not.

        Examples
        --------
        >>> GeoBox.from_geotrans((0, 10, 0, 100, 0, -10), (10, 10), 32615).zoom_to((5, 2)).resolution
        (50.0, 20.0)
        """
        ny, nx = _check_shape(shape)
        if (ny, nx) == self.shape:
            return self
        if 0 in (ny, nx, *self.shape):
            raise GridError(f"cannot zoom a grid of shape {self.shape} to shape {shape}: pixels of no size")
        sx, sy = self.width / nx, self.height / ny
        a, b, c, d, e, f = tuple(self.transform)[:6]
        return GeoBox((ny, nx), Affine(a * sx, b * sy, c, d * sx, e * sy, f), self.crs)

    def footprint(self, crs: CRSLike = WGS84, densify: int = 21) -> BaseGeometry:
        """Return the area of the grid.

        Parameters
        ----------
        crs : CRS-like, default "EPSG:4326"
            System of the result.
        densify : int, default 21
            Points along each edge, so that an edge follows its curve in ``crs``.

        Returns
        -------
        shapely geometry
            A polygon; in longitude and latitude a multi-polygon where it crosses the antimeridian. Corners
            that have no place on the Earth are left out.

        Examples
        --------
        >>> box = GeoBox.from_geotrans((-1e6, 1e5, 0, 1e6, 0, -1e5), (20, 20), 3413)
        >>> round(box.footprint().bounds[3], 6)
        90.0
        """
        if 0 in self.shape:
            return shapely.Polygon()
        outline: BaseGeometry = shapely.Polygon(self._corners())
        if is_lonlat(self.crs):
            # Grids whose outer pixel centres are the poles reach half a pixel beyond.
            west, _, east, _ = outline.bounds
            outline = split_antimeridian(shapely.intersection(outline, shapely.box(west, -90, east, 90)))
        longest = max(self.width * self.resolution[0], self.height * self.resolution[1])
        return reproject_geometry(outline, self.crs, crs, max_segment=longest / max(densify - 1, 1))

    @property
    def __geo_interface__(self) -> Mapping[str, Any]:
        """The area in longitude and latitude as a GeoJSON geometry."""
        return dict(shapely.geometry.mapping(self.footprint()))

    def _to_geometry(self) -> BaseGeometry:
        return self.footprint()

    def to_odc(self) -> odc.geo.geobox.GeoBox:
        """Return the same grid as an `odc.geo.geobox.GeoBox`.

        Raises
        ------
        MissingExtraError
            The package odc-geo is not installed.

        Examples
        --------
        >>> box = GeoBox.from_geotrans((0, 10, 0, 100, 0, -10), (10, 10), 32615)
        >>> GeoBox.from_odc(box.to_odc()) == box
        True
        """
        try:
            from odc.geo.geobox import GeoBox as OdcGeoBox
        except ImportError:
            raise MissingExtraError("odc-geo", "odc", "GeoBox.to_odc") from None
        return OdcGeoBox(self.shape, self.transform, self.crs.srs)

    @classmethod
    def from_odc(cls, geobox: odc.geo.geobox.GeoBox) -> GeoBox:
        """Return the grid of an `odc.geo.geobox.GeoBox`.

        Parameters
        ----------
        geobox : odc.geo.geobox.GeoBox
            Must have a CRS.

        Returns
        -------
        GeoBox

        Raises
        ------
        GridError
            The grid has no CRS.
        """
        if geobox.crs is None:
            raise GridError("the odc GeoBox has no crs, so its place on the Earth is unknown")
        ny, nx = (int(size) for size in geobox.shape)
        return cls((ny, nx), Affine(*tuple(geobox.affine)[:6]), normalize_crs(geobox.crs.to_wkt()))

    def _corners(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return rows (x, y): lower left, lower right, upper right and upper left corner of the array."""
        ny, nx = self.shape
        return np.array([_apply(self.transform, *corner) for corner in ((0, ny), (nx, ny), (nx, 0), (0, 0))])

    def _need_axis_aligned(self, name: str) -> None:
        if not self.is_axis_aligned:
            raise GridError(
                f"GeoBox.{name}: a rotated grid has no {name} coordinate per row or column: {self}"
            )


def from_bounds(
    bounds: Bounds,
    *,
    crs: CRSLike,
    resolution: float | tuple[float, float] | None = None,
    shape: tuple[int, int] | None = None,
    align: bool = False,
    bounds_crs: CRSLike | None = None,
) -> GeoBox:
    """Lay a north-up grid over bounds.

    Parameters
    ----------
    bounds : tuple of float
        (minx, miny, maxx, maxy); longitudes may go beyond 180 degrees.
    crs : CRS-like
        System of the grid.
    resolution : float or pair of float, optional
        Side of a pixel, or its (x, y) sides, in units of ``crs``. Either this or ``shape``.
    shape : tuple of int, optional
        Rows and columns.
    align : bool, default False
        Whether the edges are moved outwards to multiples of the resolution.
    bounds_crs : CRS-like, optional
        System of the bounds; by default that of the grid. The edges of the bounds are followed into ``crs``,
        so the grid covers all of them.

    Returns
    -------
    GeoBox
        Never empty. With ``resolution`` and no alignment it starts at the upper left corner, and the number
        of pixels is the extent divided by the resolution, rounded half up. With ``shape`` and no alignment it
        has exactly that shape; with alignment it may have one more pixel along each axis.

    Raises
    ------
    GridError
        The bounds are not finite in ``crs``, the sizes make no sense together, or the grid would have more
        than 2**31 pixels along an axis.

    Examples
    --------
    >>> from_bounds((3, 3, 37, 27), crs="EPSG:32615", resolution=10, align=True).bounds
    (0.0, 0.0, 40.0, 30.0)
    >>> from_bounds((3, 3, 37, 27), crs="EPSG:32615", resolution=10).shape
    (2, 3)
    """
    minx, miny, maxx, maxy = _project_bounds(bounds, crs, bounds_crs)
    if (resolution is None) == (shape is None):
        raise GridError("either a resolution or a shape is needed to lay a grid over bounds, and not both")
    if shape is not None:
        ny, nx = _check_shape(shape)
        if ny == 0 or nx == 0 or minx == maxx or miny == maxy:
            raise GridError(
                f"shape={(ny, nx)} over bounds {(minx, miny, maxx, maxy)} gives pixels of no size"
            )
        rx, ry = (maxx - minx) / nx, (maxy - miny) / ny
    else:
        rx, ry = _check_resolution(resolution)
        ny, nx = 0, 0
    if align:
        minx, nx = snap_outwards(minx, maxx, rx)
        bottom, ny = snap_outwards(miny, maxy, ry)
        # The upper edge is a multiple of the resolution itself, not a sum with rounding.
        maxy = (round(bottom / ry) + ny) * ry
    elif shape is None:
        nx, ny = count_pixels(maxx - minx, rx), count_pixels(maxy - miny, ry)
    return GeoBox((ny, nx), Affine(rx, 0, minx, 0, -ry, maxy), normalize_crs(crs))


def _project_bounds(bounds: Bounds, crs: CRSLike, bounds_crs: CRSLike | None) -> Bounds:
    try:
        minx, miny, maxx, maxy = (_number(value) for value in bounds)
    except (TypeError, ValueError):
        raise ParameterTypeError(f"bounds={bounds!r} must be four numbers (minx, miny, maxx, maxy)") from None
    if not all(math.isfinite(value) for value in (minx, miny, maxx, maxy)) or minx > maxx or miny > maxy:
        raise GridError(f"bounds={bounds!r} must be finite, with minx <= maxx and miny <= maxy")
    if bounds_crs is None or same_crs(bounds_crs, crs):
        return minx, miny, maxx, maxy
    return reproject_bounds((minx, miny, maxx, maxy), bounds_crs, crs)


def _number(value: object) -> float:
    """Return a float; texts are not numbers, even those that look like one."""
    return math.nan if isinstance(value, str) else float(value)  # type: ignore[arg-type]


def _check_resolution(value: object) -> tuple[float, float]:
    pair = value if isinstance(value, tuple | list) else (value, value)
    try:
        rx, ry = (_number(side) for side in pair)
    except (TypeError, ValueError):
        raise ParameterTypeError(f"resolution={value!r} must be a number or a pair (x, y)") from None
    if not (math.isfinite(rx) and math.isfinite(ry) and rx > 0 and ry > 0):
        raise GridError(f"resolution={value!r} must be finite and greater than 0")
    return rx, ry


def _restore(shape: tuple[int, int], transform: tuple[float, ...], spelling: str) -> GeoBox:
    return GeoBox(shape, Affine(*transform), normalize_crs(spelling))


def _apply(transform: Affine, column: float, row: float) -> tuple[float, float]:
    a, b, c, d, e, f = tuple(transform)[:6]
    return a * column + b * row + c, d * column + e * row + f


def _check_shape(shape: object) -> tuple[int, int]:
    try:
        ny, nx = (operator.index(size) for size in shape)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise ParameterTypeError(f"shape={shape!r} must be two whole numbers (rows, columns)") from None
    if ny < 0 or nx < 0:
        raise GridError(f"shape={(ny, nx)} must not be negative")
    if ny > MAX_PIXELS or nx > MAX_PIXELS:
        raise GridError(
            f"shape={(ny, nx)} has more than {MAX_PIXELS} pixels along an axis; "
            "is the resolution in the units of the crs (degrees in EPSG:4326)?"
        )
    return ny, nx


def _check_transform(transform: object) -> Affine:
    if not isinstance(transform, Affine):
        raise ParameterTypeError(
            f"transform={transform!r} must be an affine.Affine; see GeoBox.from_geotrans for GDAL's order"
        )
    numbers = [float(value) for value in tuple(transform)[:6]]
    a, b, _, d, e, _ = numbers
    if not all(math.isfinite(value) for value in numbers) or a * e - b * d == 0:
        raise GridError(f"transform={tuple(numbers)} must be finite and give pixels a size")
    # Adding 0.0 turns -0.0 into 0.0, so equal transforms also look and pickle alike.
    return Affine(*(value + 0.0 for value in numbers))
