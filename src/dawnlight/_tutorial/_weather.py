"""Clouds, their shadows, and the class band that tells them from the ground."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dawnlight._tutorial._ground import Ground
from dawnlight._tutorial._noise import Floats, Texture, make_texture, smoothstep
from dawnlight._tutorial._seasons import BANDS, Sun, snow_cover

__all__ = [
    "CLASS_COLORS",
    "CLASS_LABELS",
    "Weather",
    "classify",
    "coarsen_classes",
    "make_weather",
    "seen_through",
]

CLASS_LABELS = (
    "no data",
    "saturated or defective",
    "dark area",
    "cloud shadow",
    "vegetation",
    "not vegetated",
    "water",
    "unclassified",
    "cloud, medium probability",
    "cloud, high probability",
    "thin cirrus",
    "snow or ice",
)
"""Meaning of each value of the class band, as in Sentinel-2's scene classification."""

CLASS_COLORS = (
    (0, 0, 0, 0),
    (255, 0, 0, 255),
    (47, 47, 47, 255),
    (100, 50, 0, 255),
    (0, 160, 0, 255),
    (255, 230, 90, 255),
    (0, 0, 255, 255),
    (128, 128, 128, 255),
    (192, 192, 192, 255),
    (255, 255, 255, 255),
    (100, 200, 255, 255),
    (255, 150, 255, 255),
)
"""Red, green, blue and opacity of each class."""

NODATA, SHADOW, VEGETATION, BARE, WATER, CLOUD_MEDIUM, CLOUD_HIGH, CIRRUS, SNOW = 0, 3, 4, 5, 6, 8, 9, 10, 11

# In a coarse pixel the first of these wins; ground classes are equals and follow.
_LOUDEST = (CLOUD_HIGH, CLOUD_MEDIUM, CIRRUS, SHADOW, SNOW, WATER, VEGETATION, BARE, NODATA)

_CLOUD_BASE = 0.75  # kilometres
_CLOUD_COLOR = (0.52, 0.53, 0.54, 0.57)


@dataclass(frozen=True, slots=True)
class Weather:
    """The air above every pixel at one time."""

    opacity: Floats
    """Share of the light that comes from cloud, 0 to 1."""
    brightness: Floats
    """Of the cloud, around 1."""
    shadow: Floats
    """Share of the sunlight that clouds keep from the ground."""
    flagged: Floats
    """As `opacity`, a little wider: what the class band calls cloud."""
    flagged_shadow: Floats


@lru_cache(maxsize=1)
def _puffs() -> Texture:
    return make_texture(21, period=19.0, roughness=1.8, side=1024, broadest=4.5)


def make_weather(x: Floats, y: Floats, *, day: int, cover: float, sun: Sun) -> Weather:
    """Make the clouds of a day; the next day's have moved on.

    Parameters
    ----------
    x, y : numpy.ndarray of float32
        Kilometres east and north.
    day : int
        Decides where the clouds are.
    cover : float
        Share of the sky that is cloudy, about.
    sun : Sun
        Decides where shadows fall.

    Returns
    -------
    Weather
    """
    drift_east, drift_north = 4.7 * day % 19, 5.5 * day % 19

    def thickness(east: float, north: float) -> Floats:
        return _puffs().sample(x + (drift_east + east), y + (drift_north + north))

    # The noise is nearly normal: this is about the value that `cover` of it exceeds.
    level = math.copysign(1.7 * abs(1 - 2 * cover) ** 0.8, 0.5 - cover)
    reach = _CLOUD_BASE / math.tan(math.radians(sun.elevation))
    azimuth = math.radians(sun.azimuth)
    east, north = math.sin(azimuth), math.cos(azimuth)
    above = thickness(0, 0)
    # A cloud darkens the ground that lies away from the sun: look towards the sun from the ground.
    sunward = thickness(reach * east, reach * north)
    towards_sun = thickness(0.12 * east, 0.12 * north)
    return Weather(
        opacity=_opacity(above - level),
        brightness=np.clip(0.9 + 0.55 * (above - towards_sun) + 0.12 * (above - level), 0.6, 1.5),
        shadow=0.62 * _opacity(sunward - level),
        flagged=_opacity(above - level + 0.10),
        flagged_shadow=_opacity(sunward - level + 0.08),
    )


def _opacity(excess: Floats) -> Floats:
    opacity: Floats = smoothstep(0.0, 1.0, excess) ** 0.75
    return opacity


def seen_through(reflectance: Floats, weather: Weather) -> Floats:
    """Return what the satellite sees: the ground in light and shadow, clouds in front of it."""
    lit = reflectance * (1 - weather.shadow)
    result: Floats = np.empty_like(lit)
    for band in range(len(BANDS)):
        cloud = _CLOUD_COLOR[band] * weather.brightness
        result[band] = lit[band] + (cloud - lit[band]) * weather.opacity
    return result


def classify(ground: Ground, reflectance: Floats, weather: Weather, *, day: int) -> NDArray[np.uint8]:
    """Return the class of every pixel; `reflectance` is that of the ground, without weather.

    Every pixel that cloud or shadow changes is flagged as such, and a thin rim around it.
    """
    red, nir = reflectance[BANDS.index("red")], reflectance[BANDS.index("nir")]
    greenness = (nir - red) / (nir + red)
    classes = np.where(greenness > 0.42, VEGETATION, BARE).astype(np.uint8)
    classes[ground.water > 0.5] = WATER
    classes[(snow_cover(ground, day) > 0.5) & (ground.water <= 0.5)] = SNOW
    classes[weather.flagged_shadow > 0] = SHADOW
    classes[weather.flagged > 0] = CIRRUS
    classes[weather.flagged > 0.25] = CLOUD_MEDIUM
    classes[weather.flagged > 0.6] = CLOUD_HIGH
    return classes


def coarsen_classes(classes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Halve the resolution; a cloud in one of four pixels makes the coarse pixel cloud."""
    order = np.full(256, 255, np.uint8)
    order[list(_LOUDEST)] = np.arange(len(_LOUDEST), dtype=np.uint8)
    rank = order[classes]
    height, width = rank.shape
    quads = rank.reshape(height // 2, 2, width // 2, 2)
    loudest: NDArray[np.uint8] = np.array(_LOUDEST, np.uint8)[quads.min(axis=(1, 3))]
    return loudest
