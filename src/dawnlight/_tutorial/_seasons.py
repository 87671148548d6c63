"""What the ground reflects on a day of the year, under the sun of that day, without any air in between."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dawnlight._tutorial._ground import CROPS, Ground
from dawnlight._tutorial._noise import Floats, smoothstep

__all__ = ["BANDS", "Sun", "make_reflectance", "snow_cover", "sun_of"]

BANDS = ("blue", "green", "red", "nir")

# Reflectance in the order of BANDS.
_SOIL = (0.075, 0.105, 0.145, 0.23)
_STUBBLE = (0.105, 0.155, 0.21, 0.31)
_GREEN_CROP = (0.028, 0.068, 0.036, 0.47)
_RAPE_IN_BLOOM = (0.05, 0.165, 0.135, 0.45)
_DRY_GRASS = (0.06, 0.095, 0.105, 0.25)
_GRASS = (0.034, 0.078, 0.046, 0.40)
_CONIFERS = (0.019, 0.034, 0.021, 0.24)
_LEAVES = (0.023, 0.052, 0.026, 0.43)
_AUTUMN_LEAVES = (0.03, 0.062, 0.082, 0.30)
_BARE_TREES = (0.042, 0.052, 0.062, 0.15)
_DEEP_WATER = (0.042, 0.030, 0.013, 0.006)
_SHALLOW_WATER = (0.075, 0.088, 0.050, 0.014)
_SAND = (0.20, 0.255, 0.30, 0.37)
_ROCK = (0.13, 0.145, 0.16, 0.20)
_ROOFS = (0.115, 0.122, 0.135, 0.18)
_SNOW = (0.82, 0.84, 0.83, 0.74)

Spectrum = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Sun:
    """Where the sun stands at the time of an overpass."""

    azimuth: float
    """Degrees clockwise from north."""
    elevation: float
    """Degrees above the horizon."""


def sun_of(day: int) -> Sun:
    """Return the sun at half past ten on a day of the year, at 45 degrees north."""
    declination = -23.44 * math.cos(2 * math.pi * (day + 10) / 365.25)
    return Sun(azimuth=157 - 0.35 * declination, elevation=43 + 0.97 * declination)


def _bell(day: Floats | float, peak: float, before: float, after: float) -> Floats:
    offset = np.asarray(day, np.float32) - np.float32(peak)
    width = np.where(offset < 0, np.float32(before), np.float32(after))
    result: Floats = np.exp(-((offset / width) ** 2))
    return result


def make_reflectance(ground: Ground, day: int, sun: Sun) -> Floats:
    """Return what the ground reflects.

    Parameters
    ----------
    ground : Ground
        The ground.
    day : int
        Day of the year, from 1.
    sun : Sun
        The sun of that day.

    Returns
    -------
    numpy.ndarray
        Reflectance as float32, of shape (band, y, x) in the order of `BANDS`.
    """
    leaves, turning = _leaves(day)
    fields, stubble, bloom = _fields(ground, day)
    wet = 0.82 + 0.18 * float(_bell(day, 200, 90, 90))
    light = _light(ground, sun)
    snow = snow_cover(ground, day)
    is_built = ground.built
    result: Floats = np.empty((len(BANDS), *ground.height.shape), np.float32)
    for band in range(len(BANDS)):
        soil = (_SOIL[band] * wet * (1 - stubble) + _STUBBLE[band] * stubble) * ground.soil
        green = _GREEN_CROP[band] + (_RAPE_IN_BLOOM[band] - _GREEN_CROP[band]) * bloom
        land = _mix(soil, green, fields)
        summer = _mix(_LEAVES[band], _AUTUMN_LEAVES[band], turning)
        trees = _mix(_mix(_BARE_TREES[band], summer, leaves), _CONIFERS[band], ground.conifers)
        land = _mix(land, trees * (1 + 0.10 * ground.grain), ground.forest)
        land = _mix(land, _ROCK[band] * (1 + 0.06 * ground.grain), ground.rock)
        land = _mix(land, _ROOFS[band] * ground.roof, is_built)
        land = _mix(land, _SAND[band], ground.sand)
        land *= light * (1 + 0.025 * ground.grain)
        land = _mix(land, _SNOW[band] * light, snow)
        sea = _mix(_SHALLOW_WATER[band], _DEEP_WATER[band], ground.depth) * (1 + 0.015 * ground.grain)
        result[band] = _mix(land, sea, ground.water)
    return result


def _mix(first: Floats | float, second: Floats | float, share: Floats | float) -> Floats:
    return np.asarray(first + (second - first) * share, np.float32)


def _leaves(day: int) -> tuple[float, float]:
    today = np.array([day], np.float32)
    grown = float((smoothstep(95, 140, today) * smoothstep(325, 290, today))[0])
    turning = float(smoothstep(262, 296, today)[0])
    return grown, turning


def _fields(ground: Ground, day: int) -> tuple[Floats, Floats, Floats]:
    local = np.float32(day) - ground.sowing
    none = np.zeros_like(local)
    mild = 0.5 + 0.5 * float(_bell(day, 160, 110, 120))
    harvested = smoothstep(196, 204, local) * smoothstep(262, 245, local)
    green = {
        "wheat": 0.92 * _bell(local, 138, 75, 38) + 0.22 * smoothstep(300, 330, local),
        "maize": 0.95 * _bell(local, 208, 42, 48),
        "rape": 0.92 * _bell(local, 118, 70, 42) + 0.45 * smoothstep(262, 300, local),
        "beet": 0.93 * _bell(local, 225, 58, 62),
        "pasture": np.full_like(local, 0.45 + 0.4 * mild),
        "fallow": 0.25 + 0.15 * _bell(local, 150, 60, 60),
    }
    ripe = {"wheat": harvested, "rape": smoothstep(176, 184, local) * smoothstep(240, 225, local)}
    fields = np.choose(ground.crop, [green[crop] for crop in CROPS])
    stubble = np.choose(ground.crop, [ripe.get(crop, none) for crop in CROPS])
    bloom = np.where(ground.crop == CROPS.index("rape"), _bell(local, 121, 13, 13), none)
    return np.clip(fields, 0, 0.97), stubble, bloom


def _light(ground: Ground, sun: Sun) -> Floats:
    azimuth, elevation = math.radians(sun.azimuth), math.radians(sun.elevation)
    east, north = math.sin(azimuth) * math.cos(elevation), math.cos(azimuth) * math.cos(elevation)
    facing = math.sin(elevation) - ground.slope_east * east - ground.slope_north * north
    facing /= np.sqrt(1 + ground.slope_east**2 + ground.slope_north**2)
    result: Floats = np.clip(0.25 + 0.75 * facing / math.sin(elevation), 0.2, 1.6).astype(np.float32)
    return result


def snow_cover(ground: Ground, day: int) -> Floats:
    """Return the share of snow: above a line that comes down in winter and leaves in spring."""
    winter = math.cos(2 * math.pi * (day - 25) / 365.25)
    line = 700 - 330 * winter if winter > -0.2 else 5000.0
    return smoothstep(line - 40, line + 60, ground.height + 30 * ground.grain) * (1 - ground.forest * 0.45)
