"""How the images of a layer come together, and what masks, alpha bands and errors do; small and by hand."""

from dataclasses import replace

import numpy as np
import pytest

from dawnlight.errors import RasterReadError
from dawnlight.geo import GeoBox, Window
from dawnlight.raster._plan import MaskPolicy
from dawnlight.raster._steps import BoundStep
from dawnlight.testing._engine import make_lazy
from dawnlight.testing._memory import FailingReader, MemoryReader, RecordingReader, UntouchableReader
from dawnlight.testing._rasters import noise

ROW = GeoBox.from_geotrans((0, 10, 0, 10, 0, -10), (1, 4), 32632)
BOX = GeoBox.from_geotrans((0, 10, 0, 400, 0, -10), (40, 40), 32632)
NAN = np.nan


@pytest.fixture
def reader():
    return MemoryReader()


def row(reader, name, *bands, dtype="uint8", **options):
    """An image of one row whose bands hold these values."""
    return reader.add(name, np.array(bands, dtype)[:, None, :], ROW, **options)


def paint(rows, reader, *, target=ROW, layers=None, **options):
    layers = [list(range(len(rows)))] if layers is None else layers
    return make_lazy(rows, target, reader, layers=layers, **options)[:]


def test_the_last_image_is_on_top_and_nodata_shows_what_lies_below(reader):
    rows = [row(reader, "a", [1, 1, 1, 0], nodata=0), row(reader, "b", [2, 0, 2, 0], nodata=0)]
    assert np.array_equal(paint(rows, reader)[0, 0, 0], [2, 1, 2, NAN], equal_nan=True)
    assert np.array_equal(paint(rows, reader, layers=[[1, 0]])[0, 0, 0], [1, 1, 1, NAN], equal_nan=True)


def test_each_band_has_its_own_nodata_pixels(reader):
    rows = [
        row(reader, "a", [1, 1, 0, 1], [5, 5, 5, 5], nodata=0),
        row(reader, "b", [2, 0, 0, 2], [6, 6, 0, 0], nodata=0),
    ]
    expected = [[2, 1, NAN, 2], [6, 6, 5, 5]]
    assert np.array_equal(paint(rows, reader)[0, :, 0], expected, equal_nan=True)


def test_the_file_s_own_mask_is_as_good_as_nodata(reader):
    rows = [row(reader, "a", [1, 1, 1, 1]), row(reader, "b", [2, 2, 2, 2], mask=[[1, 0, 1, 0]])]
    assert paint(rows, reader)[0, 0, 0].tolist() == [2, 1, 2, 1]


def test_one_image_answers_for_all_bands_where_alpha_decides(reader):
    rows = [
        row(reader, "a", [1, 1, 1, 1], [5, 5, 5, 5], [1, 1, 1, 0], nodata=9),
        row(reader, "b", [2, 9, 2, 2], [6, 6, 6, 6], [1, 1, 0, 0], nodata=9),
    ]
    found = paint(rows, reader, masks=MaskPolicy(alpha=2))[0, :, 0]
    # At the second pixel b's first band is missing; a must not fill it in beside b's second band.
    assert np.array_equal(found[0], [2, NAN, 1, NAN], equal_nan=True)
    assert np.array_equal(found[1], [6, 6, 5, NAN], equal_nan=True)
    assert np.array_equal(found[2], [1, 1, 1, NAN], equal_nan=True)


def test_alpha_without_nodata_masking(reader):
    rows = [row(reader, "a", [9, 1, 1, 9], [1, 1, 0, 0], nodata=9)]
    found = paint(rows, reader, nodata=9, masks=MaskPolicy(nodata=False, alpha=1))[0, 0, 0]
    assert np.array_equal(found, [9, 1, NAN, NAN], equal_nan=True)


def test_an_image_without_the_alpha_band_is_not_shown_where_alpha_decides(reader):
    rows = [[*row(reader, "a", [1, 1, 1, 1]), None], row(reader, "b", [2, 2, 2, 2], [1, 0, 1, 0])]
    found = paint(rows, reader, masks=MaskPolicy(alpha=1))[0, 0, 0]
    assert np.array_equal(found, [2, NAN, 2, NAN], equal_nan=True)


def test_alpha_is_read_though_it_is_not_kept(reader):
    rows = [row(reader, "a", [1, 2, 3, 4], [1, 0, 1, 0])]
    lazy = make_lazy(rows, ROW, reader, masks=MaskPolicy(alpha=1), keep=[0])
    assert lazy.shape == (1, 1, 1, 4)
    assert np.array_equal(lazy[0, 0, 0], [1, NAN, 3, NAN], equal_nan=True)


def test_without_masks_stored_values_come_through(reader):
    rows = [
        row(reader, "a", [1, 0, 0, 4], nodata=0, mask=[[1, 1, 1, 0]]),
        row(reader, "b", [0, 0, 7, 0], nodata=0),
    ]
    found = paint(rows, reader, nodata=0, masks=MaskPolicy(nodata=False))
    assert found.dtype == "uint8"
    # Valid pixels first, from the top; then whatever the topmost image stores.
    assert found[0, 0, 0].tolist() == [1, 0, 7, 0]
    assert paint(rows[:1], reader, nodata=0, masks=MaskPolicy(nodata=False))[0, 0, 0].tolist() == [1, 0, 0, 4]


def test_without_masks_places_without_an_image_hold_nodata(reader):
    target = ROW.pad(1)
    rows = [row(reader, "a", [1, 2, 3, 4])]
    found = paint(rows, reader, target=target, nodata=77, masks=MaskPolicy(nodata=False))[0, 0]
    assert found.tolist() == [[77] * 6, [77, 1, 2, 3, 4, 77], [77] * 6]


@pytest.mark.parametrize("nodata", [-9999.0, 256.0, 3.5, 1e300, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kernel", ["near", "cubic"])
def test_a_nodata_value_that_the_type_cannot_hold_hides_nothing(reader, nodata, kernel):
    rows = [row(reader, "a", [0, 1, 241, 255], nodata=nodata)]
    assert paint(rows, reader, nodata=nodata)[0, 0, 0].tolist() == [0, 1, 241, 255]
    bare = paint(
        rows, reader, nodata=nodata, masks=MaskPolicy(nodata=False), target=ROW.pad(1), kernel=kernel
    )
    assert bare[0, 0, 1, 1:5].tolist() == [0, 1, 241, 255]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("nodata", "stored", "beside"),
    [
        (-1.2676506e30, -1.2676506002282294e30, -1.2677e30),
        (-3.4028234663852886e38, np.float32(-3.4028234663852886e38), -3.4028e38),
        (-9999.0, -9999.0, -9999.1),
        (0.1, np.float32(0.1), 0.10001),
        (0.0, 0.0, 1e-30),
        (np.inf, np.inf, 3e38),
    ],
)
@pytest.mark.parametrize("below", [False, True])
def test_floats_are_nodata_within_the_digits_of_a_header(reader, dtype, nodata, stored, beside, below):
    """As GDAL has it; a header that says -1.2676506e+30 means the pixels of -1.2676506002282294e+30."""
    rows = [row(reader, "a", [stored, beside, 1, NAN], dtype=dtype, nodata=nodata)]
    if below:  # the road of several images
        rows.insert(0, row(reader, "b", [NAN] * 4, dtype=dtype))
    found = paint(rows, reader)[0, 0, 0]
    assert np.isnan(found).tolist() == [True, False, False, True]


def test_layers_may_be_empty_or_hold_an_image_twice(reader):
    rows = [row(reader, "a", [1, 0, 3, 4], nodata=0)]
    found = paint(rows, reader, layers=[[], [0, 0], [0]])
    assert np.isnan(found[0]).all()
    assert np.array_equal(found[1], found[2], equal_nan=True)


def test_an_image_below_is_not_read_where_the_top_has_every_pixel(reader):
    reading = RecordingReader(reader)
    rows = [row(reader, "a", [1, 1, 1, 1]), row(reader, "b", [2, 2, 2, 2])]
    paint(rows, reading)
    assert [read[0] for read in reading.reads] == ["b"]


@pytest.mark.parametrize("masked", [True, False])
def test_each_file_is_read_once_where_values_are_computed(reader, masked):
    double = BoundStep(function="linear", coefficients=(2.0, 0.0))
    sources = []
    for k, name in enumerate("ab"):
        (source,) = reader.add(name, noise(BOX.shape, "uint16", seed=k) % 1000, BOX, image="i")
        sources.append(replace(source, steps=(double,)))
    reading = RecordingReader(reader)
    found = make_lazy([sources], BOX, reading, masks=MaskPolicy(nodata=masked))[0]
    assert sorted(read[0] for read in reading.reads) == ["a", "b"]
    for k in range(2):
        assert np.array_equal(found[k], noise(BOX.shape, "uint16", seed=k) % 1000 * 2)


def test_of_an_image_below_only_what_is_not_hidden_is_read(reader):
    reading = RecordingReader(reader)
    top = noise(BOX.shape, "uint16")
    top[9:12, 20:33] = 0
    rows = [
        reader.add("a", noise(BOX.shape, "uint16", seed=2), BOX),
        reader.add("b", top, BOX, nodata=0),
    ]
    found = make_lazy(rows, BOX, reading, layers=[[0, 1]])[0, 0]
    assert [(read[0], read[3]) for read in reading.reads] == [
        ("b", Window(0, 0, 40, 40)),
        ("a", Window(9, 20, 3, 13)),
    ]
    assert np.array_equal(found, np.where(top == 0, noise(BOX.shape, "uint16", seed=2), top))


@pytest.mark.parametrize("kernel", ["near", "bilinear", "cubic", "average"])
@pytest.mark.parametrize("masked", [True, False])
def test_what_is_not_read_does_not_change_what_is_seen(reader, kernel, masked):
    """Three images with holes, off the output's grid: the same as choosing among them pixel by pixel."""
    rng = np.random.default_rng(5)
    rows = []
    for number in range(3):
        pixels = noise(BOX.shape, "uint16", seed=number)
        pixels[rng.random(BOX.shape) < 0.5] = 0
        pixels[:, 12 * number : 12 * number + 16] = 0
        # Another grid for each, so that no kernel sees a neighbour.
        place = GeoBox.from_geotrans((3 + 1.3 * number, 10, 0, 396, 0, -10), BOX.shape, 32632)
        rows.append(reader.add(f"i{number}", pixels, place, nodata=0))
    masks = MaskPolicy(nodata=masked)
    whole = make_lazy(rows, BOX, reader, layers=[[0, 1, 2]], kernel=kernel, nodata=0, masks=masks)[0, 0]
    alone = [make_lazy([row], BOX, reader, kernel=kernel, nodata=0)[0, 0].astype(float) for row in rows]
    expected = np.where(np.isnan(alone[2]), np.where(np.isnan(alone[1]), alone[0], alone[1]), alone[2])
    if masked:
        assert np.array_equal(whole, expected, equal_nan=True)
    else:
        good = ~np.isnan(expected)
        assert np.array_equal(whole[good], expected[good])
        assert (whole[~good] == 0).all()
    parts = make_lazy(rows, BOX, reader, layers=[[0, 1, 2]], kernel=kernel, nodata=0, masks=masks)
    assert np.array_equal(parts[0, 0, 7:31, 5:], whole[7:31, 5:], equal_nan=True)


def test_bands_of_an_image_may_lie_on_different_grids(reader):
    fine = GeoBox.from_geotrans((0, 5, 0, 10, 0, -5), (2, 8), 32632)
    (a,) = row(reader, "a", [1, 2, 3, 4])
    (b,) = reader.add("b", np.arange(16, dtype="uint8").reshape(2, 8), fine, image="a")
    found = paint([[a, b]], reader)[0]
    assert found[0, 0].tolist() == [1, 2, 3, 4]
    assert found[1, 0].tolist() == [9, 11, 13, 15]


# -- alpha and kernels -----------------------------------------------------------------------------


@pytest.fixture
def veiled(reader):
    """A picture that is 1000 where alpha is 1, and 0 (the usual black) where it is 0."""
    alpha = np.zeros(BOX.shape, "uint16")
    alpha[7:29, 5:31] = 1
    return reader.add("veiled", np.stack([alpha * 1000, alpha]), BOX)


@pytest.mark.parametrize(
    "kernel", ["near", "bilinear", "cubic", "cubicspline", "lanczos", "average", "mode", "min"]
)
@pytest.mark.parametrize("step", [7, 10, 13, 33])
def test_what_alpha_hides_does_not_bleed_into_what_it_shows(reader, veiled, kernel, step):
    target = GeoBox.from_geotrans((-3, step, 0, 405, 0, -step), (400 // step + 2, 400 // step + 2), 32632)
    lazy = make_lazy(
        [veiled], target, reader, kernel=[kernel, "near"], category=[False, True], masks=MaskPolicy(alpha=1)
    )
    colour, alpha = lazy[0]
    assert set(np.unique(colour[~np.isnan(colour)])) == {1000}
    if kernel not in ("average", "mode", "min"):
        assert np.array_equal(np.isnan(colour), np.isnan(alpha))


@pytest.mark.parametrize("kernel", ["near", "bilinear", "lanczos"])
def test_what_alpha_hides_does_not_bleed_through_overviews(reader, kernel):
    alpha = np.zeros(BOX.shape, "uint16")
    alpha[8:28, 4:32] = 1
    pixels = np.stack([alpha * 1000, alpha])
    rows = [reader.add("a", pixels, BOX, overviews=[pixels[:, ::2, ::2], pixels[:, ::4, ::4]])]
    target = GeoBox.from_geotrans((0, 45, 0, 400, 0, -45), (9, 9), 32632)
    lazy = make_lazy(
        rows, target, reader, kernel=[kernel, "near"], category=[False, True], masks=MaskPolicy(alpha=1)
    )
    colour = lazy[0, 0]
    assert set(np.unique(colour[~np.isnan(colour)])) == {1000}
    assert (~np.isnan(colour)).sum() > 15


def test_alpha_in_a_file_of_its_own_without_overviews(reader):
    alpha = np.zeros(BOX.shape, "uint16")
    alpha[7:29, 5:31] = 1
    levels = [alpha[::2, ::2] * 1000, alpha[::4, ::4] * 1000]
    (colour,) = reader.add("colour", alpha * 1000, BOX, image="a", overviews=levels)
    (mask,) = reader.add("mask", alpha, BOX, image="a")
    target = GeoBox.from_geotrans((0, 45, 0, 400, 0, -45), (9, 9), 32632)
    lazy = make_lazy(
        [[colour, mask]],
        target,
        reader,
        kernel=["cubic", "near"],
        category=[False, True],
        masks=MaskPolicy(alpha=1),
    )
    found = lazy[0, 0]
    assert set(np.unique(found[~np.isnan(found)])) == {1000}


@pytest.mark.parametrize("kernel", ["bilinear", "cubic", "cubicspline", "lanczos", "average", "mode", "min"])
@pytest.mark.parametrize("step", [7, 10, 13, 33])
@pytest.mark.parametrize("size", [5, 10, 20, 40], ids="alpha of {} m".format)
def test_what_alpha_of_another_resolution_hides_does_not_bleed(reader, kernel, step, size):
    """The colours are 20 m, and 1000 in every pixel of which the alpha band shows a part."""
    fine = np.zeros((160, 160), "uint16")
    fine[40:104, 24:120] = 1  # whole pixels of 40 m
    alpha = fine[:: size // 5, :: size // 5]
    grid = GeoBox.from_geotrans((0, size, 0, 800, 0, -size), alpha.shape, 32632)
    (mask,) = reader.add("mask", alpha, grid, image="a")
    box = GeoBox.from_geotrans((0, 20, 0, 800, 0, -20), (40, 40), 32632)
    (colour,) = reader.add("colour", fine[::4, ::4] * 1000, box, image="a")
    target = GeoBox.from_geotrans((-3, step, 0, 805, 0, -step), (800 // step + 2, 800 // step + 2), 32632)
    lazy = make_lazy(
        [[colour, mask]],
        target,
        reader,
        kernel=[kernel, "near"],
        category=[False, True],
        masks=MaskPolicy(alpha=1),
    )
    found, shown = lazy[0]
    assert set(np.unique(found[~np.isnan(found)])) == {1000}
    if kernel not in ("average", "mode", "min"):
        assert np.array_equal(np.isnan(found), np.isnan(shown))


@pytest.mark.parametrize("kernel", ["near", "bilinear", "lanczos"])
def test_a_pixel_of_which_alpha_shows_a_part_is_there(reader, kernel):
    """Alpha of half the size shows one of the four quarters of each pixel."""
    alpha = np.zeros((80, 80), "uint8")
    alpha[::2, ::2] = 255
    (mask,) = reader.add(
        "mask", alpha, GeoBox.from_geotrans((0, 5, 0, 400, 0, -5), (80, 80), 32632), image="a"
    )
    (colour,) = reader.add("colour", np.full(BOX.shape, 7, "uint8"), BOX, image="a")
    target = GeoBox.from_geotrans((1, 5, 0, 399, 0, -5), (79, 79), 32632)
    options = {"kernel": [kernel, "near"], "category": [False, True], "masks": MaskPolicy(alpha=1)}
    found, shown = make_lazy([[colour, mask]], target, reader, **options)[0]
    assert np.array_equal(np.isnan(found), np.isnan(shown))
    assert (~np.isnan(shown)).sum() == 40 * 40


def test_a_large_alpha_band_of_another_resolution_is_read_in_parts(reader, monkeypatch):
    from dawnlight.raster import _fetch

    alpha = (noise((160, 160)) > 5000).astype("uint8")
    grid = GeoBox.from_geotrans((0, 2.5, 0, 400, 0, -2.5), (160, 160), 32632)
    (mask,) = reader.add("mask", alpha, grid, image="a")
    (colour,) = reader.add("colour", noise(BOX.shape), BOX, image="a")
    target = GeoBox.from_geotrans((1, 7, 0, 399, 0, -7), (56, 56), 32632)
    options = {"kernel": ["cubic", "near"], "category": [False, True], "masks": MaskPolicy(alpha=1)}
    lazy = make_lazy([[colour, mask]], target, reader, dtype=["uint16", "uint8"], **options)
    whole = lazy[:]
    monkeypatch.setattr(_fetch, "LARGE_BYTES", 2000)
    monkeypatch.setattr(_fetch, "SMALLEST", 8)
    assert np.array_equal(lazy[:], whole, equal_nan=True)


# -- resampled values are not nodata ---------------------------------------------------------------


@pytest.mark.parametrize("kernel", ["bilinear", "cubic", "lanczos", "cubicspline", "average"])
@pytest.mark.parametrize("nodata", [0, 5, 255])
def test_a_valid_pixel_never_gets_the_nodata_value(reader, kernel, nodata):
    """What becomes 0 between 1 and 200 would be a hole in every file that the result is written to."""
    pixels = np.where(noise(BOX.shape, "uint8") % 2, 0, 255).astype("uint8")
    pixels = np.where(pixels == nodata, np.clip(nodata, 1, 254) + 1 - 2 * (nodata > 5), pixels).astype(
        "uint8"
    )
    assert not (pixels == nodata).any()
    rows = [reader.add("a", pixels, BOX, nodata=nodata)]
    target = GeoBox.from_geotrans((3, 8.3, 0, 397, 0, -8.3), (46, 46), 32632)
    masked = make_lazy(rows, target, reader, kernel=kernel, nodata=nodata)[0, 0]
    assert not (masked == nodata).any()
    bare = make_lazy(rows, target, reader, kernel=kernel, nodata=nodata, masks=MaskPolicy(nodata=False))[0, 0]
    assert np.array_equal(bare == nodata, np.isnan(masked))


# -- failures --------------------------------------------------------------------------------------


def test_a_failed_read_names_image_band_file_and_place(reader):
    rows = [row(reader, "a", [1, 2, 3, 4])]
    lazy = make_lazy(rows, ROW, FailingReader(reader, ["a"]))
    with pytest.raises(
        RasterReadError, match=r"image 'a', band b0: cannot read rows 0-0, columns 1-2 of 'a': .*damaged"
    ):
        lazy[0, 0, 0, 1:3]


def test_a_tolerated_failure_shows_what_lies_below_and_is_noted_once(reader):
    rows = [row(reader, "a", [1, 0, 1, 1], nodata=0), row(reader, "b", [2, 2, 2, 2])]
    lazy = make_lazy(rows, ROW, FailingReader(reader, ["b"]), layers=[[0, 1]], errors="mask")
    with pytest.warns(RuntimeWarning, match=r"image 'b', band b0, 'b'"):
        first = lazy[0, 0, 0]
    second = lazy[0, 0, 0]
    assert np.array_equal(first, [1, NAN, 1, 1], equal_nan=True)
    assert np.array_equal(first, second, equal_nan=True)
    (failure,) = lazy.log.to_list()
    assert failure == {
        "image": "b",
        "bands": ("b0",),
        "href": "b",
        "window": (0, 0, 1, 4),
        "level": 0,
        "reason": "b: the bytes are damaged",
    }


def test_a_tolerated_failure_of_the_alpha_band_hides_its_image(reader):
    rows = [[*row(reader, "a", [1, 2, 3, 4]), *row(reader, "veil", [1, 1, 1, 1], image="a")]]
    lazy = make_lazy(rows, ROW, FailingReader(reader, ["veil"]), masks=MaskPolicy(alpha=1), errors="mask")
    with pytest.warns(RuntimeWarning, match="veil"):
        assert np.isnan(lazy[0, 0]).all()


def test_nothing_is_read_for_what_has_no_pixels(reader):
    rows = [row(reader, "a", [1, 2, 3, 4])]
    lazy = make_lazy(rows, ROW.pad(5), UntouchableReader())
    assert lazy[:, :, :5].shape == (1, 1, 5, 14)
    assert lazy[:, :, 5:5].shape == (1, 1, 0, 14)
    assert lazy[:, 0:0].shape == (1, 0, 11, 14)
    assert lazy[0:0].shape == (0, 1, 11, 14)
