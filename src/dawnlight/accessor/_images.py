"""The catalog objects behind an array, found by the ids that its labels keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from dawnlight.errors import ParameterError

if TYPE_CHECKING:
    from dawnlight.catalog import CatalogClient, ImageCollection

__all__ = ["find_images", "ids_of", "raster_info"]


def ids_of(obj: xr.DataArray | xr.Dataset) -> list[list[str]]:
    """Ids of the images of each time slot; of one slot where there is no time.

    Raises
    ------
    ParameterError
        The array does not tell.
    """
    if "id" not in obj.coords:
        raise ParameterError(
            "the array has no coordinate 'id', so its images are not known: Dawnlight did not load it, or "
            "a reduction over time dropped it; ask before reducing"
        )
    return [str(value).split(",") if str(value) else [] for value in np.atleast_1d(obj.coords["id"].values)]


def find_images(obj: xr.DataArray | xr.Dataset, client: CatalogClient | None) -> list[ImageCollection]:
    """Return the images of each time slot, in the order in which they were painted.

    Raises
    ------
    NotFoundError
        The catalog has not all of them.
    """
    from dawnlight.catalog import Image, ImageCollection

    groups = ids_of(obj)
    wanted = list(dict.fromkeys(each for group in groups for each in group))
    found = dict(zip(wanted, Image.get_many(wanted, client=client), strict=True))
    return [ImageCollection([found[each] for each in group]) for group in groups]


def raster_info(obj: xr.DataArray | xr.Dataset) -> Any:
    """Describe each time slot, or the one there is, as the reference platform describes rasters."""
    from dawnlight.accessor._georeference import geobox_of
    from dawnlight.catalog._pixel_labels import grid_info

    geobox, bands = geobox_of(obj), _band_infos(obj)
    groups = ids_of(obj) if "id" in obj.coords else [[] for _ in range(obj.sizes.get("time", 1))]
    infos = [grid_info(geobox, group, bands) for group in groups]
    return infos if "time" in obj.dims else infos[0]


def _band_infos(obj: xr.DataArray | xr.Dataset) -> list[dict[str, Any]]:
    from dawnlight.accessor._bands import bands_of
    from dawnlight.accessor._native import native_dtype
    from dawnlight.raster._dtypes import data_type_of

    found = []
    for number, info in enumerate(bands_of(obj).values(), start=1):
        part = obj[info.name] if isinstance(obj, xr.Dataset) else obj
        name = data_type_of(native_dtype(part) or part.dtype)
        described = {"name": info.name, "dtype": name, "type": info.type, "description": info.description}
        entry: dict[str, Any] = {
            "band": number,
            "type": name,
            "block": [512, 512],
            "colorInterpretation": "Undefined",
            "overviews": [],
            "metadata": {},
            "description": {key: value for key, value in described.items() if value is not None},
        }
        if info.nodata is not None:
            entry["noDataValue"] = info.nodata
        found.append(entry)
    return found
