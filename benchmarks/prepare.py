"""What is timed in each workload, for us and for each peer."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine

from benchmarks import cluster, lazy_cogs, peers, remote
from benchmarks.archive import RESOLUTION, Scene, invented, linked, scenes
from benchmarks.by_hand import by_hand
from benchmarks.limit import make_limit
from benchmarks.measure import Run

THREADS = 2
CHUNK = 2048
PIXELS = ["red", "nir"]
OFF = (517, 333)
"""Row and column of a source pixel at which output grids begin: off the edges of its tiles."""
FIRST_SPARE = 5000
"""Number of the first linked scene for small runs; larger than any that is measured."""

Prepare = Callable[["Archive", str, bool], Run]
"""Makes what is timed, for a library by name; True asks for the small run."""


@dataclass(frozen=True, kw_only=True)
class Archive:
    """Where the files are."""

    folder: Path
    url: str = ""
    """Address of the server that serves them, for workloads that read over the network."""


def grid(
    size: int, *, resolution: float = RESOLUTION, epsg: int = 32630, left: int = OFF[1], top: int = OFF[0]
) -> Any:
    """Return a square output grid; by default on the source pixels and off their tile edges."""
    from dawnlight.geo import GeoBox

    origin = (699960.0 + left * RESOLUTION, 5700000.0 - top * RESOLUTION)
    if epsg != 32630:
        origin = (290000.0, 5690000.0)
    return GeoBox((size, size), Affine(resolution, 0, origin[0], 0, -resolution, origin[1]), epsg)


def compute(lazy: Any, threads: int = THREADS) -> np.ndarray:
    """Return all values of a lazy array."""
    return np.asarray(lazy.compute(scheduler="threads", num_workers=threads).data)


def builder(
    library: str, found: Sequence[Scene], bands: list[str], box: Any, kernel: str = "near", chunk: Any = CHUNK
) -> Callable[[], Any]:
    """Return the function that builds the lazy array (time, band, y, x); what it needs is made here."""
    if library in ("ours", "ours auto"):
        images = peers.ours(found)
        wanted = "auto" if library == "ours auto" else chunk
        return lambda: peers.load_ours(images, bands, box, kernel, wanted)
    items = peers.items(found)
    if library == "lazycogs":
        path = lazy_cogs.write_items(items)
        return lambda: lazy_cogs.load_lazycogs(path, bands, box, chunk)
    load = peers.load_odc if library == "odc" else peers.load_stackstac
    return lambda: load(items, bands, box, kernel, chunk)


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A stack that is loaded whole."""

    dates: int
    size: int
    """Side of the output, pixels."""
    epsg: int = 32630
    resolution: float = RESOLUTION
    left: int = OFF[1]
    top: int = OFF[0]
    kernel: str = "near"
    chunk: int = CHUNK
    many: bool = False
    """Whether there are more dates than files, each file under many names."""

    def __call__(self, archive: Archive, library: str, small: bool) -> Run:
        """Make the run; see `Prepare`."""
        if small:
            found = linked(archive.folder, min(self.dates, 2), first=FIRST_SPARE)
        elif self.many:
            found = linked(archive.folder, self.dates)
        else:
            found = [scene for scene in scenes(archive.folder) if scene.epsg == 32630][: self.dates]
        bands = PIXELS[:1] if self.many else PIXELS
        size = min(self.size, 256) if small else self.size
        box = grid(size, resolution=self.resolution, epsg=self.epsg, left=self.left, top=self.top)
        if library == "rasterio":
            return Run(call=lambda: by_hand(found, bands, box, self.kernel, THREADS))
        if library == "limit":
            real = [[str(Path(scene.files[band]).resolve()) for band in bands] for scene in found]
            return Run(call=make_limit(real, self.top, self.left, size))
        if library == "ours at once":
            images = peers.ours(found)
            return Run(call=lambda: peers.load_ours_at_once(images, bands, box, self.kernel, THREADS))
        build = builder(library, found, bands, box, self.kernel, self.chunk)
        return Run(call=lambda: compute(build()))


@dataclass(frozen=True, kw_only=True)
class Construction:
    """Build the lazy array of many images, and pickle its graph."""

    images: int
    bands: int = 4
    again: bool = False
    """Whether the same bands of the same images were sent to workers before, on another grid."""

    def __call__(self, archive: Archive, library: str, small: bool) -> Run:
        """Make the run; see `Prepare`."""
        bands = ["red", "nir", "scl", "blue"][: self.bands]
        bands += [f"b{number}" for number in range(len(bands), self.bands)]
        found = invented(100 if small else self.images, tuple(bands))
        box = grid(4096)
        if library == "ours":
            images = peers.ours(found, headers=peers.assumed_headers)
            if self.again:
                before = peers.load_ours(images, bands, grid(256, resolution=20), "bilinear", CHUNK)
                pickle.dumps(before.data.__dask_graph__())

            def build() -> Any:
                return peers.load_ours(images, bands, box, "near", CHUNK)

        else:
            build = builder(library, found, bands, box)
        return Run(call=lambda: pickle.dumps(build().data.__dask_graph__()))


def first_pixels(archive: Archive, library: str, small: bool) -> Run:
    """Build a stack of many dates and take 256 x 256 pixels of one."""
    count = 20 if small else 1000
    found = linked(archive.folder, count, first=FIRST_SPARE if small else 0)
    build = builder(library, found, PIXELS[:1], grid(4096))
    middle, place = slice(count // 2, count // 2 + 1), slice(1000, 1256)
    return Run(call=lambda: compute(build().isel(time=middle, y=place, x=place)))


def drill(archive: Archive, library: str, small: bool) -> Run:
    """Build a stack of many dates and take 256 x 256 pixels of each."""
    found = linked(archive.folder, 5 if small else 1000, first=FIRST_SPARE if small else 0)
    top, left, size = 1000, 1000, 256
    if library == "limit":
        real = [[str(Path(scene.files[band]).resolve()) for band in PIXELS[:1]] for scene in found]
        return Run(call=make_limit(real, OFF[0] + top, OFF[1] + left, size))
    build = builder(library, found, PIXELS[:1], grid(4096))
    part = {"y": slice(top, top + size), "x": slice(left, left + size)}
    return Run(call=lambda: compute(build().isel(part)))


def median(archive: Archive, library: str, small: bool) -> Run:
    """Cloud-masked median of two bands and twelve dates."""
    box = grid(512 if small else 4096)
    found = linked(archive.folder, 12, first=FIRST_SPARE) if small else scenes(archive.folder)[:12]
    if library == "ours":
        images = peers.ours(found)
        return Run(call=lambda: compute(images.composite(PIXELS, "median", box, mask={"scl": [9]})))
    build = builder(library, found, [*PIXELS, "scl"], box, chunk=1024)

    def run() -> np.ndarray:
        stack = build()
        classes = stack.sel(band="scl")
        pixels = stack.sel(band=PIXELS)
        clear = pixels.where((pixels != 0) & (classes != 9) & (classes != 0))
        return compute(clear.chunk({"time": -1}).median("time"))

    return Run(call=run)


def mosaic(archive: Archive, library: str, small: bool) -> Run:
    """One picture across the zone border."""
    box = grid(256 if small else 4096, epsg=32631)
    if small:
        found = [linked(archive.folder, 1, first=FIRST_SPARE, epsg=epsg)[0] for epsg in (32630, 32631)]
    else:
        found = [next(s for s in scenes(archive.folder) if s.epsg == epsg) for epsg in (32630, 32631)]
    if library == "ours":
        images = peers.ours(found)[::-1]  # the first on top, as odc-stac paints
        return Run(call=lambda: compute(images.mosaic(PIXELS, box, mask_nodata=False, chunks=CHUNK)))
    items = peers.items(found)
    return Run(
        call=lambda: compute(
            peers.load_odc(items, PIXELS, box, "near", CHUNK, groupby=lambda *_: 0).isel(time=0)
        )
    )


def over_network(archive: Archive, library: str, small: bool) -> Run:
    """Three dates over the network, by so many threads as the name says."""
    name, threads = library.split()
    found = scenes(archive.folder)[:12]
    chosen = remote.served(found[-1:] if small else found[:3], archive.url)
    box = grid(256 if small else 4096)
    if name == "rasterio":
        return Run(
            call=lambda: by_hand(chosen, PIXELS, box, "near", int(threads)),
            meters=lambda: remote.counts(archive.url),
        )
    build = builder(name, chosen, PIXELS, box)
    return Run(
        call=lambda: compute(build(), int(threads)),
        meters=lambda: remote.counts(archive.url),
        repeat=name == "ours",
    )


def reduced(archive: Archive, library: str, small: bool) -> Run:
    """Mean of each band and date, where the chunks are read: by threads or by two processes of a cluster."""
    name, where = library.split()
    found = linked(archive.folder, 2, first=FIRST_SPARE) if small else scenes(archive.folder)[:4]
    build = builder(name, found, PIXELS, grid(1024 if small else 4000), chunk=512 if small else CHUNK)
    if where == "threads":
        return Run(call=lambda: compute(build().mean(("y", "x"))))
    workers = cluster.start()
    return Run(
        call=lambda: np.asarray(build().mean(("y", "x")).compute(scheduler=workers.client).data),
        meters=workers.meters,
    )
