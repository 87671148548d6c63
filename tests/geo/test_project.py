from __future__ import annotations

import numpy as np
import pytest

from dawnlight.geo import normalize_crs, spell_crs
from dawnlight.geo._project import defined, describe_crs, is_cylindrical, is_lonlat, project, seam

SINUSOIDAL = "+proj=sinu +R=6371007.181 +units=m"


@pytest.mark.parametrize(
    ("crs", "cut", "repeats"),
    [
        ("EPSG:4326", 180.0, True),
        ("EPSG:3857", -180.0, True),
        ("EPSG:3395", -180.0, True),
        ("EPSG:6933", -180.0, True),
        ("+proj=eqc +lon_0=90", -90.0, True),
        (SINUSOIDAL, -180.0, False),
        ("ESRI:54009", -180.0, False),
        ("EPSG:5070", 84.0, False),
        ("EPSG:32615", None, False),
        ("EPSG:3413", None, False),
        ("EPSG:3031", None, False),
        ("EPSG:3035", None, False),
        ("EPSG:4807", None, True),  # grads: a turn is 400
        ("+proj=utm +zone=32 +ellps=bessel +towgs84=1,2,3 +units=m", None, False),
        ("EPSG:3857+5773", -180.0, True),
    ],
)
def test_where_maps_are_cut_and_whether_they_repeat(crs: str, cut: float | None, repeats: bool) -> None:
    spelling = spell_crs(crs)
    assert seam(spelling) == (None if cut is None else pytest.approx(cut))
    assert is_cylindrical(spelling) is repeats


def test_is_lonlat_means_degrees() -> None:
    assert is_lonlat(normalize_crs(4326))
    assert is_lonlat(normalize_crs(4269))
    assert not is_lonlat(normalize_crs(4807))
    assert not is_lonlat(normalize_crs(3857))


def test_the_poles_of_mercator_have_no_place() -> None:
    base, mercator = normalize_crs(4326), normalize_crs(3857)
    there = project(np.array([[0.0, 90.0], [0.0, -90.0], [0.0, 85.0]]), base, mercator)
    assert np.isinf(there[:2]).all()
    assert np.isfinite(there[2]).all()


def test_over_goes_on_past_the_antimeridian() -> None:
    base, mercator = normalize_crs(4326), normalize_crs(3857)
    point = np.array([[190.0, 0.0]])
    assert project(point, base, mercator)[0, 0] < 0
    assert project(point, base, mercator, over=True)[0, 0] == pytest.approx(20037508.34 * 19 / 18)


def test_points_off_the_map_are_found_although_proj_gives_them_a_place() -> None:
    sinusoidal, base = normalize_crs(SINUSOIDAL), normalize_crs(4326)
    points = np.array([[-2e7, 0.0], [-1.5e7, 6e6], [-1e7, 5e6], [0.0, 1e7]])
    assert np.isfinite(project(points, sinusoidal, base)).all()
    assert defined(points, sinusoidal, base).tolist() == [True, False, True, True]


def test_names_in_messages_are_short() -> None:
    assert describe_crs(normalize_crs(32615)) == "EPSG:32615"
    assert len(describe_crs(normalize_crs(SINUSOIDAL))) < 40
