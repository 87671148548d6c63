"""The same request to lazycogs, which reads a STAC GeoParquet file and needs Python 3.12 or newer.

It searches that file with DuckDB, which downloads its extensions ``icu``, ``parquet`` and ``spatial`` at
first use. Where that is not possible, ``DUCKDB_EXTENSIONS`` names a folder that has them.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np


def write_items(items: list[Any]) -> str:
    """Write the items where lazycogs looks for them; returns the path."""
    import rustac

    for item in items:
        for asset in item.assets.values():
            asset.href = asset.href if "://" in asset.href else f"file://{Path(asset.href).absolute()}"
    path = Path(tempfile.mkdtemp(prefix="benchmark-")) / "items.parquet"
    rustac.write_sync(str(path), [item.to_dict() for item in items])
    return str(path)


def load_lazycogs(path: str, bands: list[str], grid: Any, chunk: Any) -> Any:
    """Return the lazy array; it knows nearest neighbour only."""
    import lazycogs
    from rustac import DuckdbClient

    folder = os.environ.get("DUCKDB_EXTENSIONS")
    client = DuckdbClient(extension_directory=folder, install_extensions=folder is None)
    data = lazycogs.open(
        path,
        bbox=grid.bounds,
        crs=f"EPSG:{grid.crs.to_epsg()}",
        resolution=grid.resolution[0],
        bands=bands,
        chunks={"y": chunk, "x": chunk, "time": 1},
        dtype=np.dtype("uint16"),
        nodata=0,
        time_period=None,
        duckdb_client=client,
    )
    return data.transpose("time", "band", "y", "x")
