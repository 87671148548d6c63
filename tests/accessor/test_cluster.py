"""Everything of `.dl` that computes gives the same values on a cluster as in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
import xarray as xr
from matplotlib.image import imread

from dawnlight.accessor._dataarray import DataArrayAccessor
from dawnlight.accessor._dataset import DatasetAccessor
from dawnlight.catalog import ImageCollection

RULE = {"scl": ["cloud"]}
ZONE = shapely.Point(600300, 5000250).buffer(97)
QUIET = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

LAZY: dict[str, Callable[[Any], Any]] = {
    "mask": lambda a: a.dl.mask(RULE, dilation=2),
    "composite": lambda a: a.dl.composite(mask=RULE),
    "composite of calculated": lambda a: (a * 1).dl.composite("red", mask=RULE, method="percentile", q=20),
    "index": lambda a: a.dl.index("NDVI"),
    "index of several": lambda a: a.dl.index(["NDVI", "NDWI"]),
    "scale": lambda a: _amounts(a).dl.scale("physical"),
    "scale by slot": lambda a: _amounts(a).dl.scale("auto"),
    "groupby_calendar": lambda a: a.dl.groupby_calendar("1M").mean(),
    "groupby_calendar of composites": lambda a: a.dl.groupby_calendar("season").map(
        lambda part: part.dl.composite(mask=RULE)
    ),
    "reproject": lambda a: a.dl.reproject(crs="EPSG:3035", resolution=15, resampler="cubic"),
    "clip": lambda a: a.dl.clip(ZONE, crs="EPSG:32631"),
    "sample": lambda a: a.dl.sample([(600123, 5000234)], crs="EPSG:32631", method="bilinear"),
    "zonal": lambda a: a.dl.zonal(ZONE, ["mean", "median", "stdev", "count"], crs="EPSG:32631"),
    "tiles": lambda a: a.dl.tiles(32, overlap=8)[1],
    "to_dataset": lambda a: a.dl.to_dataset() if isinstance(a, xr.DataArray) else a,
    "to_dataarray": lambda a: a.dl.to_dataarray() if isinstance(a, xr.Dataset) else a,
}
"""Calls that give lazy arrays, after the method that they are about."""


def _amounts(obj: Any) -> Any:
    return obj[["red", "nir"]] if isinstance(obj, xr.Dataset) else obj.sel(band=["red", "nir"])


def _write_cog(obj: Any, folder: Path) -> Any:
    paths = _amounts(obj).dl.to_cog(folder / "{date}.tif", progress=False)
    return np.stack([rasterio.open(path).read() for path in paths])


def _download(obj: Any, folder: Path) -> Any:
    paths = _amounts(obj).dl.download(folder, progress=False)
    return np.stack([rasterio.open(path).read() for path in sorted(paths)])


def _write_zarr(obj: Any, folder: Path) -> Any:
    obj.dl.to_zarr(folder / "stack.zarr", progress=False)
    opened = xr.open_zarr(folder / "stack.zarr", decode_coords="all").load()
    return np.stack([opened[name].values for name in sorted(opened.data_vars)])


def _draw(obj: Any, folder: Path) -> Any:
    return imread(obj.isel(time=0).dl.show("nir red green", axes=False, path=folder / "picture.png"))


def _film(obj: Any, folder: Path) -> Any:
    return obj.dl.timelapse(folder / "film.gif", "nir red green", side=64).read_bytes()


EAGER: dict[str, Callable[[Any, Path], Any]] = {
    "ndarray": lambda obj, folder: obj.dl.ndarray(),
    "show": _draw,
    "timelapse": _film,
    "to_cog": _write_cog,
    "download": _download,
    "to_zarr": _write_zarr,
}
"""Calls that compute at once, here brought to arrays or bytes."""

ELSEWHERE = {
    "explore": "draws as `show` does, and needs the extra 'maps': tests/accessor/test_map.py",
    "explain": "computes nothing",
    "find_images": "computes nothing",
    "raster_info": "computes nothing",
    "report": "what workers report is in tests/accessor/test_reports.py",
}


def test_every_method_is_here_or_said_to_be_elsewhere() -> None:
    named = {name.partition(" ")[0] for name in (*LAZY, *EAGER)} | set(ELSEWHERE)
    for accessor in (DataArrayAccessor, DatasetAccessor):
        public = {name for name in dir(accessor) if not name.startswith("_")}
        methods = {name for name in public if callable(getattr(accessor, name))}
        assert methods <= named, f"no test on a cluster: {sorted(methods - named)}"


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Two worker processes, to which dask goes by itself as long as the client is open."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as workers,
        distributed.Client(workers),
    ):
        yield


@pytest.fixture(params=["DataArray", "Dataset"])
def pair(request: pytest.FixtureRequest, images: ImageCollection, loaded: xr.DataArray) -> tuple[Any, Any]:
    """The same values, lazy and loaded."""
    lazy = images.stack("green red nir scl", chunks={"y": 20, "x": 25})
    if request.param == "DataArray":
        return lazy, loaded
    return lazy.dl.to_dataset(), loaded.dl.to_dataset()


@QUIET
@pytest.mark.slow
@pytest.mark.parametrize("name", LAZY)
def test_a_cluster_gives_the_same_values(cluster: None, pair: tuple[Any, Any], name: str) -> None:
    call = LAZY[name]
    lazy, loaded = pair
    found = call(lazy)
    assert found.chunks, "nothing to compute on a cluster"
    expected = call(loaded)
    if name in ("zonal", "groupby_calendar"):  # sums of parts are rounded in another order
        xr.testing.assert_allclose(found.compute(), expected, rtol=1e-6)
    else:
        xr.testing.assert_equal(found.compute(), expected)


@QUIET
@pytest.mark.slow
@pytest.mark.parametrize("name", EAGER)
def test_what_computes_at_once_is_the_same(
    cluster: None, pair: tuple[Any, Any], name: str, tmp_path: Path
) -> None:
    call = EAGER[name]
    for each in ("lazy", "loaded"):
        (tmp_path / each).mkdir()
    found, expected = (call(obj, tmp_path / each) for obj, each in zip(pair, ("lazy", "loaded"), strict=True))
    if isinstance(found, bytes):
        assert found == expected
    else:
        np.testing.assert_array_equal(np.ma.getmaskarray(found), np.ma.getmaskarray(expected))
        np.testing.assert_array_equal(np.ma.getdata(found), np.ma.getdata(expected))
