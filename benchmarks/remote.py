"""``python -m benchmarks.remote``: W8, range reads with 50 ms a request, against GDAL by hand and odc-stac.

A server of its own process serves the archive on the loopback interface and counts requests and bytes. Each
run is a fresh process that first reads another scene (compiling, importing), then is timed once, so that all
begin with cold caches and unknown headers; ours then runs once more with known headers, its tiles dropped.
Values are compared before anything is reported; libraries take turns.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import peers
from benchmarks.archive import RESOLUTION, Scene, build, scenes

BANDS = ["red", "nir"]
LIBRARIES = ("ours 2", "odc 2", "odc 16", "rasterio 16")
GDAL = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_HTTP_MULTIPLEX": "YES",
    "GDAL_HTTP_VERSION": "2TLS",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".tif",
    "VSI_CACHE": "TRUE",
    "VSI_CACHE_SIZE": "67108864",
    "CPL_VSIL_CURL_CACHE_SIZE": "268435456",
    "GDAL_CACHEMAX": "512",
}


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.remote", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("benchmark-archive"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dates", type=int, default=3)
    parser.add_argument("--size", type=int, default=4096, help="side of the window, pixels")
    parser.add_argument("--delay", type=float, default=0.05, help="seconds before each answer")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    parser.add_argument("--one", nargs=2, metavar=("LIBRARY", "URL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options, *options.one)))
        return
    build(options.folder)
    command = [sys.executable, "-m", "dawnlight.testing._range_server", str(options.folder)]
    with subprocess.Popen(
        [*command, "--delay", str(options.delay)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            report(options, compare(options, server.stdout.readline().strip()))
        finally:
            server.terminate()


def compare(options: argparse.Namespace, url: str) -> dict[str, list[dict[str, Any]]]:
    """Run the libraries in turn; the order changes from round to round."""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in LIBRARIES}
    for number in range(options.rounds):
        start = number % len(LIBRARIES)
        for name in LIBRARIES[start:] + LIBRARIES[:start]:
            command = [sys.executable, "-m", "benchmarks.remote", "--one", name, url]
            for key in ("folder", "dates", "size"):
                command += [f"--{key}", str(getattr(options, key))]
            done = subprocess.run(
                command, capture_output=True, text=True, check=True, env={**os.environ, **GDAL}
            )
            runs[name].append(json.loads(done.stdout.splitlines()[-1]))
    digests = {run["digest"] for found in runs.values() for run in found}
    if len(digests) != 1:
        raise SystemExit(f"values differ: { ({name: found[0]['digest'] for name, found in runs.items()}) }")
    return runs


def report(options: argparse.Namespace, runs: dict[str, list[dict[str, Any]]]) -> None:
    """Print medians, and ratios of the pairs of one round."""
    packages = ("dawnlight", "obstore", "odc-stac", "rasterio", "dask", "numpy", "imagecodecs")
    print(", ".join(f"{name} {version(name)}" for name in packages))
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(
        f"{options.dates} dates x {len(BANDS)} bands x {options.size}² pixels, "
        f"{options.delay * 1000:.0f} ms a request"
    )
    print("| library, threads | wall s | CPU s | requests | MB | wall, ours = 1 | bytes, ours = 1 |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, found in runs.items():
        middle = {
            key: statistics.median(run[key] for run in found) for key in ("wall", "cpu", "requests", "bytes")
        }
        pairs = list(zip(found, runs[LIBRARIES[0]], strict=True))
        ratios = [statistics.median(a[key] / b[key] for a, b in pairs) for key in ("wall", "bytes")]
        print(
            f"| {name} | {middle['wall']:.2f} | {middle['cpu']:.2f} | {middle['requests']:.0f} | "
            f"{middle['bytes'] / 1e6:.0f} | {ratios[0]:.2f} | {ratios[1]:.2f} |"
        )
    again = [run["again"] for run in runs[LIBRARIES[0]]]
    wall, asked = (statistics.median(run[key] for run in again) for key in ("wall", "requests"))
    print(f"ours once more, headers known: {wall:.2f} s, {asked:.0f} requests")
    if options.json:
        options.json.write_text(json.dumps(runs, indent=1))


def measure(options: argparse.Namespace, name: str, url: str) -> dict[str, Any]:
    """Time one library in this process."""
    library, threads = name.split()
    found = [
        replace(scene, files={band: f"{url}/{Path(path).name}" for band, path in scene.files.items()})
        for scene in scenes(options.folder)
        if scene.epsg == 32630
    ]
    prepare(library, found[-1:], 256, int(threads))()
    run = prepare(library, found[: options.dates], options.size, int(threads))
    first = timed(url, run)
    values = first.pop("values")
    first["digest"] = hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()[:16]
    if library == "ours":
        from dawnlight.raster._tile_cache import tiles

        tiles.clear()
        first["again"] = timed(url, run)
        assert (first["again"].pop("values") == values).all()
    return first


def timed(url: str, run: Any) -> dict[str, Any]:
    """Run, and ask the server what that took."""
    counts(url)
    start, cpu = time.perf_counter(), time.process_time()
    values = run()
    wall, used = time.perf_counter() - start, time.process_time() - cpu
    return {"wall": wall, "cpu": used, "values": values, **counts(url)}


def counts(url: str) -> dict[str, int]:
    """Return requests and bytes since the last call."""
    with urllib.request.urlopen(f"{url}/-/counts") as reply:
        found: dict[str, int] = json.load(reply)
    return found


def prepare(library: str, found: list[Scene], size: int, threads: int) -> Any:
    """Return what is to be timed: from scenes to an array (time, band, y, x)."""
    grid = _grid(size)
    if library == "rasterio":
        return lambda: _by_hand(found, size, threads)
    if library == "ours":
        images = peers.ours(found)
        lazy = peers.load_ours(images, BANDS, grid, "near", 2048)
    else:
        lazy = peers.load_odc(peers.items(found), BANDS, grid, "near", 2048)
    return lambda: np.asarray(lazy.compute(scheduler="threads", num_workers=threads).data)


def _grid(size: int) -> Any:
    from affine import Affine

    from dawnlight.geo import GeoBox

    x, y = 699960.0 + 333 * RESOLUTION, 5700000.0 - 517 * RESOLUTION
    return GeoBox((size, size), Affine(RESOLUTION, 0, x, 0, -RESOLUTION, y), 32630)


def _by_hand(found: list[Scene], size: int, threads: int) -> np.ndarray:
    """Read the window of each file in a thread of its own."""
    import rasterio
    from rasterio.windows import Window

    out = np.empty((len(found), len(BANDS), size, size), dtype="uint16")

    def read(place: tuple[int, int]) -> None:
        with rasterio.open(found[place[0]].files[BANDS[place[1]]]) as file:
            file.read(1, window=Window(333, 517, size, size), out=out[place])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(read, np.ndindex(out.shape[:2])))
    return out


if __name__ == "__main__":
    main()
