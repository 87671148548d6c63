"""Stack the trial series, compare every value with GDAL's exact warp of the whole grid, and save pictures.

``python -m benchmarks.real_stacks RASTERS OUT``: RASTERS is the folder ``rasters`` of the trial data; OUT
gets a catalog and PNG files. Prints a line a series; fails when a value differs by more than a count of the
stored numbers where GDAL resamples, or at all where the grids agree.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.warp import reproject

import dawnlight as dl
from dawnlight.ingest import add_files

SERIES: dict[str, dict[str, Any]] = {
    "s2_exeter_2024": {
        "folder": "series/s2_exeter_2024",
        "bands": "B04 B03 B02",
        "classes": {"SCL": [3, 8, 9, 10]},
    },
    "landsat_netherlands": {
        "folder": "series/landsat_quarterly_netherlands",
        "pattern": "{band}/*_{date:%Y%m%d}_{end:%Y%m%d}_nl*.tif",
        "bands": "ndvi swir1",
    },
    "mod13q1_sinop": {"folder": "series/mod13q1_sinop_jp2", "bands": None},
    "landsat8_newyork": {
        "folder": "series/landsat8_newyork_2018_3km",
        "pattern": "{name}_{band:B?|B??|BQA}.TIF",
        "bands": "B4 B3 B2",
    },
    "naip_two_utm_zones": {"folder": "scenes/naip_two_utm_zones", "bands": None, "acquired": "2020-01-01"},
}


def main(rasters: Path, out: Path) -> int:
    """Run all series; 0 when every value is right."""
    out.mkdir(parents=True, exist_ok=True)
    wrong = 0
    with dl.open(out / "catalog") as client:
        for name, series in SERIES.items():
            options = {key: series[key] for key in ("pattern", "acquired") if key in series}
            report = add_files(name, [rasters / series["folder"]], store=client.store, **options)
            images = dl.Product.get(name).images().sort("acquired").collect()
            wrong += trial(name, series, images, out)
            print(f"    {report}".replace("\n", "\n    "))
    return 1 if wrong else 0


def trial(name: str, series: dict[str, Any], images: dl.ImageCollection, out: Path) -> int:
    """Stack one series on the grid of its first image, compare, and save a composite."""
    product = dl.Product.get(name)
    bands = series["bands"] or [band.name for band in product.bands()][:3]
    area = dl.AOI(bounds=images[0].geometry.bounds)  # no cutline: GDAL has none here
    lazy = images.stack(bands, area)
    values = lazy.values
    pictures = values.shape[0] * values.shape[1]
    differing, compared, warped = compare(lazy, values, images)
    print(
        f"{name}: {dict(lazy.sizes)} {lazy.rio.crs.to_string()[:40]}, {np.isfinite(values).mean():.1%} "
        f"valid; {compared:,} pixels of {warped} resampled and {pictures - warped} pasted bands compared "
        f"with GDAL, {differing} differ"
    )
    median = images.composite(bands, geocontext=area, mask=series.get("classes"))
    picture = median.isel(band=[0, 1, 2]) if median.sizes["band"] >= 3 else median.isel(band=0)
    picture.dl.show(path=out / f"{name}.png")
    return differing


def compare(lazy: Any, values: np.ndarray, images: dl.ImageCollection) -> tuple[int, int, int]:
    """Count the bands' values that differ from GDAL's nearest neighbour of the whole grid."""
    differing = compared = warped = 0
    for slot, image in enumerate(images):
        for position, (href, number, nodata) in enumerate(_places(lazy, image)):
            expected, valid, same_grid = _gdal(href, number, lazy, nodata)
            mine = values[slot, position]
            off = (np.isfinite(mine) != valid) | (np.isfinite(mine) & valid & (mine != expected))
            # Where a centre lies within a thousandth of a pixel of an edge, either neighbour is right.
            allowed = 0 if same_grid else off.size // 10_000 + 1
            differing += int(off.sum()) if off.sum() > allowed else 0
            compared += off.size
            warped += not same_grid
    return differing, compared, warped


def _places(lazy: Any, image: dl.Image) -> Iterator[tuple[str, int, float | None]]:
    for band in lazy.band.values:
        for header in image._file_headers:
            names = header.get("names") or []
            if band in names:
                index = names.index(band)
                yield header["href"], index + 1, header["bands"][index].get("nodata")
                break
        else:
            header = image._file_headers[0]
            index = (
                [b.get("description") for b in header["bands"]].index(band) if len(header["bands"]) > 1 else 0
            )
            yield header["href"], index + 1, header["bands"][index].get("nodata")


def _gdal(href: str, number: int, lazy: Any, nodata: float | None) -> tuple[np.ndarray, np.ndarray, bool]:
    transform, crs = lazy.rio.transform(), lazy.rio.crs
    height, width = lazy.sizes["y"], lazy.sizes["x"]
    with (
        rasterio.open(href) as source,
        WarpedVRT(
            source,
            crs=crs,
            transform=transform,
            width=width,
            height=height,
            resampling=Resampling.nearest,
            tolerance=1e-6,
            src_alpha=0,
            XSCALE=1,
            YSCALE=1,
        ) as warped,
    ):
        shift = ~source.transform * transform
        whole = all(abs(k - round(k)) < 1e-3 for k in (shift.c, shift.f))
        same = source.crs == crs and whole and abs(shift.a - 1) + abs(shift.e - 1) < 1e-6
        pixels = warped.read(number)
        reached = np.zeros((height, width), np.uint8)
        reproject(
            np.ones(source.shape, np.uint8),
            reached,
            src_transform=source.transform,
            src_crs=source.crs,
            dst_transform=transform,
            dst_crs=crs,
            tolerance=1e-6,
        )
        valid = reached > 0 if nodata is None else (reached > 0) & (pixels != nodata)
        return pixels, valid, same


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
