"""The same request to each library: returns a lazy DataArray (time, band, y, x) on one grid."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from benchmarks.archive import RESOLUTION, SIZE, Scene

_KERNELS = {"near": "nearest", "bilinear": "bilinear", "cubic": "cubic"}


def read_headers(scene: Scene) -> list[dict[str, Any]]:
    """Read what the files of a scene say of themselves; a file with many names is read once."""
    return [
        {**_read_header(os.path.realpath(path)), "href": path} if "://" not in path else _read_header(path)
        for path in scene.files.values()
    ]


@lru_cache(maxsize=256)
def _read_header(path: str) -> dict[str, Any]:
    from dawnlight.raster._gdal import read_header

    return read_header(path).to_dict()


def assumed_headers(scene: Scene) -> list[dict[str, Any]]:
    """Return what files would say that are not there, for workloads that open none."""
    geotrans = [scene.origin[0], RESOLUTION, 0, scene.origin[1], 0, -RESOLUTION]
    return [
        {
            "version": 1,
            "href": path,
            "driver": "GTiff",
            "size_bytes": 40_000_000,
            "modified_ns": 1_700_000_000_000_000_000,
            "shape": [SIZE, SIZE],
            "geotrans": geotrans,
            "crs": f"EPSG:{scene.epsg}",
            "block": [1024, 1024],
            "bands": [{"dtype": "uint8" if band == "scl" else "uint16", "nodata": 0}],
            "overviews": [[SIZE // 2, SIZE // 2], [SIZE // 4, SIZE // 4]],
        }
        for band, path in scene.files.items()
    ]


def ours(scenes: Sequence[Scene], headers: Callable[[Scene], list[dict[str, Any]]] = read_headers) -> Any:
    """Register the scenes in a catalog of this process."""
    import dawnlight as dl
    from dawnlight.search import Document

    client = dl.open("memory://")
    dl.Product(id="s2", name="Benchmark", client=client).save()
    for index, band in enumerate(scenes[0].files):
        kind = dl.ClassBand if band == "scl" else dl.SpectralBand
        ranges = {"data_range": (0, 255), "display_range": (0, 255)}
        data_type = "Byte" if band == "scl" else "UInt16"
        kind(
            id=f"s2:{band}",
            data_type=data_type,
            band_index=0,
            file_index=index,
            nodata=0,
            client=client,
            **ranges,
        ).save()
    documents = []
    for scene in scenes:
        found = headers(scene)
        documents.append(
            Document(
                kind="image",
                id=f"s2:{scene.name}",
                attributes={
                    "name": scene.name,
                    "product_id": "s2",
                    "acquired": scene.date,
                    "cs_code": f"EPSG:{scene.epsg}",
                    "geotrans": found[0]["geotrans"],
                    "x_pixels": SIZE,
                    "y_pixels": SIZE,
                    "files": [{"href": each["href"], "size_bytes": each["size_bytes"]} for each in found],
                    "file_headers": found,
                    "storage_state": "available",
                },
            )
        )
    if headers is assumed_headers:
        # As a search returns them; storing and searching so many takes minutes that no one measures here.
        documents.sort(key=lambda document: str(document.attributes["acquired"]))
        return dl.ImageCollection([dl.Image._from_document(document, client) for document in documents])
    client.store.create(documents)
    return dl.Image.search(client=client).sort("acquired").collect()


def items(scenes: Sequence[Scene]) -> list[Any]:
    """Describe the scenes as STAC items for the peers."""
    from datetime import datetime

    import pystac
    import shapely
    from pyproj import Transformer

    found = []
    for scene in scenes:
        x, y = scene.origin
        extent = (x, y - SIZE * RESOLUTION, x + SIZE * RESOLUTION, y)
        to_world = Transformer.from_crs(scene.epsg, 4326, always_xy=True)
        west, south, east, north = to_world.transform_bounds(*extent)
        item = pystac.Item(
            id=scene.name,
            geometry=shapely.box(west, south, east, north).__geo_interface__,
            bbox=[west, south, east, north],
            datetime=datetime.fromisoformat(scene.date),
            properties={"proj:epsg": scene.epsg, "proj:code": f"EPSG:{scene.epsg}"},
            stac_extensions=[
                "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
                "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
            ],
        )
        for band, path in scene.files.items():
            asset = pystac.Asset(
                path,
                media_type=pystac.MediaType.COG,
                roles=["data"],
                extra_fields={
                    "proj:shape": [SIZE, SIZE],
                    "proj:transform": list(scene.transform)[:6],
                    "raster:bands": [{"data_type": "uint8" if band == "scl" else "uint16", "nodata": 0}],
                },
            )
            item.add_asset(band, asset)
        found.append(item)
    return found


def load_ours(
    images: Any, bands: list[str], grid: Any, kernel: str, chunk: Any, *, masked: bool = False
) -> Any:
    return images.stack(bands, grid, resampler=kernel, chunks=chunk, mask_nodata=masked)


def load_ours_at_once(images: Any, bands: list[str], grid: Any, kernel: str, threads: int) -> Any:
    """Load without dask: blocks go straight to their place in the result."""
    found = images.stack(
        bands, grid, resampler=kernel, chunks=None, mask_nodata=False, max_workers=threads, progress=False
    )
    return found.data


def load_odc(
    found: list[Any], bands: list[str], grid: Any, kernel: str, chunk: Any, *, groupby: Any = "id"
) -> Any:
    import odc.stac

    chunks = {"y": chunk, "x": chunk} if isinstance(chunk, int) else {"y": 2048, "x": 2048}
    data = odc.stac.load(
        found, bands=bands, geobox=grid.to_odc(), chunks=chunks, resampling=_KERNELS[kernel], groupby=groupby
    )
    return data.to_dataarray("band").transpose("time", "band", "y", "x")


def load_stackstac(found: list[Any], bands: list[str], grid: Any, kernel: str, chunk: Any) -> Any:
    import stackstac
    from rasterio.enums import Resampling

    return stackstac.stack(
        found,
        assets=bands,
        epsg=grid.crs.to_epsg(),
        bounds=grid.bounds,
        resolution=grid.resolution[0],
        chunksize=chunk if isinstance(chunk, int) else 2048,
        dtype=np.dtype("uint16"),
        fill_value=np.uint16(0),
        rescale=False,
        resampling=getattr(Resampling, _KERNELS[kernel]),
        snap_bounds=False,
        xy_coords=False,
    )
