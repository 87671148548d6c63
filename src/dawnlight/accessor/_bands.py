"""What is known of the bands of an array: from the labels that loading gives it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

__all__ = ["KEY", "BandInfo", "bands_of", "info_of", "records_of", "with_records"]

KEY = "dawnlight"
"""Attribute of the coordinate ``band``: JSON, band name to record."""

_MOST_CLASSES = 65_536

Color = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class BandInfo:
    """What an array tells of one of its bands; None where it tells nothing."""

    name: str
    """As in the coordinate ``band``."""
    type: str | None = None
    """Kind of the band: ``"spectral"``, ``"class"``, ``"mask"``, ``"microwave"`` or ``"generic"``."""
    data_type: str | None = None
    """Type of the pixels in the catalog, such as ``"UInt16"``."""
    nodata: float | None = None
    """Value of missing pixels in the files."""
    data_range: tuple[float, float] | None = None
    """Least and greatest value that pixels can have."""
    display_range: tuple[float, float] | None = None
    """Least and greatest value worth showing."""
    physical_range: tuple[float, float] | None = None
    """What `data_range` stands for in physical units."""
    physical_unit: str | None = None
    """Unit of `physical_range`."""
    wavelength: float | None = None
    """Centre in nanometres."""
    class_labels: tuple[str | None, ...] = ()
    """Names of the pixel values 0, 1, ..."""
    colormap: tuple[Color, ...] = ()
    """Colours of the pixel values 0, 1, ... as red, green, blue and alpha from 0 to 255."""
    colormap_name: str | None = None
    """Named colour scale."""
    description: str | None = None
    """What the band is."""

    @property
    def is_category(self) -> bool:
        """Whether pixel values are labels and not amounts."""
        return self.type in ("class", "mask")

    @property
    def dtype(self) -> np.dtype[Any] | None:
        """NumPy type of the pixels in the catalog."""
        from dawnlight.raster._dtypes import numpy_dtype

        return None if self.data_type is None else numpy_dtype(self.data_type)

    def label(self, value: int) -> str:
        """Name of a class, or the number where it has none."""
        found = self.class_labels[value] if 0 <= value < len(self.class_labels) else None
        return found or str(value)


def bands_of(obj: xr.DataArray | xr.Dataset) -> dict[str, BandInfo]:
    """Return the bands of an array, in its order; a single band that was selected counts, too.

    Parameters
    ----------
    obj
        Array with the coordinate ``band``, or a dataset of one variable per band.
    """
    if isinstance(obj, xr.Dataset):
        return {str(name): _info_of_variable(str(name), variable) for name, variable in _pictures(obj)}
    if "band" not in obj.coords:
        name = "" if obj.name is None else str(obj.name)
        known = KEY in obj.attrs or "flag_values" in obj.attrs
        return {name: _info_of_variable(name, obj)} if known else {}
    band = obj.coords["band"]
    records = records_of(obj)
    names = [str(name) for name in np.atleast_1d(band.values)]
    waves: list[Any] = [None] * len(names)
    if "wavelength" in obj.coords and obj.coords["wavelength"].shape == band.shape:
        waves = [float(value) for value in np.atleast_1d(obj.coords["wavelength"].values)]
    types: list[Any] = [None] * len(names)
    if "band_type" in obj.coords and obj.coords["band_type"].shape == band.shape:
        types = [str(value) for value in np.atleast_1d(obj.coords["band_type"].values)]
    return {
        name: info_of(name, {"type": kind, "wavelength": wave, **records.get(name, {})})
        for name, kind, wave in zip(names, types, waves, strict=True)
    }


def info_of(name: str, record: Mapping[str, Any]) -> BandInfo:
    """Read a record of a band as loading writes it."""
    wave = record.get("wavelength")
    return BandInfo(
        name=name,
        type=record.get("type"),
        data_type=record.get("data_type"),
        nodata=record.get("nodata"),
        data_range=_pair(record.get("data_range")),
        display_range=_pair(record.get("display_range")),
        physical_range=_pair(record.get("physical_range")),
        physical_unit=record.get("physical_range_unit"),
        wavelength=None if wave is None or math.isnan(wave) else float(wave),
        class_labels=tuple(record.get("class_labels") or ()),
        colormap=tuple(tuple(color) for color in record.get("colormap") or ()),
        colormap_name=record.get("colormap_name"),
        description=record.get("description"),
    )


def with_records(array: xr.DataArray, records: Mapping[str, Mapping[str, Any]]) -> xr.DataArray:
    """Return an array whose coordinate ``band`` carries the records."""
    attrs = {**array.coords["band"].attrs, KEY: json.dumps(dict(records))}
    return array.assign_coords(band=(array.coords["band"].dims, array.coords["band"].values, attrs))


def records_of(array: xr.DataArray) -> dict[str, Mapping[str, Any]]:
    """Return what loading noted of the bands, by name: of a dim of bands, or of a variable that is one."""
    attrs = array.coords["band"].attrs if "band" in array.coords else array.attrs
    text = attrs.get(KEY)
    if not isinstance(text, str):
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _pictures(dataset: xr.Dataset) -> Iterable[tuple[Any, xr.DataArray]]:
    """Variables of a dataset that have pixels."""
    from dawnlight.accessor._georeference import spatial_dims

    dims = set(spatial_dims(dataset))
    return [(name, variable) for name, variable in dataset.data_vars.items() if dims <= set(variable.dims)]


def _info_of_variable(name: str, variable: xr.DataArray) -> BandInfo:
    record = records_of(variable).get(name)
    return info_of(name, _cf_record(variable.attrs) if record is None else record)


def _cf_record(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """Read from CF attributes what a variable is as a band."""
    record: dict[str, Any] = {}
    if attrs.get("long_name"):
        record["description"] = str(attrs["long_name"])
    values, meanings = attrs.get("flag_values"), str(attrs.get("flag_meanings", "")).split()
    numbers = [] if values is None else [int(value) for value in np.atleast_1d(values)]
    if numbers and len(numbers) == len(meanings) and min(numbers) >= 0 and max(numbers) < _MOST_CLASSES:
        labels = dict(zip(numbers, meanings, strict=True))
        record["type"] = "class"
        record["class_labels"] = [labels.get(value) for value in range(max(numbers) + 1)]
    return record


def _pair(value: Any) -> tuple[float, float] | None:
    return None if value is None else (float(value[0]), float(value[1]))
