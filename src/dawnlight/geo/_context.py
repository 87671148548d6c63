"""GeoContext: where, and on which grid of pixels, to load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import numpy as np
import shapely
from affine import Affine
from shapely.geometry.base import BaseGeometry

from dawnlight.errors import GridError, ParameterTypeError
from dawnlight.geo._crs import WGS84, CRSLike
from dawnlight.geo._geobox import GeoBox

__all__ = ["UNCHANGED", "GeoContext", "Unchanged"]


class Unchanged:
    """Type of `UNCHANGED`."""

    def __repr__(self) -> str:
        return "UNCHANGED"

    def __reduce__(self) -> str:
        return "UNCHANGED"


UNCHANGED: Final = Unchanged()
"""Stands for an argument that was not given, where None is a value."""


class GeoContext:
    """Base of the contexts: an immutable description of an area and, if it can tell, a grid.

    Parameters
    ----------
    all_touched : bool, default False
        Whether every source pixel that touches the area contributes. Meant for areas smaller than a source
        pixel.

    Notes
    -----
    Contexts of one class are equal when all that makes them, ``all_touched`` included, is equal. They can be
    hashed, pickled and copied.

    Examples
    --------
    >>> from dawnlight.geo import GeoContext
    >>> GeoContext(all_touched=True).raster_params
    {'cutline_all_touched': True}
    """

    __slots__ = ("_all_touched", "_geobox")

    _all_touched: bool
    _geobox: GeoBox | None
    # Slots that make a context what it is; `_geobox` only remembers.
    _fields: ClassVar[tuple[str, ...]] = ("_all_touched",)

    def __init__(self, all_touched: bool = False) -> None:
        if not isinstance(all_touched, bool | np.bool_):
            raise ParameterTypeError(f"all_touched={all_touched!r} must be True or False")
        self._set(_all_touched=bool(all_touched), _geobox=None)

    @property
    def all_touched(self) -> bool:
        """Whether every source pixel that touches the area contributes."""
        return self._all_touched

    @property
    def geometry(self) -> BaseGeometry | None:
        """The area in longitude and latitude that pixels are cut to, or None."""
        return None

    @property
    def geobox(self) -> GeoBox:
        """The grid of pixels.

        Raises
        ------
        GridError
            Something that makes the grid is missing; the message names it.
        """
        if self._geobox is None:
            self._set(_geobox=self._resolve_geobox())
        assert self._geobox is not None  # set just above
        return self._geobox

    @property
    def transform(self) -> Affine:
        """Transform of the grid, from (column, row) to (x, y); raises `GridError` as `geobox` does."""
        return self.geobox.transform

    @property
    def width(self) -> int:
        """Number of columns of the grid; raises `GridError` as `geobox` does."""
        return self.geobox.width

    @property
    def height(self) -> int:
        """Number of rows of the grid; raises `GridError` as `geobox` does."""
        return self.geobox.height

    @property
    def raster_params(self) -> dict[str, Any]:
        """The arguments that describe this context in the wire protocol."""
        return {"cutline_all_touched": True} if self._all_touched else {}

    @property
    def __geo_interface__(self) -> Mapping[str, Any]:
        """The area as a GeoJSON geometry."""
        return dict(shapely.geometry.mapping(self._to_geometry()))

    def footprint(self, crs: CRSLike = WGS84) -> BaseGeometry:
        """Return the area of the grid; see `GeoBox.footprint`.

        Parameters
        ----------
        crs : CRS-like, default "EPSG:4326"
            System of the result.

        Returns
        -------
        shapely geometry

        Raises
        ------
        GridError
            As for `geobox`.
        """
        return self.geobox.footprint(crs)

    def _resolve_geobox(self) -> GeoBox:
        raise GridError(f"{type(self).__name__} has no grid; use AOI, DLTile or XYZTile")

    def _to_geometry(self) -> BaseGeometry:
        """Return the area in longitude and latitude, for searches and coverage."""
        return self.footprint()

    # -- value semantics ---------------------------------------------------------------------------------

    def _set(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be set; .assign() returns a changed copy")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be deleted")

    def _identity(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self._fields)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        assert isinstance(other, GeoContext)
        return self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._identity()))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), {name: getattr(self, name) for name in self._fields})

    def __copy__(self) -> GeoContext:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> GeoContext:
        return self

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        parts = [part.wkb if isinstance(part, BaseGeometry) else part for part in self._identity()]
        return (type(self).__module__, type(self).__name__, *parts)

    def _describe(self) -> dict[str, object]:
        """Return what `repr` shows, as names and values."""
        return {"all_touched": self._all_touched}

    def __repr__(self) -> str:
        lines = [f"  {name}={_abbreviate(value)}" for name, value in self._describe().items()]
        return f"{type(self).__name__}(\n" + ",\n".join(lines) + ")"

    def _repr_html_(self) -> str:
        from dawnlight.geo._context_html import context_html

        return context_html(self)


def _restore(cls: type[GeoContext], state: Mapping[str, Any]) -> GeoContext:
    context = cls.__new__(cls)
    context._set(**state, _geobox=None)
    return context


def _abbreviate(value: object, limit: int = 80) -> str:
    if isinstance(value, BaseGeometry):
        west, south, east, north = value.bounds
        count = len(shapely.get_coordinates(value))
        return f"<{value.geom_type}, {count} positions in {west:.6g}, {south:.6g}, {east:.6g}, {north:.6g}>"
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
