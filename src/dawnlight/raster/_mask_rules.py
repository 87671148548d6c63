"""Mask rules: which pixels to hide, told by the values or bits of class bands. Arrays in, arrays out."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.errors import BandError, ParameterError, ParameterTypeError

__all__ = ["QA_BITS", "BandRule", "dilate", "resolve_mask_rule"]

QA_BITS: Mapping[str, Mapping[str, int]] = {
    # USGS, Landsat 8-9 Collection 2 Level 2 Science Product Guide, "QA_PIXEL"; 4-7 have no cirrus bit.
    "qa_pixel": {
        "fill": 0,
        "dilated_cloud": 1,
        "cirrus": 2,
        "cloud": 3,
        "cloud_shadow": 4,
        "snow": 5,
        "clear": 6,
        "water": 7,
    },
    # ESA, Sentinel-2 Products Specification, "MSK_CLOUDS" as the 60 m quality band.
    "qa60": {"opaque_cloud": 10, "cloud": 10, "cirrus": 11},
}
"""Names of the bits of well-known quality bands, by the band's name in lower case."""

_KEYS = ("values", "keep", "bits")


@dataclass(frozen=True, slots=True, kw_only=True)
class BandRule:
    """What of one class band hides a pixel."""

    band: str
    """Name of the band."""
    values: tuple[int, ...] = ()
    """Values that hide."""
    keep: tuple[int, ...] | None = None
    """If given, every other value hides."""
    bits: int = 0
    """Bits of which any one that is set hides, as a number."""

    def hidden(self, classes: NDArray[Any], nodata: float | None = None) -> NDArray[np.bool_]:
        """Return where pixels are hidden.

        Parameters
        ----------
        classes
            Values of the band, any shape; integers, or floats with NaN where missing.
        nodata
            Value of missing pixels among integers.

        Returns
        -------
        numpy.ndarray of bool
            True where hidden. A pixel whose class is missing is not known to be clear, so it is hidden.
        """
        hidden: NDArray[np.bool_] = np.zeros(classes.shape, dtype=bool)
        if classes.dtype.kind == "f":
            hidden |= np.isnan(classes)
        elif nodata is not None:
            hidden |= classes == nodata
        for value in self.values:
            hidden |= classes == value
        if self.keep is not None:
            hidden |= ~np.isin(classes, self.keep)
        if self.bits:
            whole = np.where(np.isnan(classes), 0, classes) if classes.dtype.kind == "f" else classes
            hidden |= (whole.astype(np.int64) & self.bits) != 0
        return hidden


def resolve_mask_rule(
    rule: object, labels: Mapping[str, Sequence[str | None]], *, parameter: str = "mask"
) -> tuple[BandRule, ...]:
    """Read a rule as users write it.

    Parameters
    ----------
    rule
        Mapping of class band to what hides: a value or label or a list of them; or a mapping with
        ``values`` (the same), ``keep`` (all others hide) and ``bits`` (numbers, or names from the band's
        labels or `QA_BITS`).
    labels
        The bands there are, with the labels of their values (of their bits, where ``bits`` is used).
    parameter
        What to call the rule in errors.

    Returns
    -------
    tuple of BandRule
        A pixel is hidden where any of them hides it.

    Raises
    ------
    BandError
        A band is not there.
    ParameterError
        A label or bit is unknown, or the rule is of no known form.

    Examples
    --------
    >>> resolve_mask_rule({"scl": [3, "cloud"]}, {"scl": ["none", "land", "cloud"]})[0].values
    (3, 2)
    >>> resolve_mask_rule({"qa_pixel": {"bits": ["cloud", 1]}}, {"qa_pixel": ()})[0].bits
    10
    """
    if not isinstance(rule, Mapping) or not rule:
        raise ParameterTypeError(
            f"{parameter}={rule!r:.200} must be a function, or a mapping of class bands to values such as "
            "{'scl': [3, 8, 9]} or {'qa_pixel': {'bits': ['cloud']}}"
        )
    found = []
    for band, wish in rule.items():
        if band not in labels:
            raise BandError(
                f"{parameter}: band {band!r} is not in the array, which has "
                f"{', '.join(labels) or 'no bands'}; load it together with the others"
            )
        found.append(_read(str(band), wish, labels[band], parameter))
    return tuple(found)


def _read(band: str, wish: Any, labels: Sequence[str | None], parameter: str) -> BandRule:
    where = f"{parameter}[{band!r}]"
    parts = wish if isinstance(wish, Mapping) else {"values": wish}
    unknown = [key for key in parts if key not in _KEYS]
    if unknown or not parts:
        raise ParameterError(f"{where}={wish!r:.200} must have the keys {', '.join(map(repr, _KEYS))}")
    values = tuple(_value(each, labels, where) for each in _as_list(parts.get("values", ())))
    keep = parts.get("keep")
    kept = None if keep is None else tuple(_value(each, labels, where) for each in _as_list(keep))
    bits = 0
    for each in _as_list(parts.get("bits", ())):
        bits |= 1 << _bit(each, band, labels, where)
    return BandRule(band=band, values=values, keep=kept, bits=bits)


def _as_list(value: Any) -> list[Any]:
    if isinstance(value, str | Integral | float):
        return [value]
    try:
        return list(value)
    except TypeError:
        raise ParameterTypeError(f"{value!r} must be a number, a label, or a list of them") from None


def _value(value: Any, labels: Sequence[str | None], where: str) -> int:
    if isinstance(value, str):
        known = {label.lower(): number for number, label in enumerate(labels) if label}
        if value.lower() not in known:
            raise _unknown(where, "label", value, list(known))
        return known[value.lower()]
    if isinstance(value, bool | np.bool_ | Integral) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    raise ParameterError(f"{where}: {value!r} must be a whole number or a label")


def _bit(value: Any, band: str, labels: Sequence[str | None], where: str) -> int:
    if isinstance(value, str):
        known = {**QA_BITS.get(band.lower(), {})}
        known.update({label.lower(): number for number, label in enumerate(labels) if label})
        if value.lower() not in known:
            raise _unknown(where, "bit", value, list(known))
        return known[value.lower()]
    if isinstance(value, Integral) and 0 <= int(value) < 63:
        return int(value)
    raise ParameterError(f"{where}: bit {value!r} must be a number from 0 to 62 or a name")


def _unknown(where: str, kind: str, value: str, known: Sequence[str]) -> ParameterError:
    near = difflib.get_close_matches(value.lower(), known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    have = f"there are {', '.join(map(repr, known))}" if known else "the band has no labels; use numbers"
    return ParameterError(f"{where}: {kind} {value!r} is unknown{hint} ({have})")


def dilate(hidden: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    """Grow what is hidden by a number of pixels in all directions, to a disk around each pixel.

    Parameters
    ----------
    hidden
        (..., y, x).
    pixels
        Radius of the disk; a pixel is reached if its centre is.

    Returns
    -------
    numpy.ndarray of bool
        Of the same shape.
    """
    if pixels == 0 or not hidden.any():
        return hidden
    height, width = hidden.shape[-2:]
    out = hidden.copy()
    for dy in range(-pixels, pixels + 1):
        rows = slice(max(dy, 0), min(height + dy, height))
        source = slice(max(-dy, 0), min(height - dy, height))
        if rows.start >= rows.stop:
            continue
        reach = int((pixels * pixels - dy * dy) ** 0.5)
        out[..., rows, :] |= _widen(hidden[..., source, :], reach, width)
    return out


def _widen(rows: NDArray[np.bool_], reach: int, width: int) -> NDArray[np.bool_]:
    """Grow along rows by ``reach``: a pixel is set where the run around it has any set pixel."""
    if reach == 0:
        return rows
    total = np.zeros((*rows.shape[:-1], width + 1), dtype=np.int32)
    np.cumsum(rows, axis=-1, out=total[..., 1:])
    columns = np.arange(width)
    upper, lower = np.minimum(columns + reach + 1, width), np.maximum(columns - reach, 0)
    found: NDArray[np.bool_] = total[..., upper] != total[..., lower]
    return found
