"""Try every raster file of a folder: the same pixels as plain rasterio, or a refusal that a user can act on.

Usage: ``python benchmarks/zoo.py FOLDER [--quiet]``. Each file is compared in full at every resolution level,
its pixels and its mask. Exit code 1 if anything is neither equal nor refused with a reason of ours.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from dawnlight.errors import RasterError, RasterReadError, UnsupportedRasterError
from dawnlight.geo import Window
from dawnlight.raster._gdal import GdalReader, read_header

SUFFIXES = {".tif", ".tiff", ".jp2", ".j2k", ".jpx", ".vrt", ".png", ".jpg", ".nc", ".h5", ".hdf"}


def compare(path: Path, reader: GdalReader) -> tuple[str, str]:
    """Return the outcome for one file ("equal", "refused", "unreadable", "DIFFERENT") and why."""
    try:
        header = read_header(path)
    except UnsupportedRasterError as error:
        return "refused", str(error).replace(f"{path}: ", "")
    except RasterReadError as error:
        return "unreadable", str(error).replace(f"{path}: ", "")
    bands = tuple(range(1, len(header.bands) + 1))
    masks = tuple(band.mask for band in header.bands)
    pixels = 0
    for level, (height, width) in enumerate((header.shape, *header.overviews)):
        options = {"overview_level": level - 1} if level else {}
        try:
            with rasterio.open(path, **options) as plain:
                expected, valid = plain.read(), plain.read_masks() != 0
                flags = plain.mask_flag_enums
        except RasterioError as error:
            expected, cause = None, error.__cause__ or error
        try:
            data, found = reader.read(header.ref, bands, level, Window(0, 0, height, width), masks=masks)
        except RasterError as error:
            return ("unreadable", str(error)) if expected is None else ("DIFFERENT", str(error))
        if expected is None:
            return "DIFFERENT", f"rasterio cannot read level {level} and we can: {cause}"
        if data.dtype != expected.dtype or data.tobytes() != expected.tobytes():
            return "DIFFERENT", f"pixels of level {level}"
        for index, mask in enumerate(masks):
            if found is not None and mask != "none" and not np.array_equal(found[index], valid[index]):
                return "DIFFERENT", f"mask of band {index + 1}, level {level}"
            if mask == "none" and not set(flags[index]) & {MaskFlags.all_valid, MaskFlags.nodata}:
                return "DIFFERENT", f"band {index + 1} has a mask that is not read"
            if mask == "none" and not same_nodata(header.bands[index].nodata, data[index], valid[index]):
                return "DIFFERENT", f"nodata of band {index + 1}, level {level}"
        pixels += data.size
    with rasterio.open(path) as plain:
        if len(plain.overviews(1)) != len(header.overviews):
            return "DIFFERENT", f"{len(plain.overviews(1))} overviews: {header.overviews}"
    levels = f", {len(header.overviews)} overviews" if header.overviews else ""
    return (
        "equal",
        f"{len(bands)} x {header.bands[0].dtype}, {pixels} samples{levels} {' '.join(header.notes)}",
    )


def same_nodata(nodata: float | None, data: np.ndarray, valid: np.ndarray) -> bool:
    """Tell whether comparing with the header's nodata finds the pixels that GDAL masks."""
    if nodata is None:
        return bool(valid.all())
    if data.dtype.kind != "f" or np.isnan(nodata):
        return np.array_equal(valid, ~np.isnan(data) if np.isnan(nodata) else data != nodata)
    # GDAL takes floats that differ by a few units in the last place of a float32 for equal.
    return np.array_equal(
        valid, ~np.isclose(data, nodata, rtol=2 * np.finfo("f4").eps, atol=0, equal_nan=True)
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quiet", action="store_true", help="print refusals and totals only")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    totals: Counter[str] = Counter()
    with GdalReader() as reader:
        for path in sorted(arguments.folder.rglob("*")):
            if path.suffix.lower() not in SUFFIXES:
                continue
            outcome, detail = compare(path, reader)
            totals[outcome] += 1
            if outcome != "equal" or not arguments.quiet:
                print(f"{outcome:10} {path.relative_to(arguments.folder)}: {detail}")
    print("total", sum(totals.values()), dict(totals))
    return 1 if totals["DIFFERENT"] else 0


if __name__ == "__main__":
    sys.exit(main())
