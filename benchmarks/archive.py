"""The archive that the benchmarks read: Sentinel-2-like COGs with realistic entropy, made here.

Twelve dates of one tile in UTM zone 30 and two dates of its neighbour across the zone border, bands red and
nir (uint16, nodata 0) and scl (uint8 classes), 1024-pixel internal tiles, deflate with predictor 2,
overviews; clouds, and a swath edge without data.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.shutil import copy

SIZE = 5120
RESOLUTION = 10
BANDS = ("red", "nir", "scl")
DATES = 12


@dataclass(frozen=True)
class Scene:
    """One date of one tile."""

    name: str
    epsg: int
    origin: tuple[float, float]
    date: str
    files: dict[str, str]

    @property
    def transform(self) -> Affine:
        """From pixel to coordinates."""
        return Affine(RESOLUTION, 0, self.origin[0], 0, -RESOLUTION, self.origin[1])


def scenes(folder: Path) -> list[Scene]:
    """List the scenes; `build` makes their files."""
    found = []
    for zone, origin, count in ((30, (699960.0, 5700000.0), DATES), (31, (300000.0, 5700000.0), 2)):
        for number in range(count):
            name = f"S2_T{zone}_{number:02d}"
            files = {band: str(folder / f"{name}_{band}.tif") for band in BANDS}
            found.append(Scene(name, 32600 + zone, origin, f"2023-{number + 1:02d}-10T11:00:00Z", files))
    return found


def linked(folder: Path, count: int, *, first: int = 0, epsg: int = 32630) -> list[Scene]:
    """Return so many dates of one tile, made of those that there are.

    Each has files under names of its own (symbolic links), so that no library can know that it has read one
    before; `first` is the number of the first.
    """
    links = folder / "links"
    links.mkdir(exist_ok=True)
    real = [scene for scene in scenes(folder) if scene.epsg == epsg]
    found = []
    for number in range(first, first + count):
        scene = real[number % len(real)]
        date = f"{1990 + number // 336}-{1 + number // 28 % 12:02d}-{1 + number % 28:02d}T11:00:00Z"
        name = f"S2_T{epsg - 32600}_L{number:05d}"
        files = {band: str(links / f"{name}_{band}.tif") for band in scene.files}
        for band, link in files.items():
            if not Path(link).is_symlink():
                Path(link).symlink_to(Path(scene.files[band]).resolve())
        found.append(Scene(name, scene.epsg, scene.origin, date, files))
    return found


def invented(count: int, bands: tuple[str, ...]) -> list[Scene]:
    """Return scenes in four places of two zones whose files do not exist: for workloads that open none."""
    found = []
    for number in range(count):
        zone, x = ((30, 600000.0), (30, 700000.0), (31, 300000.0), (31, 400000.0))[number % 4]
        name = f"S2_{number:06d}"
        files = {band: f"/archive/{zone}/{name}/{band}.tif" for band in bands}
        date = f"20{10 + number % 14}-{1 + number % 12:02d}-{1 + number % 28:02d}T11:00:00Z"
        found.append(Scene(name, 32600 + zone, (x, 5700000.0), date, files))
    return found


def build(folder: Path) -> list[Scene]:
    """Make the files that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    made = scenes(folder)
    for number, scene in enumerate(made):
        if not all(Path(path).exists() for path in scene.files.values()):
            _write_scene(scene, number)
    return made


def _write_scene(scene: Scene, seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE].astype("float32")
    ground = 900 + 500 * np.sin(x / 91) * np.cos(y / 123) + 300 * np.sin((x + 2 * y) / 29)
    cloud = np.sin(x / 310 + seed) * np.cos(y / 270 - seed / 2) > 0.72
    edge = x + 0.3 * y < 500 * (seed % 3)
    for band in BANDS:
        if band == "scl":
            pixels = np.where(cloud, 9, np.where(ground > 900, 4, 5)).astype("uint8")
        else:
            level = ground * (1.0 if band == "red" else 2.2) + rng.normal(0, 60, ground.shape)
            pixels = np.where(cloud, 7000 + rng.normal(0, 300, ground.shape), level).clip(1, 65535)
            pixels = pixels.astype("uint16")
        pixels[edge] = 0
        _write_cog(Path(scene.files[band]), pixels, scene)


def _write_cog(path: Path, pixels: np.ndarray, scene: Scene) -> None:
    draft = path.with_suffix(".draft.tif")
    profile = {
        "driver": "GTiff",
        "width": SIZE,
        "height": SIZE,
        "count": 1,
        "dtype": pixels.dtype,
        "nodata": 0,
    }
    with rasterio.open(draft, "w", crs=f"EPSG:{scene.epsg}", transform=scene.transform, **profile) as target:
        target.write(pixels, 1)
    options = {"COMPRESS": "DEFLATE", "PREDICTOR": "YES", "BLOCKSIZE": "1024", "NUM_THREADS": "ALL_CPUS"}
    copy(draft, path, driver="COG", OVERVIEW_RESAMPLING="NEAREST", **options)
    draft.unlink()
