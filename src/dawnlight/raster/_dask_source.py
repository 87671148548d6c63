"""What a lazy array reads from, and the same on coarser pixels, for pictures and maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dawnlight.geo import GeoBox
from dawnlight.raster._chunks import normalize_chunks
from dawnlight.raster._dask import to_dask
from dawnlight.raster._lazy import LazyRaster
from dawnlight.raster._plan import make_plan

if TYPE_CHECKING:
    import dask.array

__all__ = ["find_source", "layer_ids", "read_on"]


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
