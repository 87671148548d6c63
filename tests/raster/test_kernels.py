"""Each kernel against its textbook formula in NumPy, on grids of one CRS, where positions are exact."""

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from dawnlight.geo import GeoBox, Window
from dawnlight.raster._sources import RESAMPLERS
from dawnlight.testing._engine import make_lazy, turned
from dawnlight.testing._memory import MemoryReader
from dawnlight.testing._oracle import choose_of, gdal_warp, positions, reference_warp
from dawnlight.testing._rasters import checker, noise, write_raster

BOX = GeoBox.from_geotrans((300000, 10, 0, 5000000, 0, -10), (23, 31), 32632)
INTERPOLATING = ("near", "bilinear", "cubic", "cubicspline", "lanczos")
AREA = tuple(kernel for kernel in RESAMPLERS if kernel not in INTERPOLATING)


def grid(scale, shift=(0.0, 0.0), shape=(20, 20), degrees=0.0, source=BOX):
    """A grid whose pixels are `scale` times those of the source and whose corner is `shift` pixels off."""
    a, _, c, _, e, f = tuple(source.transform)[:6]
    sx, sy = (scale, scale) if isinstance(scale, int | float) else scale
    moved = Affine(a * sx, 0, c + shift[0] * a, 0, e * sy, f + shift[1] * e)
    return turned(GeoBox(shape, moved, source.crs), degrees)


def warp(pixels, target, kernel, *, source=BOX, valid=None, **options):
    reader = MemoryReader()
    rows = [reader.add("a", pixels, source, mask=valid)]
    lazy = make_lazy(rows, target, reader, kernel=kernel, **options)
    return lazy, lazy[0, 0]


def check(pixels, target, kernel, *, source=BOX, valid=None, rtol=1e-6):
    lazy, ours = warp(pixels, target, kernel, source=source, valid=valid)
    if not lazy.plan.image_reads(0, [0], Window(0, 0, *target.shape)):
        assert np.isnan(ours).all()
        assert not reference_warp(pixels, np.ones(pixels.shape, bool), source, target, kernel)[1].any()
        return
    valid = np.ones(pixels.shape, bool) if valid is None else valid
    level = choose_of(lazy)
    expected, good = reference_warp(pixels, valid, source, target, kernel, level)
    assert np.array_equal(~np.isnan(ours), good)
    if pixels.dtype.kind == "f":
        np.testing.assert_allclose(ours[good], expected[good], rtol=rtol, atol=1e-5)
    else:
        # A half that one sum has and the other just misses may round to the other side; among numbers of 32
        # bits that is common, for a coordinate has no more than 1e-9 of a pixel.
        apart = np.abs(ours[good] - expected[good])
        assert apart.max(initial=0) <= 1
        if pixels.dtype.itemsize < 4 and apart.size:
            assert (apart > 0).mean() <= 0.005


GRIDS = {
    "same size, off by a fraction": grid(1, (0.3, -0.4), (25, 33)),
    "finer": grid(0.37, (-1.2, 15.1), (30, 30)),
    "a little coarser": grid(1.3, (-1.25, 0.2)),
    "coarser": grid(2.7, (-3.1, -2.2), (12, 14)),
    "much coarser": grid(9, (-4, -5), (4, 5)),
    "exactly twice": grid(2, (0, 0), (12, 16)),
    "oblong pixels": grid((1.7, 0.6), (-2.1, 0.4), (25, 20)),
    "turned": grid(1.1, (10, -3), (22, 22), 25),
    "upside down": grid((1.0, -1.0), (0.25, 22.6), (23, 31)),
}


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("kernel", RESAMPLERS)
def test_kernels_are_their_formulas(kernel, name):
    check(noise(BOX.shape, "float32"), GRIDS[name], kernel)


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("kernel", RESAMPLERS)
def test_missing_pixels_are_absent(kernel, name):
    valid = np.random.default_rng(4).random(BOX.shape) > 0.35
    pixels = np.where(valid, noise(BOX.shape, "uint16"), 65535).astype("uint16")
    check(pixels, GRIDS[name], kernel, valid=valid)


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(
    kernel=st.sampled_from(sorted(RESAMPLERS)),
    scale=st.tuples(st.floats(0.2, 6), st.floats(0.2, 6)),
    shift=st.tuples(st.floats(-30, 30), st.floats(-30, 30)),
    degrees=st.sampled_from([0.0, 0.0, 10.0, 45.0, 90.0, 137.0, 180.0, 270.0]),
    flip=st.booleans(),
    holes=st.floats(0, 0.9),
    seed=st.integers(0, 99),
)
def test_kernels_are_their_formulas_on_any_grid(kernel, scale, shift, degrees, flip, holes, seed):
    valid = np.random.default_rng(seed).random(BOX.shape) >= holes
    # Off the round numbers, at which rounding noise of 1e-10 pixels chooses between rules.
    scale = (scale[0] * 1.000371, scale[1] * (-1.000371 if flip else 1.000371))
    shift = (shift[0] + 0.01237, shift[1] - 0.02173)
    check(noise(BOX.shape, "float64", seed), grid(scale, shift, (15, 17), degrees), kernel, valid=valid)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "uint32", "float64"])
@pytest.mark.parametrize("kernel", ["near", "bilinear", "lanczos", "average", "mode"])
def test_every_type_keeps_its_values(kernel, dtype):
    """Extremes, too: what overshoots is limited, what is in reach of 32 bits is exact."""
    pixels = noise(BOX.shape, dtype)
    if np.dtype(dtype).kind in "iu":
        info = np.iinfo(dtype)
        pixels[::3, ::2], pixels[1::3, ::2] = info.max, info.min
    check(pixels, GRIDS["a little coarser"], kernel, rtol=1e-12)


@pytest.mark.parametrize("kernel", RESAMPLERS)
def test_a_constant_stays_constant(kernel):
    valid = np.random.default_rng(1).random(BOX.shape) > 0.5
    pixels = np.where(valid, 777, 5).astype("uint16")
    for target in GRIDS.values():
        _, ours = warp(pixels, target, kernel, valid=valid)
        assert set(np.unique(ours[~np.isnan(ours)])) <= {777}


@pytest.mark.parametrize("kernel", RESAMPLERS)
def test_nan_is_absent(kernel):
    valid = np.random.default_rng(2).random(BOX.shape) > 0.3
    pixels = noise(BOX.shape, "float32")
    _, expected = warp(pixels, GRIDS["coarser"], kernel, valid=valid)
    _, ours = warp(np.where(valid, pixels, np.nan).astype("float32"), GRIDS["coarser"], kernel)
    assert np.array_equal(ours, expected, equal_nan=True)


@pytest.mark.parametrize("kernel", ["near", "max", "min", "med", "mode"])
def test_infinity_is_a_value(kernel):
    pixels = np.full(BOX.shape, np.inf, "float32")
    _, ours = warp(pixels, GRIDS["coarser"], kernel)
    assert (ours[~np.isnan(ours)] == np.inf).all()
    assert (~np.isnan(ours)).any()


@pytest.mark.parametrize("kernel", INTERPOLATING)
def test_the_valid_area_is_that_of_the_centres(kernel):
    valid = np.random.default_rng(3).random(BOX.shape) > 0.5
    for target in GRIDS.values():
        _, ours = warp(noise(BOX.shape), target, kernel, valid=valid)
        _, near = warp(noise(BOX.shape), target, "near", valid=valid)
        assert np.array_equal(np.isnan(ours), np.isnan(near))


@pytest.mark.parametrize("kernel", AREA)
def test_area_kernels_have_a_value_where_the_footprint_has_one(kernel):
    valid = np.zeros(BOX.shape, bool)
    valid[10, 10] = True
    _, ours = warp(noise(BOX.shape), grid(4, (0, 0), (6, 8)), kernel, valid=valid)
    assert np.argwhere(~np.isnan(ours)).tolist() == [[2, 2]]
    assert ours[2, 2] == noise(BOX.shape)[10, 10]


@pytest.mark.parametrize("kernel", INTERPOLATING)
def test_overshoot_stays_bounded_beside_missing_pixels(kernel):
    """Negative lobes that meet few valid pixels must not blow values up."""
    rng = np.random.default_rng(5)
    for scale in (1, 1.4, 2.3, 3.1):
        for share in (0.1, 0.3, 0.6):
            valid = rng.random(BOX.shape) < share
            _, ours = warp(
                checker(BOX.shape, 1).astype("float64"), grid(scale, (0.2, 0.3)), kernel, valid=valid
            )
            values = ours[~np.isnan(ours)]
            assert values.min() >= -2
            assert values.max() <= 3


# -- edges -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", RESAMPLERS)
@pytest.mark.parametrize("gap", [0.0, 1e-12, 1e-7, 1e-4, -1e-4])
def test_tiles_whose_headers_are_rounded_leave_no_gap(kernel, gap):
    """Output centres that fall on the seam of two tiles belong to one of them, whatever the rounding."""
    reader = MemoryReader()
    a, _, c, _, e, f = tuple(BOX.transform)[:6]
    beside = GeoBox(BOX.shape, Affine(a, 0, c + (BOX.width + gap) * a, 0, e, f), BOX.crs)
    below = GeoBox(BOX.shape, Affine(a, 0, c, 0, e, f + (BOX.height + gap) * e), BOX.crs)
    corner = GeoBox(BOX.shape, Affine(a, 0, beside.transform.c, 0, e, below.transform.f), BOX.crs)
    rows = [
        reader.add(str(k), noise(BOX.shape, seed=k), box)
        for k, box in enumerate((BOX, beside, below, corner))
    ]
    # Centres at whole pixel edges of the source, those of the seams among them.
    target = grid(2, (0, 0), (BOX.height, BOX.width))
    mosaic = make_lazy(rows, target, reader, kernel=kernel, layers=[[0, 1, 2, 3]])[0, 0]
    assert not np.isnan(mosaic[:-1, :-1]).any()


def test_the_tie_goes_to_the_pixel_that_begins_there():
    pixels = np.arange(BOX.height * BOX.width, dtype="float32").reshape(BOX.shape)
    _, ours = warp(pixels, grid(2, (0, 0), (11, 15)), "near")
    assert np.array_equal(ours, pixels[1::2, 1::2][:11, :15])


def test_mode_prefers_the_value_met_first_among_equals():
    pixels = np.array([[5, 3], [3, 5]], "uint8")
    box = GeoBox.from_geotrans((0, 1, 0, 2, 0, -1), (2, 2), 32632)
    pixel = GeoBox.from_geotrans((0, 2, 0, 2, 0, -2), (1, 1), 32632)
    _, ours = warp(pixels, pixel, "mode", source=box)
    assert ours.tolist() == [[5]]


def test_quartiles_are_values_of_the_footprint():
    pixels = np.array([[4, 3], [2, 1]], "uint8")
    box = GeoBox.from_geotrans((0, 1, 0, 2, 0, -1), (2, 2), 32632)
    pixel = GeoBox.from_geotrans((0, 2, 0, 2, 0, -2), (1, 1), 32632)
    found = {kernel: warp(pixels, pixel, kernel, source=box)[1].item() for kernel in AREA}
    assert found == {"average": 3, "mode": 4, "max": 4, "min": 1, "med": 2, "q1": 1, "q3": 3}


@pytest.mark.parametrize("kernel", RESAMPLERS)
def test_a_source_of_one_pixel(kernel):
    box = GeoBox.from_geotrans((300000, 10, 0, 5000000, 0, -10), (1, 1), 32632)
    _, ours = warp(np.array([[42]], "uint8"), grid(0.5, (-1, -1), (6, 6)), kernel, source=box)
    expected = np.full((6, 6), np.nan)
    expected[2:4, 2:4] = 42
    assert np.array_equal(ours, expected, equal_nan=True)


@pytest.mark.parametrize("kernel", RESAMPLERS)
def test_an_output_of_one_pixel(kernel):
    target = grid(3, (4, 5), (1, 1))
    check(noise(BOX.shape, "float32"), target, kernel)


# -- against GDAL where the two agree on what a footprint is ----------------------------------------


@pytest.mark.parametrize("name", [name for name in GRIDS if name != "turned"])
@pytest.mark.parametrize("kernel", [kernel for kernel in AREA if kernel != "mode"])
def test_area_kernels_are_those_of_gdal_on_upright_grids(kernel, name, tmp_path):
    pixels = noise(BOX.shape, "float64")
    path = write_raster(tmp_path / "a.tif", pixels, BOX)
    target = GRIDS[name]
    lazy, ours = warp(pixels, target, kernel)
    data, valid = gdal_warp(path, target, kernel, choose_of(lazy))
    assert np.array_equal(~np.isnan(ours), valid[0])
    compared = valid[0]
    if kernel == "average":
        # At the edge of the source GDAL gives the outermost pixel the weight of what lies beyond, too.
        x, y = positions(BOX, target, corner=True)
        whole = (np.minimum(x, BOX.width - x) >= 0) & (np.minimum(y, BOX.height - y) >= 0)
        compared = whole[1:, 1:] & whole[:-1, :-1] & valid[0]
    np.testing.assert_allclose(ours[compared], data[0][compared], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_mode_is_that_of_gdal_on_whole_pixels(factor, tmp_path):
    pixels = np.random.default_rng(8).integers(0, 4, BOX.shape).astype("uint8")
    path = write_raster(tmp_path / "a.tif", pixels, BOX)
    target = grid(factor, (0, 0), (BOX.height // factor, BOX.width // factor))
    lazy, ours = warp(pixels, target, "mode")
    data, _ = gdal_warp(path, target, "mode", choose_of(lazy))
    blocks = pixels[: target.height * factor, : target.width * factor]
    blocks = blocks.reshape(target.height, factor, target.width, factor)
    counts = np.sort([(blocks == value).sum((1, 3)) for value in range(4)], axis=0)
    clear = counts[-1] > counts[-2]  # among equals each has its own rule
    assert clear.any()
    assert np.array_equal(ours[clear], data[0][clear])


def test_mode_weighs_by_area():
    """GDAL counts pixels, however little of them is covered."""
    box = GeoBox.from_geotrans((0, 1, 0, 1, 0, -1), (1, 5), 32632)
    target = GeoBox.from_geotrans((1.7, 1.6, 0, 1, 0, -1), (1, 1), 32632)
    _, ours = warp(np.array([[9, 1, 2, 1, 9]], "uint8"), target, "mode", source=box)
    assert ours.tolist() == [[2]]
