"""What the accessor says of an array at a glance, as text and for notebooks; nothing is computed."""

from __future__ import annotations

import math
from html import escape
from typing import Any

import numpy as np
import xarray as xr

from dawnlight.accessor._bands import bands_of
from dawnlight.accessor._georeference import find_crs, geobox_of, name_crs
from dawnlight.accessor._native import native_dtype
from dawnlight.errors import CRSError, DawnlightError, GridError

__all__ = ["summary_html", "summary_text"]

_MOST = 12


def summary_text(obj: xr.DataArray | xr.Dataset) -> str:
    """Describe an array in a few lines."""
    lines = [f"<.dl of {_shape(obj)}>"]
    lines.extend(f"  * {name}: {text}" for name, text in _facts(obj))
    return "\n".join(lines)


def summary_html(obj: xr.DataArray | xr.Dataset) -> str:
    """Describe an array by where it lies and a table; every value is escaped."""
    from dawnlight.geo._html import box, side_by_side, table

    facts = table([], [[escape(name), escape(text)] for name, text in _facts(obj)])
    drawn = _footprint(obj) + _timeline(obj)
    return box(f".dl of {escape(_shape(obj))}", side_by_side(drawn, facts))


def _shape(obj: xr.DataArray | xr.Dataset) -> str:
    sizes = " x ".join(f"{dim}: {size}" for dim, size in obj.sizes.items())
    if isinstance(obj, xr.Dataset):
        names = list(map(str, obj.data_vars))
        return f"{_some(names)} ({sizes})" if names else "an empty dataset"
    return sizes or "a single value"


def _facts(obj: xr.DataArray | xr.Dataset) -> list[tuple[str, str]]:
    facts = [("Grid", _grid(obj))]
    bands = _bands(obj)
    if bands:
        facts.append(("Bands", bands))
    if "time" in obj.coords and obj.coords["time"].dtype.kind == "M":
        facts.append(("Times", _times(np.atleast_1d(obj.coords["time"].values))))
    if isinstance(obj, xr.DataArray):
        facts.append(("Values", _values(obj)))
    failures = _failures(obj)
    if failures:
        facts.append(("Report", f"{failures} failed reads so far, see .dl.report()"))
    return facts


def _grid(obj: xr.DataArray | xr.Dataset) -> str:
    from dawnlight.geo import spell_crs

    try:
        geobox = geobox_of(obj)
    except (CRSError, GridError) as error:
        return f"none ({str(error).partition(';')[0]})"
    rx, ry = geobox.resolution
    size = f"{rx:.8g}" if math.isclose(rx, ry) else f"{rx:.8g} x {ry:.8g}"
    code = spell_crs(geobox.crs)
    unit = geobox.crs.axis_info[0].unit_name
    system = code if len(code) < 20 else name_crs(geobox.crs)
    return f"{geobox.height} x {geobox.width} pixels of {size} {unit} in {system}"


def _bands(obj: xr.DataArray | xr.Dataset) -> str:
    try:
        return _some(
            [f"{name} (classes)" if info.is_category else name for name, info in bands_of(obj).items()]
        )
    except DawnlightError:
        return ""


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more


def _times(times: Any) -> str:
    known = np.sort(times[~np.isnat(times)]).astype("datetime64[D]")
    if not known.size:
        return "unknown" if times.size else "none"
    span = str(known[0]) if known[0] == known[-1] else f"{known[0]} to {known[-1]}"
    return span if times.size == 1 else f"{times.size}, {span}"


def _values(array: xr.DataArray) -> str:
    from dawnlight.raster._dtypes import DATA_TYPES, data_type_of

    native = native_dtype(array)
    if native is not None and native in DATA_TYPES.values() and native != array.dtype:
        kind = f"{data_type_of(native)} of the files, held as {array.dtype} with NaN where missing"
    else:
        kind = str(array.dtype)
    if array.chunks is None:
        return f"{kind}, in memory"
    return f"{kind}, lazy in {int(np.prod([len(sizes) for sizes in array.chunks]))} chunks"


def _failures(obj: xr.DataArray | xr.Dataset) -> int:
    from dawnlight.accessor._reports import known_failures

    return known_failures(obj)


def _footprint(obj: xr.DataArray | xr.Dataset) -> str:
    from dawnlight.geo._svg import draw_place

    if find_crs(obj) is None:
        return ""
    try:
        shape = geobox_of(obj).footprint()
    except DawnlightError:
        return ""
    return draw_place([shape], "Footprint of the array") if not shape.is_empty else ""


def _timeline(obj: xr.DataArray | xr.Dataset) -> str:
    from datetime import UTC

    from dawnlight.geo._svg import draw_times

    if "time" not in obj.dims or "time" not in obj.coords or obj.coords["time"].dtype.kind != "M":
        return ""
    times = obj.coords["time"].values
    known = times[~np.isnat(times)].astype("datetime64[us]").tolist()
    moments = [moment.replace(tzinfo=UTC) for moment in known]
    return draw_times(moments, f"Times: {_times(times)}", width=200) if len(moments) > 1 else ""
