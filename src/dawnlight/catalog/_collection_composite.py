"""Composites of `ImageCollection`: one picture out of many dates, without a stack in between."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dawnlight.catalog._enums import ResampleAlgorithm
from dawnlight.catalog._request import normalize_bands
from dawnlight.errors import BandError, ParameterError, ParameterTypeError
from dawnlight.raster._chunks import ChunksLike, composite_chunks
from dawnlight.raster._composite import COMPOSITE_METHODS, LazyComposite
from dawnlight.raster._dtypes import common_type
from dawnlight.raster._mask_rules import resolve_mask_rule

if TYPE_CHECKING:
    import xarray as xr

    from dawnlight.catalog._collection_pixels import Predicates
    from dawnlight.catalog._loading import Loading
    from dawnlight.geo import GeoContext, GeometryLike
    from dawnlight.geo._crs import CRSLike

__all__ = ["ImageCollectionComposites"]

_BLENDING = ("median", "mean", "percentile")


class ImageCollectionComposites:
    """What `ImageCollection` can reduce over time."""

    def composite(
        self,
        bands: str | Sequence[str],
        method: str = "median",
        geocontext: GeoContext | GeometryLike | None = None,
        crs: CRSLike | None = None,
        resolution: float | None = None,
        all_touched: bool | None = None,
        *,
        mask: Mapping[str, Any] | None = None,
        q: float | None = None,
        dilation: int = 0,
        flatten: Predicates = None,
        mask_alpha: bool | str | None = None,
        resampler: str | Mapping[str, str] = ResampleAlgorithm.NEAR,
        processing_level: str | None = None,
        chunks: ChunksLike = "auto",
        errors: str = "raise",
        progress: bool | None = None,
        max_workers: int | None = None,
    ) -> xr.DataArray:
        """Reduce the images over time, pixel by pixel, without the missing and the hidden ones.

        The values are those of ``stack(...).dl.composite(...)``. Here each chunk reads, hides and reduces
        in one task, which takes a fraction of the time and memory.

        Parameters
        ----------
        bands : str or sequence of str
            Bands of the result. Class bands that only hide pixels are named in ``mask`` alone.
        method : str, default "median"
            ``"median"``, ``"mean"``, ``"min"``, ``"max"``, ``"first"`` or ``"last"`` in the order of the
            collection, ``"count"`` of values, or ``"percentile"``.
        geocontext, crs, resolution, all_touched, flatten, mask_alpha, resampler, processing_level, errors
            As for `stack`.
        mask : mapping, optional
            What to hide: ``{"scl": ["cloud", 3]}`` (labels or values), or with ``keep`` or ``bits`` as
            ``.dl.mask`` takes it. For a function of the stack use ``stack(...).dl.composite(mask=function)``.
        q : float, optional
            For ``"percentile"``: from 0 to 100.
        dilation : int, default 0
            Hide also what lies within so many pixels of what ``mask`` hides.
        chunks : "auto", int, mapping or None, default "auto"
            Size of the lazy chunks along ``band``, ``y`` and ``x``. None computes now.
        progress : bool, optional
            With ``chunks=None``: show a progress bar; by default on a terminal only.
        max_workers : int, optional
            With ``chunks=None``: number of threads.

        Returns
        -------
        xarray.DataArray
            (band, y, x), lazy: float32 for bands of 8 or 16 bits, else float64, with NaN where no value is
            left; int64 for ``"count"``. Coordinates ``id``, ``time_first`` and ``time_last`` as a mosaic
            has them.

        Raises
        ------
        EmptyCollectionError, BandError, GridError, CRSError, ParameterError
            An argument cannot be used (also `ValueError`); at the call, before anything is read.
        RasterError
            When computing: a file cannot be read; the message names image, band, file and place.

        Examples
        --------
        >>> clear = images.composite("red green blue", mask={"scl": ["cloud"]})  # doctest: +SKIP
        """
        names = normalize_bands(bands)
        share = _share(method, q)
        if callable(mask):
            raise ParameterTypeError(
                "mask must be a mapping here; for a function use stack(...).dl.composite(mask=function)"
            )
        looked_at = [] if mask is None else [str(name) for name in mask]
        hiding = [name for name in dict.fromkeys(looked_at) if name not in names]
        layers, _ = self._layers(flatten)  # type: ignore[attr-defined]  # of ImageCollectionPixels
        loading: Loading = self._prepare(  # type: ignore[attr-defined]
            layers,
            bands=[*names, *hiding],
            geocontext=geocontext,
            crs=crs,
            resolution=resolution,
            all_touched=all_touched,
            mask_alpha=mask_alpha,
            resampler=resampler,
            processing_level=processing_level,
            errors=errors,
        )
        loading = _keep(loading, len(names))
        _check_blendable(loading, method)
        lazy = _lazy_composite(loading, method, share, mask, dilation)
        return _labelled(lazy, loading, method, chunks, max_workers, progress)


def _share(method: str, q: float | None) -> float:
    if method not in COMPOSITE_METHODS:
        raise ParameterError(f"method={method!r} must be one of {', '.join(map(repr, COMPOSITE_METHODS))}")
    if (q is None) == (method == "percentile"):
        raise ParameterError(
            f"q={q!r}: method='percentile' needs q from 0 to 100, and no other method takes it"
        )
    if q is not None and not 0 <= q <= 100:
        raise ParameterError(f"q={q!r} must be from 0 to 100")
    return 0.5 if q is None else q / 100


def _keep(loading: Loading, count: int) -> Loading:
    """Drop the bands after the first from the result, not from what is read."""
    request = loading.request
    data_type = common_type([request.first(position).data_type for position in range(count)])
    return replace(loading, request=replace(request, keep=count, data_type=data_type))


def _check_blendable(loading: Loading, method: str) -> None:
    labels = [spec.name for spec in loading.request.specs[: loading.request.keep] if spec.category]
    if method in _BLENDING and labels:
        raise BandError(
            f"bands: {labels[0]!r} holds classes, of which there is no {method}; use 'first' or 'last'"
        )


def _lazy_composite(loading: Loading, method: str, share: float, mask: Any, dilation: int) -> LazyComposite:
    request = loading.request
    try:
        pixels = operator.index(dilation)
    except TypeError:
        raise ParameterTypeError(f"dilation={dilation!r} must be a whole number of pixels") from None
    if pixels < 0:
        raise ParameterError(f"dilation={dilation!r} must be 0 or more")
    labels = {
        name: tuple(getattr(request.first(position).band, "class_labels", None) or ())
        for position, name in enumerate(request.names)
    }
    found = [] if mask is None else resolve_mask_rule(mask, labels)
    lazy = loading.lazy
    return LazyComposite(
        lazy.plan,
        request.fill,
        lazy.reader,
        count=request.keep,
        method=method,
        share=share,
        rules=[(request.names.index(rule.band), rule) for rule in found],
        dilation=pixels,
        dtype=loading.dtype,
        errors=lazy.errors,
        log=lazy.log,
    )


def _labelled(
    lazy: LazyComposite,
    loading: Loading,
    method: str,
    chunks: ChunksLike,
    max_workers: int | None,
    progress: bool | None,
) -> xr.DataArray:
    from dawnlight.catalog._pixel_labels import label_mosaic
    from dawnlight.raster._dask import to_dask
    from dawnlight.raster._load import load

    itemsize = max(np.dtype(spec.dtype).itemsize for spec in loading.request.specs)
    sizes = composite_chunks("auto" if chunks is None else chunks, lazy.plan, lazy.shape, itemsize)
    values = (
        to_dask(lazy, sizes)
        if chunks is not None
        else load(lazy, sizes, max_workers=max_workers, progress=progress)
    )
    result = label_mosaic(values, loading)
    result.attrs["cell_methods"] = f"time: {method}"
    if method not in ("min", "max", "first", "last"):
        result.attrs.pop("data_type", None)
        result.encoding = {}
    return result
