"""Footprints: where documents are, and whether they share a point with the place searched.

Geometry is planar in longitude and latitude, as GeoJSON defines it, on a map cut at the antimeridian. On
that map the meridians 180 and -180 are two lines, and each pole is a line too. A place that touches one of
these is given its other copy, so that neighbours across the cut meet.
"""

from __future__ import annotations

from collections.abc import Callable

import shapely
from shapely import affinity
from shapely.geometry.base import BaseGeometry

from dawnlight.errors import GeometryError, ParameterError, ParameterTypeError
from dawnlight.search._documents import Document

__all__ = ["footprint", "make_footprint_test", "search_shapes"]


def footprint(document: Document) -> BaseGeometry | None:
    """Read where a document is.

    Parameters
    ----------
    document : Document
        Any document; its ``geometry`` may reach beyond ±180 degrees of longitude.

    Returns
    -------
    shapely geometry or None
        Valid, within ±180 degrees and cut at the antimeridian; None where the document has none.

    Raises
    ------
    GeometryError
        The geometry cannot be read.
    """
    value = document.get("geometry")
    if value is None:
        return None
    # Late, because it loads pyproj.
    from dawnlight.geo._geometry import normalize_geometry

    try:
        return _to_map(normalize_geometry(value))
    except ParameterTypeError as error:
        raise GeometryError(
            f"the geometry of {document.kind} {document.id!r} cannot be read: {error}"
        ) from error


def search_shapes(geometry: BaseGeometry) -> tuple[BaseGeometry, ...]:
    """Prepare a place to be searched.

    Parameters
    ----------
    geometry : shapely geometry
        Longitude and latitude.

    Returns
    -------
    tuple of shapely geometry
        Simple and multi-part geometries, valid, within ±180 degrees and prepared, made anew for the calling
        thread. A footprint (see `footprint`) lies there exactly if it intersects at least one of them. Take
        the bounds of each by itself: together they may span the world.

    Examples
    --------
    >>> import shapely
    >>> [shape.bounds for shape in search_shapes(shapely.box(170, 0, 180, 10))]
    [(170.0, 0.0, 180.0, 10.0), (-180.0, 0.0, -180.0, 10.0)]
    """
    # Copies, because preparing changes a geometry and prepared ones do not bear several threads.
    shapes = [shapely.force_2d(shape) for shape in _flatten(_to_map(geometry))]
    shapes.extend([copy for shape in shapes for copy in _other_copies(shape)])
    for shape in shapes:
        shapely.prepare(shape)
    return tuple(shapes)


def make_footprint_test(geometry: BaseGeometry, match_null_geometry: bool) -> Callable[[Document], bool]:
    """Make a function that tells whether a document shares at least one point with a place.

    Parameters
    ----------
    geometry : shapely geometry
        Longitude and latitude.
    match_null_geometry : bool
        The answer for a document without a geometry.

    Returns
    -------
    callable
        Takes a `Document` and returns a bool. Borders count; a footprint that cannot be read gives False.
        For one thread.
    """
    shapes = search_shapes(geometry)

    def test(document: Document) -> bool:
        try:
            found = footprint(document)
            if found is None:
                return match_null_geometry
            return any(shape.intersects(part) for shape in shapes for part in _flatten(found))
        except (ParameterError, shapely.errors.GEOSException):
            return False

    return test


def _to_map(geometry: BaseGeometry) -> BaseGeometry:
    # Late, because it loads pyproj.
    from dawnlight.geo._sphere import as_valid, split_antimeridian

    return as_valid(split_antimeridian(geometry))


def _flatten(geometry: BaseGeometry) -> list[BaseGeometry]:
    """Return the geometries of a collection, on which all predicates work."""
    if isinstance(geometry, shapely.GeometryCollection):
        return [part for member in geometry.geoms for part in _flatten(member)]
    return [] if geometry.is_empty else [geometry]


def _other_copies(shape: BaseGeometry) -> list[BaseGeometry]:
    west, south, east, north = shape.bounds
    copies: list[BaseGeometry] = []
    for edge, reached in ((180, east >= 180), (-180, west <= -180)):
        if reached:
            seam = shapely.LineString([(edge, -90), (edge, 90)])
            touched = affinity.translate(shapely.intersection(shape, seam), xoff=-2 * edge)
            copies.extend(_flatten(touched))
    for pole, reached in ((90, north >= 90), (-90, south <= -90)):
        if reached:
            copies.append(shapely.LineString([(-180, pole), (180, pole)]))
    return copies
