"""The workloads W1 to W9: what is measured, by whom, and how well values have to agree."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import remote
from benchmarks.archive import SIZE
from benchmarks.prepare import (
    Construction,
    Prepare,
    Stack,
    drill,
    first_pixels,
    median,
    mosaic,
    over_network,
    reduced,
)


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One row of the table."""

    title: str
    prepare: Prepare
    libraries: tuple[str, ...]
    """Whoever takes part; "ours" is first."""
    once: tuple[str, ...] = ("stackstac", "lazycogs", "rasterio")
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


_USUAL = ("ours", "odc", "stackstac", "lazycogs")
_NATIVE = Stack(dates=4, size=4000)

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
        once=("ours",),
        has_values=False,
    ),
    "W1 again": Workload(
        title="the same, after the images were loaded on another grid by workers",
        prepare=Construction(images=100_000, again=True),
        libraries=("ours",),
        has_values=False,
    ),
    "W2": Workload(
        title="stack of 1,000 dates: construct and first 256² pixels",
        prepare=first_pixels,
        libraries=_USUAL,
    ),
    "W2d": Workload(
        title="256² pixels of each date out of the stack of W2",
        prepare=drill,
        libraries=("ours", "odc", "limit"),
        once=("odc",),
    ),
    "W2d alone": Workload(
        title="256² pixels through 1,000 dates, on a grid of that size",
        prepare=Stack(dates=1000, size=256, many=True),
        libraries=("ours", "odc", "stackstac", "limit"),
        once=("odc", "stackstac"),
    ),
    "W3": Workload(
        title="native grid off the tile edges, 4 dates x 2 bands x 4000², chunk 2048",
        prepare=_NATIVE,
        libraries=("ours", "ours at once", *_USUAL[1:], "rasterio", "limit"),
    ),
    "W3s": Workload(
        title='the same with chunk 1024, and ours with "auto"',
        prepare=Stack(dates=4, size=4000, chunk=1024),
        libraries=("ours", "ours auto", "odc", "stackstac", "lazycogs"),
    ),
    "W3a": Workload(
        title="chunks on tile edges, 4 dates x 2 bands x 4096²",
        prepare=Stack(dates=4, size=4096, left=0, top=0),
        libraries=("ours", "ours at once", *_USUAL[1:], "rasterio"),
    ),
    **{
        f"W4 {kernel}": Workload(
            title=f"neighbour UTM zone, 2 dates x 2 bands x 4000², {kernel}",
            prepare=Stack(dates=2, size=4000, epsg=32631, kernel=kernel),
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
        prepare=median,
        libraries=("ours", "odc", "stackstac"),
        once=("odc", "stackstac"),
        tolerance=0.5,
    ),
    "W6": Workload(
        title="1/10 resolution over a whole tile, 12 dates x 2 bands",
        prepare=Stack(dates=12, size=SIZE // 10, resolution=100, left=0, top=0),
        libraries=(*_USUAL, "rasterio"),
        elsewhere=("stackstac",),
    ),
    "W7": Workload(
        title="mosaic across two UTM zones, 2 bands x 4096², nearest",
        prepare=mosaic,
        libraries=("ours", "odc"),
        share=0.05,
    ),
    "W8": Workload(
        title="range reads, 50 ms a request, 3 dates x 2 bands x 4096², by so many threads",
        prepare=over_network,
        libraries=("ours 2", "odc 2", "odc 16", "rasterio 16"),
        once=("rasterio 16",),
        serve=remote.serve,
    ),
    "W9 threads": Workload(
        title="mean of each band and date of W3, by 2 threads",
        prepare=reduced,
        libraries=("ours threads", "odc threads"),
        tolerance=1e-6,
    ),
    "W9 cluster": Workload(
        title="the same on a LocalCluster of 2 processes",
        prepare=reduced,
        libraries=("ours cluster", "odc cluster"),
        tolerance=1e-6,
    ),
}
