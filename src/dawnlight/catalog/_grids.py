"""From a context, given or defaulted, to the output grid and its cutline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from dawnlight.catalog._bridge import pixel_size
from dawnlight.errors import GridError
from dawnlight.geo import AOI, GeoBox, GeoContext, Window, normalize_context, spell_crs
from dawnlight.geo._crs import meters_per_unit, same_crs
from dawnlight.geo._geobox import from_bounds
from dawnlight.geo._reproject import reproject_geometry
from dawnlight.geo._snap import snap_outwards
from dawnlight.raster._cutline import Cutline
from dawnlight.raster._table import SourceTable

__all__ = ["adjust_context", "grid_reasons", "resolve_grid"]


def adjust_context(
    context: Any, crs: Any = None, resolution: float | None = None, all_touched: bool | None = None
) -> GeoContext:
    """Turn what the user gave as place into a context, with the arguments of the call applied."""
    found = normalize_context(context)
    changes: dict[str, Any] = {}
    if crs is not None:
        changes["crs"] = crs
    if resolution is not None:
        changes["resolution"] = resolution
        if isinstance(found, AOI) and found.shape is not None:
            changes["shape"] = None
    if all_touched is not None:
        changes["all_touched"] = all_touched
    return found.assign(**changes) if changes else found  # type: ignore[attr-defined]


def resolve_grid(context: GeoContext, table: SourceTable) -> tuple[GeoBox, Cutline | None]:
    """Return the output grid, and what it is cut along.

    What an area of interest leaves open comes from the images: the CRS that most of them have, and the finest
    pixels among the bands asked for. When both come from the images, the grid is theirs, so nothing is
    resampled that need not be.

    Parameters
    ----------
    context
        Given by the user, or the default.
    table
        The sources.

    Raises
    ------
    GridError
        Something is missing that the images cannot give.
    """
    if not isinstance(context, AOI):
        return context.geobox, None
    geobox = _complete(context, table)
    if geobox.size == 0:
        raise GridError(f"{context!r} has no pixels")
    cutline = None
    if context.geometry is not None:
        shape = reproject_geometry(context.geometry, "EPSG:4326", geobox.crs)
        cutline = Cutline(shape, geobox, all_touched=context.all_touched)
    return geobox, cutline


def grid_reasons(context: GeoContext, table: SourceTable, geobox: GeoBox) -> dict[str, str]:
    """Say in words why `resolve_grid` chose the CRS and the pixels of a grid."""
    if not isinstance(context, AOI):
        given = f"that of the {type(context).__name__}"
        return {"crs": given, "resolution": given}
    why = {"crs": "as given", "resolution": "as given" if context.shape is None else "from the given shape"}
    files = table.file_of[table.file_of >= 0]
    counts = np.bincount(table.grid_of[files], minlength=len(table.grids))
    if context.crs is None:
        same = sum(
            int(count)
            for grid, count in zip(table.grids, counts, strict=True)
            if same_crs(grid.crs, geobox.crs)
        )
        why["crs"] = f"that of most images: {same:,} of {len(files):,} bands of images have it"
    if context.resolution is None and context.shape is None:
        own = [
            grid
            for grid, count in zip(table.grids, counts, strict=True)
            if count and same_crs(grid.crs, geobox.crs)
        ]
        if own:
            on_grid = any(_is_on(geobox, grid) for grid in own)
            off = ", not on its pixels (align_pixels=False)" if _is_unaligned(context) else ""
            why["resolution"] = "that of the finest band" + (", on its own pixels" if on_grid else off)
        else:
            why["resolution"] = "the finest pixel of the images in units of the CRS"
    return why


def _is_on(geobox: GeoBox, grid: GeoBox) -> bool:
    """Whether two grids share their pixel edges."""
    if not grid.is_axis_aligned or geobox.resolution != grid.resolution:
        return False
    rx, ry = grid.resolution
    columns = (geobox.transform.c - grid.transform.c) / rx
    rows = (geobox.transform.f - grid.transform.f) / ry
    return all(abs(part - round(part)) < 1e-6 for part in (columns, rows))


def _complete(context: AOI, table: SourceTable) -> GeoBox:
    sized = context.resolution is not None or context.shape is not None
    if context.crs is not None and sized:
        return context.geobox
    grids = _grids(table)
    crs = context.crs or spell_crs(_common_crs(grids))
    if context.bounds is None:
        raise GridError(
            "the context has neither bounds nor a geometry; give geocontext=AOI(geometry=...) "
            "or AOI(bounds=(minx, miny, maxx, maxy))"
        )
    if sized:
        return context.assign(crs=crs).geobox
    finest = _finest(grids, crs)
    if finest is not None and finest.is_north_up and not _is_unaligned(context):
        return _lay_on(finest, context)
    resolution = pixel_size(finest) if finest is not None else _converted(grids, crs)
    return context.assign(crs=crs, resolution=resolution).geobox


def _is_unaligned(context: AOI) -> bool:
    """Whether the user said that pixels are not to be aligned; `align_pixels` tells what follows."""
    return context._align_pixels is False


def _grids(table: SourceTable) -> dict[GeoBox, int]:
    """Grids in the order in which sources have them, image by image, and by how many sources."""
    files = table.file_of[table.file_of >= 0]
    if not files.size:
        raise GridError("no image has pixels to take a CRS and a resolution from; give both in the context")
    numbers, first, counts = np.unique(table.grid_of[files], return_index=True, return_counts=True)
    found: dict[GeoBox, int] = {}
    for k in np.argsort(first):
        grid = table.grids[numbers[k]]
        found[grid] = found.get(grid, 0) + int(counts[k])
    return found


def _common_crs(grids: Mapping[GeoBox, int]) -> Any:
    """Return the most frequent CRS; of equals the one met first."""
    counts: Counter[str] = Counter()
    for grid, count in grids.items():
        counts[grid.crs.srs] += count
    most = max(counts.values())
    return next(grid.crs for grid in grids if counts[grid.crs.srs] == most)


def _finest(grids: Iterable[GeoBox], crs: Any) -> GeoBox | None:
    """Grid with the smallest pixels among those in a CRS."""
    same = [grid for grid in grids if same_crs(grid.crs, crs)]
    return min(same, key=pixel_size, default=None)


def _converted(grids: Iterable[GeoBox], crs: Any) -> float:
    """Finest pixel of all grids in units of another CRS, by metres (a degree counts as 111,111 m)."""
    meters = min(pixel_size(grid) * meters_per_unit(grid.crs) for grid in grids)
    return meters / meters_per_unit(crs)


def _lay_on(grid: GeoBox, context: AOI) -> GeoBox:
    """Pixels of a grid, continued in all directions, that cover the bounds of a context."""
    rx, ry = grid.resolution
    bounds = context.bounds
    if bounds is None:
        raise GridError("the context has no bounds")
    # One pixel over the bounds: their exact extent in the CRS of the grid.
    cover = from_bounds(bounds, crs=grid.crs, shape=(1, 1), bounds_crs=context.bounds_crs)
    minx, miny, maxx, maxy = cover.bounds
    left, nx = snap_outwards(minx - grid.transform.c, maxx - grid.transform.c, rx)
    # Downwards from the grid's upper edge.
    top, ny = snap_outwards(grid.transform.f - maxy, grid.transform.f - miny, ry)
    return grid.window(Window(round(top / ry), round(left / rx), ny, nx))
