"""Ingest against ``rio cogeo create`` and ``gdal_translate -of COG``: time, memory and size of the files.

Usage: ``python -m benchmarks.ingest [--gigabytes 2] [--folder FOLDER] [--json FILE]``

Makes COGs of four bands of 16-bit reflectance with the noise of real ones, and converts each in turn by all
three, with the same options: deflate at its usual level, predictor, 512-pixel tiles, overviews by average, as
many threads as there are cores. Before a figure counts, the pixels of every result must equal those of its
source. Each conversion runs in a process of its own; figures are those of that process and its children.

Ours is the whole road of `Image.upload`: the copy that makes the upload safe, the child process with its
checks, statistics, the comparison of every pixel, SHA-256, waits for the disk, and the row in the catalog.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.shutil import copy

SIZE = 5120
GAINS = (1.0, 1.3, 1.6, 2.2)
SCENE_BYTES = SIZE * SIZE * len(GAINS) * 2
OPTIONS = {"COMPRESS": "DEFLATE", "PREDICTOR": "YES", "BLOCKSIZE": "512", "OVERVIEW_RESAMPLING": "AVERAGE"}
# A process starts with the memory of the one that starts it, so that one must be small.
_LAUNCHER = """
import json, os, subprocess, sys, time
start = time.perf_counter()
_, status, used = os.wait4(subprocess.Popen(sys.argv[1:], stdout=sys.stderr).pid, 0)
wall = time.perf_counter() - start
cpu = used.ru_utime + used.ru_stime
print(json.dumps({"wall": wall, "cpu": cpu, "memory": used.ru_maxrss / 1024}))
sys.exit(status != 0)
"""
NAMES = ("dawnlight", "gdal_translate", "rio cogeo")


def build(folder: Path, count: int) -> list[Path]:
    """Make the scenes that are not there yet."""
    paths = [folder / f"scene_{number:02}.tif" for number in range(count)]
    for number, path in enumerate(paths):
        if not path.exists():
            _write_scene(path, number)
    return paths


def _write_scene(path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE].astype("float32")
    ground = 900 + 500 * np.sin(x / 91) * np.cos(y / 123) + 300 * np.sin((x + 2 * y) / 29)
    cloud = np.sin(x / 310 + seed) * np.cos(y / 270 - seed / 2) > 0.72
    edge = x + 0.3 * y < 500 * (seed % 3)
    profile = {"driver": "GTiff", "width": SIZE, "height": SIZE, "count": len(GAINS), "dtype": "uint16"}
    place = {"crs": "EPSG:32630", "transform": Affine(10, 0, 699960, 0, -10, 5700000), "nodata": 0}
    draft = path.with_suffix(".draft.tif")
    with rasterio.open(
        draft, "w", interleave="pixel", photometric="minisblack", **profile, **place
    ) as target:
        for band, gain in enumerate(GAINS, 1):
            noise = rng.standard_normal(ground.shape, dtype="float32")
            pixels = np.where(cloud, 7000 + 300 * noise, ground * gain + 60 * noise).clip(1, 65535)
            target.write(np.where(edge, 0, pixels).astype("uint16"), band)
    made = path.with_suffix(".part")
    copy(draft, made, driver="COG", NUM_THREADS="ALL_CPUS", **OPTIONS)
    made.rename(path)
    draft.unlink()


def command_of(name: str, source: Path, work: Path) -> list[str]:
    """Return the command line of a conversion."""
    target = str(work / "made.tif")
    if name == "dawnlight":
        return [sys.executable, "-m", "benchmarks.ingest", "--one", str(source), str(work)]
    if name == "gdal_translate":
        options = [part for pair in OPTIONS.items() for part in ("-co", "=".join(pair))]
        return [name, "-q", "-of", "COG", *options, "-co", "NUM_THREADS=ALL_CPUS", str(source), target]
    rio = str(Path(sys.executable).with_name("rio"))
    profile = "--cog-profile deflate --blocksize 512 --overview-resampling average --co PREDICTOR=2"
    return [rio, "cogeo", "create", "-q", *profile.split(), "--threads", "ALL_CPUS", str(source), target]


def upload(source: Path, work: Path) -> None:
    """Do ours: one upload into a new catalog, until the image is there."""
    import dawnlight as dl

    with dl.open(work / "catalog") as client:
        dl.Product(id="p", name="p", client=client).save()
        image = dl.Image(id="p:a", acquired="2024-01-01", client=client)
        task = image.upload(source)
        task.wait_for_completion()
        if task.status != "success":
            raise SystemExit(task.error_message)


def measure(name: str, source: Path, folder: Path) -> dict[str, float]:
    """Convert a file and compare the result with it."""
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    launched = subprocess.run(
        [sys.executable, "-I", "-c", _LAUNCHER, *command_of(name, source, work)],
        stdout=subprocess.PIPE,
        check=False,
    )
    if launched.returncode:
        raise SystemExit(f"{name} failed on {source.name}")
    figures: dict[str, float] = json.loads(launched.stdout)
    (made,) = [path for path in work.rglob("*.tif") if "uploads" not in path.parts]
    check(source, made)
    size = made.stat().st_size
    shutil.rmtree(work)
    return {**figures, "size": size}


def check(source: Path, made: Path) -> None:
    """Refuse to report a conversion that changed a pixel, or made another kind of file."""
    with rasterio.open(source) as old, rasterio.open(made) as new:
        for what in ("dtypes", "nodata", "block_shapes", "compression", "interleaving"):
            if getattr(old, what) != getattr(new, what):
                raise SystemExit(f"{made}: {what} is {getattr(new, what)}, not {getattr(old, what)}")
        if old.overviews(1) != new.overviews(1) or old.tags(ns="IMAGE_STRUCTURE").get("PREDICTOR") != (
            new.tags(ns="IMAGE_STRUCTURE").get("PREDICTOR")
        ):
            raise SystemExit(f"{made}: other overviews or another predictor")
        for row in range(0, SIZE, 1024):
            window = ((row, row + 1024), (0, SIZE))
            if not np.array_equal(old.read(window=window), new.read(window=window)):
                raise SystemExit(f"{made}: other pixels than {source}")


def table(found: dict[str, list[dict[str, float]]]) -> str:
    """Return medians, and the medians of the ratios of one file."""
    lines = [
        "|  | CPU s | wall s | memory MiB | MB | CPU, ours = 1 | wall, ours = 1 |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, runs in found.items():
        middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        ratios = [
            statistics.median(
                run[key] / mine[key] for run, mine in zip(runs, found["dawnlight"], strict=True)
            )
            for key in ("cpu", "wall")
        ]
        lines.append(
            f"| {name} | {middle['cpu']:.1f} | {middle['wall']:.1f} | {middle['memory']:.0f} | "
            f"{middle['size'] / 1e6:.1f} | {ratios[0]:.2f} | {ratios[1]:.2f} |"
        )
    return "\n".join(lines)


def versions() -> dict[str, str]:
    """Return what ran."""
    gdal = subprocess.run(["gdal_translate", "--version"], capture_output=True, text=True, check=True).stdout
    packages = {
        name: version(name) for name in ("dawnlight", "rio-cogeo", "rasterio", "imagecodecs", "numpy")
    }
    return {
        **packages,
        "GDAL of rasterio": rasterio.__gdal_version__,
        "gdal_translate": gdal.split(",")[0].removeprefix("GDAL "),
        "Python": platform.python_version(),
        "cores": str(os.cpu_count()),
    }


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=2.0, help="pixels in all")
    parser.add_argument("--folder", type=Path, default=Path("benchmark-ingest"))
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    parser.add_argument("--one", nargs=2, type=Path, metavar=("SOURCE", "WORK"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        upload(*options.one)
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    scenes = build(options.folder, max(round(options.gigabytes * 1e9 / SCENE_BYTES), 1))
    found: dict[str, list[dict[str, float]]] = {name: [] for name in NAMES}
    load = []
    for number, scene in enumerate(scenes):
        for turn in range(len(NAMES)):
            name = NAMES[(number + turn) % len(NAMES)]
            found[name].append(measure(name, scene, options.folder))
        load.append(os.getloadavg()[0])
    report: dict[str, Any] = {"versions": versions(), "files": len(scenes), "load": load, "runs": found}
    print(", ".join(f"{name} {value}" for name, value in report["versions"].items()))
    print(
        f"{len(scenes)} files of {SCENE_BYTES / 1e6:.0f} MB of pixels; "
        f"load of the machine {min(load):.0f} to {max(load):.0f}"
    )
    print(table(found))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
