"""AOI: an area of interest with the grid of one's choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeAlias

import shapely
from shapely.geometry.base import BaseGeometry

from dawnlight.errors import GridError, NoFootprintError, ParameterError
from dawnlight.geo import _aoi_rules as rules
from dawnlight.geo._context import UNCHANGED, GeoContext, Unchanged
from dawnlight.geo._crs import WGS84, CRSLike, is_wgs84, spell_crs
from dawnlight.geo._geobox import GeoBox, from_bounds
from dawnlight.geo._geometry import GeometryLike, normalize_geometry
from dawnlight.geo._reproject import reproject_geometry
from dawnlight.geo._sphere import lonlat_bounds

__all__ = ["AOI"]

Bounds: TypeAlias = "tuple[float, float, float, float]"

_GRID = ("_resolution", "_crs", "_align_pixels", "_bounds", "_bounds_crs", "_shape")


class AOI(GeoContext):
    """An area of interest: bounds, a grid over them, and a geometry that pixels are cut to.

    Everything is optional and can be added later with `assign`; `geobox` says what is missing.

    Parameters
    ----------
    geometry : geometry-like, optional
        Area in longitude and latitude, see `normalize_geometry`. Used by searches, and as the cutline: pixels
        outside are masked.
    resolution : float, optional
        Side of a pixel **in units of** ``crs`` (degrees in EPSG:4326, never implicitly metres).
    crs : CRS-like, optional
        System of the grid, see `normalize_crs`.
    align_pixels : bool, optional
        Whether the edges of the grid are moved outwards to multiples of the resolution. By default True when
        a resolution is given.
    bounds : tuple of float, optional
        (minx, miny, maxx, maxy) in ``bounds_crs``. By default those of the geometry. Longitudes beyond 180
        cross the antimeridian.
    bounds_crs : CRS-like, default "EPSG:4326"
        System of the bounds.
    shape : tuple of int, optional
        Rows and columns of the grid. Either this or ``resolution``.
    all_touched : bool, default False
        See `GeoContext`.

    Raises
    ------
    ParameterError, ParameterTypeError
        A value is out of range or of the wrong type, the geometry misses the bounds, or the bounds are
        smaller than a pixel.
    GeometryError, CRSError
        The geometry or a system cannot be read.

    Warns
    -----
    UserWarning
        ``bounds`` look like degrees although ``bounds_crs`` is projected.

    Examples
    --------
    >>> from dawnlight.geo import AOI
    >>> aoi = AOI(bounds=(-93.1, 41.0, -93.0, 41.1), resolution=10, crs="EPSG:32615")
    >>> aoi.geobox.shape
    (1112, 842)
    >>> aoi.assign(resolution=None, shape=(100, 50)).geobox.shape
    (100, 50)
    """

    __slots__ = (
        "_align_pixels",
        "_bounds",
        "_bounds_crs",
        "_crs",
        "_geometry",
        "_grid",
        "_resolution",
        "_shape",
    )

    _geometry: BaseGeometry | None
    _resolution: int | float | None
    _crs: str | None
    _align_pixels: bool | None
    _bounds: Bounds | None
    _bounds_crs: str | None
    _shape: tuple[int, int] | None
    # The grid of from_geobox, where the other values would give it up to rounding only.
    _grid: GeoBox | None
    _fields: ClassVar[tuple[str, ...]] = ("_all_touched", "_geometry", *_GRID, "_grid")

    def __init__(
        self,
        geometry: GeometryLike | None = None,
        resolution: float | None = None,
        crs: CRSLike | None = None,
        align_pixels: bool | None = None,
        bounds: Sequence[float] | None = None,
        bounds_crs: CRSLike | None = WGS84,
        shape: Sequence[int] | None = None,
        all_touched: bool = False,
    ) -> None:
        super().__init__(all_touched)
        area = None if geometry is None else normalize_geometry(geometry)
        wanted: Any = bounds
        if bounds is None and area is not None:
            wanted, bounds_crs = _bounds_of(area, bounds_crs)
        self._fill(area, resolution, crs, align_pixels, wanted, bounds_crs, shape, warn=True)

    @classmethod
    def from_geobox(cls, geobox: GeoBox, *, geometry: GeometryLike | None = None) -> AOI:
        """Return the context of exactly one grid.

        Parameters
        ----------
        geobox : GeoBox
            The grid; see `normalize_context` for grids of other packages.
        geometry : geometry-like, optional
            Area in longitude and latitude that pixels are cut to.

        Returns
        -------
        AOI
            Its `geobox` equals the one given.

        Examples
        --------
        >>> from dawnlight.geo import AOI, GeoBox
        >>> box = GeoBox.from_geotrans((500000, 30, 0, 4600000, 0, -30), (10, 20), 32615)
        >>> AOI.from_geobox(box).geobox == box
        True
        """
        if geobox.size == 0:
            raise GridError(f"{geobox} is empty; a context needs at least one pixel")
        aoi = cls.__new__(cls)
        GeoContext.__init__(aoi)
        area = None if geometry is None else normalize_geometry(geometry)
        spelling = spell_crs(geobox.crs)
        aoi._fill(area, None, spelling, False, geobox.bounds, spelling, geobox.shape, warn=False)
        if aoi._resolve_geobox() != geobox:
            aoi._set(_grid=geobox)
        return aoi

    def _fill(
        self,
        geometry: BaseGeometry | None,
        resolution: Any,
        crs: CRSLike | None,
        align_pixels: bool | None,
        bounds: Any,
        bounds_crs: CRSLike | None,
        shape: Any,
        *,
        warn: bool,
    ) -> None:
        """Check everything, in the order of the contract, and set it."""
        size = rules.normalize_shape(shape)
        pixel = rules.normalize_resolution(resolution)
        rules.check_not_both(pixel, size)
        box = rules.normalize_bounds(bounds)
        spelling, bounds_spelling = rules.normalize_spelling(crs), rules.normalize_spelling(bounds_crs)
        if box is not None and bounds_spelling is not None:
            rules.check_bounds_range(
                box, bounds_spelling, crs=spelling, resolution=pixel, shape=size, warn=warn
            )
            if geometry is not None:
                rules.check_intersects(geometry, box, bounds_spelling)
            if spelling is not None and pixel is not None:
                rules.check_pixel_fits(box, bounds_spelling, spelling, pixel, self.all_touched)
        self._set(
            _geometry=geometry,
            _resolution=pixel,
            _crs=spelling,
            _align_pixels=None if align_pixels is None else bool(align_pixels),
            _bounds=box,
            _bounds_crs=bounds_spelling,
            _shape=size,
            _grid=None,
        )

    # -- what was asked for ------------------------------------------------------------------------------

    @property
    def geometry(self) -> BaseGeometry | None:
        """The area in longitude and latitude: search filter and cutline, or None."""
        return self._geometry

    @property
    def resolution(self) -> int | float | None:
        """Side of a pixel in units of `crs` as it was asked for, or None."""
        return self._resolution

    @property
    def crs(self) -> str | None:
        """System of the grid, or None."""
        return self._crs

    @property
    def align_pixels(self) -> bool:
        """Whether the edges of the grid are moved outwards to multiples of the resolution."""
        return self._resolution is not None if self._align_pixels is None else self._align_pixels

    @property
    def bounds(self) -> Bounds | None:
        """(minx, miny, maxx, maxy) in `bounds_crs`, or None."""
        return self._bounds

    @property
    def bounds_crs(self) -> str | None:
        """System of the bounds, or None."""
        return self._bounds_crs

    @property
    def shape(self) -> tuple[int, int] | None:
        """Rows and columns as they were asked for, or None; ``geobox.shape`` is what results."""
        return self._shape

    # -- what results ------------------------------------------------------------------------------------

    @property
    def raster_params(self) -> dict[str, Any]:
        """The arguments that describe this context in the wire protocol.

        Raises
        ------
        GridError
            Bounds, bounds_crs, crs, or both resolution and shape are missing, or the grid is rotated.
        """
        bounds, _, _ = self._need_grid()
        if self._grid is not None and not self._grid.is_north_up:
            raise GridError(f"the grid is not north-up, which the wire protocol cannot express: {self._grid}")
        cutline = None if self._geometry is None else dict(shapely.geometry.mapping(self._geometry))
        return {
            "cutline": cutline,
            "resolution": self._resolution,
            "srs": self._crs,
            "bounds_srs": self._bounds_crs,
            "align_pixels": self.align_pixels,
            "bounds": bounds,
            "dimensions": None if self._shape is None else (self._shape[1], self._shape[0]),
            **super().raster_params,
        }

    @property
    def __geo_interface__(self) -> Mapping[str, Any]:
        """The geometry, or else the bounds, as a GeoJSON geometry.

        Raises
        ------
        NoFootprintError
            There is no geometry, and no bounds in longitude and latitude either.
        """
        if self._geometry is None and not (self._bounds and self._bounds_crs and is_wgs84(self._bounds_crs)):
            raise NoFootprintError(
                "the AOI has neither a geometry nor bounds in EPSG:4326, so it has no GeoJSON; assign a "
                "geometry, or use aoi.footprint() for the area of its grid"
            )
        return super().__geo_interface__

    def _to_geometry(self) -> BaseGeometry:
        if self._geometry is not None:
            return self._geometry
        if self._bounds is None or self._bounds_crs is None:
            raise NoFootprintError(
                "the AOI has neither a geometry nor bounds, so it covers no known area; assign one of them"
            )
        box = shapely.box(*self._bounds, ccw=True)
        return box if is_wgs84(self._bounds_crs) else reproject_geometry(box, self._bounds_crs, WGS84)

    def _need_grid(self) -> tuple[Bounds, str, str]:
        if self._bounds is None:
            raise GridError(
                "the AOI must have `bounds` (or a geometry) to have a grid; add them with .assign()"
            )
        if self._bounds_crs is None:
            raise GridError("the AOI must have `bounds_crs` to have a grid; add it with .assign()")
        if self._crs is None:
            raise GridError("the AOI must have `crs` to have a grid; add it with .assign()")
        if self._resolution is None and self._shape is None:
            raise GridError(
                "the AOI must have `resolution` or `shape` to have a grid; add one with .assign()"
            )
        return self._bounds, self._bounds_crs, self._crs

    def _resolve_geobox(self) -> GeoBox:
        bounds, bounds_crs, crs = self._need_grid()
        if self._grid is not None:
            return self._grid
        return from_bounds(
            bounds,
            crs=crs,
            resolution=self._resolution,
            shape=self._shape,
            align=self.align_pixels,
            bounds_crs=bounds_crs,
        )

    def assign(
        self,
        geometry: GeometryLike | Unchanged | None = UNCHANGED,
        resolution: float | Unchanged | None = UNCHANGED,
        crs: CRSLike | Unchanged | None = UNCHANGED,
        align_pixels: bool | Unchanged | None = UNCHANGED,
        bounds: Sequence[float] | Literal["update"] | Unchanged | None = UNCHANGED,
        bounds_crs: CRSLike | Unchanged | None = UNCHANGED,
        shape: Sequence[int] | Unchanged | None = UNCHANGED,
        all_touched: bool | Unchanged = UNCHANGED,
    ) -> AOI:
        """Return a copy with some values changed; None takes a value away.

        Parameters
        ----------
        geometry, resolution, crs, align_pixels, bounds_crs, shape, all_touched : optional
            As for the constructor. A new geometry keeps the bounds, and so the grid. A new resolution, even
            None, takes a shape away; a new shape on a context with a resolution needs ``resolution=None``.
        bounds : tuple of float or "update", optional
            ``"update"`` takes the bounds of the geometry given in the same call.

        Returns
        -------
        AOI

        Raises
        ------
        ParameterError
            As for the constructor; ``bounds="update"`` without a geometry, or with another ``bounds_crs``
            than longitude and latitude.

        Examples
        --------
        >>> from dawnlight.geo import AOI
        >>> aoi = AOI(bounds=(0, 0, 1, 1), crs="EPSG:4326", shape=(10, 10))
        >>> aoi.assign(resolution=0.05).geobox.shape
        (20, 20)
        """
        area = self._geometry
        if not isinstance(geometry, Unchanged):
            area = None if geometry is None else normalize_geometry(geometry)
        new_bounds, new_bounds_crs = self._assigned_bounds(geometry, area, bounds, bounds_crs)
        new_shape = self._shape
        if not isinstance(resolution, Unchanged) and self._resolution is None:
            new_shape = None
        copy = AOI.__new__(AOI)
        GeoContext.__init__(copy, _pick(all_touched, self.all_touched))
        copy._fill(
            area,
            _pick(resolution, self._resolution),
            _pick(crs, self._crs),
            _pick(align_pixels, self._align_pixels),
            new_bounds,
            new_bounds_crs,
            _pick(shape, new_shape),
            warn=not (isinstance(bounds, Unchanged) and isinstance(bounds_crs, Unchanged)),
        )
        if all(getattr(copy, name) == getattr(self, name) for name in _GRID):
            copy._set(_grid=self._grid)
        return copy

    def _assigned_bounds(
        self, geometry: object, area: BaseGeometry | None, bounds: Any, bounds_crs: Any
    ) -> tuple[Any, Any]:
        """Return the new bounds, unchecked, and their system."""
        if isinstance(bounds, str) and bounds == "update":
            if area is None or isinstance(geometry, Unchanged):
                raise ParameterError("bounds='update': a geometry must be given in the same call")
            return _bounds_of(area, _pick(bounds_crs, WGS84))
        system = _pick(bounds_crs, self._bounds_crs)
        missing = self._bounds is None and isinstance(bounds, Unchanged)
        if missing and area is not None and (system is None or is_wgs84(system)):
            return _bounds_of(area, system)
        return _pick(bounds, self._bounds), system

    def _identity(self) -> tuple[Any, ...]:
        systems = {name: None if name is None else spell_crs(name) for name in (self._crs, self._bounds_crs)}
        return (
            self._all_touched,
            self._geometry,
            self._resolution,
            systems[self._crs],
            self.align_pixels,
            self._bounds,
            systems[self._bounds_crs],
            self._shape,
            self._grid,
        )

    def _describe(self) -> dict[str, object]:
        return {
            "geometry": self._geometry,
            "resolution": self._resolution,
            "crs": self._crs,
            "align_pixels": self.align_pixels,
            "bounds": self._bounds,
            "bounds_crs": self._bounds_crs,
            "shape": self._shape,
            "all_touched": self._all_touched,
        }


def _pick(value: Any, current: Any) -> Any:
    return current if isinstance(value, Unchanged) else value


def _bounds_of(geometry: BaseGeometry, bounds_crs: CRSLike | None) -> tuple[Bounds, str]:
    """Return the bounds of a geometry and their system, unless another system was asked for."""
    if bounds_crs is not None and not is_wgs84(bounds_crs):
        raise ParameterError(
            f"bounds_crs={bounds_crs!r} cannot be combined with bounds taken from a geometry, which are in "
            "EPSG:4326: give the bounds too when explicitly setting bounds_crs"
        )
    return lonlat_bounds(geometry), WGS84
