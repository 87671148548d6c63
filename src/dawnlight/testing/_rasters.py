"""Tiny real raster files for tests: every layout that matters, in a line each.

>>> from dawnlight.geo import GeoBox
>>> box = GeoBox.from_geotrans((500000, 10, 0, 4600000, 0, -10), (4, 3), 32615)
>>> coordinate_image(box)[0, 0].tolist()  # x of the first row's pixel centres
[500005.0, 500015.0, 500025.0]
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import ArrayLike, DTypeLike, NDArray
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import NotGeoreferencedWarning

from dawnlight.geo import GeoBox
from dawnlight.geo._crs import transformer

__all__ = ["checker", "coordinate_image", "noise", "truncate", "write_raster"]


def write_raster(
    path: str | os.PathLike[str],
    array: ArrayLike,
    geobox: GeoBox | None,
    *,
    nodata: float | None = None,
    mask: ArrayLike | None = None,
    alpha: ArrayLike | None = None,
    overviews: Sequence[int] = (),
    overview_resampling: str = "nearest",
    tiled: int | None = 16,
    interleave: str = "pixel",
    compress: str = "deflate",
    driver: str = "GTiff",
    sidecars: bool = False,
    descriptions: Sequence[str | None] | None = None,
    colors: Sequence[str] | None = None,
    colormap: Mapping[int, tuple[int, ...]] | None = None,
    scales: Sequence[float] | None = None,
    offsets: Sequence[float] | None = None,
    tags: Mapping[str, str] | None = None,
    **options: Any,  # Any: creation options of GDAL
) -> Path:
    """Write an array as a raster file.

    Parameters
    ----------
    path : str or path-like
        Folders above it are made.
    array : array-like, (band, y, x) or (y, x)
        Pixels, written in their dtype.
    geobox : GeoBox or None
        Where they are; None leaves the file without georeferencing.
    nodata : float, optional
        Written as the file's nodata value.
    mask : array-like of bool, (y, x), optional
        True = valid; written as a mask of the whole file.
    alpha : array-like, (y, x), optional
        Written as one more band, of color "alpha".
    overviews : sequence of int, default: none
        Factors: ``(2, 4)``.
    overview_resampling : str, default: "nearest"
        Name of a rasterio resampling.
    tiled : int or None, default: 16
        Side of the tiles; None writes strips. A multiple of 16.
    interleave : {"pixel", "band"}, default: "pixel"
        Order of the samples.
    compress : str, default: "deflate"
        GDAL's name.
    driver : str, default: "GTiff"
        ``"GTiff"``, ``"COG"`` or ``"JP2OpenJPEG"`` (lossless).
    sidecars : bool, default: False
        Put mask and overviews into ``.msk`` and ``.ovr`` files beside it.
    descriptions, colors, scales, offsets : sequence, optional
        One value a band, alpha not counted.
    colormap : mapping of int to RGBA, optional
        Colour table of band 1.
    tags : mapping of str, optional
        Metadata items of the file.
    **options
        More creation options.

    Returns
    -------
    Path
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = np.asarray(array)
    data = data[np.newaxis] if data.ndim == 2 else data
    count = len(data)
    if alpha is not None:
        data = np.concatenate([data, np.asarray(alpha, data.dtype)[np.newaxis]])
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "height": data.shape[1],
        "width": data.shape[2],
        "count": len(data),
        "dtype": data.dtype.name,
        "nodata": nodata,
        "interleave": interleave,
        "compress": compress,
    }
    if geobox is not None:
        profile.update(crs=geobox.crs.to_wkt(), transform=geobox.transform)
    if tiled is not None:
        profile.update(tiled=True, blockxsize=tiled, blockysize=tiled)
    target = path if driver == "GTiff" else path.with_suffix(".draft.tif")
    if driver == "GTiff":
        profile.update(options)
    with warnings.catch_warnings(), rasterio.Env(GDAL_TIFF_INTERNAL_MASK=not sidecars):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(target, "w", **profile) as file:
            # Before the pixels: afterwards GDAL would put some of this into a file beside it.
            if alpha is not None:
                file.colorinterp = (*file.colorinterp[:count], ColorInterp.alpha)
            _describe(file, count, descriptions, colors, colormap, scales, offsets)
            file.write(data)
            if tags:
                file.update_tags(**tags)
            if mask is not None:
                file.write_mask(np.asarray(mask, bool))
        if overviews:
            _build_overviews(target, overviews, overview_resampling, sidecars)
        if driver != "GTiff":
            _copy(target, path, driver, compress, options)
            target.unlink()
    return path


def _describe(
    file: Any,
    count: int,
    descriptions: Sequence[str | None] | None,
    colors: Sequence[str] | None,
    colormap: Mapping[int, tuple[int, ...]] | None,
    scales: Sequence[float] | None,
    offsets: Sequence[float] | None,
) -> None:
    for index, text in enumerate(descriptions or ()):
        if text:
            file.set_band_description(index + 1, text)
    if colors:
        file.colorinterp = [ColorInterp[color] for color in colors] + list(file.colorinterp[len(colors) :])
    extra = [1.0] * (file.count - count)
    if scales:
        file.scales = [*scales, *extra]
    if offsets:
        file.offsets = [*offsets, *(0.0 for _ in extra)]
    if colormap:
        file.write_colormap(1, dict(colormap))


def _build_overviews(path: Path, factors: Sequence[int], resampling: str, sidecars: bool) -> None:
    with rasterio.Env(TIFF_USE_OVR=sidecars), rasterio.open(path, "r+") as file:
        file.build_overviews(list(factors), Resampling[resampling])


def _copy(source: Path, target: Path, driver: str, compress: str, options: Mapping[str, Any]) -> None:
    chosen = dict(options)
    if driver == "JP2OpenJPEG":
        chosen = {"QUALITY": "100", "REVERSIBLE": "YES", **chosen}
    elif driver == "COG":
        chosen = {"COMPRESS": compress.upper(), **chosen}
    rasterio.shutil.copy(source, target, driver=driver, strict=False, **chosen)


def coordinate_image(geobox: GeoBox, dtype: DTypeLike = "float64", *, crs: Any = None) -> NDArray[Any]:
    """Return an image whose pixels hold the coordinates of their own centres.

    A wrong place then shows as a wrong value, in units of the coordinates.

    Parameters
    ----------
    geobox : GeoBox
        Any grid, rotated and south-up ones too.
    dtype : dtype-like, default: "float64"
        Of the result; coordinates are rounded for integers.
    crs : CRS-like, optional
        System of the coordinates; that of the grid by default.

    Returns
    -------
    ndarray, (2, y, x)
        Band 0 is x (longitude), band 1 is y (latitude).
    """
    rows, columns = np.meshgrid(np.arange(geobox.height) + 0.5, np.arange(geobox.width) + 0.5, indexing="ij")
    a, b, c, d, e, f = tuple(geobox.transform)[:6]
    x, y = a * columns + b * rows + c, d * columns + e * rows + f
    if crs is not None:
        x, y = transformer(geobox.crs, crs).transform(x, y)
    image = np.stack([x, y])
    return (np.rint(image) if np.dtype(dtype).kind in "iu" else image).astype(dtype)


def checker(shape: tuple[int, int], size: int = 8, values: tuple[float, float] = (0, 1)) -> NDArray[Any]:
    """Return a checkerboard, (y, x): squares of `size` pixels, the first of the first value.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    size : int, default: 8
        Side of a square, pixels.
    values : tuple of float, default: (0, 1)
        Of the squares.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> checker((2, 4), 2).tolist()
    [[0, 0, 1, 1], [0, 0, 1, 1]]
    """
    rows, columns = np.indices(shape) // size
    return np.where((rows + columns) % 2 == 0, values[0], values[1])


def noise(shape: tuple[int, ...], dtype: DTypeLike = "uint16", seed: int = 0) -> NDArray[Any]:
    """Return pixels without pattern, the same ones each time: any mix-up shows.

    Parameters
    ----------
    shape : tuple of int
        (y, x) or (band, y, x).
    dtype : dtype-like, default: "uint16"
        Integers span 1 to 10000 or their own range, floats lie in [-1, 1).
    seed : int, default: 0
        Another seed, another image.

    Returns
    -------
    ndarray
    """
    random = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return (random.random(shape) * 2 - 1).astype(dtype)
    return random.integers(1, min(10000, np.iinfo(dtype).max), shape, dtype, endpoint=True)


def truncate(path: str | os.PathLike[str], keep: float = 0.5) -> Path:
    """Cut a file off, as a broken download leaves it.

    Parameters
    ----------
    path : str or path-like
        File to damage.
    keep : float, default: 0.5
        Part of its bytes that stays, 0 to 1.

    Returns
    -------
    Path
        The same path.
    """
    path = Path(path)
    os.truncate(path, int(path.stat().st_size * keep))
    return path
