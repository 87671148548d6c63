"""Clouds, seasons and indices of real series as pictures to look at.

Usage: ``python -m benchmarks.real_looks RASTERS OUT``: RASTERS is the folder ``rasters`` of the trial data;
OUT gets the PNG files, each with its share of missing pixels printed. The catalog is in memory. Series:
Sentinel-2 around Exeter, Landsat's quarters of the Netherlands, MODIS in Mato Grosso, Landsat 8 around
New York.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import shapely
import xarray as xr

import dawnlight as dl
from dawnlight._tutorial._weather import CLASS_COLORS, CLASS_LABELS
from dawnlight.catalog import Band, ClassBand, ImageCollection, Product, SpectralBand
from dawnlight.ingest import add_files

S2_CLOUDS = {"SCL": [3, 8, 9, 10]}
LANDSAT_C1_CLOUDS = {"BQA": {"bits": [4, 8]}}
"""Cloud, and shadow of medium or high confidence in Collection 1."""


class Album:
    """Pictures of a series in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name

    def add(self, title: str, array: xr.DataArray, bands: str | None = None, **style: Any) -> None:
        """Draw an array and say what of it is missing."""
        path = self._folder / f"{self._name}-{title.replace(' ', '-')}.png"
        shown = array if bands is None or "band" not in array.dims else array.sel(band=bands.split())
        missing = float(shown.isnull().mean())
        array.dl.show(bands, title=f"{self._name}: {title}", path=path, **{"size": 9.0, **style})
        print(f"  {path.name}: {missing:.1%} missing")


def collect(product_id: str, files: Path, client: dl.CatalogClient, **options: Any) -> ImageCollection:
    """Add files as a product and return its images in order of time."""
    report = add_files(product_id, [files], store=client.store, **options)
    print(f"{product_id}: {report.count('added')} files added, {len(report.refused)} refused")
    product = Product.get(product_id, client=client)
    assert product is not None
    return product.images().sort("acquired").collect()


def describe(product_id: str, gain: float, offset: float, client: dl.CatalogClient, **more: Any) -> None:
    """Say what the stored numbers of all bands but classes and quality mean."""
    for band in Band.search(client=client).filter(dl.properties.product_id == product_id):
        if isinstance(band, SpectralBand) or band.name == "NDVI":
            low, high = band.data_range
            band.update(physical_range=(low * gain + offset, high * gain + offset), **more)
            band.save()


def exeter(files: Path, album: Album, client: dl.CatalogClient) -> None:
    """Show five dates in three systems, two of them cloudy."""
    images = collect("s2_exeter", files, client)
    # Processing baseline 4 adds 1000. One range for all colours, so that grey stays grey.
    describe("s2_exeter", 1e-4, -0.1, client, display_range=(1000, 3400))
    scl = ClassBand.get("s2_exeter:SCL", client=client)
    scl.update(class_labels=list(CLASS_LABELS), colormap=list(CLASS_COLORS))
    scl.save()
    stack = images.stack("B04 B03 B02 B08 SCL", dl.AOI(_bounds(images), crs="EPSG:32630", resolution=20))
    album.add("all dates", stack, "B04 B03 B02", columns=3)
    album.add("classes", stack, "SCL", columns=3)
    clear = stack.dl.mask(S2_CLOUDS, dilation=3)
    album.add("all dates without clouds", clear, "B04 B03 B02", columns=3)
    median = stack.dl.composite(mask=S2_CLOUDS, dilation=3)
    album.add("median of clear pixels", median, "B04 B03 B02")
    looks = stack.dl.composite("B04", method="count", mask=S2_CLOUDS, dilation=3)
    looks.attrs["long_name"] = "clear looks"
    album.add("clear looks", looks, "B04", stretch=(0, 5))
    ndvi = clear.dl.index("NDVI")
    album.add("NDVI without clouds", ndvi, colormap="RdYlGn", stretch=(0, 1), columns=3)
    album.add("greatest NDVI", ndvi.max("time", keep_attrs=True), colormap="RdYlGn", stretch=(0, 1))


def netherlands(files: Path, album: Album, client: dl.CatalogClient) -> None:
    """Show six years of quarters, with gaps."""
    images = collect("landsat_nl", files, client, pattern="{band}/*_{date:%Y%m%d}_{end:%Y%m%d}_nl*.tif")
    stack = images.stack("ndvi swir1", images[0].geocontext, flatten="acquired")
    ndvi = stack.sel(band=["ndvi"])
    album.add("NDVI of all quarters", ndvi, colormap="RdYlGn", slots=24, columns=6, size=12.0)
    seasons = ndvi.isel(time=slice(0, 8)).dl.groupby_calendar("season").map(lambda part: part.dl.composite())
    album.add("NDVI of two years by season", seasons, colormap="RdYlGn", columns=4, size=12.0)
    usual = stack.groupby("time.season").map(lambda part: part.dl.composite())
    usual = usual.sel(season=["DJF", "MAM", "JJA", "SON"])
    for band, colormap in (("ndvi", "RdYlGn"), ("swir1", "YlOrBr")):
        album.add(f"{band} of the usual season", usual.sel(band=[band]), colormap=colormap, columns=2)


def sinop(files: Path, album: Album, client: dl.CatalogClient) -> None:
    """Show a year of MODIS on its sinusoidal grid: forest, and two crops a year beside it."""
    images = collect("mod13q1_sinop", files, client, bands=["NDVI"])
    describe("mod13q1_sinop", 1e-4, 0.0, client)
    ndvi = images.stack("NDVI", images[0].geocontext).dl.scale("physical", "Float32")
    ndvi.attrs["long_name"] = "NDVI"
    style: Mapping[str, Any] = {"colormap": "RdYlGn", "stretch": (0, 1)}
    album.add("NDVI of all dates", ndvi, columns=3, **style)
    seasons = ndvi.dl.groupby_calendar("season").max(keep_attrs=True)
    album.add("greatest NDVI by season", seasons, columns=2, **style)
    upright = seasons.dl.reproject(crs="EPSG:4326", resolution=0.002, resampler="bilinear")
    album.add("greatest NDVI by season in degrees", upright, columns=2, **style)
    wet, dry = seasons.isel(period=1), seasons.isel(period=3)
    change = (wet - dry).assign_attrs(long_name="NDVI, greatest of December to February less June to August")
    album.add("wet less dry season", change, colormap="BrBG", stretch=(-0.8, 0.8))


def new_york(files: Path, album: Album, client: dl.CatalogClient) -> None:
    """Show seventeen dates of three overlapping paths at 3 km, with bit-packed quality."""
    images = collect("landsat8_newyork", files, client, pattern="{name}_{band:B?|B??|BQA}.TIF")
    # The files name no nodata value, but 0 is fill, and 1 in the quality band: else the corners of a scene
    # hide its neighbour of the same day.
    describe("landsat8_newyork", 2e-5, -0.1, client, nodata=0)
    quality = Band.get("landsat8_newyork:BQA", client=client)
    quality.nodata = 1
    quality.save()
    place = dl.AOI(_bounds(images), crs="EPSG:32618", resolution=3000)
    stack = images.stack("B5 B4 B3 B2 BQA", place, flatten=lambda image: image.acquired.date())
    # Of the top of the atmosphere: the air adds blue light, so each colour has its own darkest value.
    style: Mapping[str, Any] = {"stretch": [(6000, 11500), (7200, 11000), (8600, 12000)], "gamma": 1.3}
    album.add("twelve dates", stack, "B4 B3 B2", columns=4, **style)
    clear = stack.dl.mask(LANDSAT_C1_CLOUDS)
    album.add("twelve dates without clouds", clear, "B4 B3 B2", columns=4, **style)
    median = clear.dl.composite("B4 B3 B2 B5")
    album.add("median of clear pixels", median, "B4 B3 B2", **style)
    album.add("infrared", median, "B5 B4 B3")
    ndvi = clear.dl.index("NDVI").dl.groupby_calendar("season").map(lambda part: part.dl.composite())
    album.add("NDVI by season", ndvi, colormap="RdYlGn", stretch=(-0.2, 0.8), columns=3)


def _bounds(images: ImageCollection) -> tuple[float, float, float, float]:
    bounds: tuple[float, float, float, float] = shapely.union_all(list(images.each.geometry)).bounds
    return bounds


SERIES = {
    "exeter": ("series/s2_exeter_2024", exeter),
    "netherlands": ("series/landsat_quarterly_netherlands", netherlands),
    "sinop": ("series/mod13q1_sinop_jp2", sinop),
    "new-york": ("series/landsat8_newyork_2018_3km", new_york),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rasters", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--series", nargs="*", choices=SERIES, default=list(SERIES))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.series:
        folder, look = SERIES[name]
        with dl.open("memory://") as client:
            look(arguments.rasters / folder, Album(arguments.out, name), client)


if __name__ == "__main__":
    main()
