"""What loading an array will take, worked out from its plan before any pixel is read.

Nothing is opened. How many tasks there are, and which images they meet, is counted; what the files have to
give for it is worked out for some images and projected to all of them, since a plan may have 100,000.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dawnlight._options import get_options
from dawnlight.geo import spell_crs
from dawnlight.raster._chunks import Sizes, composite_chunks, normalize_chunks
from dawnlight.raster._composite import LazyComposite
from dawnlight.raster._explain_reads import ReadEstimate, SourceGroup, estimate_reads
from dawnlight.raster._explain_tasks import Selection, TaskCount, count_tasks
from dawnlight.raster._explain_text import to_html, to_text
from dawnlight.raster._jit import backend
from dawnlight.raster._lazy import LazyRaster
from dawnlight.raster._plan import ReadPlan
from dawnlight.raster._tile_cache import tiles

__all__ = ["Explanation", "Selection", "explain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What computing a lazy array reads and needs; print it, or show it in a notebook.

    Counts of tasks and images are exact. Tiles, requests, bytes and memory are estimates; `notes` says what
    they rest on.
    """

    kind: str
    """``"stack"``, ``"mosaic"`` or ``"composite"``."""
    shape: tuple[int, ...]
    """Sizes of what is asked for: (time, band, y, x), or (band, y, x) of a composite."""
    dtype: str
    """NumPy type of the values."""
    nbytes: int
    """Memory that the values take together."""
    crs: str
    """Output CRS."""
    resolution: tuple[float, float]
    """Size (x, y) of an output pixel in units of the CRS."""
    why: Mapping[str, str]
    """Reasons for ``crs``, ``resolution`` and ``chunks``."""
    tasks: int
    """Chunks that are read."""
    empty_tasks: int
    """How many of them no image reaches; they read nothing."""
    chunk_shape: tuple[int, ...]
    """Sizes of the largest chunk that a task makes."""
    chunk_bytes: int
    """Memory of that chunk."""
    images_used: int
    """Images that reach what is asked for."""
    images_skipped: int
    """Images of the same time slots that do not."""
    tiles: int
    """Internal tiles of the files to decode, each counted for every task that needs it."""
    distinct_tiles: int
    """Different ones among them; where this is much less, chunks cut through the tiles."""
    requests: int
    """Reads of local files and range requests to remote ones."""
    stored_bytes: int
    """Bytes to fetch, as compressed as they are."""
    decoded_bytes: int
    """Bytes of those tiles once decoded."""
    memory_per_task: int
    """Memory that one task needs at most, its result included, without caches."""
    sources: tuple[SourceGroup, ...]
    """How files with the same grid and layout are read."""
    cache: Mapping[str, int]
    """Budgets in bytes of this process: decoded ``tiles`` and ``coordinates``."""
    kernels: str
    """``"numba"``, or ``"numpy"`` where numba is missing or switched off."""
    notes: tuple[str, ...] = ()
    """What the estimates rest on, and what to know about this array."""
    others: tuple[Explanation, ...] = ()
    """Other loaded arrays that the same values are calculated from."""

    def __str__(self) -> str:
        return to_text(self.to_dict())

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return to_html(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        found: dict[str, Any] = _plain(asdict(self))
        return found


def explain(
    lazy: LazyRaster | LazyComposite,
    sizes: Sizes,
    selection: Selection | None = None,
    *,
    whole_chunks: bool = False,
    notes: tuple[str, ...] = (),
) -> Explanation:
    """Explain what reading a part of a lazy array takes.

    Parameters
    ----------
    lazy
        The array.
    sizes
        Its chunks, as `to_dask` was given them.
    selection
        The part; all of it by default.
    whole_chunks
        Whether chunks are read whole although only a part of them is asked for.
    notes
        What the caller knows besides.
    """
    plan = lazy.plan
    wanted = selection or Selection.everything(lazy)
    reduced = isinstance(lazy, LazyComposite)
    axes = ((len(plan.layers),), *sizes) if reduced else sizes
    tasks = count_tasks(plan, axes, wanted, whole_chunks=whole_chunks)
    reads = estimate_reads(lazy, tasks)
    shape: tuple[int, ...] = (len(wanted.bands), wanted.height, wanted.width)
    if not reduced:
        shape = (len(wanted.layers), *shape)
    itemsize = lazy.dtype.itemsize
    chunk = tasks.largest[1:] if reduced else tasks.largest
    rx, ry = plan.geobox.resolution
    return Explanation(
        kind=_kind(lazy),
        shape=shape,
        dtype=lazy.dtype.name,
        nbytes=int(np.prod(shape, dtype=np.int64)) * itemsize,
        crs=spell_crs(plan.geobox.crs),
        resolution=(rx, ry),
        why={**_why_grid(plan), "chunks": _why_chunks(lazy, sizes)},
        tasks=tasks.count,
        empty_tasks=tasks.empty,
        chunk_shape=chunk,
        chunk_bytes=int(np.prod(chunk, dtype=np.int64)) * itemsize,
        images_used=tasks.images_used,
        images_skipped=tasks.images_skipped,
        tiles=reads.tiles,
        distinct_tiles=reads.distinct_tiles,
        requests=reads.requests,
        stored_bytes=reads.stored_bytes,
        decoded_bytes=reads.decoded_bytes,
        memory_per_task=_memory(lazy, tasks, reads),
        sources=reads.sources,
        cache={"tiles": tiles.budget, "coordinates": get_options().cache_bytes // 4},
        kernels=backend(),
        notes=(*notes, *_notes(plan, tasks, reads)),
    )


def _kind(lazy: LazyRaster | LazyComposite) -> str:
    if isinstance(lazy, LazyComposite):
        return "composite"
    return "mosaic" if len(lazy.plan.layers) == 1 and len(lazy.plan.layers[0]) > 1 else "stack"


def _why_grid(plan: ReadPlan) -> dict[str, str]:
    unknown = "not noted"
    return {"crs": plan.why.get("crs", unknown), "resolution": plan.why.get("resolution", unknown)}


def _why_chunks(lazy: LazyRaster | LazyComposite, sizes: Sizes) -> str:
    plan = lazy.plan
    if isinstance(lazy, LazyComposite):
        itemsize = max(np.dtype(spec.dtype).itemsize for spec in plan.bands)
        automatic = composite_chunks("auto", plan, lazy.shape, itemsize)
        budget = "twice chunk_bytes for all time slots of a chunk"
    else:
        automatic = normalize_chunks("auto", plan, lazy.shape, lazy.dtype.itemsize)
        budget = "chunk_bytes"
    if sizes != automatic:
        return "as asked for"
    number = int(plan.table.file_of[plan.table.file_of >= 0][0]) if (plan.table.file_of >= 0).any() else None
    on_tiles = number is not None and plan.pair(int(plan.table.grid_of[number])).shift is not None
    edges = (
        "edges on the edges of the files' internal tiles"
        if on_tiles
        else "the pixels are resampled, so no edge is better than another"
    )
    return f"automatic: {budget} = {get_options().chunk_bytes:,} bytes, bands together, {edges}"


def _memory(lazy: LazyRaster | LazyComposite, tasks: TaskCount, reads: ReadEstimate) -> int:
    """Memory of the largest task: its result, what is painted into it, and the largest read."""
    plan = lazy.plan
    layers, bands, height, width = tasks.largest
    pixels = height * width
    widths = [np.dtype(spec.dtype).itemsize for spec in plan.bands]
    read_bands = bands + (len(plan.bands) - len(_kept(lazy)))
    native = max(widths, default=1) + 1  # a value and whether it counts
    if isinstance(lazy, LazyComposite):
        held = max(map(len, lazy.groups(tuple(range(bands)))), default=0)
        slots = len(plan.layers) * (held * max(widths, default=1) + 1)  # values, and what is hidden
        return pixels * (slots + bands * lazy.dtype.itemsize + read_bands * native) + reads.largest_read
    result = layers * bands * pixels * lazy.dtype.itemsize
    painted = any(len(members) > 1 for members in plan.layers) or plan.masks.alpha is not None
    resampled = any(group.resampled for group in reads.sources)
    copies = 2 if painted else 1 if resampled else 0
    return result + reads.largest_read + copies * pixels * read_bands * native


def _kept(lazy: LazyRaster | LazyComposite) -> tuple[int, ...]:
    return tuple(range(lazy.count)) if isinstance(lazy, LazyComposite) else lazy.output.keep


def _notes(plan: ReadPlan, tasks: TaskCount, reads: ReadEstimate) -> list[str]:
    notes = []
    if tasks.sampled:
        notes.append("empty tasks were counted in a part of the time slots and projected to all")
    if reads.looked_at < reads.of:
        notes.append(
            f"tiles, requests and bytes were worked out for {reads.looked_at:,} of {reads.of:,} images and "
            "projected to all"
        )
    if reads.unopened:
        notes.append(
            "bytes are a file's size spread evenly over its tiles, taking all bands of a file to lie in the "
            "same tiles: its directory has not been read yet"
        )
    if reads.unsized:
        notes.append("the size of some files is not known; their bytes are those of the decoded tiles")
    if any(len(members) > 1 for members in plan.layers):
        notes.append("images below others are counted, too; they are not read where those on top have no gap")
    return notes


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value
