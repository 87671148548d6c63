"""What a lazy array reads from, and other ways to read it: on coarser pixels, or reduced over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dawnlight.geo import GeoBox, Window
from dawnlight.raster._chunks import composite_chunks, normalize_chunks
from dawnlight.raster._composite import LazyComposite
from dawnlight.raster._dask import to_dask
from dawnlight.raster._lazy import LazyRaster
from dawnlight.raster._mask_rules import BandRule
from dawnlight.raster._plan import make_plan

if TYPE_CHECKING:
    import dask.array

__all__ = ["composite_of", "find_source", "layer_ids", "read_on"]


def find_source(array: dask.array.Array) -> LazyRaster | None:
    """Return the lazy raster that an array is a part of; None if anything but slices was done to it."""
    layers = getattr(getattr(array, "dask", None), "layers", {})
    origins = [name for name in layers if str(name).startswith("original-dawnlight-")]
    if len(origins) != 1:
        return None
    reads = str(origins[0]).removeprefix("original-")
    if any(name not in (origins[0], reads) and not str(name).startswith("getitem-") for name in layers):
        return None
    values = list(dict(layers[origins[0]]).values())
    return values[0] if len(values) == 1 and isinstance(values[0], LazyRaster) else None


def composite_of(
    lazy: LazyRaster,
    layers: Sequence[int],
    bands: Sequence[str],
    window: Window,
    *,
    method: str,
    share: float,
    rules: Sequence[BandRule],
    dilation: int,
) -> dask.array.Array | None:
    """Return a composite of a lazy raster that reads, hides and reduces in one task a chunk.

    Parameters
    ----------
    lazy
        From `find_source`.
    layers
        Numbers of the layers to reduce, in order.
    bands
        Names of the bands to reduce.
    window
        Part of the lazy raster's grid.
    method, share, rules, dilation
        As for `dawnlight.raster._composite.LazyComposite`.

    Returns
    -------
    dask.array.Array or None
        (band, y, x); None if the values are scaled or not masked, or a band is not there: then only the stack
        itself can be reduced.
    """
    plan, output = lazy.plan, lazy.output
    names = [plan.bands[number].name for number in output.keep]
    looked_at = [rule.band for rule in rules]
    plain = output.masked and plan.masks.nodata and output.keep == tuple(range(len(names)))
    if not plain or any(scale is not None for scale in output.scales):
        return None
    if len(set(names)) < len(names) or not {*bands, *looked_at} <= {*names}:
        return None
    chosen = make_plan(
        plan.table,
        layers=[plan.layers[number] for number in layers],
        bands=plan.bands,
        geobox=plan.geobox,
        masks=plan.masks,
        cutline=plan.cutline,
    )
    reduced = LazyComposite(
        chosen,
        output.fill,
        lazy.reader,
        count=len(names),
        method=method,
        share=share,
        rules=[(names.index(rule.band), rule) for rule in rules],
        dilation=dilation,
        dtype=output.dtype,
        errors=lazy.errors,
        log=lazy.log,
    )
    itemsize = max(np.dtype(band.dtype).itemsize for band in plan.bands)
    whole = to_dask(reduced, composite_chunks("auto", chosen, reduced.shape, itemsize))
    part = whole[:, window.y : window.stop_y, window.x : window.stop_x]
    runs = [part[start:stop] for start, stop in _runs([names.index(band) for band in bands])]
    import dask.array

    joined: dask.array.Array = runs[0] if len(runs) == 1 else dask.array.concatenate(runs)
    return joined


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Slices that pick numbers in their order: slices reach the reads, lists do not."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number:
            found[-1] = (found[-1][0], number + 1)
        else:
            found.append((number, number + 1))
    return found


def layer_ids(lazy: LazyRaster) -> list[str]:
    """Ids of the images of each layer, joined by commas as labels have them."""
    images = lazy.plan.table.images
    return [",".join(images[number] for number in members) for members in lazy.plan.layers]


def read_on(
    lazy: LazyRaster, geobox: GeoBox, layers: Sequence[int], bands: Sequence[str]
) -> dask.array.Array | None:
    """Return layers and bands of a lazy raster on another grid, by the nearest pixel of a fitting overview.

    Parameters
    ----------
    lazy
        From `find_source`.
    geobox
        The grid.
    layers
        Numbers of layers.
    bands
        Names of bands.

    Returns
    -------
    dask.array.Array or None
        (layer, band, y, x); None if a band is not there.
    """
    plan, output = lazy.plan, lazy.output
    names = [plan.bands[number].name for number in output.keep]
    if any(band not in names for band in bands):
        return None
    coarse = make_plan(
        plan.table,
        layers=[plan.layers[number] for number in layers],
        bands=[replace(band, resampler="near") for band in plan.bands],
        geobox=geobox,
        masks=plan.masks,
        cutline=None if plan.cutline is None else plan.cutline.on(geobox),
    )
    found = LazyRaster(coarse, output, lazy.reader, errors=lazy.errors, log=lazy.log)
    sizes: Any = normalize_chunks("auto", coarse, found.shape, found.dtype.itemsize)
    chosen: dask.array.Array = to_dask(found, sizes)[:, [names.index(band) for band in bands]]
    return chosen
