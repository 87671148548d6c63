"""Painting the images of a layer over each other: which image shows at which pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.geo import Window
from dawnlight.raster._fetch import Fetcher
from dawnlight.raster._merge import Merger
from dawnlight.raster._plan import Read, ReadPlan

__all__ = ["missing_pixels", "paint"]

Bands = list[NDArray[Any]]
Masks = list[NDArray[np.bool_]]


def paint(
    plan: ReadPlan,
    fetcher: Fetcher,
    fill: Sequence[float],
    layer: int,
    bands: tuple[int, ...],
    window: Window,
) -> tuple[Bands, Masks]:
    """Paint the images of a layer, the topmost first, until every pixel has one.

    Parameters
    ----------
    plan, fetcher
        What to read, and who reads it.
    fill
        Value of pixels that no image has, for each band of the plan.
    layer
        Number of the layer.
    bands
        Bands to paint; the alpha band of the plan is among them if it has one.
    window
        Rows and columns of the output.

    Returns
    -------
    data, valid
        One array (height, width) a band: its values, and where an image had one.
    """
    shape = window.shape
    data = [np.full(shape, fill[band], dtype=plan.bands[band].dtype) for band in bands]
    valid = [np.zeros(shape, dtype=np.bool_) for _ in bands]
    if plan.cutline is not None and not plan.cutline.touches(window):
        return data, valid
    alpha = bands.index(plan.masks.alpha) if plan.masks.alpha is not None else None
    claimed = np.zeros(shape, dtype=np.bool_)
    merger = Merger(plan, fetcher, layer, window)
    for image in plan.candidates(layer, window):
        reads = plan.image_reads(image, bands, window)
        if not reads:
            continue
        with fetcher.ahead(reads):
            fresh, fresh_valid = _image(plan, merger, fill, reads, bands, window)
        if alpha is not None:
            # One scene answers for all bands: the topmost whose alpha is not 0 here.
            scene = fresh_valid[alpha] & (fresh[alpha] != 0) & ~claimed
            for k in range(len(bands)):
                np.copyto(data[k], fresh[k], where=scene)
                np.copyto(valid[k], fresh_valid[k], where=scene)
            claimed |= scene
            if claimed.all():
                break
        else:
            for k in range(len(bands)):
                take = fresh_valid[k] & ~valid[k]
                np.copyto(data[k], fresh[k], where=take)
                valid[k] |= take
            if all(part.all() for part in valid):
                break
    if not plan.masks.active:
        _show_stored(plan, fetcher, layer, bands, window, data, valid)
    return data, valid


def _image(
    plan: ReadPlan,
    merger: Merger,
    fill: Sequence[float],
    reads: tuple[Read, ...],
    bands: tuple[int, ...],
    window: Window,
) -> tuple[Bands, Masks]:
    """Pixels of one image in a window, and where they are valid, one array a band."""
    data: dict[int, NDArray[Any]] = {}
    valid: dict[int, NDArray[np.bool_]] = {}
    for read in reads:
        dtype = np.dtype(plan.bands[read.bands[0]].dtype)
        out = np.empty((len(read.bands), *window.shape), dtype=dtype)
        for part, band in zip(out, read.bands, strict=True):
            part[...] = np.asarray(fill[band]).astype(dtype)
        ok = np.zeros(out.shape, dtype=np.bool_)
        merger.fill(read, out, ok)
        for position, band in enumerate(read.bands):
            data[band], valid[band] = out[position], ok[position]
    for band in bands:
        if band not in data:
            data[band] = np.full(window.shape, fill[band], dtype=plan.bands[band].dtype)
            valid[band] = np.zeros(window.shape, dtype=np.bool_)
    return [data[band] for band in bands], [valid[band] for band in bands]


def _show_stored(
    plan: ReadPlan,
    fetcher: Fetcher,
    layer: int,
    bands: tuple[int, ...],
    window: Window,
    data: Bands,
    valid: Masks,
) -> None:
    """Without any mask, pixels that no image has valid show the topmost image's stored value."""
    seen = [part.copy() for part in valid]
    for image in plan.candidates(layer, window):
        if all(part.all() for part in seen):
            return
        for planned in plan.image_reads(image, bands, window):
            places = [bands.index(band) for band in planned.bands]
            if all(seen[k].all() for k in places):
                continue
            read = replace(planned, kernel="near")
            out = np.empty((len(places), *window.shape), dtype=data[places[0]].dtype)
            ok = np.zeros(out.shape, dtype=np.bool_)
            fetcher.fill(read, window, out, ok, raw=True)
            for row, k in enumerate(places):
                take = ok[row] & ~seen[k]
                np.copyto(data[k], out[row], where=take)
                seen[k] |= take


def missing_pixels(plan: ReadPlan, bands: tuple[int, ...], data: Bands, valid: Masks) -> Masks | None:
    """Return which pixels the caller asked to have masked, one array a band; None when none can be."""
    if not plan.masks.active:
        return None
    clear = None
    if plan.masks.alpha is not None:
        position = bands.index(plan.masks.alpha)
        clear = ~(valid[position] & (data[position] != 0))
    missing = []
    for part in valid:
        hidden = ~part if plan.masks.nodata else np.zeros(part.shape, dtype=np.bool_)
        missing.append(hidden if clear is None else hidden | clear)
    return missing
