"""Spectral indices: formulas of the library spyndex on the bands of an array."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dawnlight.accessor._bands import BandInfo, bands_of
from dawnlight.accessor._missing import to_floating
from dawnlight.accessor._native import is_stored
from dawnlight.accessor._sensors import ALIASES, find_by_sensor, hints_of
from dawnlight.errors import BandError, MissingExtraError, ParameterError

__all__ = ["index"]

_CONTEXT = ("band", "wavelength", "band_type")


def index(
    array: xr.DataArray,
    name: str,
    bands: Mapping[str, str] | None,
    factor: float | None,
    constants: Mapping[str, float],
) -> xr.DataArray:
    """Calculate one index; see `Computing.index`."""
    spyndex = _spyndex()
    if name not in spyndex.indices:
        near = difflib.get_close_matches(str(name).upper(), list(spyndex.indices), n=3)
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise ParameterError(f"index {name!r} is unknown{hint} (spyndex knows {len(spyndex.indices)})")
    formula = spyndex.indices[name]
    infos = bands_of(array)
    if "band" not in array.dims or not infos:
        raise BandError(f"index {name!r} needs several bands, and the array has no dim 'band' with names")
    chosen = _choose(formula, infos, bands or {}, constants, hints_of(array))
    numbers = _constants(formula, chosen, constants)
    factors = _factors(array, formula, {s: infos[b] for s, b in chosen.items()}, numbers, factor)
    floating = to_floating(array)
    names = list(infos)
    parts = [_plain(floating.isel(band=names.index(band))) for band in chosen.values()]
    found: xr.DataArray = xr.apply_ufunc(
        _evaluate,
        *parts,
        kwargs={"name": name, "symbols": tuple(chosen), "factors": factors, "numbers": numbers},
        dask="parallelized",
        output_dtypes=[floating.dtype],
        keep_attrs="override",
    )
    attrs = {key: value for key, value in array.attrs.items() if key != "data_type"}
    found.attrs = {**attrs, "long_name": f"{name}: {formula.long_name}", "formula": str(formula.formula)}
    found.encoding = {key: array.encoding[key] for key in ("grid_mapping",) if key in array.encoding}
    return found.rename(name)


def _spyndex() -> Any:
    try:
        import spyndex
    except ImportError:
        raise MissingExtraError("spyndex", "indices", ".dl.index") from None
    return spyndex


def _plain(part: xr.DataArray) -> xr.DataArray:
    return part.drop_vars([name for name in _CONTEXT if name in part.coords])


def _choose(
    formula: Any,
    infos: Mapping[str, BandInfo],
    given: Mapping[str, str],
    constants: Mapping[str, float],
    hints: Sequence[str],
) -> dict[str, str]:
    """Band of each symbol of the formula that stands for one."""
    unknown = [symbol for symbol in given if symbol not in formula.bands]
    if unknown:
        raise ParameterError(
            f"bands: {formula.short_name} has no {unknown[0]!r}; its formula {formula.formula} has "
            f"{', '.join(formula.bands)}"
        )
    chosen: dict[str, str] = {}
    for symbol in formula.bands:
        if symbol in given:
            if given[symbol] not in infos:
                raise BandError(
                    f"bands[{symbol!r}]={given[symbol]!r} is not in the array; it has {', '.join(infos)}"
                )
            chosen[symbol] = given[symbol]
        elif symbol not in constants and symbol not in _spyndex().constants:
            chosen[symbol] = _find(symbol, infos, formula, hints)
    return chosen


def _find(symbol: str, infos: Mapping[str, BandInfo], formula: Any, hints: Sequence[str]) -> str:
    """Band that a symbol means: by its common name, by wavelength, or by what the sensor calls it."""
    band = _spyndex().bands.get(symbol) if symbol in _spyndex().bands else None
    amounts: dict[str, str] = {}
    for name in (name for name, info in infos.items() if not info.is_category):
        amounts.setdefault(name.lower(), name)
    wanted = [symbol.lower()] if band is None or len(symbol) > 1 else []
    if band is not None:
        wanted += [
            band.common_name.lower(),
            band.long_name.lower().replace(" ", ""),
            *ALIASES.get(symbol, ()),
        ]
    for name in wanted:
        if name in amounts:
            return amounts[name]
    if band is not None:
        low, high = band.min_wavelength, band.max_wavelength
        fitting = {
            name: abs(info.wavelength - (low + high) / 2)
            for name, info in infos.items()
            if info.wavelength is not None and low <= info.wavelength <= high
        }
        if fitting:
            return min(fitting, key=fitting.__getitem__)
    plain = [name for name in amounts.values() if infos[name].wavelength is None]
    known = find_by_sensor(symbol, plain, hints)
    if known is not None:
        return known
    what = "" if band is None else f" ({band.long_name}, {band.min_wavelength}-{band.max_wavelength} nm)"
    unknown = (
        f". Of {', '.join(plain)} no wavelength is known (wavelength_nm_center of the band)" if plain else ""
    )
    raise BandError(
        f"index {formula.short_name!r} needs {symbol}{what}, and no band of the array fits by name or "
        f"wavelength; name it: bands={{{symbol!r}: ...}}. The array has {', '.join(infos)}{unknown}"
    )


def _constants(formula: Any, chosen: Mapping[str, str], given: Mapping[str, float]) -> dict[str, float]:
    known = _spyndex().constants
    unknown = [name for name in given if name not in formula.bands]
    if unknown:
        raise ParameterError(
            f"{unknown[0]}={given[unknown[0]]!r}: {formula.short_name} has no such constant; its formula is "
            f"{formula.formula}"
        )
    found: dict[str, float] = {}
    for symbol in formula.bands:
        if symbol in chosen:
            continue
        value = given.get(symbol, known[symbol].default if symbol in known else None)
        if value is None:
            raise ParameterError(
                f"index {formula.short_name!r} needs a value for {symbol}; pass {symbol}=..."
            )
        found[symbol] = float(value)
    return found


def _factors(
    array: xr.DataArray,
    formula: Any,
    infos: Mapping[str, BandInfo],
    numbers: Mapping[str, float],
    factor: float | None,
) -> tuple[tuple[float, float], ...]:
    """Gain and offset of each band to reflectance."""
    if factor is not None:
        return tuple((float(factor), 0.0) for _ in infos)
    if not is_stored(array):
        return tuple((1.0, 0.0) for _ in infos)
    found = []
    for info in infos.values():
        if info.data_range is None or info.physical_range is None:
            if _depends_on_units(formula.short_name, tuple(infos), numbers):
                raise ParameterError(
                    f"index {formula.short_name!r} needs reflectance from 0 to 1, and band {info.name!r} "
                    "has no physical_range to tell; pass factor= (such as 1e-4), or set the range of the band"
                )
            return tuple((1.0, 0.0) for _ in infos)
        (low, high), (bottom, top) = info.data_range, info.physical_range
        gain = (top - bottom) / (high - low)
        found.append((gain, bottom - low * gain))
    same = len(set(found)) == 1 and found[0][1] == 0
    if same and not _depends_on_units(formula.short_name, tuple(infos), numbers):
        return tuple((1.0, 0.0) for _ in infos)  # exact, without the rounding of a factor
    return tuple(found)


def _depends_on_units(name: str, symbols: Sequence[str], numbers: Mapping[str, float]) -> bool:
    """Whether the index changes when all bands are multiplied by the same number."""
    values = np.random.default_rng(0).uniform(0.05, 0.6, size=(len(symbols), 16))
    plain = tuple((1.0, 0.0) for _ in symbols)
    once, tenfold = (
        _evaluate(*(values * by), name=name, symbols=symbols, factors=plain, numbers=numbers)
        for by in (1, 10)
    )
    return not np.allclose(once, tenfold, equal_nan=True)


def _evaluate(
    *values: NDArray[Any],
    name: str,
    symbols: Sequence[str],
    factors: Sequence[tuple[float, float]],
    numbers: Mapping[str, float],
) -> NDArray[Any]:
    """Evaluate the formula; where it divides by zero there is no value."""
    import spyndex

    params: dict[str, Any] = dict(numbers)
    for symbol, part, (gain, offset) in zip(symbols, values, factors, strict=True):
        params[symbol] = (
            part if (gain, offset) == (1.0, 0.0) else part * part.dtype.type(gain) + part.dtype.type(offset)
        )
    with np.errstate(all="ignore"):
        found = np.asarray(spyndex.computeIndex(name, params))
    found = np.broadcast_to(found, values[0].shape).astype(values[0].dtype)
    found[~np.isfinite(found)] = np.nan
    return found
