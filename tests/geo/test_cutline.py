from __future__ import annotations

import numpy as np
import pytest
import shapely

from dawnlight.geo import GeoBox, normalize_crs, split_antimeridian
from dawnlight.geo._cutline import project_cutline
from dawnlight.geo._project import project

SINUSOIDAL = "+proj=sinu +R=6371007.181 +units=m"


def pixels_inside(geometry: shapely.Geometry, grid: GeoBox) -> np.ndarray:
    cutline = project_cutline(geometry, grid)
    return shapely.intersects_xy(cutline, *np.meshgrid(grid.x, grid.y))


def expected_inside(geometry: shapely.Geometry, grid: GeoBox) -> np.ndarray:
    """Ask for each pixel centre in longitude and latitude."""
    x, y = np.meshgrid(grid.x, grid.y)
    points = np.column_stack([x.ravel(), y.ravel()])
    lonlat = project(points, grid.crs, normalize_crs(4326))
    inside = np.zeros(len(points), dtype=bool)
    for turn in (-360, 0, 360):
        inside |= shapely.intersects_xy(geometry, lonlat[:, 0] + turn, lonlat[:, 1])
    return inside.reshape(grid.shape)


DIAMOND = shapely.Polygon([(-93, 40), (-92.2, 40.55), (-93, 41), (-93.8, 40.45)])
LONG = shapely.Polygon([(-103, 35), (-83, 55), (-103, 55)])
GRIDS = {
    "utm": (DIAMOND, GeoBox.from_geotrans((430000, 500, 0, 4545000, 0, -500), (250, 280), 32615)),
    "mercator": (DIAMOND, GeoBox.from_geotrans((-10450000, 1000, 0, 5020000, 0, -1000), (180, 200), 3857)),
    "lonlat": (DIAMOND, GeoBox.from_geotrans((-94, 0.01, 0, 41.2, 0, -0.01), (130, 200), 4326)),
    "nad83": (DIAMOND, GeoBox.from_geotrans((-94, 0.01, 0, 41.2, 0, -0.01), (130, 200), 4269)),
    "sinusoidal": (
        DIAMOND,
        GeoBox.from_geotrans((-7.95e6, 1000, 0, 4.57e6, 0, -1000), (150, 200), SINUSOIDAL),
    ),
    "wide parallel": (
        shapely.box(-120, 40, -70, 60),
        GeoBox.from_geotrans((-1e6, 1e4, 0, 6e6, 0, -1e4), (200, 300), 32615),
    ),
    "fine mercator, middle of a long edge": (
        LONG,
        GeoBox.from_geotrans((-10354200, 30, 0, 5623021, 0, -30), (100, 100), 3857),
    ),
    "fine utm, middle of a long edge": (
        LONG,
        GeoBox.from_geotrans((498500, 30, 0, 4984450, 0, -30), (100, 100), 32615),
    ),
    "pole": (
        shapely.box(-180, 75, 180, 90),
        GeoBox.from_geotrans((-2.05e6, 1e5, 0, 2.05e6, 0, -1e5), (41, 41), 3995),
    ),
    "antimeridian utm": (
        shapely.box(177, 1, 185, 3),
        GeoBox.from_geotrans((600000, 2000, 0, 400000, 0, -2000), (180, 260), 32660),
    ),
    "antimeridian lonlat": (
        shapely.box(170, -5, 190, 5),
        GeoBox.from_geotrans((165.05, 0.5, 0, 10.1, 0, -0.5), (40, 60), 4326),
    ),
    "antimeridian mercator": (
        shapely.box(170, -5, 190, 5),
        GeoBox.from_geotrans((18.5e6, 20037, 0, 1e6, 0, -20037), (100, 160), 3857),
    ),
    "0 to 360": (
        shapely.box(-20, -5, 20, 5),
        GeoBox.from_geotrans((0, 1, 0, 10, 0, -1), (20, 360), 4326),
    ),
    "whole world": (
        shapely.box(-180, -90, 180, 90),
        GeoBox.from_geotrans((-180, 5, 0, 90, 0, -5), (36, 72), 4326),
    ),
    "whole world on utm": (
        shapely.box(-180, -90, 180, 90),
        GeoBox.from_geotrans((400000, 1000, 0, 5e6, 0, -1000), (100, 100), 32615),
    ),
    "multi": (
        shapely.MultiPolygon([shapely.box(-94, 40, -93.5, 41), shapely.box(-93, 40, -92, 41)]),
        GeoBox.from_geotrans((400000, 1000, 0, 4.56e6, 0, -1000), (140, 200), 32615),
    ),
}


@pytest.mark.parametrize(("geometry", "grid"), GRIDS.values(), ids=GRIDS)
def test_pixels_are_inside_where_their_centres_are(geometry: shapely.Geometry, grid: GeoBox) -> None:
    found, expected = pixels_inside(geometry, grid), expected_inside(geometry, grid)
    assert expected.any()
    # A centre within a twentieth of a pixel of an edge may fall on either side.
    assert (found != expected).sum() <= 0.002 * expected.size
    assert pixels_inside(split_antimeridian(geometry), grid).tolist() == found.tolist()


def test_a_pixel_centre_on_the_antimeridian_is_inside() -> None:
    grid = GeoBox.from_geotrans((177.5, 1, 0, 2, 0, -1), (4, 5), 4326)
    assert 180.0 in grid.x
    assert pixels_inside(split_antimeridian(shapely.box(170, -5, 190, 5)), grid).all()
    step = 20037508.342789244 / 180
    mercator = GeoBox.from_geotrans((177.5 * step, step, 0, 2 * step, 0, -step), (4, 5), 3857)
    assert pixels_inside(split_antimeridian(shapely.box(170, -5, 190, 5)), mercator).all()


@pytest.mark.parametrize(
    ("edge", "grid"),
    [
        (
            ((-103, 45), (-83, 45)),
            GeoBox.from_geotrans((450000, 10, 0, 5030000, 0, -10), (10000, 10000), 32615),
        ),
        (
            ((-103, 35), (-83, 55)),
            GeoBox.from_geotrans((450000, 10, 0, 5030000, 0, -10), (10000, 10000), 32615),
        ),
        (
            ((-103, 35), (-83, 55)),
            GeoBox.from_geotrans((-1.05e7, 20, 0, 5.8e6, 0, -20), (20000, 20000), 3857),
        ),
        (
            ((-103, 75), (-83, 75)),
            GeoBox.from_geotrans((450000, 10, 0, 8380000, 0, -10), (10000, 10000), 32615),
        ),
    ],
    ids=["parallel in utm", "diagonal in utm", "diagonal in mercator", "high parallel"],
)
def test_edges_are_right_to_a_twentieth_of_a_pixel(
    edge: tuple[tuple[float, float], ...], grid: GeoBox
) -> None:
    (x0, y0), (x1, y1) = edge
    area = shapely.Polygon([*edge, (x1, y1 - 20), (x0, y0 - 20)])
    boundary = project_cutline(area, grid).boundary
    along = np.linspace(0, 1, 20_001)[:, None]
    on_edge = project(
        np.array(edge[0]) + along * (np.array(edge[1]) - np.array(edge[0])), normalize_crs(4326), grid.crs
    )
    inside = on_edge[shapely.intersects_xy(shapely.box(*grid.bounds), *on_edge.T)]
    assert len(inside) > 100
    assert shapely.distance(shapely.points(inside), boundary).max() <= 0.05 * grid.resolution[0]


def test_far_away_is_empty() -> None:
    grid = GeoBox.from_geotrans((430000, 500, 0, 4545000, 0, -500), (250, 280), 32615)
    assert project_cutline(shapely.box(10, 10, 11, 11), grid).is_empty
    assert project_cutline(shapely.box(10, 10, 11, 11), GRIDS["lonlat"][1]).is_empty


def test_is_clipped_to_a_margin() -> None:
    grid = GRIDS["utm"][1]
    cutline = project_cutline(shapely.box(-180, -80, 180, 80), grid)
    assert cutline.bounds == grid.pad(2).bounds


def test_self_crossing_and_mixed_geometries() -> None:
    grid = GRIDS["lonlat"][1]
    bow = shapely.Polygon([(-94, 40), (-92, 41), (-92, 40), (-94, 41)])
    assert pixels_inside(bow, grid).sum() == pytest.approx(100 * 200 / 2, rel=0.02)
    mixed = shapely.GeometryCollection([bow, shapely.Point(-93, 40.1)])
    assert pixels_inside(mixed, grid).sum() == pixels_inside(bow, grid).sum()
    assert project_cutline(shapely.Point(-93, 40.5), grid) == shapely.Point(-93, 40.5)
