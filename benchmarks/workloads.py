"""The workloads W1 to W9: what is measured, for us and for each peer."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine

from benchmarks import cluster, lazy_cogs, peers, remote
from benchmarks.archive import RESOLUTION, SIZE, Scene, invented, linked, scenes
from benchmarks.by_hand import by_hand
from benchmarks.limit import make_limit
from benchmarks.measure import Run

THREADS = 2
CHUNK = 2048
PIXELS = ["red", "nir"]
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


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One row of the table."""

    title: str
    prepare: Prepare
    libraries: tuple[str, ...]
    """Whoever takes part; "ours" is first."""
    once: tuple[str, ...] = ("stackstac", "lazycogs")
    """Who runs in the first round only: it is slow, or no goal compares with it."""
    tolerance: float = 0
    """Values may differ by this much ..."""
    share: float = 0
    """... or more, for this share of the pixels: GDAL approximates coordinates."""
    has_values: bool = True
    """Whether the result are pixels; otherwise it is a pickled graph."""
    elsewhere: tuple[str, ...] = ()
    """Who takes other pixels by design, so that only mean and share of missing pixels are compared."""
    serve: Callable[[Path], AbstractContextManager[str]] | None = None
    """Starts what the runs need, and gives its address."""


def grid(
    size: int, *, resolution: float = RESOLUTION, epsg: int = 32630, left: int = 333, top: int = 517
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
class _Stack:
    """A stack that is loaded whole."""

    dates: int
    size: int
    """Side of the output, pixels."""
    epsg: int = 32630
    resolution: float = RESOLUTION
    left: int = 333
    top: int = 517
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
        build = builder(library, found, bands, box, self.kernel, self.chunk)
        return Run(call=lambda: compute(build()))


@dataclass(frozen=True, kw_only=True)
class Construction:
    """Build the lazy array of many images, and pickle its graph."""

    images: int
    bands: int = 4

    def __call__(self, archive: Archive, library: str, small: bool) -> Run:
        """Make the run; see `Prepare`."""
        bands = ["red", "nir", "scl", "blue"][: self.bands]
        bands += [f"b{number}" for number in range(len(bands), self.bands)]
        found = invented(100 if small else self.images, tuple(bands))
        box = grid(4096)
        if library == "ours":
            images = peers.ours(found, headers=peers.assumed_headers)

            def build() -> Any:
                return peers.load_ours(images, bands, box, "near", CHUNK)

        else:
            build = builder(library, found, bands, box)
        return Run(call=lambda: pickle.dumps(build().data.__dask_graph__()))


def _first_pixels(archive: Archive, library: str, small: bool) -> Run:
    """Build a stack of many dates and take 256 x 256 pixels of one."""
    count = 20 if small else 1000
    found = linked(archive.folder, count, first=FIRST_SPARE if small else 0)
    build = builder(library, found, PIXELS[:1], grid(4096))
    middle, place = slice(count // 2, count // 2 + 1), slice(1000, 1256)
    return Run(call=lambda: compute(build().isel(time=middle, y=place, x=place)))


def _median(archive: Archive, library: str, small: bool) -> Run:
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


def _mosaic(archive: Archive, library: str, small: bool) -> Run:
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


def _over_network(archive: Archive, library: str, small: bool) -> Run:
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


def _reduced(archive: Archive, library: str, small: bool) -> Run:
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


_USUAL = ("ours", "odc", "stackstac", "lazycogs")
_NATIVE = _Stack(dates=4, size=4000)

WORKLOADS: dict[str, Workload] = {
    "W1": Workload(
        title="lazy construction, 10,000 images x 4 bands, pickled graph",
        prepare=Construction(images=10_000),
        libraries=("ours", "odc", "stackstac"),
        once=("odc", "stackstac"),
        has_values=False,
    ),
    "W1 100k": Workload(
        title="the same, 100,000 images",
        prepare=Construction(images=100_000),
        libraries=("ours",),
        has_values=False,
    ),
    "W2": Workload(
        title="stack of 1,000 dates: construct and first 256² pixels",
        prepare=_first_pixels,
        libraries=_USUAL,
    ),
    "W2d": Workload(
        title="256² pixels through 1,000 dates",
        prepare=_Stack(dates=1000, size=256, left=333, top=517, many=True),
        libraries=("ours", "odc", "stackstac", "limit"),
        once=("odc", "stackstac"),
    ),
    "W3": Workload(
        title="native grid off the tile edges, 4 dates x 2 bands x 4000², chunk 2048",
        prepare=_NATIVE,
        libraries=(*_USUAL, "rasterio", "limit"),
    ),
    "W3s": Workload(
        title='the same with chunk 1024, and ours with "auto"',
        prepare=_Stack(dates=4, size=4000, chunk=1024),
        libraries=("ours", "ours auto", "odc", "stackstac", "lazycogs"),
    ),
    "W3a": Workload(
        title="chunks on tile edges, 4 dates x 2 bands x 4096²",
        prepare=_Stack(dates=4, size=4096, left=0, top=0),
        libraries=(*_USUAL, "rasterio"),
    ),
    **{
        f"W4 {kernel}": Workload(
            title=f"neighbour UTM zone, 2 dates x 2 bands x 4000², {kernel}",
            prepare=_Stack(dates=2, size=4000, epsg=32631, kernel=kernel),
            libraries=(
                "ours",
                "odc",
                *{"near": ["lazycogs"], "bilinear": ["stackstac"], "cubic": []}[kernel],
                "rasterio",
            ),
            tolerance=0 if kernel == "near" else 25,
            share=0.05,
        )
        for kernel in ("near", "bilinear", "cubic")
    },
    "W5": Workload(
        title="cloud-masked median, 2 bands x 12 dates x 4096²",
        prepare=_median,
        libraries=("ours", "odc", "stackstac"),
        once=("odc", "stackstac"),
        tolerance=0.5,
    ),
    "W6": Workload(
        title="1/10 resolution over a whole tile, 12 dates x 2 bands",
        prepare=_Stack(dates=12, size=SIZE // 10, resolution=100, left=0, top=0),
        libraries=(*_USUAL, "rasterio"),
        elsewhere=("stackstac",),
    ),
    "W7": Workload(
        title="mosaic across two UTM zones, 2 bands x 4096², nearest",
        prepare=_mosaic,
        libraries=("ours", "odc"),
        share=0.05,
    ),
    "W8": Workload(
        title="range reads, 50 ms a request, 3 dates x 2 bands x 4096², by so many threads",
        prepare=_over_network,
        libraries=("ours 2", "odc 2", "odc 16", "rasterio 16"),
        once=("rasterio 16",),
        serve=remote.serve,
    ),
    "W9 threads": Workload(
        title="mean of each band and date of W3, by 2 threads",
        prepare=_reduced,
        libraries=("ours threads", "odc threads"),
        tolerance=1e-6,
    ),
    "W9 cluster": Workload(
        title="the same on a LocalCluster of 2 processes",
        prepare=_reduced,
        libraries=("ours cluster", "odc cluster"),
        tolerance=1e-6,
    ),
}
