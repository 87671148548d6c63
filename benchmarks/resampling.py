"""Measure every resampler against GDAL's exact warp and against plain formulas.

Usage: ``python benchmarks/resampling.py [--write] [--zoo FOLDER]``. Prints the tables of
docs/reference/resampling.md; ``--write`` puts them there. ``--zoo`` warps the raster files of a folder to two
other systems instead, and compares with plain formulas and with GDAL; exit code 1 if a file differs from the
formulas in more than a thousandth of its range.

Two images are warped between eight pairs of grids, at the source's own pixel size and three times coarser:
white noise from 1 to 10,000, the worst case for an error in position, and a picture with the spectrum of a
landscape (1/f), which is what errors look like in use.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from dawnlight.errors import DawnlightError
from dawnlight.geo import GeoBox
from dawnlight.raster._gdal import GdalReader
from dawnlight.raster._sources import RESAMPLERS
from dawnlight.testing._engine import file_sources, make_lazy, target_over, turned
from dawnlight.testing._oracle import choose_of, gdal_warp, positions, reference_warp
from dawnlight.testing._rasters import noise, write_raster

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "resampling.md"
SINUSOIDAL = "+proj=sinu +R=6371007.181 +units=m +no_defs"
GEOSTATIONARY = "+proj=geos +h=35785831 +lon_0=0 +sweep=y +ellps=WGS84 +units=m +no_defs"
SHAPE = (220, 200)
INTERPOLATING = ("near", "bilinear", "cubic", "cubicspline", "lanczos")
_NEAR_RIM = 3e-3


def box(crs: object, x: float, y: float, step: float, shape: tuple[int, int] = SHAPE) -> GeoBox:
    """Return an upright grid."""
    return GeoBox.from_geotrans((x, step, 0, y, 0, -step), shape, crs)


UTM = box(32632, 300000, 5000000, 10)
PAIRS = {
    "UTM to the neighbouring zone": (UTM, 32633, 10),
    "UTM to degrees": (UTM, 4326, 1e-4),
    "UTM to EPSG:3035": (UTM, 3035, 10),
    "degrees to UTM": (box(4326, 6.5, 45.2, 1e-4), 32632, 10),
    "MODIS sinusoidal to degrees": (box(SINUSOIDAL, 0, 5559752.6, 926.6254), 4326, 0.009),
    "polar stereographic to degrees": (box(3413, -500e3, -1500e3, 1000), 4326, 0.01),
    "geostationary to degrees": (box(GEOSTATIONARY, 5e5, 4.2e6, 3000), 4326, 0.03),
    "turned by 35 degrees to UTM": (turned(UTM, 35), 32633, 10),
}


def picture(seed: int = 0) -> np.ndarray:
    """Return an image whose spectrum falls like that of a landscape, from 200 to 4000."""
    rng = np.random.default_rng(seed)
    ny, nx = np.fft.fftfreq(SHAPE[0])[:, None], np.fft.fftfreq(SHAPE[1])[None]
    power = 1 / np.maximum(np.hypot(ny, nx), 1 / max(SHAPE)) ** 1.2
    field = np.fft.ifft2(np.fft.fft2(rng.normal(size=SHAPE)) * power).real
    low, high = field.min(), field.max()
    return np.rint(200 + 3800 * (field - low) / (high - low)).astype("uint16")


def compare(path: Path, target: GeoBox, kernel: str) -> dict[str, float]:
    """Return how our pixels of a file differ from GDAL's."""
    lazy = make_lazy([file_sources(path)], target, GdalReader(), kernel=kernel)
    ours = lazy[0, 0].astype(float)
    try:
        level = choose_of(lazy)
    except AssertionError:  # nothing of the file lies there
        return {"pixels": 0, "equal": 1.0, "most": 0.0, "only": 0}
    data, valid = gdal_warp(path, target, kernel, level)
    source = lazy.plan.pair(0).source
    x, y = positions(source, target)
    with np.errstate(invalid="ignore"):
        edges = np.minimum(abs(x), abs(x - source.width)), np.minimum(abs(y), abs(y - source.height))
    rim = np.minimum(*edges) < _NEAR_RIM
    both = ~np.isnan(ours) & valid[0]
    apart = np.abs(ours - data[0].astype(float))[both]
    return {
        "pixels": int(both.sum()),
        "equal": float((apart == 0).mean()) if apart.size else 1.0,
        "most": float(apart.max(initial=0)),
        "only": int(((~np.isnan(ours) != valid[0]) & ~rim).sum()),
    }


def against_plain(
    pixels: np.ndarray, source: GeoBox, target: GeoBox, kernel: str, path: Path
) -> tuple[float, float]:
    """Return the largest difference, over 99.9 % of the pixels, of ours and of GDAL's from the formula."""
    lazy = make_lazy([file_sources(path)], target, GdalReader(), kernel=kernel)
    ours, level = lazy[0, 0].astype(float), choose_of(lazy)
    data, valid = gdal_warp(path, target, kernel, level)
    expected, good = reference_warp(pixels, np.ones(pixels.shape, bool), source, target, kernel, level)
    found = []
    for values, mask in ((ours, ~np.isnan(ours)), (data[0].astype(float), valid[0])):
        both = mask & good
        found.append(float(np.quantile(np.abs(values - expected)[both], 0.999)))
    return found[0], found[1]


def measure_kernels(folder: Path) -> list[str]:
    """Return the table of all kernels against GDAL."""
    images = {"noise": noise(SHAPE, "uint16"), "picture": picture()}
    lines = [
        "| resampler | pixels | equal to GDAL | largest difference, noise | the same, picture "
        "| from the formula, ours | the same, GDAL's |",
        "|---|---|---|---|---|---|---|",
    ]
    for kernel in RESAMPLERS:
        for factor in (1, 3):
            equal, most, ours, gdal, count, only = [], Counter(), 0.0, 0.0, 0, 0
            for source, crs, step in PAIRS.values():
                target = target_over(source, crs, step * factor)
                for name, pixels in images.items():
                    path = write_raster(folder / f"{name}.tif", pixels, source)
                    found = compare(path, target, kernel)
                    equal.append(found["equal"])
                    most[name] = max(most[name], found["most"])
                    count, only = count + found["pixels"], only + found["only"]
                    if name == "picture":
                        a, b = against_plain(pixels, source, target, kernel, path)
                        ours, gdal = max(ours, a), max(gdal, b)
            print(f"{kernel} x{factor}: {count} pixels, {only} that only one of the two has", file=sys.stderr)
            size = "own" if factor == 1 else "3 times coarser"
            lines.append(
                f"| `{kernel}` | {size} | {100 * np.mean(equal):.2f} % | {most['noise']:.0f} "
                f"| {most['picture']:.0f} | {ours:.0f} | {gdal:.0f} |"
            )
    return lines


def measure_gdal(folder: Path) -> list[str]:
    """Return the table of places where GDAL departs from the formulas, on grids of one system."""
    pixels = noise((60, 60), "float64") * 5000 + 5000
    source = box(32632, 300000, 5000000, 10, (60, 60))
    path = write_raster(folder / "plain.tif", pixels, source)
    lines = ["| resampler | source pixels per output pixel | ours | GDAL's |", "|---|---|---|---|"]
    for kernel, scales in (
        ("bilinear", (1, 1.3, 2, 2.7)),
        ("cubic", (1, 1.3, 2, 2.7)),
        ("cubicspline", (1, 1.3, 2, 2.7)),
        ("lanczos", (1, 1.3, 2, 2.7, 3, 4)),
        ("average", (1.3, 2, 2.7)),
        ("med", (1.3, 2, 2.7)),
    ):
        for scale in scales:
            # Inside the source: at its edge GDAL's average weighs what lies beyond, too.
            offset = 3.3 if scale % 1 or scale == 1 else 3
            size = int(50 / scale)
            target = box(32632, 300000 + offset * 10, 5000000 - 10 * offset, 10 * scale, (size, size))
            ours, gdal = against_plain(pixels, source, target, kernel, path)
            lines.append(f"| `{kernel}` | {scale:g} | {ours:.2g} | {gdal:.2g} |")
    return lines


SUFFIXES = {".tif", ".tiff", ".jp2", ".j2k"}


def measure_zoo(folder: Path) -> int:
    """Compare every file of a folder; return how many differ."""
    outcomes: Counter[str] = Counter()
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in SUFFIXES:
            continue
        try:
            outcome, detail = zoo_file(path)
        except DawnlightError as error:
            outcome, detail = "refused", str(error).replace(str(folder), "")[:150]
        outcomes[outcome] += 1
        if outcome != "equal":
            print(f"{outcome:10} {path.relative_to(folder)}: {detail}")
    print("total", sum(outcomes.values()), dict(outcomes))
    return outcomes["DIFFERENT"]


def zoo_file(path: Path) -> tuple[str, str]:
    """Return the outcome for one file: warped to two systems by four kernels, at most 300 pixels a side."""
    source, *_ = file_sources(path)
    notes, gdal = [], []
    for crs in (4326, 3857):
        try:
            whole = target_over(source.geobox, crs, 1.0 if crs != 4326 else 1e-5, pad=0.02)
        except DawnlightError as error:
            notes.append(f"EPSG:{crs}: {error}")
            continue
        west, south, east, north = whole.bounds
        step = max(east - west, north - south) / min(300, max(source.geobox.shape))
        shape = int((north - south) / step) + 1, int((east - west) / step) + 1
        target = box(crs, west, north, step, shape)
        for kernel in ("near", "bilinear", "cubic", "lanczos"):
            lazy = make_lazy([[source]], target, GdalReader(), kernel=kernel)
            ours = lazy[0, 0].astype(float)
            try:
                level = choose_of(lazy)
            except AssertionError:  # nothing of the file lies there
                continue
            pixels, valid = _read(path, level.level)
            expected, good = reference_warp(pixels, valid, source.geobox, target, kernel, level)
            if not _alike(ours, ~np.isnan(ours), expected, good, pixels[valid], kernel):
                notes.append(f"EPSG:{crs} {kernel}")
            data, mask = gdal_warp(path, target, kernel, level)
            theirs = data[0].astype(float)
            if not _alike(theirs, mask[0] & ~np.isnan(theirs), expected, good, pixels[valid], kernel):
                gdal.append(f"EPSG:{crs} {kernel}")
    if notes:
        return "DIFFERENT", "; ".join(notes)
    return ("equal, GDAL not", "; ".join(gdal)) if gdal else ("equal", "")


def _read(path: Path, level: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first band of a file at a level, and where it is valid."""
    import rasterio

    with rasterio.open(path, **({"overview_level": level - 1} if level else {})) as file:
        pixels, valid = file.read(1), file.read_masks(1) != 0
    return pixels, valid & ~np.isnan(pixels) if pixels.dtype.kind == "f" else valid


def _alike(
    values: np.ndarray,
    valid: np.ndarray,
    expected: np.ndarray,
    good: np.ndarray,
    own: np.ndarray,
    kernel: str,
) -> bool:
    """Whether all but two in a thousand pixels agree: to a thousandth of the file's own range, or to 1."""
    odd = (valid != good).sum()
    both = valid & good
    finite = own[np.isfinite(own)].astype(float)
    allowed = 1e-3 * np.ptp(finite) if finite.size else 0.0
    if own.dtype.kind in "iu":
        allowed = max(allowed, 1.0)
    with np.errstate(invalid="ignore"):
        apart = np.abs(values - expected)[both] > (0 if kernel == "near" else allowed)
    return bool(odd + apart.sum() <= 2e-3 * max(good.sum(), 1000))


def write(tables: dict[str, list[str]]) -> None:
    """Put tables between their marks on the page."""
    text = PAGE.read_text(encoding="utf-8")
    for name, lines in tables.items():
        start, stop = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, rest = text.split(start)
        after = rest.split(stop)[1]
        text = before + start + "\n".join(lines) + "\n" + stop + after
    PAGE.write_text(text, encoding="utf-8")


def main() -> int:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="put the tables into the page")
    parser.add_argument("--zoo", type=Path, help="only compare the files of a folder")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if arguments.zoo:
        return 1 if measure_zoo(arguments.zoo) else 0
    with tempfile.TemporaryDirectory() as folder:
        tables = {"kernels": measure_kernels(Path(folder)), "formulas": measure_gdal(Path(folder))}
    for lines in tables.values():
        print("\n".join(lines), end="\n\n")
    if arguments.write:
        write(tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())
