"""What the figures were made on."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

_PACKAGES = (
    "dawnlight",
    "odc-stac",
    "stackstac",
    "lazycogs",
    "rasterio",
    "imagecodecs",
    "obstore",
    "numpy",
    "numba",
    "dask",
    "distributed",
    "xarray",
)


def machine() -> dict[str, str]:
    """Return the date, the size of the machine and how busy it was when the measurement began."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "size": f"{len(os.sched_getaffinity(0))} cores ({platform.machine()}), {memory:.0f} GiB of memory, "
        f"{platform.system()}",
        "python": f"CPython {platform.python_version()}",
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def versions() -> dict[str, str]:
    """Return the versions of what was measured."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    import rasterio

    return {**found, "GDAL": rasterio.__gdal_version__}


def left_out() -> dict[str, str]:
    """Return the libraries that are not measured here, and why."""
    found = {name: "it is not installed" for name in ("stackstac", "lazycogs") if find_spec(name) is None}
    if sys.version_info < (3, 12):
        found["lazycogs"] = "it needs Python 3.12 or newer"
    return found
