from __future__ import annotations

from typing import Any

import pytest
import shapely
import xarray as xr

from dawnlight.catalog import ImageCollection

RULE = {"scl": ["cloud"]}
ZONE = shapely.Point(600300, 5000250).buffer(97)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_cluster_gives_the_same_values(images: ImageCollection, loaded: xr.DataArray) -> None:
    distributed = pytest.importorskip("distributed")
    lazy = images.stack("green red nir scl", chunks={"y": 20, "x": 25})
    calls: dict[str, Any] = {
        "mask": lambda a: a.dl.mask(RULE, dilation=2),
        "fused": lambda a: a.dl.composite(mask=RULE),
        "composite": lambda a: (a * 1).dl.composite("red", mask=RULE, method="percentile", q=20),
        "index": lambda a: a.dl.index("NDVI"),
        "scale": lambda a: a.sel(band=["red"]).dl.scale("auto"),
        "reproject": lambda a: a.dl.reproject(crs="EPSG:3035", resolution=15, resampler="cubic"),
        "clip": lambda a: a.dl.clip(ZONE, crs="EPSG:32631"),
        "sample": lambda a: a.dl.sample([(600123, 5000234)], crs="EPSG:32631"),
        "zonal": lambda a: a.dl.zonal(ZONE, ["mean", "median"], crs="EPSG:32631"),
        "dataset": lambda a: a.dl.to_dataset(),
    }
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster),
    ):
        for name, call in calls.items():
            found, expected = call(lazy).compute(), call(loaded)
            if isinstance(found, xr.Dataset):
                xr.testing.assert_allclose(found, expected, rtol=1e-6)
            else:
                xr.testing.assert_equal(found, expected)
            assert name
