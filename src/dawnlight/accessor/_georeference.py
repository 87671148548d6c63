"""Where an xarray object lies: its spatial dims, its CRS and its pixel grid, read from coordinates."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import numpy as np
import pyproj
import xarray as xr
from affine import Affine
from numpy.typing import NDArray

from dawnlight.errors import CRSError, GridError
from dawnlight.geo import AOI, GeoBox, normalize_crs

__all__ = ["XarrayObject", "crs_of", "find_crs", "geobox_of", "geocontext_of", "name_crs", "spatial_dims"]

XarrayObject = xr.DataArray | xr.Dataset

_NAMES = (("y", "x"), ("lat", "lon"), ("latitude", "longitude"), ("northing", "easting"))
_STANDARD = {
    "latitude": "y",
    "projection_y_coordinate": "y",
    "longitude": "x",
    "projection_x_coordinate": "x",
}
# Coordinates kept as float32 are off by up to this part of a pixel at usual sizes.
_UNEVEN = 0.1
_SAME = 1e-3


def spatial_dims(obj: XarrayObject) -> tuple[Hashable, Hashable]:
    """Return the names of the dims along columns (y) and along rows (x).

    They are ``y`` and ``x``, names in common use such as ``lat`` and ``lon``, or the dims whose coordinates
    have the CF attribute ``standard_name`` or ``axis``.

    Raises
    ------
    GridError
        One of them is missing.
    """
    for pair in _NAMES:
        if all(name in obj.dims for name in pair):
            return pair
    found: dict[str, Hashable] = {}
    for dim in obj.dims:
        attrs = obj.coords[dim].attrs if dim in obj.coords else {}
        kind = _STANDARD.get(str(attrs.get("standard_name", ""))) or str(attrs.get("axis", "")).lower()
        if kind in ("x", "y"):
            found.setdefault(kind, dim)
    if len(found) < 2:
        raise GridError(
            f"the array has dims {tuple(map(str, obj.dims))}, and no pair among them is y and x; rename "
            "them (for example .rename(row='y', col='x')); slicing with isel(x=slice(i, i + 1)) keeps a dim"
        )
    return found["y"], found["x"]


def find_crs(obj: XarrayObject) -> pyproj.CRS | None:
    """Return the CRS that coordinates or attributes tell, or None.

    Looked at in this order: the grid mapping that the array names, the coordinate ``spatial_ref``, any other
    variable with the attributes of a grid mapping, the attribute ``crs``, and the CF units of longitude and
    latitude, which mean EPSG:4326.
    """
    for attrs in _grid_mappings(obj):
        for key in ("crs_wkt", "spatial_ref"):
            if attrs.get(key):
                return normalize_crs(attrs[key])
        if attrs.get("grid_mapping_name"):
            return normalize_crs(pyproj.CRS.from_cf(dict(attrs)))
    if obj.attrs.get("crs"):
        return normalize_crs(obj.attrs["crs"])
    units = {str(obj.coords[dim].attrs.get("units", "")) for dim in obj.dims if dim in obj.coords}
    if {"degrees_north", "degrees_east"} <= units:
        return normalize_crs("EPSG:4326")
    return None


def _grid_mappings(obj: XarrayObject) -> list[dict[Hashable, Any]]:
    members = [obj, *obj.data_vars.values()] if isinstance(obj, xr.Dataset) else [obj]
    names: list[Hashable] = []
    for member in members:
        names.extend(
            str(source["grid_mapping"])
            for source in (member.encoding, member.attrs)
            if source.get("grid_mapping")
        )
    names.append("spatial_ref")
    variables = obj.variables if isinstance(obj, xr.Dataset) else obj.coords
    names.extend(name for name in variables if "grid_mapping_name" in variables[name].attrs)
    return [dict(variables[name].attrs) for name in dict.fromkeys(names) if name in variables]


def crs_of(obj: XarrayObject) -> pyproj.CRS:
    """Return the CRS.

    Raises
    ------
    CRSError
        The object tells none.
    """
    found = find_crs(obj)
    if found is None:
        raise CRSError(
            "the array has no CRS (no coordinate spatial_ref, no grid mapping, no attribute crs); give it "
            "one with .rio.write_crs('EPSG:...')"
        )
    return found


def name_crs(crs: pyproj.CRS) -> str:
    """Name a CRS for people: its own name, or that of its projection where it has none."""
    if crs.name and crs.name.lower() not in ("unnamed", "unknown"):
        return str(crs.name)
    operation = crs.coordinate_operation
    return f"unnamed {operation.method_name}" if operation is not None else "an unnamed CRS"


def geobox_of(obj: XarrayObject) -> GeoBox:
    """Return the pixel grid, from the coordinates of the pixel centres.

    Raises
    ------
    GridError
        There is no grid: dims are missing or the coordinates are not evenly spaced.
    CRSError
        The object tells no CRS.
    """
    ydim, xdim = spatial_dims(obj)
    crs = crs_of(obj)
    shape = (obj.sizes[ydim], obj.sizes[xdim])
    noted = _noted_transform(obj)
    if xdim not in obj.coords or ydim not in obj.coords:
        if noted is None:
            raise GridError(f"the dims {ydim!r} and {xdim!r} have no coordinates, so their place is unknown")
        return GeoBox(shape, noted, crs)
    x, y = (np.asarray(obj.coords[dim].values, dtype=np.float64) for dim in (xdim, ydim))
    upright = noted if noted is not None and noted.b == noted.d == 0 else None
    width, left = _axis(x, str(xdim), None if upright is None else (upright.a, upright.c))
    height, top = _axis(y, str(ydim), None if upright is None else (upright.e, upright.f))
    return GeoBox(shape, Affine(width, 0, left, 0, height, top), crs)


def geocontext_of(obj: XarrayObject) -> AOI:
    """Return the grid as a context that resolves to it; south-up grids give the same place north up.

    Raises
    ------
    GridError
        There is no grid, or it is rotated.
    """
    geobox = geobox_of(obj)
    if not geobox.is_axis_aligned:
        raise GridError(f"a context cannot stand for a rotated grid: {geobox}")
    if not geobox.is_north_up:
        minx, _, _, maxy = geobox.bounds
        rx, ry = geobox.resolution
        geobox = GeoBox(geobox.shape, Affine(rx, 0, minx, 0, -ry, maxy), geobox.crs)
    return AOI.from_geobox(geobox)


def _noted_transform(obj: XarrayObject) -> Affine | None:
    """Transform that the grid mapping notes; slicing does not update it."""
    for attrs in _grid_mappings(obj):
        text = attrs.get("GeoTransform")
        if text:
            return Affine.from_gdal(*(float(part) for part in str(text).split()))
    return None


def _axis(centres: NDArray[np.float64], name: str, noted: tuple[float, float] | None) -> tuple[float, float]:
    """Step and outer edge of an axis; the noted ones where they fit, since they have no rounding."""
    count = len(centres)
    if count == 0:
        return noted if noted is not None else (1.0, 0.0)
    if count > 1:
        step = (centres[-1] - centres[0]) / (count - 1)
        even = centres[0] + step * np.arange(count)
        if not math.isfinite(step) or step == 0 or np.abs(centres - even).max() > _UNEVEN * abs(step):
            raise GridError(
                f"the coordinate {name!r} is not evenly spaced, so there is no pixel grid; "
                "interpolate it to even steps first, for example with .interp()"
            )
    elif noted is not None:
        step = noted[0]
    else:
        raise GridError(f"one value along {name!r} does not tell the size of a pixel; keep two or more")
    if noted is not None and abs(step - noted[0]) * count <= _SAME * abs(step):
        first = (centres[0] - noted[1]) / noted[0] - 0.5
        if abs(first - round(first)) <= _SAME:
            return noted[0], noted[1] + noted[0] * round(first)
    return float(step), float(centres[0] - step / 2)
