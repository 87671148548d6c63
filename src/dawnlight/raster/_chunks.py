"""How the output is cut into chunks."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import Any

from dawnlight._options import get_options
from dawnlight.errors import ParameterError
from dawnlight.raster._plan import ReadPlan

__all__ = ["ChunksLike", "Sizes", "composite_chunks", "normalize_chunks"]

ChunksLike = int | str | Mapping[Any, Any] | None
Sizes = tuple[tuple[int, ...], ...]
"""Sizes of the chunks along each axis (layer, band, y, x)."""

_DIMS = ("time", "band", "y", "x")
_STEP = 256
_SMALL = 2**20
_TASKS = 8
"""Tasks that an array should have at least, before time slots of remote files go together."""


def normalize_chunks(chunks: ChunksLike, plan: ReadPlan, shape: tuple[int, ...], itemsize: int) -> Sizes:
    """Return the sizes of the chunks along (time, band, y, x).

    Parameters
    ----------
    chunks
        ``"auto"`` (or None): one time slot and all bands a chunk, square, about ``options.chunk_bytes``,
        with edges on the edges of the files' internal tiles where the output grid is a source grid; many
        time slots together where they are small, and some where files are remote, so that many requests are
        under way at once. An int: the side of a chunk in pixels. A mapping from
        ``time``, ``band``, ``y``, ``x`` to a size, -1 for the whole axis, ``"auto"``, or a tuple of sizes;
        axes that are not named are automatic.
    plan
        What is read.
    shape
        Sizes of the axes of the result.
    itemsize
        Bytes of one value.

    Raises
    ------
    ParameterError
        A size or a name cannot be used.
    """
    wanted = _wanted(chunks)
    side = _auto_side(shape, itemsize)
    edges = _tile_edges(plan) if shape[2] and shape[3] else None
    sizes: dict[str, tuple[int, ...]] = {}
    for axis in (3, 2, 1, 0):  # how many time slots go together depends on the other axes
        value = wanted.get(_DIMS[axis], "auto")
        if value == "auto" and axis:
            value = _auto(axis, shape, side, edges)
        elif value == "auto":
            value = _slots(shape[0], [sizes[dim] for dim in _DIMS[1:]], itemsize, remote=plan.table.is_remote)
        sizes[_DIMS[axis]] = _sizes(_DIMS[axis], value, shape[axis])
    return tuple(sizes[dim] for dim in _DIMS)


def composite_chunks(chunks: ChunksLike, plan: ReadPlan, shape: tuple[int, int, int], itemsize: int) -> Sizes:
    """Return the sizes of the chunks of a composite along (band, y, x).

    ``"auto"`` holds all time slots of a chunk, with one byte more a pixel for what is hidden, in twice
    ``options.chunk_bytes``, since they exist only while the chunk is reduced.
    """
    slots = max(len(plan.layers), 1)
    held = slots * (itemsize + 1)
    sizes = normalize_chunks(chunks, plan, (1, *shape), -(-held // 2))
    return sizes[1:]


def _wanted(chunks: ChunksLike) -> dict[Hashable, Any]:
    if chunks is None or chunks == "auto":
        return {}
    if isinstance(chunks, Mapping):
        unknown = [dim for dim in chunks if dim not in _DIMS]
        if unknown:
            raise ParameterError(f"chunks names the dimension {unknown[0]!r}; use {', '.join(_DIMS)}")
        return dict(chunks)
    if isinstance(chunks, int) and not isinstance(chunks, bool):
        return {"y": chunks, "x": chunks}
    raise ParameterError(
        f"chunks={chunks!r} must be 'auto', a side in pixels, a mapping of dimensions to "
        "sizes, or None to load now"
    )


def _auto_side(shape: tuple[int, ...], itemsize: int) -> int:
    budget = get_options().chunk_bytes / max(shape[1], 1) / itemsize
    return max(int(math.sqrt(budget)) // _STEP * _STEP, _STEP)


def _slots(count: int, others: list[tuple[int, ...]], itemsize: int, *, remote: bool) -> int:
    """How many time slots a chunk has."""
    block = max(math.prod(max(sizes, default=1) for sizes in others) * itemsize, 1)
    together = 4 * _SMALL // block if block < _SMALL else 1
    if remote:
        # One task waits for all its requests at once. Yet each worker should have several tasks.
        runs = -(-_TASKS // math.prod(max(len(sizes), 1) for sizes in others))
        together = max(together, min(get_options().chunk_bytes // block, -(-count // runs)))
    return max(min(count, together), 1)


def _auto(
    axis: int, shape: tuple[int, ...], side: int, edges: tuple[tuple[int, int], ...] | None
) -> int | tuple[int, ...]:
    size = shape[axis]
    if axis == 1:
        return max(size, 1)
    if size <= side * 5 // 4:
        return max(size, 1)
    if edges is None:
        return side
    tile, first = edges[axis - 2]
    run = max(side // tile, 1) * tile
    lead = first % tile
    # A first chunk up to the first edge; where that is a sliver, it goes with the next one.
    head = min(lead if lead > tile // 4 or not lead else lead + run, size)
    body, rest = divmod(size - head, run)
    return (*((head,) if head else ()), *([run] * body), *((rest,) if rest else ()))


def _tile_edges(plan: ReadPlan) -> tuple[tuple[int, int], ...] | None:
    """Tile size and first tile edge along y and x, when the output grid is the grid of the first source."""
    table = plan.table
    if not len(table) or not (table.file_of >= 0).any():
        return None
    image, band = (int(index[0]) for index in (table.file_of >= 0).nonzero())
    pair = plan.pair(table.grid_number(image, band))
    block = table.layouts[table.layout_of[image, band]].block
    if pair.shift is None:
        return None
    if min(block) < 64 or max(block) > 4096:
        return None  # strips: any edge is as good
    return tuple((tile, -shift % tile) for tile, shift in zip(block, pair.shift, strict=True))


def _sizes(dim: str, value: Any, size: int) -> tuple[int, ...]:
    if isinstance(value, int) and not isinstance(value, bool) and (value > 0 or value == -1):
        return _even(size if value == -1 else value, size)
    if isinstance(value, tuple | list) and value and all(isinstance(n, int) and n > 0 for n in value):
        if sum(value) == size:
            return tuple(value)
        raise ParameterError(f"chunks of {dim} sum to {sum(value)}, the axis has {size}")
    raise ParameterError(
        f"chunks of {dim}={value!r} must be a size above 0, -1 for the whole axis, 'auto', or "
        "a tuple of sizes"
    )


@lru_cache(maxsize=8)
def _even(step: int, size: int) -> tuple[int, ...]:
    """Return chunks of one size, but for the last; dask looks only once at one and the same tuple."""
    if size == 0:
        return (0,)
    whole, rest = divmod(size, step)
    return (*((step,) * whole), *((rest,) if rest else ()))
