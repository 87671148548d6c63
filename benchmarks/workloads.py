"""The workloads W1 to W9: what is measured, for us and for each peer."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine

from benchmarks import peers
from benchmarks.archive import RESOLUTION, SIZE, Scene, scenes

Run = Callable[[], Any]

_X, _Y = 699960.0, 5700000.0


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One row of the table."""

    title: str
    setup: Callable[[Path, str], Run]
    """Makes what is timed, for a library by name: preparation is not timed."""
    libraries: tuple[str, ...] = ("ours", "odc", "stackstac")
    options: Mapping[str, Any] = field(default_factory=dict)


def grid(
    size: int, *, resolution: float = RESOLUTION, epsg: int = 32630, left: int = 333, top: int = 517
) -> Any:
    """Return a square output grid; by default on the source pixels and off their tile edges."""
    from dawnlight.geo import GeoBox

    if epsg == 32630:
        origin = (_X + left * RESOLUTION, _Y - top * RESOLUTION)
    else:
        origin = (290000.0, 5690000.0)
    return GeoBox((size, size), Affine(resolution, 0, origin[0], 0, -resolution, origin[1]), epsg)


def _stack(
    folder: Path,
    library: str,
    *,
    dates: int,
    bands: list[str],
    box: Any,
    kernel: str = "near",
    chunk: Any = 2048,
    zones: tuple[int, ...] = (32630,),
) -> Callable[[], Any]:
    """Return the function that builds the lazy array."""
    chosen = [scene for zone in zones for scene in [s for s in scenes(folder) if s.epsg == zone][:dates]]
    if library == "ours":
        images = peers.ours(chosen)
        return lambda: peers.load_ours(images, bands, box, kernel, chunk)
    items = peers.items(chosen)
    load = peers.load_odc if library == "odc" else peers.load_stackstac
    return lambda: load(items, bands, box, kernel, chunk if isinstance(chunk, int) else 2048)


def _compute(lazy: Any) -> np.ndarray:
    return np.asarray(lazy.compute(scheduler="threads", num_workers=2).data)


def _whole(**options: Any) -> Callable[[Path, str], Run]:
    def setup(folder: Path, library: str) -> Run:
        build = _stack(folder, library, **{**options, "box": options["box"]()})
        return lambda: _compute(build())

    return setup


def _construct(folder: Path, library: str) -> Run:
    """10,000 images of 4 bands: no file is opened, so the scenes need not exist."""
    made = []
    for number in range(10_000):
        zone, x = ((30, 600000.0), (30, 700000.0), (31, 300000.0), (31, 400000.0))[number % 4]
        name = f"S2_{number:05d}"
        files = {band: f"/archive/{zone}/{name}/{band}.tif" for band in ("red", "nir", "scl")}
        date = f"20{10 + number % 14}-{1 + number % 12:02d}-{1 + number % 28:02d}T11:00:00Z"
        made.append(Scene(name, 32600 + zone, (x, 5700000.0), date, files))
    box = grid(4096)
    bands = ["red", "nir", "scl"]
    if library == "ours":
        images = peers.ours(made, headers=peers.assumed_headers)
        return lambda: pickle.dumps(peers.load_ours(images, bands, box, "near", 2048).data.__dask_graph__())
    items = peers.items(made)
    load = peers.load_odc if library == "odc" else peers.load_stackstac
    return lambda: pickle.dumps(load(items, bands, box, "near", 2048).data.__dask_graph__())


def _first_pixels(folder: Path, library: str) -> Run:
    """Build a stack of many dates and take 256 x 256 pixels of one."""
    build = _repeated(folder, library, box=grid(4096))

    def run() -> np.ndarray:
        return _compute(build().isel(time=slice(500, 501), y=slice(1000, 1256), x=slice(1000, 1256)))

    return run


def _drill(folder: Path, library: str) -> Run:
    """256 x 256 pixels through all dates."""
    build = _repeated(folder, library, box=grid(256))
    return lambda: _compute(build())


def _repeated(folder: Path, library: str, *, box: Any) -> Callable[[], Any]:
    """Return the function that stacks 1,000 dates, made of the twelve that there are."""
    twelve = [scene for scene in scenes(folder) if scene.epsg == 32630]
    many = []
    for number in range(1000):
        scene = twelve[number % len(twelve)]
        date = f"{1990 + number // 336}-{1 + number // 28 % 12:02d}-{1 + number % 28:02d}T11:00:00Z"
        many.append(Scene(f"{scene.name}_{number:04d}", scene.epsg, scene.origin, date, scene.files))
    if library == "ours":
        images = peers.ours(many)
        return lambda: peers.load_ours(images, ["red"], box, "near", 2048)
    items = peers.items(many)
    load = peers.load_odc if library == "odc" else peers.load_stackstac
    return lambda: load(items, ["red"], box, "near", 2048)


def _median(folder: Path, library: str) -> Run:
    """Cloud-masked median of two bands and twelve dates."""
    box = grid(4096)
    if library == "ours":
        images = peers.ours([scene for scene in scenes(folder) if scene.epsg == 32630])
        return lambda: _compute(images.composite("red nir", "median", box, mask={"scl": [9]}))
    build = _stack(folder, library, dates=12, bands=["red", "nir", "scl"], box=box, chunk=1024)

    def run() -> np.ndarray:
        stack = build()
        classes = stack.sel(band="scl")
        pixels = stack.sel(band=["red", "nir"])
        clear = pixels.where((pixels != 0) & (classes != 9) & (classes != 0))
        return _compute(clear.chunk({"time": -1}).median("time"))

    return run


def _mosaic(folder: Path, library: str) -> Run:
    """One picture across the zone border."""
    box = grid(4096, epsg=32631)
    chosen = [next(s for s in scenes(folder) if s.epsg == zone) for zone in (32630, 32631)]
    if library == "ours":
        images = peers.ours(chosen)[::-1]  # the first on top, as odc-stac paints
        return lambda: _compute(images.mosaic(["red", "nir"], box, mask_nodata=False, chunks=2048))
    items = peers.items(chosen)
    return lambda: _compute(peers.load_odc(items, ["red", "nir"], box, "near", 2048, groupby=lambda *_: 0))


WORKLOADS: dict[str, Workload] = {
    "W1": Workload(title="lazy construction, 10,000 images x 3 bands, pickled graph", setup=_construct),
    "W2": Workload(title="stack of 1,000 dates: construct and first 256 x 256 pixels", setup=_first_pixels),
    "W2d": Workload(title="256 x 256 pixels through 1,000 dates", setup=_drill),
    "W3": Workload(
        title="native grid off the tile edges, chunk 2048",
        setup=_whole(dates=4, bands=["red", "nir"], box=lambda: grid(4000)),
    ),
    "W3s": Workload(
        title="the same, chunk 1024",
        setup=_whole(dates=4, bands=["red", "nir"], box=lambda: grid(4000), chunk=1024),
    ),
    "W3a": Workload(
        title="chunks on tile edges",
        setup=_whole(dates=4, bands=["red", "nir"], box=lambda: grid(4096, left=0, top=0)),
    ),
    **{
        f"W4 {kernel}": Workload(
            title=f"neighbour UTM zone, {kernel}",
            setup=_whole(dates=2, bands=["red", "nir"], box=lambda: grid(4000, epsg=32631), kernel=kernel),
        )
        for kernel in ("near", "bilinear", "cubic")
    },
    "W5": Workload(
        title="cloud-masked median, 2 bands x 12 dates x 4096^2", setup=_median, libraries=("ours", "odc")
    ),
    "W6": Workload(
        title="1/10 resolution over a whole tile",
        setup=_whole(
            dates=12, bands=["red", "nir"], box=lambda: grid(SIZE // 10, resolution=100, left=0, top=0)
        ),
    ),
    "W7": Workload(title="mosaic across two UTM zones, nearest", setup=_mosaic, libraries=("ours", "odc")),
}
