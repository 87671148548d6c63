"""Weather and classes: the class band says what the pixels show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dawnlight._tutorial._ground import Ground, make_ground
from dawnlight._tutorial._seasons import BANDS, make_reflectance, snow_cover, sun_of
from dawnlight._tutorial._weather import (
    BARE,
    CIRRUS,
    CLASS_COLORS,
    CLASS_LABELS,
    CLOUD_HIGH,
    CLOUD_MEDIUM,
    NODATA,
    SHADOW,
    SNOW,
    VEGETATION,
    WATER,
    classify,
    coarsen_classes,
    make_weather,
    seen_through,
)


@pytest.fixture(scope="module")
def country() -> Any:
    x, y = np.meshgrid(np.linspace(-9, 9, 200), np.linspace(9, -9, 200))
    return x.astype(np.float32), y.astype(np.float32)


@pytest.fixture(scope="module")
def ground(country: Any) -> Ground:
    return make_ground(*country)


@pytest.mark.parametrize("day", [15, 137, 200, 320])
def test_what_clouds_change_is_flagged(country: Any, ground: Ground, day: int) -> None:
    sun = sun_of(day)
    weather = make_weather(*country, day=day, cover=0.4, sun=sun)
    clear = make_reflectance(ground, day, sun)
    seen = seen_through(clear, weather)
    classes = classify(ground, clear, weather, day=day)
    unflagged = ~np.isin(classes, (SHADOW, CIRRUS, CLOUD_MEDIUM, CLOUD_HIGH))
    np.testing.assert_array_equal(seen[:, unflagged], clear[:, unflagged])
    assert 0.3 < unflagged.mean() < 0.8
    # Shadow darkens and dense cloud brightens the sea.
    sea = (ground.water == 1) & (ground.depth > 0.5)
    red = BANDS.index("red")
    assert (seen[red] <= clear[red])[sea & (classes == SHADOW)].all()
    assert (seen[red] > clear[red] + 0.1)[sea & (classes == CLOUD_HIGH)].all()


@pytest.mark.parametrize("cover", [0.1, 0.3, 0.5])
def test_cover_is_about_what_was_asked_for(country: Any, cover: float) -> None:
    weather = make_weather(*country, day=100, cover=cover, sun=sun_of(100))
    assert (weather.opacity > 0).mean() == pytest.approx(cover, abs=0.1)


def test_clouds_move_from_day_to_day(country: Any) -> None:
    first, second = (
        make_weather(*country, day=day, cover=0.4, sun=sun_of(day)).opacity for day in (100, 160)
    )
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.35


def test_shadows_fall_away_from_the_sun(country: Any) -> None:
    x, y = country
    sun = sun_of(100)
    weather = make_weather(x, y, day=100, cover=0.3, sun=sun)
    reach = 0.75 / np.tan(np.radians(sun.elevation))
    east, north = np.sin(np.radians(sun.azimuth)) * reach, np.cos(np.radians(sun.azimuth)) * reach
    towards_sun = make_weather(
        (x + east).astype(np.float32), (y + north).astype(np.float32), day=100, cover=0.3, sun=sun
    )
    np.testing.assert_allclose(weather.shadow, 0.62 * towards_sun.opacity, atol=1e-3)


def test_seasons_change_the_land_and_not_the_sea(country: Any, ground: Ground) -> None:
    red, nir = BANDS.index("red"), BANDS.index("nir")
    wheat = (ground.crop == 0) & (
        ground.forest + ground.built + ground.water + ground.rock + ground.sand == 0
    )
    sea = (ground.water == 1) & (ground.depth > 0.9)
    greenness, water = {}, {}
    for day in (30, 138, 215):
        picture = make_reflectance(ground, day, sun_of(day))
        index = (picture[nir] - picture[red]) / (picture[nir] + picture[red])
        greenness[day], water[day] = np.median(index[wheat]), picture[red][sea].mean()
    assert greenness[138] > 0.7
    assert max(greenness[30], greenness[215]) < 0.45
    assert max(water.values()) - min(water.values()) < 1e-6


def test_snow_lies_high_up_and_in_winter(ground: Ground) -> None:
    winter, summer = snow_cover(ground, 20), snow_cover(ground, 200)
    assert winter[ground.height > 700].mean() > 0.5
    assert winter[ground.height < 100].max() == 0
    assert summer.max() == 0


def test_every_kind_of_ground_occurs(ground: Ground) -> None:
    sun = sun_of(15)
    x = np.full_like(ground.height, 0)
    weather = make_weather(x, x, day=15, cover=0.001, sun=sun)
    classes = classify(ground, make_reflectance(ground, 15, sun), weather, day=15)
    shares = {name: float((classes == name).mean()) for name in (VEGETATION, BARE, WATER, SNOW)}
    assert min(shares.values()) > 0.02, shares


def test_labels_and_colors_pair_up() -> None:
    assert len(CLASS_LABELS) == len(CLASS_COLORS) == 12


def test_a_coarse_pixel_is_cloud_if_one_of_its_pixels_is() -> None:
    classes = np.array(
        [
            [VEGETATION, VEGETATION, NODATA, NODATA, NODATA, WATER],
            [VEGETATION, CLOUD_MEDIUM, NODATA, NODATA, NODATA, NODATA],
        ],
        np.uint8,
    )
    assert coarsen_classes(classes).tolist() == [[CLOUD_MEDIUM, NODATA, WATER]]
