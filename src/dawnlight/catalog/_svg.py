"""Small drawings for notebooks, as SVG text: footprints on a map, times on a line.

Colours are ``currentColor``, so that they follow the notebook's theme. Coordinates are rounded to a tenth
of a pixel; that and the simplification of outlines keep the text short.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from html import escape
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry, BaseMultipartGeometry

from dawnlight.geo._geometry import lonlat_bounds

__all__ = ["draw_footprints", "draw_times"]

_SIZE = 160
_MARGIN = 6
_LINE = 420


def draw_footprints(geometries: Sequence[BaseGeometry], label: str) -> str:
    """Draw footprints in their relative positions, north up.

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
    opacity = max(0.04, 0.3 / math.sqrt(len(shown)))
    style = f'fill="currentColor" fill-opacity="{opacity:.2f}" fill-rule="evenodd" stroke="currentColor"'
    return (
        f'<svg width="{width}" height="{height}" role="img" aria-label="{escape(label)}">'
        f'<g {style} stroke-opacity="0.7">{"".join(drawn)}</g></svg>'
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


def draw_times(times: Iterable[datetime], label: str) -> str:
    """Draw times as ticks on a line from the first to the last.

    Parameters
    ----------
    times : iterable of datetime
        Aware, in any order.
    label : str
        What screen readers say; escaped here.

    Returns
    -------
    str
        An SVG element; empty if there is nothing to draw. Times closer than half a pixel share a tick.
    """
    moments = sorted(moment.timestamp() for moment in times)
    if not moments:
        return ""
    first, span = moments[0], moments[-1] - moments[0]
    inner = _LINE - 2 * _MARGIN
    places = {round(2 * inner * (moment - first) / span) / 2 if span else inner / 2 for moment in moments}
    ticks = "".join(f"M{_MARGIN + place:.1f},4v12" for place in sorted(places))
    return (
        f'<svg width="{_LINE}" height="20" role="img" aria-label="{escape(label)}">'
        f'<path d="M{_MARGIN},10h{inner}" stroke="currentColor" stroke-opacity="0.4"/>'
        f'<path d="{ticks}" stroke="currentColor" stroke-width="1.5"/></svg>'
    )
