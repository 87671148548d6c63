"""Short ways into the raster engine for tests: from files or arrays to a lazy raster in one call."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from affine import Affine

from dawnlight.geo import GeoBox
from dawnlight.geo._geobox import from_bounds
from dawnlight.geo._reproject import reproject_geometry
from dawnlight.raster._lazy import LazyRaster, Output
from dawnlight.raster._plan import MaskPolicy, make_plan
from dawnlight.raster._reader import RasterReader
from dawnlight.raster._sources import BandSpec, Layout, RasterSource
from dawnlight.raster._table import SourceTable

__all__ = ["file_sources", "make_lazy", "target_over", "turned"]


def file_sources(path: str | os.PathLike[str], image: str | None = None) -> list[RasterSource]:
    """Return how each band of a real file is used.

    Parameters
    ----------
    path : str or path-like
        The file.
    image : str, optional
        Id of the image; the file's name by default.

    Returns
    -------
    list of RasterSource
    """
    from dawnlight.raster._gdal import read_header

    header = read_header(os.fspath(path))
    return [
        RasterSource(
            image=image or os.path.basename(path),
            file=header.ref,
            band=number,
            geobox=header.geobox,
            layout=Layout(
                dtype=band.dtype,
                nodata=band.nodata,
                mask=band.mask,
                overviews=header.overviews,
                block=header.block,
            ),
        )
        for number, band in enumerate(header.bands, start=1)
    ]


def make_lazy(
    rows: Sequence[Sequence[RasterSource | None]],
    target: GeoBox,
    reader: RasterReader,
    *,
    kernel: str | Sequence[str | None] | None = "near",
    layers: Sequence[Sequence[int]] | None = None,
    dtype: str | Sequence[str] | None = None,
    nodata: float | None = None,
    category: bool | Sequence[bool] = False,
    masks: MaskPolicy | None = None,
    cutline: Any = None,  # Any: a Cutline
    keep: Sequence[int] | None = None,
    errors: str = "raise",
) -> LazyRaster:
    """Return the lazy raster of images, given as one row of sources each.

    Parameters
    ----------
    rows : sequence of sequence of RasterSource or None
        (image, band).
    target : GeoBox
        The output grid.
    reader : RasterReader
        Who reads.
    kernel, dtype, category : one value, or one a band
        See `BandSpec`; the dtype is that of the first source by default.
    layers : sequence of sequence of int, optional
        Images of each layer; by default each image is a layer.
    nodata : float, optional
        Of the band definitions.
    masks, cutline, keep, errors
        See `make_plan`, `Output` and `LazyRaster`.

    Returns
    -------
    LazyRaster
    """
    table = SourceTable.from_sources(rows)
    count = table.band_count
    first = next(source for row in rows for source in row if source is not None)
    kernels = [kernel] * count if kernel is None or isinstance(kernel, str) else list(kernel)
    dtypes = [dtype or first.layout.dtype] * count if dtype is None or isinstance(dtype, str) else list(dtype)
    categories = [category] * count if isinstance(category, bool) else list(category)
    bands = [
        BandSpec(name=f"b{k}", dtype=dtypes[k], nodata=nodata, category=categories[k], resampler=kernels[k])
        for k in range(count)
    ]
    policy = masks or MaskPolicy()
    plan = make_plan(
        table,
        layers=[[k] for k in range(len(table))] if layers is None else layers,
        bands=bands,
        geobox=target,
        masks=policy,
        cutline=cutline,
    )
    output = Output(
        dtype=np.result_type(*dtypes).name,
        scales=[None] * count,
        masked=policy.active,
        fill=[0.0 if nodata is None else nodata] * count,
        keep=keep,
    )
    return LazyRaster(plan, output, reader, errors=errors)


def target_over(
    source: GeoBox, crs: Any, resolution: float | tuple[float, float], *, pad: float = 0.1
) -> GeoBox:
    """Return a north-up grid in some CRS that covers a source and a margin around it.

    Parameters
    ----------
    source : GeoBox
        What to cover.
    crs : CRS-like
        Of the result.
    resolution : float or (x, y)
        Pixel size in units of it.
    pad : float, default: 0.1
        Margin as a part of the size; negative cuts inside.

    Returns
    -------
    GeoBox
    """
    longest = max(source.shape) * max(source.resolution)
    outline = reproject_geometry(shapely.box(*source.bounds), source.crs, crs, max_segment=longest / 20)
    minx, miny, maxx, maxy = outline.bounds
    dx, dy = pad * (maxx - minx), pad * (maxy - miny)
    return from_bounds((minx - dx, miny - dy, maxx + dx, maxy + dy), crs=crs, resolution=resolution)


def turned(box: GeoBox, degrees: float) -> GeoBox:
    """Return a grid turned counter-clockwise around its first corner.

    Parameters
    ----------
    box : GeoBox
        Any grid.
    degrees : float
        How far.

    Returns
    -------
    GeoBox
    """
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    a, b, c, d, e, f = tuple(box.transform)[:6]
    turn = Affine(cos * a - sin * d, cos * b - sin * e, c, sin * a + cos * d, sin * b + cos * e, f)
    return GeoBox(box.shape, turn, box.crs)
