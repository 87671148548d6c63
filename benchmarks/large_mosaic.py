"""Download a mosaic far larger than memory, and report peak memory, time and size.

    python -m benchmarks.large_mosaic FOLDER [--side 40000] [--megabytes 1024]

Four tiles of half the side (UInt16, 10 m, one grid) are made in FOLDER if they are not there. A child process
with a limit on its data (`RLIMIT_DATA`) adds them to a catalog in memory and downloads their mosaic. Windows
of the file are compared with the formula that the tiles are made of. Beside the file, the folder needs room
for the uncompressed mosaic and a third.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

from dawnlight.geo import GeoBox, Window

SAMPLES = 200


def grid(side: int) -> GeoBox:
    return GeoBox.from_geotrans((500000, 10, 0, 5000000, 0, -10), (side, side), 32632)


def pixels(window: Window) -> Any:
    """Return the values of a window: blocks of 64 pixels, each with a pattern."""
    y, x = np.arange(window.y, window.stop_y)[:, None], np.arange(window.x, window.stop_x)
    return ((y // 64 * 7 + x // 64 * 3) % 9000 + 1 + y * x % 2).astype("uint16")


def make_tiles(folder: Path, side: int) -> list[Path]:
    from dawnlight.raster._writers import FileLayout, write_geotiff

    half, made = side // 2, []
    for row, col in itertools.product((0, 1), (0, 1)):
        path = folder / f"tile-{side}-{row}{col}_20240601.tif"
        made.append(path)
        if path.exists():
            continue
        part = Window(row * half, col * half, half, half)

        def blocks(part: Window = part) -> Iterator[tuple[Window, Any]]:
            for y in range(0, half, 1024):
                strip = Window(y, 0, min(1024, half - y), half)
                yield strip, pixels(strip.shift(part.y, part.x))[None]

        layout = FileLayout(geobox=grid(side).window(part), dtype="uint16", count=1, nodata=0)
        write_geotiff(path, blocks(), layout, compress="lzw")
    return made


def download(tiles: list[Path], target: Path, side: int, kernel: str) -> None:
    import dawnlight as dl
    from dawnlight.ingest import add_files

    client = dl.open("memory://")
    add_files("large", tiles, store=client.store, bands=["value"])
    images = dl.Image.search(client=client).collect()
    place = dl.AOI(bounds=grid(side).bounds, bounds_crs=32632, crs=32632, shape=(side, side))
    images.download_mosaic("value", place, dest=str(target), resampler=kernel)


def check(target: Path, side: int) -> int:
    """Compare windows with the formula; returns how many pixels were compared."""
    random, count = np.random.default_rng(1), 0
    with rasterio.open(target) as file:
        assert file.shape == (side, side)
        assert file.overviews(1)
        seams = [(side // 2 - 50, side // 2 - 50), (0, 0), (side - 100, side - 100)]
        for y, x in [*seams, *random.integers(0, side - 100, (SAMPLES, 2)).tolist()]:
            found = file.read(1, window=((y, y + 100), (x, x + 100)))
            assert np.array_equal(found, pixels(Window(y, x, 100, 100))), (y, x)
            count += found.size
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--side", type=int, default=40000)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    target = chosen.folder / f"mosaic-{chosen.side}.tif"
    if chosen.child:
        limit = chosen.megabytes * 2**20
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        start = time.perf_counter()
        tiles = sorted(chosen.folder.glob(f"tile-{chosen.side}-*.tif"))
        download(tiles, target, chosen.side, "near")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{time.perf_counter() - start:.0f} s, peak memory {peak:.0f} MiB of {chosen.megabytes}")
        return
    chosen.folder.mkdir(parents=True, exist_ok=True)
    make_tiles(chosen.folder, chosen.side)
    subprocess.run([sys.executable, "-m", "benchmarks.large_mosaic", *sys.argv[1:], "--child"], check=True)
    count = check(target, chosen.side)
    left = [path.name for path in chosen.folder.iterdir() if path.name.startswith(".")]
    print(f"{target.stat().st_size / 2**20:.0f} MiB, {count} pixels as they should be; left behind: {left}")


if __name__ == "__main__":
    main()
