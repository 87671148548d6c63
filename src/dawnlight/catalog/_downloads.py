"""Saving settled pixel calls as files, block by block."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.catalog._loading import Loading
from dawnlight.errors import DuplicatePathError, ParameterError, ParameterTypeError
from dawnlight.geo import Window
from dawnlight.raster._dtypes import cast, nodata_in
from dawnlight.raster._load import progress_bar, show_progress
from dawnlight.raster._masked import to_masked

__all__ = ["default_name", "destinations", "save", "save_all"]

_BLOCK = 2048


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

    Returns
    -------
    str, path or None
        Where the file is, as given.
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
    )
    shown = progress is True and show_progress(True)
    blocks = _blocks(loading, value, masked=kind == "tif" and value is None, progress=shown)
    write_raster(target, blocks, layout, format=kind)
    return (
        dest if isinstance(target, str | PathLike) and dest is not None else (name if dest is None else None)
    )


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


def _blocks(
    loading: Loading, nodata: float | None, *, masked: bool, progress: bool
) -> Iterator[tuple[Window, NDArray[Any]]]:
    """Blocks of the first layer in reading order; a few are read ahead, so memory stays bounded."""
    ny, nx = loading.geobox.shape
    starts = list(itertools.product(range(0, ny, _BLOCK), range(0, nx, _BLOCK)))
    windows = [Window(y, x, min(_BLOCK, ny - y), min(_BLOCK, nx - x)) for y, x in starts]
    array = None if loading.after is None else loading.to_dask({"y": _BLOCK, "x": _BLOCK})
    workers = os.cpu_count() or 1

    def read(window: Window) -> NDArray[Any]:
        rows, cols = window.slices
        if array is not None:
            values = array[0, :, rows, cols].compute(scheduler="synchronous")
        else:
            values = loading.lazy[0, :, rows, cols]
        return _settled(values, loading.dtype, nodata, masked=masked)

    with (
        ThreadPoolExecutor(workers) as pool,
        progress_bar(len(windows), "block", progress) as bar,
    ):
        pending: deque[tuple[Window, Future[NDArray[Any]]]] = deque()
        todo = iter(windows)
        try:
            for window in itertools.islice(todo, workers + 1):
                pending.append((window, pool.submit(read, window)))
            while pending:
                window, future = pending.popleft()
                yield window, future.result()
                bar.update()
                following = next(todo, None)
                if following is not None:
                    pending.append((following, pool.submit(read, following)))
        finally:
            for _, future in pending:
                future.cancel()


def _settled(
    values: NDArray[Any], dtype: np.dtype[Any], nodata: float | None, *, masked: bool
) -> NDArray[Any]:
    """Values in the file's type, missing ones masked, or else the nodata value, or 0 where there is none."""
    if values.dtype == dtype and dtype.kind != "f":
        return values
    if masked:
        return to_masked(values, dtype)
    if nodata is not None and not np.isnan(nodata):
        values = np.where(np.isnan(values), values.dtype.type(nodata), values)
    return cast(values, dtype)


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


def save_all(
    jobs: Sequence[Callable[[], Any]], *, max_workers: int | None, progress: bool | None
) -> list[Any]:
    """Run the jobs in threads and return their results in order; the first failure is raised at the end.

    Every job is let finish, so that a failure of one image does not cost the others.
    """
    if max_workers is not None and max_workers < 1:
        raise ParameterError(f"max_workers={max_workers} must be 1 or more")
    results: list[Any] = []
    failure: BaseException | None = None
    with (
        ThreadPoolExecutor(min(max_workers or os.cpu_count() or 1, len(jobs))) as pool,
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
