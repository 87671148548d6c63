"""Saving arrays as image files: cloud-optimised GeoTIFF, and PNG or JPEG of bytes."""

from __future__ import annotations

import itertools
import os
import string
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dawnlight.accessor._bands import BandInfo, bands_of
from dawnlight.accessor._georeference import geobox_of, spatial_dims
from dawnlight.accessor._native import is_stored, native_dtype
from dawnlight.accessor._shading import fill_value_of
from dawnlight.errors import ParameterError, ParameterTypeError
from dawnlight.geo import GeoBox, Window

__all__ = ["download", "to_cog"]

_BLOCK = 2048
_AHEAD = 2


def to_cog(
    array: xr.DataArray,
    path: Any,
    *,
    nodata: float | None,
    compress: str,
    overviews: bool | str,
    progress: bool | None,
) -> Any:
    """Write one file, or one for each time slot; see `Finishing.to_cog`."""
    if hasattr(path, "write"):
        (_, picture), *more = _slots(array)
        if more:
            raise ParameterError(
                "an open file holds one time slot; select one, for example with .isel(time=0)"
            )
        _write(picture, path, "tif", nodata, progress, compress=compress, overviews=overviews)
        return None
    if not isinstance(path, str | os.PathLike):
        raise ParameterTypeError(f"path={path!r:.200} must be a path or a file open for writing bytes")
    slots = _slots(array)
    paths = _fill_in(os.fspath(path), [labels for labels, _ in slots])
    for target, (_, picture) in zip(paths, slots, strict=True):
        _write(picture, target, "tif", nodata, progress, compress=compress, overviews=overviews)
    return paths if "time" in array.dims else paths[0]


def download(
    array: xr.DataArray, dest: Any, *, format: str, nodata: float | None, progress: bool | None
) -> list[Any]:
    """Write every time slot as a file of its own; see `Finishing.download`."""
    from dawnlight.catalog._downloads import default_name, destinations
    from dawnlight.raster._writers import normalize_format

    bands = list(bands_of(array)) or ["pixels" if array.name is None else str(array.name)]
    slots = _slots(array)
    stems = [_stem(labels) for labels, _ in slots]
    if len(set(stems)) < len(stems):
        stems = [f"{stem}-{number}" for number, stem in enumerate(stems)]
    paths = destinations(dest, [default_name(stem, bands, format) for stem in stems])
    for target, (_, picture) in zip(paths, slots, strict=True):
        _write(picture, target, normalize_format(target), nodata, progress)
    return paths


def _stem(labels: dict[str, str]) -> str:
    ids = labels["id"].split(",")
    return ids[0] if len(ids) == 1 and ids[0] else "mosaic"


def _slots(array: xr.DataArray) -> list[tuple[dict[str, str], xr.DataArray]]:
    """Return the pictures of an array, (band, y, x) each, with what file names can say of them."""
    ydim, xdim = spatial_dims(array)
    others = [dim for dim in array.dims if dim not in ("time", "band", ydim, xdim)]
    if others:
        raise ParameterError(
            f"a file has the dims band, y and x; select along {', '.join(map(str, others))} first"
        )
    times = range(array.sizes["time"]) if "time" in array.dims else [None]
    found = []
    for number in times:
        picture = array if number is None else array.isel(time=number)
        if "band" not in picture.dims:
            picture = picture.expand_dims("band")
        picture.encoding, picture.attrs = dict(array.encoding), dict(array.attrs)
        time = picture.coords["time"].values if "time" in picture.coords else np.datetime64("NaT")
        text = "" if time.dtype.kind != "M" or np.isnat(time) else str(time.astype("datetime64[s]"))
        labels = {
            "time": text.replace(":", "").replace("-", ""),
            "date": text[:10],
            "id": str(picture.coords["id"].values) if "id" in picture.coords else "",
            "number": str(number or 0),
        }
        found.append((labels, picture.transpose("band", ydim, xdim)))
    return found


def _fill_in(path: str, labels: Sequence[dict[str, str]]) -> list[Path]:
    """Paths with ``{time}`` and the like filled in, one a slot."""
    try:
        fields = {field for _, field, _, _ in string.Formatter().parse(path) if field is not None}
    except ValueError:
        fields = set()
    if not fields and len(labels) == 1:
        return [Path(path)]
    unknown = fields - set(labels[0])
    if unknown or not fields:
        raise ParameterError(
            f"path={path!r}: the array has {len(labels)} time slots, and each needs a name; put one of "
            "{time}, {date}, {id} or {number} into it, or select one slot with .isel(time=0)"
        )
    paths = [
        Path(path.format(**{name: text.replace(":", "_") for name, text in each.items()})) for each in labels
    ]
    if len(set(paths)) < len(paths):
        raise ParameterError(f"path={path!r} gives the same name twice; add {{number}} to it")
    return paths


def _write(
    picture: xr.DataArray, target: Any, kind: str, nodata: float | None, progress: bool | None, **options: Any
) -> None:
    from dawnlight.raster._collisions import Collisions
    from dawnlight.raster._load import progress_bar, show_progress
    from dawnlight.raster._writers import FileLayout, write_raster

    geobox = geobox_of(picture)
    infos = list(bands_of(picture).values())
    if kind == "tif":
        dtype, fill = _storage(picture, infos, nodata)
    else:
        dtype, fill = native_dtype(picture) or picture.dtype, None
    layout = FileLayout(
        geobox=geobox,
        dtype=dtype.name,
        count=picture.sizes["band"],
        nodata=fill,
        descriptions=[info.name for info in infos] if len(infos) == picture.sizes["band"] else (),
        colormap=_colormap(infos, dtype),
        tags=_tags(picture),
        **(_physical(picture, infos) if kind == "tif" else {}),
    )
    windows = list(_windows(picture, geobox))
    with progress_bar(len(windows), "block", progress is True and show_progress(True)) as bar:
        collisions = Collisions(nodata if kind == "tif" else None, layout.descriptions, beside_missing=True)
        blocks = _blocks(picture, windows, dtype, fill, bar, collisions)
        write_raster(target, blocks, layout, format=kind, **(options if kind == "tif" else {}))


def _physical(picture: xr.DataArray, infos: Sequence[BandInfo]) -> dict[str, Any]:
    """Scale, offset and unit of each band, where the pixels still are the stored numbers."""
    from dawnlight.raster._drafts import scale_and_offset

    if not is_stored(picture) or len(infos) != picture.sizes["band"]:
        return {}
    scaling = [scale_and_offset(info.data_range, info.physical_range) for info in infos]
    units = [info.physical_unit for info in infos]
    if all(each == (1, 0) for each in scaling) and not any(units):
        return {}
    scales, offsets = zip(*scaling, strict=True)
    return {"scales": scales, "offsets": offsets, "units": units}


def _tags(picture: xr.DataArray) -> dict[str, str]:
    """Items from which adding the file to a catalog tells when it was acquired."""
    time = picture.coords["time"].values if "time" in picture.coords else np.datetime64("NaT")
    if time.dtype.kind != "M" or time.ndim or np.isnat(time):
        return {}
    return {"ACQUIRED": f"{np.datetime_as_string(time).rstrip('0').rstrip('.')}Z"}


def _storage(
    picture: xr.DataArray, infos: Sequence[BandInfo], nodata: float | None
) -> tuple[np.dtype[Any], float | None]:
    """Type of the file and its value for missing pixels."""
    from dawnlight.raster._dtypes import DATA_TYPES

    held = picture.dtype if picture.dtype.kind in "iub" else native_dtype(picture) or picture.dtype
    dtype = np.dtype({"bool": "uint8", "int8": "int16", "int64": "int32"}.get(held.name, held.name))
    if dtype not in DATA_TYPES.values():
        dtype = np.dtype(np.float32 if dtype == np.float16 else np.float64)
    if nodata is not None:
        value = float(nodata)
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            if not (value.is_integer() and limits.min <= value <= limits.max):
                raise ParameterError(f"nodata={nodata!r} does not fit {dtype.name}, the type of the file")
        return dtype, value
    if dtype.kind == "f":
        return dtype, float("nan")
    if picture.dtype.kind != "f" and not is_stored(picture):
        return dtype, fill_value_of(picture, None)
    values = {info.nodata for info in infos}
    value_of_all = values.pop() if len(values) == 1 else None
    if value_of_all is not None:
        return dtype, value_of_all
    if picture.dtype.kind != "f":
        return dtype, None
    stored = np.dtype(picture.encoding.get("dtype", "float64"))
    if stored in DATA_TYPES.values() and stored.kind in "iu" and "_FillValue" in picture.encoding:
        return stored, float(picture.encoding["_FillValue"])
    return np.dtype(np.float64), float("nan")


def _colormap(infos: Sequence[BandInfo], dtype: np.dtype[Any]) -> dict[int, tuple[int, ...]]:
    if len(infos) != 1 or dtype.name not in ("uint8", "uint16") or not infos[0].is_category:
        return {}
    return dict(enumerate(infos[0].colormap))


def _windows(picture: xr.DataArray, geobox: GeoBox) -> Iterator[Window]:
    """Blocks to compute one by one: the chunks of a lazy array, cut where they are large."""
    ny, nx = geobox.shape
    chunks = dict(zip(picture.dims, picture.chunks, strict=True)) if picture.chunks is not None else {}
    ydim, xdim = spatial_dims(picture)
    rows = list(_runs(chunks.get(ydim, (ny,))))
    cols = list(_runs(chunks.get(xdim, (nx,))))
    for (y, height), (x, width) in itertools.product(rows, cols):
        yield Window(y, x, height, width)


def _runs(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for size in sizes:
        for offset in range(0, size, _BLOCK):
            yield start + offset, min(_BLOCK, size - offset)
        start += size


def _blocks(
    picture: xr.DataArray,
    windows: Sequence[Window],
    dtype: np.dtype[Any],
    fill: float | None,
    bar: Any,
    collisions: Any,  # Any: imported late
) -> Iterator[tuple[Window, NDArray[Any]]]:
    """Blocks in the file's type; a few are computed ahead, so memory stays bounded."""
    from dawnlight.raster._dtypes import DATA_TYPES, cast

    def settle(window: Window) -> NDArray[Any]:
        rows, cols = window.slices
        values = np.asarray(picture[:, rows, cols].compute().values)
        missing = np.isnan(values) if values.dtype.kind == "f" else None
        settled = in_type(values)
        collisions.look(settled, missing, window)
        return settled

    def in_type(values: NDArray[Any]) -> NDArray[Any]:
        if values.dtype.kind == "f" and dtype.kind != "f":
            values = np.where(np.isnan(values), 0 if fill is None else values.dtype.type(fill), values)
        elif values.dtype.kind == "f" and fill is not None and not np.isnan(fill):
            values = np.where(np.isnan(values), values.dtype.type(fill), values)
        if values.dtype == dtype:
            return values
        if values.dtype in DATA_TYPES.values():
            return cast(values, dtype)
        if values.dtype == np.int64 and np.abs(values).max(initial=0) > np.iinfo(dtype).max:
            raise ParameterError(
                f"64-bit integers up to {np.abs(values).max()} do not fit {dtype.name}, the widest that a "
                "file has; convert them first, for example with .astype('float64')"
            )
        return values.astype(dtype)

    with ThreadPoolExecutor(_AHEAD) as pool:
        todo = iter(windows)
        pending = deque(
            (window, pool.submit(settle, window)) for window in itertools.islice(todo, _AHEAD + 1)
        )
        try:
            while pending:
                window, future = pending.popleft()
                yield window, future.result()
                bar.update()
                pending.extend((each, pool.submit(settle, each)) for each in itertools.islice(todo, 1))
        finally:
            for _, future in pending:
                future.cancel()
