"""The labels of a loaded stack or mosaic: times, bands, what is known of the images, and how to store it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from dawnlight.geo import spell_crs
from dawnlight.raster._labels import Labels, storage_encoding

if TYPE_CHECKING:
    import xarray as xr

    from dawnlight.catalog._image import Image
    from dawnlight.catalog._loading import Loading

__all__ = ["label_mosaic", "label_stack", "raster_info"]

_NUMBERS = (
    "cloud_fraction",
    "fill_fraction",
    "solar_azimuth_angle",
    "solar_elevation_angle",
    "view_angle",
)
_TEXTS = ("product_id", "satellite_id")


def label_stack(array: Any, loading: Loading, groups: Mapping[str, Sequence[Any]]) -> xr.DataArray:
    """Label an array (time, band, y, x); ``groups`` are the keys of flattened layers by name."""
    from dawnlight.raster._labels import label

    layers = [[loading.images[number] for number in members] for members in loading.layers]
    along_time: dict[str, Sequence[Any]] = {
        "id": [",".join(str(image.id) for image in layer) for layer in layers]
    }
    for name in _TEXTS:
        along_time[name] = [_shared(layer, name) for layer in layers]
    for name in _NUMBERS:
        along_time[name] = [_mean(layer, name) for layer in layers]
    # Columns that say nothing are left out; ids and products always stay.
    along_time = {
        name: values
        for name, values in along_time.items()
        if name in ("id", "product_id") or any(value is not None for value in values)
    }
    along_time.update(groups)
    times = np.array([_first_time(layer) for layer in layers], dtype="datetime64[ns]")
    return label(array, _labels(loading, times=times, along_time=along_time))


def label_mosaic(array: Any, loading: Loading) -> xr.DataArray:
    """Label an array (band, y, x) painted from all images."""
    from dawnlight.raster._labels import label

    times = [
        time for time in (_to_datetime64(image.acquired) for image in loading.images) if not np.isnat(time)
    ]
    scalars: dict[str, Any] = {"id": ",".join(str(image.id) for image in loading.images)}
    if times:
        scalars["time_first"], scalars["time_last"] = min(times), max(times)
    return label(array, _labels(loading, scalars=scalars))


def _labels(loading: Loading, **parts: Any) -> Labels:
    request = loading.request
    names = request.names[: request.keep]
    bands = [request.first(position).band for position in range(request.keep)]
    nodata = [spec.nodata for spec in request.specs[: request.keep]]
    scaled = any(scale is not None for scale in request.scales)
    along_band: dict[str, Sequence[Any]] = {
        "band_type": [str(band.type) for band in bands],
        "wavelength": [getattr(band, "wavelength_nm_center", None) for band in bands],
    }
    if all(value is None for value in along_band["wavelength"]):
        del along_band["wavelength"]
    return Labels(
        geobox=loading.geobox,
        bands=names,
        along_band=along_band,
        band_attrs={"dawnlight": json.dumps(dict(zip(names, map(_band_record, bands), strict=True)))},
        attrs={"data_type": request.data_type},
        encoding=storage_encoding(loading.dtype, [None] * len(nodata) if scaled else nodata, request.masked),
        **parts,
    )


def _band_record(band: Any) -> dict[str, Any]:
    """Collect what showing and storing a band needs, as JSON values for the coordinate's attributes."""
    record = {"type": str(band.type), "data_type": band.data_type, "nodata": band.nodata}
    for name in ("display_range", "data_range", "class_labels", "colormap", "colormap_name", "description"):
        value = getattr(band, name, None)
        if value is not None:
            record[name] = (
                [list(v) if isinstance(v, tuple) else v for v in value]
                if name != "description" and (not isinstance(value, str))
                else value
            )
    return {name: value for name, value in record.items() if value is not None}


def _first_time(layer: Sequence[Image]) -> np.datetime64:
    times = [time for time in (_to_datetime64(image.acquired) for image in layer) if not np.isnat(time)]
    return min(times, default=np.datetime64("NaT", "ns"))


def _to_datetime64(time: datetime | None) -> np.datetime64:
    """UTC instant without losing the nanoseconds that a pandas timestamp carries."""
    if time is None:
        return np.datetime64("NaT", "ns")
    nanosecond = getattr(time, "nanosecond", 0)
    naive = time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
    if hasattr(naive, "to_pydatetime"):
        naive = naive.to_pydatetime(warn=False)
    return np.datetime64(naive, "ns") + np.timedelta64(nanosecond, "ns")


def _mean(layer: Sequence[Image], name: str) -> float | None:
    values = [value for value in (getattr(image, name) for image in layer) if value is not None]
    return sum(values) / len(values) if values else None


def _shared(layer: Sequence[Image], name: str) -> str | None:
    values = [str(value) for value in (getattr(image, name) for image in layer) if value is not None]
    return ",".join(dict.fromkeys(values)) if values else None


def raster_info(loading: Loading, layer: int = 0) -> dict[str, Any]:
    """Describe the raster of one layer with the keys that the reference platform uses; no pixel is read."""
    geobox, request = loading.geobox, loading.request
    minx, miny, maxx, maxy = geobox.bounds
    crs = geobox.crs
    code = spell_crs(crs)
    ids = [str(loading.images[number].id) for number in loading.layers[layer]]
    return {
        "id": ids[0] if len(ids) == 1 else "mosaic",
        "geoTransform": list(geobox.geotrans),
        "size": [geobox.width, geobox.height],
        "coordinateSystem": {
            "wkt": crs.to_wkt("WKT1_GDAL", pretty=False) if _has_wkt1(crs) else crs.to_wkt(),
            "proj4": _proj4(crs),
            "epsg": int(code.removeprefix("EPSG:")) if code.startswith("EPSG:") else None,
            "dataAxisToSRSAxisMapping": [2, 1] if crs.is_geographic else [1, 2],
        },
        "cornerCoordinates": {
            "upperLeft": [minx, maxy],
            "lowerLeft": [minx, miny],
            "upperRight": [maxx, maxy],
            "lowerRight": [maxx, miny],
            "center": [(minx + maxx) / 2, (miny + maxy) / 2],
        },
        "wgs84Extent": geobox.footprint().__geo_interface__,
        "driverShortName": "MEM",
        "driverLongName": "In Memory raster",
        "files": ids,
        "metadata": {},
        "bands": [_band_info(loading, position) for position in range(request.keep)],
    }


def _band_info(loading: Loading, position: int) -> dict[str, Any]:
    band = loading.request.first(position).band
    nodata = loading.request.specs[position].nodata
    info: dict[str, Any] = {
        "band": position + 1,
        "type": loading.request.data_type,
        "block": [512, 512],
        "colorInterpretation": "Alpha" if position == loading.request.alpha else "Undefined",
        "overviews": [],
        "metadata": {},
        "description": {"name": band.name, "dtype": loading.request.data_type, **band.serialize()},
    }
    if nodata is not None:
        info["noDataValue"] = nodata
    return info


def _has_wkt1(crs: Any) -> bool:
    try:
        return bool(crs.to_wkt("WKT1_GDAL"))
    except Exception:  # pyproj raises its own error for systems that WKT1 cannot express
        return False


def _proj4(crs: Any) -> str:
    import warnings

    with warnings.catch_warnings():
        # The text is lossy, which is what the warning says; it is given beside the WKT because code asks
        # for it.
        warnings.simplefilter("ignore", UserWarning)
        return str(crs.to_proj4())
