"""What sensors call their bands: ``B04`` of Sentinel-2 is red, ``SR_B5`` of Landsat 8 near infrared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

__all__ = ["ALIASES", "find_by_sensor", "hints_of"]

ALIASES: Mapping[str, tuple[str, ...]] = {
    "A": ("coastal_aerosol", "aerosol"),
    "N": ("nir08", "nir1", "nir_1"),
    "N2": ("nir08", "nir2", "nir_2", "nir_narrow"),
    "RE1": ("rededge1", "rededge", "red_edge_1"),
    "RE2": ("rededge2", "rededge074", "red_edge_2"),
    "RE3": ("rededge3", "red_edge_3"),
    "S1": ("swir1", "swir_1"),
    "S2": ("swir2", "swir_2"),
    "T1": ("tirs1",),
    "T2": ("tirs2",),
}
"""Other usual names of what a symbol of a formula means, beside those that spyndex knows."""

_NAME = re.compile(r"(?P<prefix>sr_|st_|sur_refl_|nadir_reflectance_)?(?:b|band_?)?(?P<number>0?\d+a?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sensor:
    """How a sensor numbers its bands."""

    hint: str
    """Pattern of product ids and platforms, in lower case."""
    names: frozenset[str]
    """All the numbers that it has, without zeros in front."""
    symbols: Mapping[str, tuple[str, ...]]
    """Numbers of the bands that a symbol of spyndex means, the best first."""
    padded: bool | None = None
    """Whether one digit has a zero in front; None where both are usual."""
    prefix: str | None = None
    """What its names begin with; where set, a name with it is a hint."""
    needs_hint: bool = False
    """Whether plain numbers alone do not tell this sensor."""


def _numbers(last: int, *more: str) -> frozenset[str]:
    return frozenset([*(str(number) for number in range(1, last + 1)), *more])


_OLI = {
    "A": ("1",), "B": ("2",), "G": ("3",), "R": ("4",), "N": ("5",), "N2": ("5",), "S1": ("6",), "S2": ("7",),
    "T1": ("10",), "T2": ("11",),
}  # fmt: skip

_SENSORS = (
    _Sensor(
        hint=r"sentinel[-_ ]?2|\bs2|_s2|s2[abc]_|hls.?s30|\bmsi",
        names=_numbers(12, "8a"),
        symbols={
            "A": ("1",), "B": ("2",), "G": ("3",), "R": ("4",), "RE1": ("5",), "RE2": ("6",), "RE3": ("7",),
            "N": ("8", "8a"), "N2": ("8a",), "WV": ("9",), "S1": ("11",), "S2": ("12",),
        },
    ),
    _Sensor(hint=r"hls.?l30", names=_numbers(11) - {"8"}, symbols=_OLI, padded=True),
    _Sensor(hint=r"landsat[-_ ]?[89]|l[co]0?[89]|\boli", names=_numbers(11), symbols=_OLI, padded=False),
    _Sensor(
        hint=r"landsat[-_ ]?[4-7]|l[te]0?[4-7]|\betm|\btm\b",
        names=_numbers(8),
        symbols={"B": ("1",), "G": ("2",), "R": ("3",), "N": ("4",), "S1": ("5",), "T": ("6",), "S2": ("7",)},
        padded=False,
    ),
    _Sensor(
        hint=r"modis|\bm[oy]d\d\d|\bmcd\d\d|\bterra\b|\baqua\b",
        names=_numbers(36),
        symbols={
            "R": ("1",), "N": ("2",), "N2": ("2",), "B": ("3",), "G": ("4",), "S1": ("6",), "S2": ("7",),
        },
        prefix="sur_refl_",
        needs_hint=True,
    ),
    _Sensor(
        hint=r"\bnaip",
        names=_numbers(4),
        symbols={"R": ("1",), "G": ("2",), "B": ("3",), "N": ("4",)},
        needs_hint=True,
    ),
)  # fmt: skip


def hints_of(array: xr.DataArray) -> tuple[str, ...]:
    """Return what the array tells of the platform and product of each time slot, without repetitions."""
    found: list[str] = []
    for name in ("satellite_id", "product_id"):
        if name in array.coords:
            found += [str(value).lower() for value in np.atleast_1d(array.coords[name].values)]
    return tuple(dict.fromkeys(found))


def find_by_sensor(symbol: str, names: Iterable[str], hints: Sequence[str]) -> str | None:
    """Return the band that a symbol means by what sensors call their bands.

    Parameters
    ----------
    symbol : str
        As in spyndex: ``"R"``, ``"N"``, ``"S1"``.
    names : iterable of str
        Names of the bands.
    hints : sequence of str
        What is known of product and platform, in lower case. Without any, all sensors that have such bands
        count, and have to agree.

    Examples
    --------
    >>> find_by_sensor("N", ["B03", "B04", "B08"], [])
    'B08'
    >>> find_by_sensor("N", ["SR_B4", "SR_B5"], ["landsat-8"])
    'SR_B5'
    >>> find_by_sensor("R", ["B3", "B4"], [])  # red on Landsat 7 and on Landsat 8
    """
    parts = {name: match for name in names if (match := _NAME.fullmatch(name.lower()))}
    bands = {match["number"].lstrip("0"): name for name, match in parts.items()}
    spelled = [match for match in parts.values() if match["number"].strip("a").lstrip("0") in _numbers(9)]
    padded = {match["number"].startswith("0") for match in spelled}
    prefixes = {match["prefix"] for match in parts.values()}
    sensors = [each for each in _SENSORS if any(re.search(each.hint, hint) for hint in hints)]
    if not sensors:
        sensors = [each for each in _SENSORS if each.prefix is not None and each.prefix in prefixes]
    if not sensors and any("landsat" in hint for hint in hints):
        sensors = [each for each in _SENSORS if "landsat" in each.hint]
    if not sensors:
        fitting = [each for each in _SENSORS if not each.needs_hint and set(bands) <= each.names]
        sensors = [each for each in fitting if each.padded is None or padded <= {each.padded}]
    found = {
        next((bands[number] for number in each.symbols.get(symbol, ()) if number in bands), None)
        for each in sensors
    }
    return found.pop() if len(found) == 1 else None
