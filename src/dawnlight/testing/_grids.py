"""Hypothesis strategies for pairs of grids in all kinds of systems that meet somewhere on the Earth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from dawnlight.geo import GeoBox
from dawnlight.geo._crs import transformer
from dawnlight.testing._engine import turned

__all__ = ["GEOSTATIONARY", "SINUSOIDAL", "grid_pairs"]

SINUSOIDAL = "+proj=sinu +R=6371007.181 +units=m +no_defs"
GEOSTATIONARY = "+proj=geos +h=35785831 +lon_0=0 +sweep=y +ellps=WGS84 +units=m +no_defs"

# System: where centres may lie along x and y, and the least and greatest pixel.
_PLACES: Mapping[Any, tuple[tuple[float, float], tuple[float, float], float, float]] = {
    4326: ((-180, 180), (-85, 85), 1e-5, 0.5),
    3857: ((-2e7, 2e7), (-1.5e7, 1.5e7), 1, 5e4),
    32601: ((1e5, 9e5), (0, 8e6), 1, 2e4),
    32660: ((1e5, 9e5), (0, 8e6), 1, 2e4),
    32733: ((1e5, 9e5), (2e6, 1e7), 1, 2e4),
    3035: ((2e6, 7e6), (1e6, 6e6), 1, 2e4),
    3413: ((-3e6, 3e6), (-3e6, 3e6), 1, 2e4),
    3031: ((-3e6, 3e6), (-3e6, 3e6), 1, 2e4),
    3832: ((-1.5e7, 1.5e7), (-1e7, 1e7), 1, 5e4),
    "ESRI:54009": ((-1.5e7, 1.5e7), (-8e6, 8e6), 1, 5e4),
    SINUSOIDAL: ((-1.5e7, 1.5e7), (-8e6, 8e6), 1, 5e4),
    GEOSTATIONARY: ((-4e6, 4e6), (-4e6, 4e6), 100, 5e4),
}
_FARTHEST = 1e8


def _step(draw: st.DrawFn, crs: Any) -> float:
    _, _, least, most = _PLACES[crs]
    return float(least * (most / least) ** draw(st.floats(0, 1)))


@st.composite
def _sources(draw: st.DrawFn) -> GeoBox:
    crs = draw(st.sampled_from(list(_PLACES)))
    (west, east), (south, north), _, _ = _PLACES[crs]
    step = _step(draw, crs)
    ny, nx = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    x, y = draw(st.floats(west, east)), draw(st.floats(south, north))
    sign = draw(st.sampled_from([1, 1, -1]))
    found = GeoBox.from_geotrans(
        (x - nx * step / 2, step, 0, y + sign * ny * step / 2, 0, -sign * step), (ny, nx), crs
    )
    return turned(found, draw(st.sampled_from([0, 0, 0, 20, 90, 200])))


@st.composite
def grid_pairs(draw: st.DrawFn) -> tuple[GeoBox, GeoBox]:
    """Draw a source and an output grid around a common place, of quite different extents.

    Parameters
    ----------
    draw
        Given by Hypothesis.

    Returns
    -------
    source, target : GeoBox
        The source may be turned or south-up; longitudes of the target may be a turn away.
    """
    source = draw(_sources())
    crs = draw(st.sampled_from(list(_PLACES)))
    u, v = draw(st.floats(0, 1)) * source.width, draw(st.floats(0, 1)) * source.height
    t = source.transform
    place = t.a * u + t.b * v + t.c, t.d * u + t.e * v + t.f
    x, y = transformer(source.crs, crs).transform(*place)
    if not (abs(x) < _FARTHEST and abs(y) < _FARTHEST):
        x, y = _PLACES[crs][0][0], _PLACES[crs][1][0]
    step = _step(draw, crs)
    ny, nx = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    left, top = x - draw(st.floats(0, 1)) * nx * step, y + draw(st.floats(0, 1)) * ny * step
    turn = draw(st.sampled_from([0, 0, 0, 360, -360])) if crs == 4326 else 0
    return source, GeoBox.from_geotrans((left + turn, step, 0, top, 0, -step), (ny, nx), crs)
