"""Writing rasters: cloud-optimised GeoTIFF, PNG and JPEG, from blocks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any, Literal

import rasterio
import rasterio.shutil

from dawnlight.errors import ParameterError, ParameterTypeError, RasterError
from dawnlight.raster._drafts import Blocks, FileLayout, Target, publish, unwritable
from dawnlight.raster._gdal_open import GDAL_ERRORS, reason
from dawnlight.raster._writers_draft import write_draft

__all__ = ["FileFormat", "FileLayout", "normalize_format", "write_geotiff", "write_picture", "write_raster"]

FileFormat = Literal["tif", "png", "jpg"]

_FORMATS: dict[str, FileFormat] = {"tif": "tif", "tiff": "tif", "png": "png", "jpg": "jpg", "jpeg": "jpg"}
_COMPRESSIONS = ("deflate", "lzw", "zstd", "lerc", "none")
_KERNELS = ("nearest", "average", "bilinear", "cubic", "cubicspline", "lanczos", "mode", "rms")
_PICTURES: dict[FileFormat, tuple[str, tuple[int, ...], tuple[str, ...], int]] = {
    # GDAL driver, numbers of bands, data types, longest side
    "png": ("PNG", (1, 3, 4), ("uint8", "uint16"), 2**31 - 1),
    "jpg": ("JPEG", (1, 3), ("uint8",), 65500),
}


def normalize_format(value: str | os.PathLike[str]) -> FileFormat:
    """Return the file format that a path's extension or a format's name stands for.

    Parameters
    ----------
    value : str or path-like
        A path that ends in ``.tif``, ``.tiff``, ``.png``, ``.jpg`` or ``.jpeg``, or such an extension without
        the dot; upper and lower case are alike.

    Returns
    -------
    {"tif", "png", "jpg"}

    Raises
    ------
    ParameterError
        It is none of these.

    Examples
    --------
    >>> normalize_format("out/Scene.TIFF"), normalize_format("jpeg")
    ('tif', 'jpg')
    """
    if not isinstance(value, (str, os.PathLike)):
        raise ParameterTypeError(f"format {value!r} must be a string or a path")
    # An enum member that is a string formats as its value.
    text = str(getattr(value, "value", os.fspath(value)))
    name = (PurePath(text).suffix[1:] or text).lower()
    if name not in _FORMATS:
        raise ParameterError(
            f"{text!r}: cannot tell the file format; the extension must be one of "
            f"{', '.join('.' + known for known in _FORMATS)}"
        )
    return _FORMATS[name]


def write_raster(
    target: Target, blocks: Blocks, layout: FileLayout, *, format: str | None = None, **options: Any
) -> None:
    """Write blocks in the format that the target's extension or `format` asks for.

    Parameters
    ----------
    target : str, path-like or binary file
        The extension of a path decides; `format` is needed for a file only.
    blocks : iterable of (Window, ndarray)
        See `write_geotiff`.
    layout : FileLayout
        What the file is to be. PNG and JPEG keep neither place nor nodata.
    format : {"tif", "png", "jpg"}, optional
        See `normalize_format`.
    **options
        For GeoTIFF: those of `write_geotiff`.

    Raises
    ------
    ParameterError
        The format is unknown or cannot hold such pixels.
    RasterWriteError
        The file could not be written.
    """
    if isinstance(target, (str, os.PathLike)):
        found = normalize_format(Path(target))
    elif format is None:
        raise ParameterError("format= is needed to write into an open file: 'tif', 'png' or 'jpg'")
    else:
        found = normalize_format(format)
    if found == "tif":
        write_geotiff(target, blocks, layout, **options)
    else:
        write_picture(target, blocks, layout, format=found)


def write_geotiff(
    target: Target,
    blocks: Blocks,
    layout: FileLayout,
    *,
    compress: str = "deflate",
    tile: int = 512,
    overviews: bool | str = True,
    cog: bool = True,
) -> None:
    """Write a cloud-optimised GeoTIFF.

    Memory stays bounded: blocks go to an uncompressed draft beside the target, from which the file is made.
    The target gets its content in one step, when it is complete and safely on disk.

    Parameters
    ----------
    target : str, path-like or binary file
        Folders above a path are made, an old file is replaced.
    blocks : iterable of (Window, ndarray)
        Pieces of the image that cover it once, in any order; arrays are (band, y, x) in the layout's dtype.
    layout : FileLayout
        What the file is to be.
    compress : {"deflate", "lzw", "zstd", "lerc", "none"}, default: "deflate"
        All without loss. Deflate, LZW and ZSTD come with the predictor that suits the dtype.
    tile : int, default: 512
        Side of the tiles in pixels, a multiple of 16.
    overviews : bool or str, default: True
        Whether to make overviews, or the kernel to make them with. True is ``"nearest"``, which invents no
        value; ``"average"`` looks better for continuous bands.
    cog : bool, default: True
        False writes a plain tiled GeoTIFF without overviews.

    Raises
    ------
    ParameterError
        An option is unknown, or the blocks do not fit the layout.
    RasterWriteError
        The file could not be written; nothing is left of it.
    """
    _check_choice("compress", compress, _COMPRESSIONS)
    if tile < 16 or tile % 16:
        raise ParameterError(f"tile={tile} must be a multiple of 16")
    kernel = "nearest" if overviews is True else overviews or ""
    if kernel:
        _check_choice("overviews", kernel, _KERNELS)
    options = _cog_options(kernel, tile) if cog else _tiled_options(layout, tile)
    options |= {"COMPRESS": compress.upper(), "BIGTIFF": "IF_SAFER"}
    if compress in ("deflate", "lzw", "zstd"):
        floating = layout.dtype.startswith("float")
        options["PREDICTOR"] = "YES" if cog else "3" if floating else "2"
    _write(target, blocks, layout, "COG" if cog else "GTiff", "final.tif", options)


def write_picture(target: Target, blocks: Blocks, layout: FileLayout, *, format: str) -> None:
    """Write a PNG or JPEG picture.

    Parameters
    ----------
    target : str, path-like or binary file
        Folders above a path are made, an old file is replaced.
    blocks : iterable of (Window, ndarray)
        See `write_geotiff`.
    layout : FileLayout
        PNG: 1, 3 or 4 bands of uint8 or uint16; JPEG: 1 or 3 bands of uint8. Place and nodata are not kept.
    format : {"png", "jpg"}
        See `normalize_format`.

    Raises
    ------
    ParameterError
        The format cannot hold such pixels.
    RasterWriteError
        The file could not be written; nothing is left of it.
    """
    found = normalize_format(format)
    if found not in _PICTURES:
        raise ParameterError(f"format={format!r} is no picture; it must be 'png' or 'jpg'")
    driver, counts, dtypes, side = _PICTURES[found]
    if layout.count not in counts:
        numbers = ", ".join(map(str, counts[:-1]))
        raise ParameterError(
            f"{driver} holds {numbers} or {counts[-1]} bands, not {layout.count}; "
            "choose other bands or write a .tif"
        )
    if layout.dtype not in dtypes:
        raise ParameterError(
            f"{driver} holds {' or '.join(dtypes)}, not {layout.dtype}; "
            "use scaling='display' or data_type='Byte', or write a .tif"
        )
    if max(layout.geobox.shape) > side:
        raise ParameterError(f"{driver} holds no more than {side} pixels a side; write a .tif")
    plain = FileLayout(geobox=layout.geobox, dtype=layout.dtype, count=layout.count, colormap=layout.colormap)
    options = {"QUALITY": "90"} if found == "jpg" else {}
    _write(target, blocks, plain, driver, f"final.{found}", options)


def _write(
    target: Target, blocks: Blocks, layout: FileLayout, driver: str, name: str, options: Mapping[str, str]
) -> None:
    with publish(target, name) as folder:
        draft = folder / "draft.tif"
        # A picture has no place, and a file beside it to say so would be of no use.
        beside = driver not in ("PNG", "JPEG")
        try:
            write_draft(draft, blocks, layout)
            with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS", GDAL_PAM_ENABLED=beside):
                rasterio.shutil.copy(draft, folder / name, driver=driver, strict=False, **options)
        except RasterError:
            raise
        except GDAL_ERRORS as error:
            raise unwritable(target, reason(error)) from error


def _cog_options(kernel: str, tile: int) -> dict[str, str]:
    if not kernel:
        return {"BLOCKSIZE": str(tile), "OVERVIEWS": "NONE"}
    return {"BLOCKSIZE": str(tile), "OVERVIEWS": "AUTO", "OVERVIEW_RESAMPLING": kernel.upper()}


def _tiled_options(layout: FileLayout, tile: int) -> dict[str, str]:
    if max(layout.geobox.shape) <= tile:
        return {}
    return {"TILED": "YES", "BLOCKXSIZE": str(tile), "BLOCKYSIZE": str(tile)}


def _check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ParameterError(f"{name}={value!r} must be one of {', '.join(map(repr, allowed))}")
