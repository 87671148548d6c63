"""The one door to dask: a lazy raster becomes a dask array through dask's public `from_array`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.raster._chunks import Sizes
from dawnlight.raster._columns import encode
from dawnlight.raster._composite import LazyComposite
from dawnlight.raster._dtypes import masked_dtype
from dawnlight.raster._lazy import LazyRaster
from dawnlight.raster._scaling import Scale, apply_scale

if TYPE_CHECKING:
    import dask.array

__all__ = ["compute", "scale_after", "to_dask"]


def to_dask(lazy: LazyRaster | LazyComposite, chunks: Sizes) -> dask.array.Array:
    """Return a dask array over a lazy raster (layer, band, y, x) or composite (band, y, x).

    Slices taken before any arithmetic are pushed into the reads: dask fuses them into the getter, which is
    why the defaults ``fancy=True`` and ``inline_array=False`` are kept.

    Parameters
    ----------
    lazy
        What to read.
    chunks
        Sizes of the chunks along each axis.
    """
    import dask.array
    from dask.base import tokenize

    if isinstance(lazy, LazyRaster) and lazy.is_remote:
        from dawnlight.raster._dask_next import watch

        watch()
    lazy.sizes = chunks
    array: dask.array.Array = dask.array.from_array(
        lazy,
        chunks=chunks,
        name=f"dawnlight-{tokenize(lazy, [encode(np.array(sizes)) for sizes in chunks])}",
        asarray=False,
        meta=np.empty((0,) * lazy.ndim, dtype=lazy.dtype),
    )
    return array


def compute(array: dask.array.Array, *, max_workers: int | None, progress: bool) -> NDArray[Any]:
    """Compute an array with threads of this process, with a bar if asked for."""
    from dask.diagnostics.progress import ProgressBar

    with ProgressBar() if progress else nullcontext():
        values: NDArray[Any] = array.compute(scheduler="threads", num_workers=max_workers)
    return values


def scale_after(
    array: dask.array.Array, scales: Sequence[Scale], dtype: np.dtype[Any], *, masked: bool
) -> dask.array.Array:
    """Scale an unscaled array, with the extremes of each whole layer where a scale is ``()``.

    The extremes are a reduction over the layer, so every chunk uses the same; they are computed when the
    array is.

    Parameters
    ----------
    array
        Values (layer, band, y, x); NaN is missing.
    scales
        One entry a band, as `dawnlight.raster._scaling.resolve_scaling` returns.
    dtype
        Type whose rounding and limits the values get.
    masked
        Whether NaN stands for missing pixels; the result is then of the widened type.
    """
    import dask.array

    result = masked_dtype(dtype) if masked else dtype
    parts = []
    for band, scale in enumerate(scales):
        part = array[:, band : band + 1]
        extremes = _extremes(part) if scale == () else ()
        parts.append(
            dask.array.map_blocks(
                _scale_block, part, *extremes, scale=scale, inner=dtype.name, outer=result.name, dtype=result
            )
        )
    joined: dask.array.Array = dask.array.concatenate(parts, axis=1)
    return joined


def _extremes(part: dask.array.Array) -> tuple[dask.array.Array, dask.array.Array]:
    import dask.array

    low = high = part
    if part.dtype.kind == "f":
        missing = dask.array.isnan(part)
        low = dask.array.where(missing, np.inf, part)
        high = dask.array.where(missing, -np.inf, part)
    return low.min(axis=(2, 3), keepdims=True), high.max(axis=(2, 3), keepdims=True)


def _scale_block(
    block: NDArray[Any], *extremes: NDArray[Any], scale: Scale, inner: str, outer: str
) -> NDArray[Any]:
    out = np.empty(block.shape, dtype=outer)
    for layer, values in enumerate(block):
        span = (float(extremes[0][layer].item()), float(extremes[1][layer].item())) if extremes else None
        out[layer] = apply_scale(values, scale, inner, extremes=span)
    if out.dtype.kind == "f" and block.dtype.kind == "f":
        out[np.isnan(block)] = np.nan
    return out
