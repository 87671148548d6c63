"""Warping lazy arrays: each chunk of the output asks for the chunks of the source that it needs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.geo import Window
from dawnlight.raster._plan import ReadPlan
from dawnlight.raster._warp_array import source_window, warp_block

if TYPE_CHECKING:
    import dask.array

__all__ = ["warp_dask"]

Runs = list[tuple[int, int]]


def warp_dask(plan: ReadPlan, array: dask.array.Array, side: tuple[int, int]) -> dask.array.Array:
    """Return a lazy array (..., band, y, x) on the output grid of a plan.

    Every chunk of the source is computed once, however many chunks of the output use it.

    Parameters
    ----------
    plan
        From `dawnlight.raster._warp_array.plan_warp`.
    array
        Floats (..., band, y, x) with NaN where missing.
    side
        Size (y, x) of the output's chunks.
    """
    import dask.array
    from dask.base import tokenize
    from dask.highlevelgraph import HighLevelGraph

    rows, cols = (_cut(size, step) for size, step in zip(plan.geobox.shape, side, strict=True))
    name = f"dawnlight-warp-{tokenize(array.name, plan.token(), rows, cols)}"
    shared = f"plan-{name}"
    source_rows, source_cols = _runs(array.chunks[-2]), _runs(array.chunks[-1])
    band_runs = _runs(array.chunks[-3])
    graph: dict[Any, Any] = {shared: plan}
    for (i, (y, height)), (j, (x, width)) in itertools.product(enumerate(rows), enumerate(cols)):
        window = Window(y, x, height, width)
        region = source_window(plan, window)
        near = [] if region is None else _touched(region, source_rows, source_cols)
        places = [place for place, _ in near]
        for lead in itertools.product(*(range(len(sizes)) for sizes in array.chunks[:-2])):
            first = band_runs[lead[-1]][0]
            shape = tuple(sizes[k] for sizes, k in zip(array.chunks, lead, strict=False))
            keys = [(array.name, *lead, *chunk) for _, chunk in near]
            graph[(name, *lead, i, j)] = (_warp_chunks, shared, window, region, places, keys, shape, first)
    chunks = (*array.chunks[:-2], tuple(size for _, size in rows), tuple(size for _, size in cols))
    layers = HighLevelGraph.from_collections(name, graph, dependencies=[array])  # type: ignore[list-item]  # an array is one
    meta = np.empty((0,) * array.ndim, dtype=array.dtype)
    return dask.array.Array(layers, name, chunks, dtype=array.dtype, meta=meta)


def _warp_chunks(
    plan: ReadPlan,
    window: Window,
    region: Window | None,
    places: Sequence[Window],
    pieces: Sequence[NDArray[Any]],
    shape: tuple[int, ...],
    first: int,
) -> NDArray[Any]:
    """Join what chunks of the source have of a region, and warp it."""
    from dawnlight.raster._dtypes import masked_dtype

    if region is None:
        return np.full((*shape, *window.shape), np.nan, dtype=masked_dtype(plan.bands[0].dtype))
    values = np.empty((*shape, *region.shape), dtype=pieces[0].dtype)
    for place, piece in zip(places, pieces, strict=True):
        common = place.intersect(region)
        if common is not None:
            inside = common.shift(-place.y, -place.x).slices
            values[(..., *common.shift(-region.y, -region.x).slices)] = np.asarray(piece)[(..., *inside)]
    return warp_block(plan, window, region, values, first)


def _touched(region: Window, rows: Runs, cols: Runs) -> list[tuple[Window, tuple[int, int]]]:
    """Chunks of the source that a region touches, as rectangles and as numbers."""
    found = []
    for i, (y, height) in enumerate(rows):
        if y < region.stop_y and region.y < y + height:
            for j, (x, width) in enumerate(cols):
                if x < region.stop_x and region.x < x + width:
                    found.append((Window(y, x, height, width), (i, j)))
    return found


def _runs(sizes: Sequence[int]) -> Runs:
    starts = np.cumsum([0, *sizes])
    return [(int(start), int(size)) for start, size in zip(starts, sizes, strict=False)]


def _cut(size: int, step: int) -> Runs:
    return [(start, min(step, size - start)) for start in range(0, size, step)]
