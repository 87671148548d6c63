"""A small catalog in memory: three dates of four bands on one grid, with clouds and missing pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from dawnlight.catalog import (
    CatalogClient,
    ClassBand,
    File,
    Image,
    ImageCollection,
    Product,
    Resolution,
    SpectralBand,
    open,
)
from dawnlight.geo import AOI, GeoBox
from dawnlight.raster._gdal import read_header
from dawnlight.testing._rasters import write_raster

GRID = GeoBox.from_geotrans((600000, 10, 0, 5000480, 0, -10), (48, 64), "EPSG:32631")
DATES = ("2023-01-10T10:30:00Z", "2023-02-01T10:30:00Z", "2023-06-15T10:30:00Z")
LABELS = ("no data", "land", "water", "cloud", "shadow")
COLORS = ((0, 0, 0, 0), (120, 160, 60, 255), (40, 90, 200, 255), (250, 250, 250, 255), (60, 60, 60, 255))


def make_pixels(date: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return (green, red, nir) as uint16 with 0 for missing, and classes as uint8."""
    rng = np.random.default_rng(date)
    amounts = rng.integers(200, 4000, size=(3, *GRID.shape)).astype(np.uint16)
    classes = np.where(np.arange(GRID.width) < 20, 2, 1).astype(np.uint8) * np.ones(GRID.shape, np.uint8)
    classes[5 + 4 * date : 15 + 4 * date, 10:30] = 3
    classes[8 + 4 * date : 18 + 4 * date, 32:36] = 4
    if date != 1:
        amounts[:, 40:, :7] = 0
        classes[40:, :7] = 0
    amounts[0, 0, 0] = 0  # missing in one band only
    return amounts, classes


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[list[Path]]:
    """Files of the images: one with three bands, one with the classes."""
    folder = tmp_path_factory.mktemp("scenes")
    found = []
    for date in range(len(DATES)):
        amounts, classes = make_pixels(date)
        one = write_raster(folder / f"s{date}.tif", amounts, GRID, nodata=0)
        two = write_raster(folder / f"s{date}_scl.tif", classes, GRID, nodata=0)
        found.append([one, two])
    return found


@pytest.fixture(scope="session")
def catalog(files: list[list[Path]]) -> Iterator[CatalogClient]:
    """The catalog, which is not the default one."""
    with open("memory://") as client:
        product = Product(id="fields", name="Fields", client=client)
        product.save()
        for index, (name, center) in enumerate((("green", 560), ("red", 665), ("nir", 842))):
            SpectralBand(
                name=name, product=product, sort_order=index, data_type="UInt16", nodata=0,
                data_range=(0, 10000), display_range=(0, 4000), physical_range=(0, 1),
                physical_range_unit="reflectance", resolution=Resolution(value=10, unit="meters"),
                wavelength_nm_center=center, band_index=index, file_index=0, description=f"The {name} light",
                client=client,
            ).save()  # fmt: skip
        ClassBand(
            name="scl", product=product, sort_order=3, data_type="Byte", nodata=0, data_range=(0, 4),
            display_range=(0, 4), resolution=Resolution(value=10, unit="meters"), class_labels=list(LABELS),
            colormap=[list(color) for color in COLORS], band_index=0, file_index=1, client=client,
        ).save()  # fmt: skip
        for date, paths in enumerate(files):
            image = Image(
                name=f"s{date}", product=product, acquired=DATES[date], cloud_fraction=0.1 * date,
                geometry=GRID.footprint(), cs_code="EPSG:32631", geotrans=GRID.geotrans,
                x_pixels=GRID.width, y_pixels=GRID.height,
                files=[File(href=str(path), size_bytes=path.stat().st_size) for path in paths], client=client,
            )  # fmt: skip
            image._file_headers = [read_header(str(path)).to_dict() for path in paths]
            image.save()
        yield client


@pytest.fixture
def default_catalog(catalog: CatalogClient) -> Iterator[CatalogClient]:
    """The catalog as the default one."""
    CatalogClient.set_default_client(catalog)
    yield catalog
    CatalogClient.set_default_client(None)


@pytest.fixture(scope="session")
def images(catalog: CatalogClient) -> ImageCollection:
    found = Image.search(client=catalog).sort("acquired").collect()
    context = AOI(bounds=GRID.bounds, bounds_crs=GRID.crs, crs=GRID.crs, shape=GRID.shape)
    return ImageCollection(list(found), geocontext=context)


BANDS = "green red nir scl"


@pytest.fixture(params=["dask", "numpy"])
def stack(request: pytest.FixtureRequest, images: ImageCollection) -> xr.DataArray:
    """All bands of all dates, (3, 4, 48, 64): lazy in small chunks, or loaded."""
    chunks = {"y": 20, "x": 25} if request.param == "dask" else None
    found: xr.DataArray = images.stack(BANDS, chunks=chunks, progress=False)
    return found


@pytest.fixture(scope="session")
def loaded(images: ImageCollection) -> xr.DataArray:
    """The same, loaded."""
    found: xr.DataArray = images.stack(BANDS, chunks=None, progress=False)
    return found


@pytest.fixture(scope="session")
def lazy(images: ImageCollection) -> xr.DataArray:
    """The same, lazy."""
    found: xr.DataArray = images.stack(BANDS, chunks={"y": 20, "x": 25})
    return found


@pytest.fixture
def nothing_computed() -> Callable[[], AbstractContextManager[Any]]:
    """A context in which computing a dask array is an error."""
    import dask

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("something was computed that should have stayed lazy")

    return lambda: dask.config.set(scheduler=refuse)
