"""Small drawings for notebooks, as SVG text: footprints on a map, times on a line.

Colours follow the theme by the classes of `dawnlight.geo._html`. Coordinates are rounded to a tenth of a
pixel; that and the simplification of outlines keep the text short.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from html import escape
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry, BaseMultipartGeometry

from dawnlight.geo._geometry import lonlat_bounds
from dawnlight.geo._land import land, land_within

__all__ = ["draw_footprints", "draw_place", "draw_times"]

_SIZE = 160
_MARGIN = 6
_LINE = 420
_WORLD = 0.5
"""Pixels a degree on the map of the world."""
_COARSE = 3.0
"""Degrees from which on coasts, which are good to a tenth of one, help."""


def draw_place(geometries: Sequence[BaseGeometry], label: str) -> str:
    """Draw footprints, and below them where on Earth they are.

    Parameters
    ----------
    geometries : sequence of shapely geometry
        In longitude and latitude.
    label : str
        What screen readers say; escaped here.

    Returns
    -------
    str
        Two SVG elements; one if the footprints fill a good part of the world, none if there are none.
    """
    shown = [geometry for geometry in geometries if not geometry.is_empty]
    if not shown:
        return ""
    west, south, east, north = lonlat_bounds(shapely.GeometryCollection(shown))
    near = draw_footprints(shown, label)
    if max(east - west, north - south) > 90:
        return near
    lon, lat = ((west + east) / 2 + 180) % 360 - 180, (south + north) / 2
    x, y = (lon + 180) * _WORLD, (90 - lat) * _WORLD
    width, height = 360 * _WORLD, 180 * _WORLD
    place = f"{abs(lat):.0f}\u00b0{'N' if lat >= 0 else 'S'} {abs(lon):.0f}\u00b0{'E' if lon >= 0 else 'W'}"
    return (
        f'{near}<svg width="{width:g}" height="{height:g}" role="img" aria-label="On Earth: {place}">'
        f'<rect class="sea" width="100%" height="100%"/><path class="land" d="{_world()}"/>'
        f'<circle class="here" cx="{x:.1f}" cy="{y:.1f}" r="4"/></svg>'
    )


@cache
def _world() -> str:
    """Outline of all land on the map of the world, in whole pixels."""
    steps = []
    for part in shapely.get_parts(shapely.simplify(land(), 1.5)):
        points: list[tuple[int, int]] = []
        for lon, lat in part.exterior.coords:
            point = (round((lon + 180) * _WORLD), round((90 - lat) * _WORLD))
            if not points or points[-1] != point:
                points.append(point)
        if len(points) > 3:
            steps.append("M" + "L".join(f"{x},{y}" for x, y in points[:-1]) + "Z")
    return "".join(steps)


def draw_footprints(geometries: Sequence[BaseGeometry], label: str) -> str:
    """Draw footprints in their relative positions, north up, on the coasts if they are large enough for it.

    Parameters
    ----------
    geometries : sequence of shapely geometry
        In longitude and latitude.
    label : str
        What screen readers say; escaped here.

    Returns
    -------
    str
        An SVG element of at most 160 x 160 pixels; empty if there is nothing to draw.
    """
    shown = [geometry for geometry in geometries if not geometry.is_empty]
    if not shown:
        return ""
    west, south, east, north = lonlat_bounds(shapely.GeometryCollection(shown))
    # Degrees of longitude shrink towards the poles.
    squeeze = max(math.cos(math.radians((south + north) / 2)), 0.05)
    scale = (_SIZE - 2 * _MARGIN) / max((east - west) * squeeze, north - south, 1e-9)

    def place(point: Sequence[float]) -> str:
        lon = point[0] + 360 if point[0] < west - 1e-9 else point[0]
        x = _MARGIN + (lon - west) * squeeze * scale
        y = _MARGIN + (north - point[1]) * scale
        return f"{x:.1f},{y:.1f}"

    drawn = [_path(geometry.simplify(0.5 / scale), place) for geometry in shown]
    width = math.ceil((east - west) * squeeze * scale + 2 * _MARGIN)
    height = math.ceil((north - south) * scale + 2 * _MARGIN)
    ground = ""
    if max((east - west) * squeeze, north - south) >= _COARSE:
        coasts = shapely.get_parts(shapely.simplify(land_within((west, south, east, north)), 0.8 / scale))
        large = shapely.MultiPolygon([part for part in coasts if part.area * scale**2 > 8])
        ground = "" if large.is_empty else f'<g class="land">{_path(large, place)}</g>'
    opacity = max(0.04, 0.3 / math.sqrt(len(shown)))
    return (
        f'<svg width="{width}" height="{height}" role="img" aria-label="{escape(label)}">'
        f'<rect class="sea" width="100%" height="100%"/>{ground}'
        f'<g class="here" style="fill-opacity:{opacity:.2f}" fill-rule="evenodd">{"".join(drawn)}</g></svg>'
    )


def _path(geometry: BaseGeometry, place: Callable[[Sequence[float]], str]) -> str:
    steps = []
    for leaf in _leaves(geometry):
        closed = isinstance(leaf, shapely.Polygon)
        lines = [leaf.exterior, *leaf.interiors] if closed else [leaf]
        for line in lines:
            # A point gets a tiny stroke, or it would not be seen.
            end = "Z" if closed else "h0.1"
            steps.append(f"M{'L'.join(place(point) for point in line.coords)}{end}")
    return f'<path d="{"".join(steps)}"/>'


def _leaves(geometry: BaseGeometry) -> Iterator[Any]:
    if isinstance(geometry, BaseMultipartGeometry):
        for part in geometry.geoms:
            yield from _leaves(part)
    elif not geometry.is_empty:
        yield geometry


def draw_times(times: Iterable[datetime], label: str, *, width: int = _LINE) -> str:
    """Draw times as ticks on a line from the first to the last.

    Parameters
    ----------
    times : iterable of datetime
        Aware, in any order.
    label : str
        What screen readers say; escaped here.
    width : int, default 420
        Pixels.

    Returns
    -------
    str
        An SVG element; empty if there is nothing to draw. Times closer than half a pixel share a tick.
    """
    moments = sorted(moment.timestamp() for moment in times)
    if not moments:
        return ""
    first, span = moments[0], moments[-1] - moments[0]
    inner = width - 2 * _MARGIN
    places = {round(2 * inner * (moment - first) / span) / 2 if span else inner / 2 for moment in moments}
    ticks = "".join(f"M{_MARGIN + place:.1f},4v12" for place in sorted(places))
    return (
        f'<svg width="{width}" height="20" role="img" aria-label="{escape(label)}">'
        f'<path d="M{_MARGIN},10h{inner}" stroke="currentColor" stroke-opacity="0.4"/>'
        f'<path d="{ticks}" stroke="currentColor" stroke-width="1.5"/></svg>'
    )
