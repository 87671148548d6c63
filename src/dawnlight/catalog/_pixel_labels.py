"""The labels of a loaded stack or mosaic: times, bands, what is known of the images, and how to store it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.catalog._bridge import many_objects
from dawnlight.geo import GeoBox, spell_crs
from dawnlight.raster._labels import Labels, storage_encoding
from dawnlight.search import time_to_wire

if TYPE_CHECKING:
    import xarray as xr

    from dawnlight.catalog._described import Described
    from dawnlight.catalog._loading import Loading

__all__ = ["grid_info", "label_mosaic", "label_stack", "raster_info"]

_NUMBERS = (
    "cloud_fraction",
    "fill_fraction",
    "solar_azimuth_angle",
    "solar_elevation_angle",
    "view_angle",
)
_TEXTS = ("product_id", "satellite_id")
_ALWAYS = ("id", "product_id")


def label_stack(array: Any, loading: Loading, groups: Mapping[str, Sequence[Any]]) -> xr.DataArray:
    """Label an array (time, band, y, x); ``groups`` are the keys of flattened layers by name."""
    from dawnlight.raster._labels import label

    layers, described = loading.layers, loading.described
    flat = not loading.lazy.plan.is_one_by_one
    along_time: dict[str, Any] = {}
    with many_objects():
        for name in ("id", *_TEXTS, *_NUMBERS):
            combine = _mean if name in _NUMBERS else _joined
            values = _per_layer(described.values(name), layers, combine) if flat else _stored(described, name)
            # Columns that say nothing are left out; ids and products always stay.
            if values is not None and (name in _ALWAYS or any(value is not None for value in values)):
                along_time[name] = values
        along_time.update(groups)
        times = _times(described)
    if flat:
        times = np.array([_earliest(times[list(members)]) for members in layers], dtype=times.dtype)
    return label(array, _labels(loading, times=times, along_time=along_time))


def label_mosaic(array: Any, loading: Loading) -> xr.DataArray:
    """Label an array (band, y, x) painted from all images."""
    from dawnlight.raster._labels import label

    times = _times(loading.described)
    known = times[~np.isnat(times)]
    scalars: dict[str, Any] = {"id": ",".join(loading.described.values("id"))}
    if known.size:
        scalars["time_first"], scalars["time_last"] = known.min(), known.max()
    return label(array, _labels(loading, scalars=scalars))


def _stored(described: Described, name: str) -> NDArray[Any] | None:
    """Return an attribute of all images as a coordinate; None where it says nothing and may be left out."""
    from dawnlight.raster._labels import coordinate

    def make(values: list[Any]) -> NDArray[Any] | None:
        says_nothing = name not in _ALWAYS and values.count(None) == len(values)
        return None if says_nothing else coordinate(values)

    found: NDArray[Any] | None = _kept(described, name, make)
    return found


def _times(described: Described) -> NDArray[np.datetime64]:
    """Return when all images were taken."""
    found: NDArray[np.datetime64] = _kept(described, "acquired", _to_datetime64)
    return found


def _kept(described: Described, name: str, make: Callable[[list[Any]], Any]) -> Any:
    """Return what is made of an attribute of all images; made once, while the images are as stored."""
    if not described.is_as_stored(name):
        return make(described.values(name))
    cached = described.columns.cached
    if name not in cached:
        cached[name] = make(described.values(name))
    found = cached[name]
    return None if found is None else found.copy()  # whoever gets an array may write into it


def _labels(loading: Loading, **parts: Any) -> Labels:
    request = loading.request
    names = request.names[: request.keep]
    bands = [request.first(position).band for position in range(request.keep)]
    along_band: dict[str, Sequence[Any]] = {
        "band_type": [str(band.type) for band in bands],
        "wavelength": [getattr(band, "wavelength_nm_center", None) for band in bands],
    }
    if all(value is None for value in along_band["wavelength"]):
        del along_band["wavelength"]
    records = {name: _band_record(band) for name, band in zip(names, bands, strict=True)}
    for position, name in enumerate(names):
        scale, level = request.scales[position], request.first(position).level
        if scale is not None or level is not None:
            records[name] = _changed_record(records[name], scale, request.data_type)
    tolerant = loading.lazy.errors == "mask"
    return Labels(
        geobox=loading.geobox,
        grid_attrs={"dawnlight_report": loading.lazy.log.token} if tolerant else {},
        bands=names,
        along_band=along_band,
        band_attrs={"dawnlight": json.dumps(records)},
        attrs={"data_type": request.data_type},
        encoding=storage_encoding(loading.dtype, request.marks, request.masked),
        **parts,
    )


def _changed_record(record: Mapping[str, Any], scale: Any, data_type: str) -> dict[str, Any]:
    """Record of a band whose numbers are no longer those of the files."""
    stored = ("nodata", "display_range", "data_range", "physical_range", "physical_range_unit")
    kept = {name: value for name, value in record.items() if name not in stored}
    if scale is not None:
        kept["display_range"] = list(scale[2:]) if scale else [0, 255]
    return {**kept, "data_type": data_type}


def _band_record(band: Any) -> dict[str, Any]:
    """Collect what showing and storing a band needs, as JSON values for the coordinate's attributes."""
    record = {"type": str(band.type), "data_type": band.data_type, "nodata": band.nodata}
    for name in (
        "display_range",
        "data_range",
        "physical_range",
        "physical_range_unit",
        "class_labels",
        "colormap",
        "colormap_name",
        "description",
    ):
        value = getattr(band, name, None)
        if value is not None:
            record[name] = (
                [list(v) if isinstance(v, tuple) else v for v in value]
                if not isinstance(value, str)
                else value
            )
    return {name: value for name, value in record.items() if value is not None}


def _per_layer(
    values: list[Any], layers: Sequence[tuple[int, ...]], combine: Callable[[list[Any]], Any]
) -> list[Any]:
    """One value a layer: that of its image, or what becomes of several."""
    return [
        values[members[0]] if len(members) == 1 else combine([values[k] for k in members])
        for members in layers
    ]


def _mean(values: list[Any]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _joined(values: list[Any]) -> str | None:
    known = [str(value) for value in values if value is not None]
    return ",".join(dict.fromkeys(known)) if known else None


def _earliest(times: NDArray[np.datetime64]) -> np.datetime64:
    known = times[~np.isnat(times)]
    earliest: np.datetime64 = known.min() if known.size else np.datetime64("NaT", "ns")
    return earliest


def _to_datetime64(times: Sequence[str | datetime | None]) -> NDArray[np.datetime64]:
    """UTC instants of wire texts and datetimes, with the nanoseconds that a pandas timestamp carries."""
    texts = [
        time.rstrip("Z")
        if isinstance(time, str)
        else "NaT"
        if time is None
        else time_to_wire(time).rstrip("Z")
        for time in times
    ]
    return np.array(texts, dtype="datetime64[ns]")


def raster_info(loading: Loading, layer: int = 0) -> dict[str, Any]:
    """Describe the raster of one layer with the keys that the reference platform uses; no pixel is read."""
    ids = [str(loading.images[number].id) for number in loading.layers[layer]]
    bands = [_band_info(loading, position) for position in range(loading.request.keep)]
    return grid_info(loading.geobox, ids, bands)


def grid_info(geobox: GeoBox, ids: Sequence[str], bands: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Describe a raster by its grid, the images it is made from and what is known of its bands."""
    minx, miny, maxx, maxy = geobox.bounds
    crs = geobox.crs
    code = spell_crs(crs)
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
        "files": list(ids),
        "metadata": {},
        "bands": list(bands),
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
