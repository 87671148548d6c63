"""The outline of what an image shows, in longitude and latitude."""

from __future__ import annotations

import json

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from shapely import affinity
from shapely.geometry.base import BaseGeometry

from dawnlight.errors import GeometryError, UnsupportedRasterError
from dawnlight.geo import GeoBox, reproject_geometry, split_antimeridian
from dawnlight.geo._crs import meters_per_unit
from dawnlight.ingest._samples import read_valid
from dawnlight.raster._header import FileHeader
from dawnlight.raster._reader import RasterReader

__all__ = ["find_footprint", "outline"]

# Side of the mask that is traced, in cells, and the rows of cells it may be made of.
_CELLS = 128
_MAX_RUNS = 800
# An outline gets no more detail than this; beyond, its hull is taken.
_MAX_PARTS = 16
_MAX_POINTS = 200
# Holes below this part of the area, such as clouds set to nodata, are filled.
_HOLE = 0.01


def find_footprint(header: FileHeader, reader: RasterReader | None) -> dict[str, object]:
    """Find the footprint of a file.

    The outline is drawn around the valid pixels of a coarse look at the image and never cuts one of them
    off; of an image that is read at an overview, detached specks smaller than a pixel of the overview can be
    left out. Where the file does not say which pixels are valid, or a look would cost too much, the footprint
    is that of the pixel grid.

    Parameters
    ----------
    header : FileHeader
        The file.
    reader : RasterReader or None
        Reads pixels; None takes the pixel grid.

    Returns
    -------
    dict
        GeoJSON geometry, cut at the antimeridian, rounded to a hundredth of a metre.

    Raises
    ------
    UnsupportedRasterError
        No part of the image has a place on the Earth.
    RasterError
        The pixels cannot be read.
    """
    found = read_valid(header, reader) if reader is not None else None
    geobox = header.geobox
    grid = None
    if found is not None:
        valid, level = found
        grid = outline(valid, margin=min(level, 1))
        if grid is not None:
            grid = affinity.scale(
                grid, geobox.width / valid.shape[1], geobox.height / valid.shape[0], origin=(0, 0)
            )
    try:
        geometry = geobox.footprint() if grid is None else _place(grid, geobox)
    except (GeometryError, shapely.errors.GEOSException) as error:
        raise UnsupportedRasterError(
            f"{header.href}: no part of the image has a place on the Earth ({error}); its geotransform or "
            "its CRS is wrong"
        ) from error
    geojson: dict[str, object] = json.loads(shapely.to_geojson(_plain(_on_earth(geometry), geobox)))
    return geojson


def outline(valid: NDArray[np.bool_], *, margin: int = 0) -> BaseGeometry | None:
    """Draw an outline around the True pixels of a mask.

    Parameters
    ----------
    valid : ndarray of bool, (y, x)
        The mask.
    margin : int, default: 0
        Pixels by which the mask is widened first.

    Returns
    -------
    shapely geometry or None
        In pixels, x before y, inside the rectangle of the mask; it holds every True pixel. None stands for
        the whole rectangle, which is also the outline of a mask without a True pixel.
    """
    height, width = valid.shape
    for _ in range(margin):
        valid = _widen(valid)
    if valid.all() or not valid.any():
        return None
    rectangle = shapely.box(0, 0, width, height)
    traced = _trace(valid)
    if traced is None:
        return None
    area, step = traced
    # Widened by as much as the simplification may then take away.
    simple = _fill_holes(area).buffer(step, join_style="mitre").simplify(step).intersection(rectangle)
    if shapely.get_num_geometries(simple) > _MAX_PARTS or shapely.get_num_coordinates(simple) > _MAX_POINTS:
        simple = area.convex_hull.intersection(rectangle)
    return simple if simple.area < 0.999 * rectangle.area else None


def _any_of_blocks(valid: NDArray[np.bool_], step: int) -> NDArray[np.bool_]:
    rows = np.logical_or.reduceat(valid, np.arange(0, valid.shape[0], step), axis=0)
    blocks: NDArray[np.bool_] = np.logical_or.reduceat(rows, np.arange(0, valid.shape[1], step), axis=1)
    return blocks


def _widen(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    padded = np.pad(cells, 1)
    height, width = cells.shape
    wide: NDArray[np.bool_] = np.logical_or.reduce(
        [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    )
    return wide


def _trace(valid: NDArray[np.bool_]) -> tuple[BaseGeometry, int] | None:
    """Draw the area of a mask made coarse, and return the size of its cells; None if it is everything."""
    step = max(-(-max(valid.shape) // _CELLS), 1)
    while True:
        cells = _any_of_blocks(valid, step)
        if cells.all():
            return None
        # Runs of True in each row; a mask of many small pieces is made coarser until it has few.
        edges = np.diff(np.pad(cells.astype(np.int8), ((0, 0), (1, 1))), axis=1)
        rows, starts = np.nonzero(edges == 1)
        stops = np.nonzero(edges == -1)[1]
        if len(rows) <= _MAX_RUNS:
            break
        step *= 2
    area = shapely.union_all(shapely.box(starts, rows, stops, rows + 1))
    return affinity.scale(area, step, step, origin=(0, 0)), step


def _fill_holes(area: BaseGeometry) -> BaseGeometry:
    least = _HOLE * area.area
    parts = shapely.get_parts(area)
    return shapely.union_all(
        [
            shapely.Polygon(
                part.exterior, [hole for hole in part.interiors if shapely.Polygon(hole).area >= least]
            )
            for part in parts
        ]
    )


def _place(grid: BaseGeometry, geobox: GeoBox) -> BaseGeometry:
    """Bring an outline in pixels to longitude and latitude."""
    a, b, c, d, e, f = tuple(Affine(*tuple(geobox.transform)[:6]))[:6]
    placed = affinity.affine_transform(grid, [a, b, d, e, c, f])
    side = max(geobox.width * geobox.resolution[0], geobox.height * geobox.resolution[1])
    return reproject_geometry(placed, geobox.crs, "EPSG:4326", max_segment=side / 20)


def _on_earth(geometry: BaseGeometry) -> BaseGeometry:
    """Cut off what lies beyond the poles, as the outermost pixels of global grids do, and wrap longitudes."""
    _, south, _, north = geometry.bounds
    if south < -90 or north > 90:
        geometry = geometry.intersection(shapely.box(-1080, -90, 1080, 90))
    return split_antimeridian(geometry)


def _plain(geometry: BaseGeometry, geobox: GeoBox) -> BaseGeometry:
    """Leave out points that a straight edge replaces to within a quarter of a pixel, and digits of no use."""
    pixel = min(geobox.resolution) * meters_per_unit(geobox.crs) / meters_per_unit("EPSG:4326")
    for tolerance in (pixel / 4, 0.0):
        simple = shapely.transform(geometry.simplify(tolerance), lambda points: np.round(points, 7))
        if simple.is_valid and not simple.is_empty:
            return simple
    return geometry
