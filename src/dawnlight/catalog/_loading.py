"""One road for pixels: a call is checked, completed and settled here, whichever method it came from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dawnlight.catalog._bridge import build_table, many_objects
from dawnlight.catalog._definitions import definitions_of
from dawnlight.catalog._described import Described, describe
from dawnlight.catalog._grids import adjust_context, grid_reasons, resolve_grid
from dawnlight.catalog._request import Request, make_request, normalize_bands
from dawnlight.errors import EmptyCollectionError, ParameterError
from dawnlight.geo import GeoBox
from dawnlight.raster._chunks import ChunksLike, normalize_chunks
from dawnlight.raster._cog import shared_reader
from dawnlight.raster._dtypes import common_type, data_type_of, numpy_dtype
from dawnlight.raster._failures import Failure, FailureLog
from dawnlight.raster._lazy import LazyRaster, Output
from dawnlight.raster._plan import MaskPolicy, make_plan
from dawnlight.raster._scaling import Scale, resolve_common_scaling, resolve_scaling

if TYPE_CHECKING:
    from dawnlight.catalog._image import Image
    from dawnlight.catalog._image_columns import ImageColumns
    from dawnlight.geo import GeoContext

__all__ = ["Loading", "Options", "prepare", "scaling_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The arguments that all pixel methods share."""

    bands: object
    geocontext: Any = None
    crs: Any = None
    resolution: float | None = None
    all_touched: bool | None = None
    mask_nodata: object = True
    mask_alpha: object = None
    resampler: object = "near"
    processing_level: str | None = None
    scaling: object = None
    data_type: str | None = None
    errors: str = "raise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """A pixel call that is settled and has read nothing yet."""

    described: Described
    layers: tuple[tuple[int, ...], ...]
    request: Request
    geobox: GeoBox
    lazy: LazyRaster
    after: tuple[Scale, ...] | None
    """Scales to apply to the whole layers afterwards, where one of them needs the layer's own extremes."""

    @property
    def images(self) -> Sequence[Image]:
        """What is loaded, in the order of the collection."""
        return self.described.images

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values before masking."""
        return numpy_dtype(self.request.data_type)

    def to_dask(self, chunks: ChunksLike = "auto") -> Any:
        """Return a dask array (layer, band, y, x)."""
        from dawnlight.raster._dask import scale_after, to_dask

        sizes = normalize_chunks(chunks, self.lazy.plan, self.lazy.shape, self.lazy.dtype.itemsize)
        array = to_dask(self.lazy, sizes)
        if self.after is None:
            return array
        return scale_after(array, self.after, self.dtype, masked=self.request.masked)

    def load(self, *, max_workers: int | None = None, progress: bool | None = None) -> Any:
        """Read everything and return a NumPy array (layer, band, y, x)."""
        from dawnlight.raster._load import load, show_progress

        if max_workers is not None and max_workers < 1:
            raise ParameterError(f"max_workers={max_workers} must be 1 or more")
        if self.after is None:
            sizes = normalize_chunks("auto", self.lazy.plan, self.lazy.shape, self.lazy.dtype.itemsize)
            return load(self.lazy, sizes, max_workers=max_workers, progress=progress)
        from dawnlight.raster._dask import compute

        return compute(self.to_dask(), max_workers=max_workers, progress=show_progress(progress))

    def masked(self, values: Any) -> Any:
        """Return values in their own type: a masked array, or as they are when nothing is masked."""
        from dawnlight.raster._masked import to_masked

        return to_masked(values, self.dtype) if self.request.masked else values


def prepare(
    images: Sequence[Image],
    layers: Sequence[Sequence[int]],
    default_context: Callable[[], GeoContext | None],
    options: Options,
    known: ImageColumns | None = None,
) -> Loading:
    """Check and settle a pixel call; nothing is read.

    Parameters
    ----------
    images
        What to load.
    layers
        Numbers of the images of each time slot in paint order.
    default_context
        Gives the context when the call has none.
    options
        The arguments of the call.
    known
        What an earlier call with these images found out about them.
    """
    if not images:
        raise EmptyCollectionError("the collection is empty; there is nothing to load")
    if options.errors not in ("raise", "mask"):
        raise ParameterError(f"errors={options.errors!r} must be 'raise' or 'mask'")
    if options.errors == "mask" and not options.mask_nodata:
        raise ParameterError(
            "errors='mask' masks the pixels of files that cannot be read, so it needs mask_nodata=True; "
            "without masks they would hold numbers that nobody measured"
        )
    with many_objects():
        described = describe(images, known)
    request = make_request(
        described.columns.products()[0],
        images[0]._client,
        bands=options.bands,
        mask_nodata=options.mask_nodata,
        mask_alpha=options.mask_alpha,
        resampler=options.resampler,
        processing_level=options.processing_level,
        scaling=options.scaling,
        data_type=options.data_type,
    )
    context = options.geocontext
    if context is None:
        context = default_context()
    if context is None:
        raise ParameterError(
            "geocontext is not given and the collection has none; pass geocontext=, or search with "
            ".intersects(geometry), which sets it"
        )
    context = adjust_context(context, options.crs, options.resolution, options.all_touched)
    with many_objects():
        table, absent = build_table(
            described, request.names, request.definitions, request.dtypes, missing=options.errors
        )
    geobox, cutline = resolve_grid(context, table)
    plan = make_plan(
        table,
        layers=layers,
        bands=request.specs,
        geobox=geobox,
        masks=MaskPolicy(nodata=request.mask_nodata, alpha=request.alpha),
        cutline=cutline,
        why=grid_reasons(context, table, geobox),
    )
    output, after = _output(request)
    log = FailureLog([Failure.absent(image, band) for image, band in absent])
    return Loading(
        described=described,
        layers=plan.layers,
        request=request,
        geobox=geobox,
        lazy=LazyRaster(plan, output, shared_reader(), errors=options.errors, log=log),
        after=after,
    )


def scaling_of(
    product_ids: Sequence[str],
    client: Any,
    bands: object,
    processing_level: str | None,
    scaling: object,
    data_type: str | None,
) -> tuple[list[Any] | None, str]:
    """Resolve scaling for bands of products, which must agree."""
    names = normalize_bands(bands)
    definitions = definitions_of(product_ids, names, processing_level, client)
    products = {product: [found[name].scaling for name in names] for product, found in definitions.items()}
    if len(products) == 1:
        return resolve_scaling(next(iter(products.values())), processing_level, scaling, data_type)
    return resolve_common_scaling(products, processing_level, scaling, data_type)


def _output(request: Request) -> tuple[Output, tuple[Scale, ...] | None]:
    """Say what the engine makes of the pixels; a layer's extremes have to wait for the whole layer."""
    automatic = () in request.scales
    read = common_type([data_type_of(spec.dtype) for spec in request.specs[: request.keep]])
    dtype = numpy_dtype(read if automatic else request.data_type).name
    output = Output(
        dtype=dtype,
        scales=[None] * len(request.names) if automatic else request.scales,  # type: ignore[arg-type]
        masked=request.masked,
        fill=request.fill,
        keep=range(request.keep),
    )
    return output, request.scales[: request.keep] if automatic else None
