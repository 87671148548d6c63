"""The outlines of fields, as a farmer would draw them: from the plan of the land, not from pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from dawnlight._tutorial._ground import (
    CROPS,
    ESTATE_KM,
    STRIP_KM,
    TOWNS,
    bend,
    crop_of,
    field_length,
    make_ground,
    plough_angle,
)
from dawnlight._tutorial._scenes import lonlat_of

__all__ = ["list_fields"]

_MIDDLE = TOWNS[2][:2]
"""The village whose fields are listed, in kilometres."""
_REACH_KM = 4.2
_HEADLAND_KM = 0.02
"""What is left out along the edges, where hedges grow."""
_LEAST_KM2 = 0.06


def list_fields(each: int) -> dict[str, shapely.Polygon]:
    """Return the fields nearest to the village in the south-west, some of each crop.

    Parameters
    ----------
    each : int
        How many of each crop, at most.

    Returns
    -------
    dict of shapely.Polygon
        Outlines in longitude and latitude; the keys are the crops with a number, such as ``"wheat 1"``.
    """
    plans = sorted(_all_plans(), key=lambda plan: plan[1].centroid.distance(shapely.Point(_MIDDLE)))
    found: dict[str, dict[str, shapely.Polygon]] = {crop: {} for crop in CROPS}
    for crop, plan in plans:
        if len(found[crop]) == each:
            continue
        outline = _unbend(plan)
        if outline.area >= _LEAST_KM2 and _is_tilled(outline):
            found[crop][f"{crop} {len(found[crop]) + 1}"] = _to_lonlat(outline)
    return {name: outline for crop in CROPS for name, outline in found[crop].items()}


def _all_plans() -> Iterator[tuple[str, shapely.Polygon]]:
    """Yield crop and outline of every field around the village, on the plan."""
    across, along = ESTATE_KM
    columns = range(
        math.floor((_MIDDLE[0] - _REACH_KM) / across), math.ceil((_MIDDLE[0] + _REACH_KM) / across)
    )
    rows = range(math.floor((_MIDDLE[1] - _REACH_KM) / along), math.ceil((_MIDDLE[1] + _REACH_KM) / along))
    for column in columns:
        for row in rows:
            yield from _plans_of(column, row)


def _plans_of(column: int, row: int) -> Iterator[tuple[str, shapely.Polygon]]:
    """Yield crop and outline of the fields of an estate, on the plan and in kilometres."""
    left, bottom = column * ESTATE_KM[0], row * ESTATE_KM[1]
    estate = shapely.box(left, bottom, left + ESTATE_KM[0], bottom + ESTATE_KM[1])
    place = np.array([column], np.int32), np.array([row], np.int32)
    angle = float(plough_angle(*place)[0])
    turned = _turn(estate, -angle)
    low, high = turned.bounds[1] / STRIP_KM, turned.bounds[3] / STRIP_KM
    for strip in range(math.floor(low), math.ceil(high)):
        strips = np.array([strip], np.int32)
        length, shift = (float(value[0]) for value in field_length(*place, strips))
        first, last = (math.floor(x / length + shift) for x in (turned.bounds[0], turned.bounds[2]))
        for part in range(first, last + 1):
            start = (part - shift) * length
            whole = shapely.box(start, strip * STRIP_KM, start + length, (strip + 1) * STRIP_KM)
            plan = _turn(whole, angle).intersection(estate).buffer(-_HEADLAND_KM)
            if plan.geom_type == "Polygon" and not plan.is_empty:
                crop = crop_of(*place, strips, np.array([part], np.int32))[0]
                yield CROPS[crop], plan


def _turn(shape: Any, angle: float) -> Any:
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return shapely.transform(shape, lambda points: points @ turn)


def _unbend(plan: shapely.Polygon) -> Any:
    """Return the outline on the ground of an outline on the plan: `bend`, backwards."""

    def to_ground(points: NDArray[np.float64]) -> NDArray[np.float64]:
        found = points.copy()
        for _ in range(12):
            u, v = bend(found[:, 0].astype(np.float32), found[:, 1].astype(np.float32))
            found += points - np.column_stack([u, v])
        return found

    return shapely.transform(shapely.segmentize(plan, 0.06), to_ground)


def _is_tilled(outline: shapely.Polygon) -> bool:
    """Whether there is hardly anything but the crop: no wood, water, road or house."""
    minx, miny, maxx, maxy = outline.bounds
    x, y = np.meshgrid(np.arange(minx, maxx, 0.02), np.arange(miny, maxy, 0.02))
    ground = make_ground(x.astype(np.float32), y.astype(np.float32))
    inside = shapely.contains_xy(outline, x, y)
    other = np.maximum.reduce([ground.water, ground.forest, ground.rock, ground.built, ground.sand])
    return bool(other[inside].mean() < 0.03)


def _to_lonlat(outline: shapely.Polygon) -> shapely.Polygon:
    return shapely.transform(
        outline, lambda points: np.column_stack(lonlat_of(points[:, 0], points[:, 1])).round(6)
    )
