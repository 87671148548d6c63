"""The land of the Earth as an outline, for orientation in small pictures and on maps without a network.

The outline is made from the 1:110 million countries of Natural Earth, which are in the public domain
(naturalearthdata.com): joined, simplified to a tenth of a degree, islands below 0.2 square degrees left out.
It is good for seeing where on Earth something is, and for nothing finer.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

import numpy as np
import shapely

__all__ = ["land", "land_within"]


@cache
def land() -> shapely.MultiPolygon:
    """Return the land, in longitude and latitude.

    Returns
    -------
    shapely.MultiPolygon
        Within -180 to 180 degrees, to a tenth of a degree.

    Examples
    --------
    >>> from dawnlight.geo._land import land
    >>> land().contains(shapely.Point(10, 50)), land().contains(shapely.Point(-30, 30))
    (True, False)
    """
    text = (resources.files("dawnlight.geo") / "land.json").read_text(encoding="utf-8")
    # Each ring is its first point and then steps, x and y in turn, in tenths of a degree.
    shapes = []
    for rings in json.loads(text):
        shell, *holes = (np.cumsum(np.reshape(ring, (-1, 2)), axis=0) / 10 for ring in rings)
        shapes.append(shapely.make_valid(shapely.Polygon(shell, holes)))
    return shapely.MultiPolygon(
        [part for part in shapely.get_parts(shapes).tolist() if isinstance(part, shapely.Polygon)]
    )


def land_within(bounds: tuple[float, float, float, float]) -> shapely.Geometry:
    """Return the land in a box; boxes that reach beyond 180 degrees east see the land that follows there.

    Parameters
    ----------
    bounds
        West, south, east, north in degrees, -180 <= west <= 180 and east <= west + 360.

    Examples
    --------
    >>> from dawnlight.geo._land import land_within
    >>> land_within((-40, 20, -30, 30)).is_empty
    True
    """
    west, south, east, north = bounds
    parts = [shapely.clip_by_rect(land(), west, south, east, north)]
    if east > 180:
        beyond = shapely.clip_by_rect(land(), west - 360, south, east - 360, north)
        parts.append(shapely.transform(beyond, lambda xy: xy + np.array([360.0, 0.0])))
    return shapely.union_all([part for part in parts if not part.is_empty])
