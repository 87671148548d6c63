"""Resampling between systems against GDAL's warp of the whole output, made exact."""

import numpy as np
import pytest

from dawnlight.geo import GeoBox, Window
from dawnlight.raster._gdal import GdalReader
from dawnlight.testing._engine import file_sources, make_lazy, target_over, turned
from dawnlight.testing._memory import MemoryReader, UntouchableReader
from dawnlight.testing._oracle import choose_of, gdal_warp, positions, reference_warp
from dawnlight.testing._rasters import noise, write_raster

SINUSOIDAL = "+proj=sinu +R=6371007.181 +units=m +no_defs"
GEOSTATIONARY = "+proj=geos +h=35785831 +lon_0=0 +sweep=y +ellps=WGS84 +units=m +no_defs"
KERNELS = ("near", "bilinear", "cubic", "cubicspline", "lanczos")


def box(crs, x, y, step, shape=(90, 80)):
    return GeoBox.from_geotrans((x, step, 0, y, 0, -step), shape, crs)


UTM32 = box(32632, 300000, 5000000, 10)
EUROPE = box(3035, 4e6, 3e6, 100)
POLE = box(3413, -40e3, 45e3, 1000)
MODIS = box(SINUSOIDAL, 0, 5559752.6, 926.6254)
DISK = box(GEOSTATIONARY, 5e5, 4.2e6, 3000)
DEGREES = box(4326, 6.5, 45.2, 1e-4)
SOUTH_UP = GeoBox.from_geotrans((300000, 10, 0, 4999100, 0, 10), (90, 80), 32632)
OBLONG = GeoBox.from_geotrans((300000, 10, 0, 5000000, 0, -25), (90, 80), 32632)

PAIRS = {
    "utm neighbour": (UTM32, 32633, 10),
    "utm to degrees": (UTM32, 4326, 1e-4),
    "utm to laea": (UTM32, 3035, 13),
    "utm to mollweide": (UTM32, "ESRI:54009", 7),
    "utm to mercator": (UTM32, 3857, 14),
    "laea to utm": (EUROPE, 32632, 100),
    "pole to degrees": (box(3413, -500e3, -1500e3, 1000), 4326, 0.02),
    "sinusoidal to degrees": (MODIS, 4326, 0.01),
    "sinusoidal to utm": (MODIS, 32631, 900),
    "disk to degrees": (DISK, 4326, 0.03),
    "degrees to utm": (DEGREES, 32632, 10),
    "degrees to sinusoidal": (DEGREES, SINUSOIDAL, 11),
    "turned": (turned(UTM32, 35), 32633, 10),
    "turned the other way": (turned(UTM32, -110), 4326, 1e-4),
    "south-up": (SOUTH_UP, 32633, 10),
    "oblong": (OBLONG, 3035, 15),
}


def compare(path, target, kernel, *, sources=None):
    """Share of equal pixels, largest difference, and how many pixels only one of the two has."""
    lazy = make_lazy([sources or file_sources(path)], target, GdalReader(), kernel=kernel)
    ours = lazy[0]
    level = choose_of(lazy)
    data, valid = gdal_warp(path, target, kernel, level)
    x, y = positions(lazy.plan.pair(0).source, target)
    height, width = lazy.plan.pair(0).source.shape
    # Within a few thousandths of a pixel of the edge the two may differ.
    with np.errstate(invalid="ignore"):
        rim = np.minimum(np.minimum(abs(x), abs(x - width)), np.minimum(abs(y), abs(y - height))) < 3e-3
    odd = (~np.isnan(ours) != valid) & ~rim
    both = ~np.isnan(ours) & valid
    apart = np.abs(ours[both].astype(float) - data[both])
    return (apart == 0).mean(), apart.max(), int(odd.sum()), int(both.sum())


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("kernel", ["near", "bilinear", "cubic", "lanczos"])
def test_pixels_are_those_of_the_exact_warp(kernel, name, tmp_path):
    source, crs, step = PAIRS[name]
    path = write_raster(tmp_path / "a.tif", noise(source.shape, "uint16"), source)
    equal, apart, odd, count = compare(path, target_over(source, crs, step), kernel)
    assert odd == 0
    assert count > 1500
    if kernel == "near":
        assert equal > 0.999
    else:
        # On noise of 10,000 steps a pixel; pictures differ in far fewer places.
        assert apart <= 2
        assert equal > 0.7


@pytest.mark.parametrize("name", ["utm neighbour", "sinusoidal to degrees", "turned"])
def test_cubicspline_at_its_own_size_is_that_of_gdal(name, tmp_path):
    """Stretched, GDAL's goes wrong: see docs/reference/resampling.md."""
    source, crs, _ = PAIRS[name]
    path = write_raster(tmp_path / "a.tif", noise(source.shape, "uint16"), source)
    target = target_over(source, crs, 1e-3 if crs == 4326 else 9)
    equal, apart, odd, _ = compare(path, target, "cubicspline")
    assert (odd, apart <= 2) == (0, True)
    assert equal > 0.7


@pytest.mark.parametrize("name", ["utm neighbour", "utm to degrees", "turned", "disk to degrees"])
@pytest.mark.parametrize("kernel", ["average", "mode", "max", "min", "med", "q1", "q3", "cubicspline"])
def test_pixels_are_those_of_the_plain_formulas(kernel, name):
    """Positions of PROJ pixel by pixel, and sums in NumPy."""
    source, crs, step = PAIRS[name]
    target = target_over(source, crs, step * 3.1, pad=0.05)
    reader = MemoryReader()
    # Smooth, so that a thousandth of a pixel is a thousandth of a step; classes for the rest.
    row, column = np.indices(source.shape)
    pixels = 1000 * np.sin(row / 9) + 700 * np.cos(column / 7)
    if kernel == "mode":
        pixels = np.round(pixels / 700)
    lazy = make_lazy([reader.add("a", pixels, source)], target, reader, kernel=kernel)
    ours = lazy[0, 0]
    expected, good = reference_warp(
        pixels, np.ones(pixels.shape, bool), source, target, kernel, choose_of(lazy)
    )
    assert (~np.isnan(ours) != good).mean() < 0.002
    both = good & ~np.isnan(ours)
    assert both.sum() > 200
    apart = np.abs(ours - expected)[both]
    if kernel in ("average", "cubicspline"):
        assert apart.max() < 0.5
    else:  # a sliver of a pixel in or out of the footprint
        assert (apart > 0.5).mean() < 0.02


# -- what a file can say about missing pixels ------------------------------------------------------


@pytest.mark.parametrize("how", ["nodata", "mask", "alpha", "nan"])
@pytest.mark.parametrize("kernel", ["near", "bilinear", "cubic", "lanczos"])
def test_missing_pixels_are_those_of_the_exact_warp(kernel, how, tmp_path):
    valid = np.random.default_rng(7).random((9, 8)).repeat(10, 0).repeat(10, 1) > 0.3
    pixels = noise(UTM32.shape, "float32" if how == "nan" else "uint16")
    options = {}
    if how == "nodata":
        pixels, options = np.where(valid, pixels, 0).astype("uint16"), {"nodata": 0}
    elif how == "mask":
        options = {"mask": valid}
    elif how == "alpha":
        options = {"alpha": valid * 65535}
    else:
        pixels, options = np.where(valid, pixels, np.nan).astype("float32"), {"nodata": np.nan}
    path = write_raster(tmp_path / "a.tif", pixels, UTM32, **options)
    target = target_over(UTM32, 32633, 9)
    equal, apart, odd, count = compare(path, target, kernel, sources=file_sources(path)[:1])
    # GDAL's Lanczos loses a few pixels in the corners of holes.
    assert odd <= (0.005 * count if kernel == "lanczos" else 0)
    assert count > 4000
    if kernel == "near":
        assert equal > 0.999
    else:
        assert apart <= (1e-3 if how == "nan" else 2)


# -- types -----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "int32", "float32", "float64"])
@pytest.mark.parametrize("kernel", ["near", "bilinear", "cubic", "lanczos"])
def test_types_are_those_of_the_exact_warp(kernel, dtype, tmp_path):
    path = write_raster(tmp_path / "a.tif", noise(UTM32.shape, dtype), UTM32)
    equal, apart, odd, _ = compare(path, target_over(UTM32, 32633, 10), kernel)
    assert odd == 0
    if kernel == "near":
        assert equal > 0.999
    else:
        assert apart <= (2 if np.dtype(dtype).kind in "iu" else 1e-3)


# -- overviews and coarsening ----------------------------------------------------------------------

BIG = box(32632, 300000, 5000000, 10, (640, 600))


@pytest.fixture(scope="module")
def pyramid(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pyramid")
    return write_raster(
        folder / "a.tif",
        noise(BIG.shape),
        BIG,
        overviews=(2, 4, 8, 16),
        overview_resampling="average",
        tiled=64,
    )


@pytest.mark.parametrize("factor", [1.5, 2, 3.3, 4, 7, 16, 40])
@pytest.mark.parametrize("kernel", ["near", "bilinear", "cubic", "lanczos"])
def test_overviews_are_those_of_the_exact_warp(kernel, factor, pyramid):
    target = target_over(BIG, 32633, 10 * factor)
    equal, apart, odd, count = compare(pyramid, target, kernel)
    assert odd == 0
    assert count > 100
    if kernel == "near":
        assert equal > 0.995
    else:
        assert apart <= 2


@pytest.mark.parametrize("factor", [1.5, 3.3, 16])
@pytest.mark.parametrize("kernel", ["bilinear", "cubic", "lanczos"])
def test_coarsening_without_overviews(kernel, factor, tmp_path):
    path = write_raster(tmp_path / "a.tif", noise(BIG.shape), BIG)
    _, apart, odd, _ = compare(path, target_over(BIG, 32633, 10 * factor), kernel)
    assert odd == 0
    assert apart <= 2


# -- places in pixels ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("kernel", [*KERNELS, "average"])
@pytest.mark.parametrize(
    "factor", [pytest.param(0.4, marks=pytest.mark.slow), 1, pytest.param(3, marks=pytest.mark.slow)]
)
def test_coordinate_images_are_in_place(kernel, name, factor):
    """Pixels that hold their own place: what is read at a place is that place, but for the kernel's blur."""
    source, crs, step = PAIRS[name]
    target = target_over(source, crs, step * factor, pad=-0.25)
    row, column = np.indices(source.shape) + 0.5
    reader = MemoryReader()
    lazy = make_lazy([reader.add("a", np.stack([column, row]), source)], target, reader, kernel=kernel)
    x, y = positions(source, target)
    found = lazy[0]
    margin = 4 * max(lazy.plan.pair(0).ratio) + 4
    inner = (x > margin) & (y > margin) & (x < source.width - margin) & (y < source.height - margin)
    if not inner.any():
        assert factor == 3
        return
    off = max(np.abs(found[0] - x)[inner].max(), np.abs(found[1] - y)[inner].max())
    stretched = choose_of(lazy).scale != (1.0, 1.0)
    bounds = {"near": 0.502, "average": 0.502, "lanczos": 0.025}
    assert off <= max(bounds.get(kernel, 3e-3), 0.12 if stretched else 0)


def test_coordinate_images_over_overviews():
    """An overview's pixels lie where GDAL says: evenly over the same extent, odd sizes included."""
    source = box(32632, 300000, 5000000, 10, (301, 203))
    row, column = np.indices(source.shape) + 0.5
    levels = []
    for factor in (2, 4):
        ny, nx = -(-source.height // factor), -(-source.width // factor)
        v, u = np.meshgrid(
            (np.arange(ny) + 0.5) * source.height / ny,
            (np.arange(nx) + 0.5) * source.width / nx,
            indexing="ij",
        )
        levels.append(np.stack([u, v]))
    reader = MemoryReader()
    rows = [reader.add("a", np.stack([column, row]), source, overviews=levels)]
    for step in (20.5, 41, 60):
        target = target_over(source, 32633, step, pad=-0.2)
        lazy = make_lazy(rows, target, reader, kernel="bilinear")
        assert choose_of(lazy).level > 0
        x, y = positions(source, target)
        bound = 0.01 if choose_of(lazy).scale == (1, 1) else 0.12 / min(choose_of(lazy).zoom)
        assert np.abs(lazy[0, 0] - x).max() < bound
        assert np.abs(lazy[0, 1] - y).max() < bound


# -- the antimeridian and the poles ----------------------------------------------------------------

GLOBE = box(4326, -180, 90, 1, (180, 360))


def warp(source, target, kernel, pixels=None):
    reader = MemoryReader()
    pixels = noise(source.shape, "float64") if pixels is None else pixels
    lazy = make_lazy([reader.add("a", pixels, source)], target, reader, kernel=kernel)
    return lazy[0, 0]


SEAMS = {
    "global source, output across": (GLOBE, box(4326, 170, 10, 1, (20, 20))),
    "global source, centres on 180": (GLOBE, box(4326, 169.5, 10.5, 1, (20, 21))),
    "global source, finer output": (GLOBE, box(4326, 175, 10, 0.3, (20, 40))),
    "global source, output to the west": (GLOBE, box(4326, -190, 10, 1, (20, 20))),
    "global source, utm": (GLOBE, box(32601, 0, 1e6, 2e4, (50, 40))),
    "global source, mercator": (GLOBE, box(3857, 1.95e7, 1e6, 5e4, (40, 40))),
    "source across, output across": (box(4326, 170, 10, 1, (20, 20)), box(4326, 172, 8, 0.7, (20, 20))),
    "source across, output in the west": (box(4326, 170, 10, 1, (20, 20)), box(4326, -180, 8, 0.5, (20, 18))),
    "source across, utm": (box(4326, 170, 10, 0.1, (200, 200)), box(32601, 0, 9e5, 2e4, (40, 40))),
    "0..360 source": (box(4326, 0, 90, 1, (180, 360)), box(4326, -20, 10, 0.7, (20, 50))),
    "mercator source across": (box(3857, 1.95e7, 1e6, 1e4, (200, 200)), box(4326, 176, 5, 0.1, (50, 90))),
}


@pytest.mark.parametrize("name", SEAMS)
@pytest.mark.parametrize("kernel", ["near", "bilinear", "cubic", "lanczos", "average", "mode"])
def test_the_antimeridian_shows_no_hole(kernel, name):
    source, target = SEAMS[name]
    ours = warp(source, target, kernel)
    assert not np.isnan(ours).any()


@pytest.mark.parametrize("name", SEAMS)
def test_pixels_at_the_antimeridian_are_right(name):
    source, target = SEAMS[name]
    if "mercator source" in name:
        pytest.skip("the oracle knows only of longitudes")
    pixels = noise(source.shape, "float64")
    x, y = positions(source, target)
    ours = warp(source, target, "near", pixels)
    row, column = np.floor(y + 1e-8).astype(int), np.floor(x + 1e-8).astype(int)
    exact = pixels[row, np.minimum(column, source.width - 1)]
    clear = (np.abs(x - np.round(x)) > 3e-3) & (np.abs(y - np.round(y)) > 3e-3)
    clear |= np.isin(np.round(x % 1, 9), [0, 0.5]) & np.isin(np.round(y % 1, 9), [0, 0.5])
    assert (ours == exact)[clear].all()
    assert clear.mean() > 0.9


@pytest.mark.parametrize("crs", ["ESRI:54009", SINUSOIDAL, 3857])
@pytest.mark.parametrize("kernel", ["average", "max", "bilinear"])
def test_pixels_beside_the_edge_of_a_world_map_stay_local(kernel, crs):
    """A footprint whose corners lie on both edges of the map must not become the whole map."""
    world = box(crs, -20037508.34, 9e6, 5e4, (360, 802))
    column = np.broadcast_to(np.arange(world.width, dtype=float), world.shape)
    target = box(4326, 175.25, 10, 1, (20, 10))
    ours = warp(world, target, kernel, column)
    good = ours[~np.isnan(ours)]
    assert len(good) > 100
    assert (np.minimum(good, world.width - good) < 60).all()


def test_a_pole_in_the_output():
    """Polar output from degrees: rings of equal latitude, no hole at the pole."""
    latitude = np.broadcast_to(90 - (np.arange(180.0)[:, None] + 0.5), GLOBE.shape)
    target = box(3413, -2e6, 2e6, 5e4, (80, 80))
    for kernel in ("near", "bilinear", "average"):
        ours = warp(GLOBE, target, kernel, latitude)
        assert not np.isnan(ours).any()
        assert ours.max() == pytest.approx(89.5)
        assert abs(ours - ours[::-1, ::-1]).max() < 1.01


def test_a_pole_in_the_source():
    """Degrees up to the pole from a polar source, and the line of the pole itself."""
    source = box(3413, -2e6, 2e6, 2e4, (200, 200))
    row, column = np.indices(source.shape) - 99.5
    for west in (-180, 0, 170):
        target = GeoBox.from_geotrans((west, 1, 0, 90, 0, -0.25), (40, 360), 4326)
        for kernel in ("near", "bilinear", "average"):
            ours = warp(source, target, kernel, np.hypot(row, column))
            assert not np.isnan(ours).any()
            assert (np.abs(np.diff(ours.mean(1)) - 1.4) < 0.3).all()
            assert ours[0].max() < 2


def test_an_output_around_and_beyond_the_pole():
    """Grids with the pole as their outermost centre reach half a pixel beyond it: no place, no pixel."""
    target = GeoBox.from_geotrans((-180.5, 1, 0, 90.5, 0, -1), (5, 361), 4326)
    ours = warp(GLOBE, target, "near")
    assert not np.isnan(ours[1:]).any()


@pytest.mark.parametrize("kernel", ["near", "bilinear", "average", "mode", "med"])
def test_outputs_whose_first_row_is_centred_on_the_pole_have_it(kernel):
    """Half of each pixel there lies beyond the pole, where nothing is; its centre does not."""
    target = GeoBox.from_geotrans((-180.125, 0.25, 0, 90.125, 0, -0.25), (721, 40), 4326)
    assert not np.isnan(warp(GLOBE, target, kernel)).any()
    source = box(3413, -2e6, 2e6, 2e4, (200, 200))
    assert not np.isnan(warp(source, target.window(Window(0, 0, 20, 40)), kernel)).any()


@pytest.mark.parametrize("kernel", ["average", "max", "q1"])
def test_pixels_at_the_rim_of_a_disk_are_there_for_area_kernels(kernel):
    target = box(GEOSTATIONARY, -5.5e6, 5.5e6, 2e5, (55, 55))
    near, ours = warp(GLOBE, target, "near"), warp(GLOBE, target, kernel)
    assert not np.isnan(ours[~np.isnan(near)]).any()


# -- small, far and empty --------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", ["near", "bilinear", "cubic", "average"])
def test_sub_pixel_windows(kernel):
    """An output smaller than a source pixel."""
    target = box(32633, *_place(UTM32, 32633, 40.3, 30.6), 0.5, (3, 3))
    ours = warp(UTM32, target, kernel)
    assert not np.isnan(ours).any()
    if kernel in ("near", "average"):
        assert len(np.unique(ours)) <= 4


def _place(grid, crs, u, v):
    from dawnlight.geo._crs import transformer

    t = grid.transform
    return transformer(grid.crs, crs).transform(t.a * u + t.c, t.e * v + t.f)


@pytest.mark.parametrize("kernel", ["near", "cubic", "average"])
@pytest.mark.parametrize(
    "target",
    [
        box(32632, 400000, 5000000, 10, (5, 5)),
        box(32633, 300000, 1000000, 10, (5, 5)),
        box(4326, 100, 10, 0.1, (5, 5)),
        box(3413, -1e6, 1e6, 1e4, (5, 5)),
        box(GEOSTATIONARY, -5.4e6, 5.4e6, 1e4, (5, 5)),
    ],
    ids=["same", "zone", "degrees", "polar", "in space"],
)
def test_outputs_without_the_source_are_missing_and_read_nothing(kernel, target):
    rows = [MemoryReader().add("a", noise(UTM32.shape), UTM32)]
    lazy = make_lazy(rows, target, UntouchableReader(), kernel=kernel)
    assert np.isnan(lazy[0]).all()


@pytest.mark.parametrize("kernel", KERNELS)
def test_outputs_partly_outside(kernel):
    target = target_over(UTM32, 32633, 10, pad=0.5)
    ours = warp(UTM32, target, kernel)
    x, y = positions(UTM32, target)
    on = (x >= 0) & (y >= 0) & (x < UTM32.width) & (y < UTM32.height)
    assert 0.05 < on.mean() < 0.6
    assert (np.isnan(ours) == on).sum() <= 2
