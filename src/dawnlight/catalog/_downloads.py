"""Saving settled pixel calls as files, block by block."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from dawnlight.catalog._download_blocks import blocks_of
from dawnlight.catalog._loading import Loading
from dawnlight.errors import DuplicatePathError, ParameterError, ParameterTypeError
from dawnlight.raster._collisions import Collisions
from dawnlight.raster._drafts import scale_and_offset
from dawnlight.raster._dtypes import nodata_in
from dawnlight.raster._levels import resolve_level
from dawnlight.raster._load import progress_bar, show_progress
from dawnlight.raster._scaling import resolve_scaling

__all__ = ["at_once", "default_name", "destinations", "save", "save_all"]


def default_name(stem: str, bands: Sequence[str], format: object) -> str:
    """File name of a download without ``dest``: ``<stem>-<band>-<band>.<format>``."""
    from dawnlight.raster._writers import normalize_format

    return f"{'-'.join((stem, *bands))}.{normalize_format(str(format))}"


def save(
    loading: Loading,
    dest: Any,
    format: object,
    name: str,
    *,
    nodata: float | None = None,
    progress: bool | None = None,
    jobs: int = 1,
) -> Any:
    """Write the first layer of a call to a file.

    Parameters
    ----------
    loading
        The settled call.
    dest
        Path, binary file, or None for ``name`` in the working folder.
    format
        Format where ``dest`` does not say.
    name
        Default file name.
    nodata
        Value for missing pixels.
    progress
        Show a bar; only True does.
    jobs
        How many files are written at once; they share the memory for blocks.

    Returns
    -------
    str, path or None
        Where the file is, as given.

    Raises
    ------
    ParameterError
        The format cannot hold such pixels, or a valid pixel has the value that ``nodata`` names.
    """
    from dawnlight.raster._drafts import FileLayout
    from dawnlight.raster._writers import normalize_format, write_raster

    target = name if dest is None else dest
    if isinstance(target, str | PathLike):
        kind = normalize_format(target)
    elif hasattr(target, "write"):
        kind = normalize_format(str(format))
    else:
        raise ParameterTypeError(f"dest={dest!r:.200} must be a path or a file open for writing bytes")
    value = _nodata(loading, nodata) if kind == "tif" else None
    layout = FileLayout(
        geobox=loading.geobox,
        dtype=loading.dtype.name,
        count=loading.request.keep,
        nodata=value,
        descriptions=loading.request.names[: loading.request.keep],
        **_physical(loading),
    )
    shown = progress is True and show_progress(True)
    chosen = nodata if kind == "tif" and loading.request.masked else None
    collisions = Collisions(chosen, layout.descriptions, beside_missing=False)
    masked = kind == "tif" and value is None
    blocks = blocks_of(loading, value, collisions, masked=masked, progress=shown, jobs=jobs)
    write_raster(target, blocks, layout, format=kind)
    return (
        dest if isinstance(target, str | PathLike) and dest is not None else (name if dest is None else None)
    )


def _physical(loading: Loading) -> dict[str, Any]:
    """Return scale, offset and unit of each band, with which the file says what stored numbers mean.

    Empty where they say nothing, or the products disagree.
    """
    request = loading.request
    names = request.names[: request.keep]
    found = []
    for definitions in request.definitions.values():
        chosen = [definitions[name] for name in names]
        spans = resolve_scaling([each.scaling for each in chosen], None, "physical", None)[0]
        texts = tuple(getattr(each.band, "physical_range_unit", None) for each in chosen)
        found.append((tuple(spans or [None] * len(names)), texts))
    if len(set(found)) != 1:
        return {}
    ranges, units = found[0]
    scaling, shown = [], []
    for position, (span, unit) in enumerate(zip(ranges, units, strict=True)):
        first = request.first(position)
        stored = request.scales[position] is None and not resolve_level(first.scaling, first.level)
        scaling.append(scale_and_offset(span[:2], span[2:]) if stored and span else (1.0, 0.0))
        shown.append(unit if stored else None)
    scales, offsets = zip(*scaling, strict=True)
    told = any(each != (1, 0) for each in scaling) or any(shown)
    return {"scales": scales, "offsets": offsets, "units": shown} if told else {}


def _nodata(loading: Loading, asked: float | None) -> float | None:
    """Value that marks missing pixels in the file; None leaves that to a mask."""
    dtype = loading.dtype
    if asked is not None:
        number = float(asked)
        info = np.iinfo(dtype) if dtype.kind in "iu" else None
        if info is not None and not (number.is_integer() and info.min <= number <= info.max):
            raise ParameterError(
                f"nodata={asked!r} does not fit {loading.request.data_type}, the type of the file"
            )
        return number
    if dtype.kind == "f":
        return float("nan")
    values = set(loading.request.marks)
    value = values.pop() if len(values) == 1 else None
    return None if nodata_in(dtype, value) is None else value


def destinations(dest: Any, names: Sequence[str]) -> list[Any]:
    """One path for each image: in a folder under default names, or those given.

    Raises
    ------
    ParameterTypeError
        ``dest`` is neither a folder nor a sequence of paths.
    ParameterError
        There are not as many paths as images.
    RuntimeError
        Two images would be written to the same file.
    """
    if dest is None or isinstance(dest, str | PathLike):
        folder = Path("." if dest is None else dest)
        paths: list[Any] = [str(folder / name) if dest is not None else name for name in names]
    elif isinstance(dest, Sequence):
        if len(dest) != len(names):
            raise ParameterError(f"dest has {len(dest)} paths for {len(names)} images")
        paths = list(dest)
    else:
        raise ParameterTypeError(f"dest={dest!r:.200} must be a folder or a sequence of paths")
    seen: set[str] = set()
    for path in paths:
        if str(path) in seen:
            raise DuplicatePathError(f"two images would be written to {str(path)!r}; give dest=[path, ...]")
        seen.add(str(path))
    return paths


def at_once(count: int, max_workers: int | None) -> int:
    """Return how many of some files are written at the same time: four by default, as each uses all cores."""
    if max_workers is not None and max_workers < 1:
        raise ParameterError(f"max_workers={max_workers} must be 1 or more")
    return max(1, min(max_workers or min(os.cpu_count() or 1, 4), count))


def save_all(
    jobs: Sequence[Callable[[], Any]], *, max_workers: int | None, progress: bool | None
) -> list[Any]:
    """Run the jobs in threads and return their results in order; the first failure is raised at the end.

    Every job is let finish, so that a failure of one image does not cost the others.
    """
    results: list[Any] = []
    failure: BaseException | None = None
    with (
        ThreadPoolExecutor(at_once(len(jobs), max_workers)) as pool,
        progress_bar(len(jobs), "image", progress is True) as bar,
    ):
        for future in [pool.submit(job) for job in jobs]:
            try:
                results.append(future.result())
            except Exception as error:
                failure = failure or error
            bar.update()
    if failure is not None:
        raise failure
    return results
