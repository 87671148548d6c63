from __future__ import annotations

import shapely

from dawnlight.geo._land import land, land_within


def test_the_land_is_where_it_is() -> None:
    there = {"Paris": (2.3, 48.9), "Nairobi": (36.8, -1.3), "Chicago": (-88.5, 41.5), "Pole": (0, -89)}
    assert all(land().contains(shapely.Point(place)) for place in there.values())
    assert not any(land().contains(shapely.Point(place)) for place in [(-30, 40), (0, 0), (51, 42)])
    assert land().is_valid
    west, south, east, north = land().bounds
    assert -180 <= west < south < 0 < north < east <= 180


def test_boxes_see_across_the_antimeridian() -> None:
    box = land_within((170, -48, 200, -34))
    assert box.bounds[0] < 180
    assert land_within((170, 60, 200, 70)).bounds[2] > 185, "Alaska lies beyond 180 degrees"
    assert land_within((-40, 20, -30, 30)).is_empty
