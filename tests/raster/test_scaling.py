"""The scaling rules: the vectors of the contract, what is refused, and what happens to pixels."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawnlight.errors import BandError, ParameterError
from dawnlight.raster._levels import BandScaling, ProcessingStep
from dawnlight.raster._scaling import apply_scale, resolve_common_scaling, resolve_scaling

# Ranges are floats, as they are after passing through the catalog's attributes.
RED, GREEN, BLUE = (
    BandScaling(
        name=name,
        data_type="UInt16",
        data_range=(0.0, 10000.0),
        display_range=(0.0, 4000.0),
        physical_range=(0.0, 1.0),
    )
    for name in ("red", "green", "blue")
)
ALPHA = BandScaling(name="alpha", kind="mask", data_type="Byte")
CLS = BandScaling(name="cls", kind="class", data_type="Byte", data_range=(0, 255), display_range=(0, 10))
F = BandScaling(
    name="f",
    kind="generic",
    data_type="Float32",
    data_range=(-5.0, 5.0),
    display_range=(0.0, 2.0),
    physical_range=(0.0, 100.0),
)
BYTES = BandScaling(name="bytes", data_type="UInt16", data_range=(0, 255))
RGBA = (RED, GREEN, BLUE, ALPHA)

VECTORS: list[tuple[str, tuple[BandScaling, ...], Any, str | None, Any, str]] = [
    ("nothing", (RED,), None, None, None, "UInt16"),
    ("nothing-to-byte", (RED,), None, "Byte", None, "Byte"),
    ("raw", (RED,), "raw", None, None, "UInt16"),
    ("auto", (RED,), "auto", None, [()], "Byte"),
    ("display", (RED,), "display", None, [(0, 4000, 0, 255)], "Byte"),
    ("display-uint16", (RED,), "display", "UInt16", [(0, 4000, 0, 255)], "UInt16"),
    ("display-float32", (RED,), "display", "Float32", [(0, 4000, 0, 255.99)], "Float32"),
    ("physical", (RED,), "physical", None, [(0, 10000, 0, 1)], "Float64"),
    ("physical-float-band", (F,), "physical", None, [(-5, 5, 0, 100)], "Float64"),
    ("pair", (RED,), [(0, 4000)], None, [(0, 4000, 0, 255)], "Byte"),
    ("pair-uint16", (RED,), [(0, 4000)], "UInt16", [(0, 4000, 0, 65535)], "UInt16"),
    ("pair-float32", (RED,), [(0, 4000)], "Float32", [(0, 4000, 0.0, 1.0)], "Float32"),
    ("percent", (RED,), [("10%", "90%")], None, [(400, 3600, 0, 255)], "Byte"),
    ("percent-uint16", (RED,), [("10%", "90%")], "UInt16", [(6553, 58981, 0, 65535)], "UInt16"),
    ("percent-float64", (RED,), [("10%", "90%")], "Float64", [(1000, 9000, 0.0, 1.0)], "Float64"),
    (
        "percents-byte",
        (RED,),
        [("10%", "90%", "0%", "100%")],
        "Byte",
        [(400, 3600, 0, 255)],
        "Byte",
    ),
    # Corrected: the reference makes this Float64.
    ("four-whole-numbers", (RED,), [(0, 10000, 0, 255)], None, [(0, 10000, 0, 255)], "Byte"),
    ("four-whole-floats", (RED,), [(0, 10000, 0.0, 255.0)], None, [(0, 10000, 0, 255)], "Byte"),
    ("four-fraction", (RED,), [(0, 10000, 0, 2.5)], None, [(0, 10000, 0, 2.5)], "Float64"),
    ("four-beyond-int32", (RED,), [(0, 1, 0, 4e9)], None, [(0, 1, 0, 4000000000)], "UInt32"),
    ("four-beyond-uint32", (RED,), [(0, 1, 0, 5e9)], None, [(0, 1, 0, 5e9)], "Float64"),
    (
        "byte-numbers-and-pair",
        (RED, F),
        [(0, 10000, 0, 255), (0, 4000)],
        None,
        [(0, 10000, 0, 255), (0, 4000, 0, 255)],
        "Byte",
    ),
    (
        "uint16-numbers-and-pair",
        (RED, F),
        [(0, 10000, 0, 256), (0, 4000)],
        None,
        [(0, 10000, 0, 256), (0, 4000, 0, 65535)],
        "UInt16",
    ),
    (
        "uint32-numbers-and-pair",
        (RED, F),
        [(0, 10000, 0, 70000), (0, 4000)],
        None,
        [(0, 10000, 0, 70000), (0, 4000, 0, 4294967295)],
        "UInt32",
    ),
    (
        "int32-numbers-and-pair",
        (RED, F),
        [(0, 10000, -5, 70000), (0, 4000)],
        None,
        [(0, 10000, -5, 70000), (0, 4000, -2147483648, 2147483647)],
        "Int32",
    ),
    (
        "unit-interval-and-pairs",
        RGBA,
        [(0, 10000, 0, 1.0), (0, 4000), (0, 4000), None],
        None,
        [(0, 10000, 0, 1), (0, 4000, 0, 1), (0, 4000, 0, 1), None],
        "Float64",
    ),
    (
        "percents-with-display",
        RGBA,
        [("0%", "100%", "0%", "100%"), ("2%", "98%", "2%", "98%"), "display", None],
        None,
        [(0, 4000, 0, 255), (80, 3920, 5, 250), (0, 4000, 0, 255), None],
        "Byte",
    ),
    (
        "percents-with-physical",
        RGBA,
        [("0%", "100%", "0%", "100%"), ("2%", "98%", "2%", "98%"), "physical", None],
        None,
        [(0, 10000, 0, 1), (200, 9800, 0.02, 0.98), (0, 10000, 0, 1), None],
        "Float64",
    ),
    (
        "mapping",
        RGBA,
        {"red": "display", "green": (0, 10000), "default_": "auto"},
        None,
        [(0, 4000, 0, 255), (0, 10000, 0, 255), (), None],
        "Byte",
    ),
    (
        "mapping-raw-default",
        (RED, GREEN, ALPHA),
        {"default_": "raw", "red": (0, 4000, 0, 255)},
        None,
        [(0, 4000, 0, 255), None, None],
        "UInt16",
    ),
    ("display-skips-classes", (RED, CLS), "display", None, [(0, 4000, 0, 255), None], "Byte"),
    ("classes-display", (CLS,), "display", None, None, "Byte"),
    ("classes-physical", (CLS,), "physical", None, None, "Float64"),
    ("classes-raw", (CLS,), "raw", None, None, "Byte"),
    ("classes-numbers", (CLS,), [(0, 10)], None, [(0, 10, 0, 255)], "Byte"),
    (
        "no-conflict-with-classes",
        (RED, CLS),
        ["display", "physical"],
        None,
        [(0, 4000, 0, 255), None],
        "Byte",
    ),
    ("display-and-auto", (RED, F), ["display", "auto"], None, [(0, 4000, 0, 255), ()], "Byte"),
    ("pair-and-auto", (RED, F), [(0, 4000), ()], None, [(0, 4000, 0, 255), ()], "Byte"),
    ("truncation", (RED,), [(0.5, 100.7)], None, [(0, 100, 0, 255)], "Byte"),
    ("no-truncation-for-floats", (F,), [(0.5, 100.7)], None, [(0.5, 100.7, 0, 255)], "Byte"),
    # Corrected: specs that ask for nothing are like None, whatever the ranges look like.
    ("none-listed", (RED,), [None], None, None, "UInt16"),
    ("empty-mapping", (RED,), {}, None, None, "UInt16"),
    ("none-listed-small-range", (BYTES,), [None], None, None, "UInt16"),
    ("none-by-default", (RED, ALPHA), {"default_": None}, None, None, "UInt16"),
    # Corrected: the reference fails on a physical range with a data range left to its default.
    (
        "physical-with-default-data-range",
        (BandScaling(name="b", physical_range=(0, 2)),),
        "physical",
        None,
        [(0, 10000, 0, 2)],
        "Float64",
    ),
    ("physical-without-physical-range", (BYTES,), "physical", None, None, "Float64"),
    ("beyond-100-percent", (RED,), [("-10%", "110%")], None, [(-400, 4400, 0, 255)], "Byte"),
]


@pytest.mark.parametrize(
    ("bands", "scaling", "data_type", "scales", "result"),
    [vector[1:] for vector in VECTORS],
    ids=[vector[0] for vector in VECTORS],
)
def test_vectors(bands: Any, scaling: Any, data_type: Any, scales: Any, result: str) -> None:
    got, got_type = resolve_scaling(bands, None, scaling, data_type)
    assert got_type == result
    if scales is None:
        assert got is None
        return
    assert got is not None
    assert len(got) == len(scales)
    for mine, expected in zip(got, scales, strict=True):
        assert mine == (expected if not expected else pytest.approx(expected))


def test_numbers_are_whole_where_the_type_is() -> None:
    (scale,), _ = resolve_scaling([RED], scaling="display")
    assert [type(number) for number in scale] == [int] * 4
    (scale,), _ = resolve_scaling([F], scaling="physical")
    assert [type(number) for number in scale] == [float] * 4


@pytest.mark.parametrize(
    ("bands", "scaling", "message"),
    [
        pytest.param((RED,), [("0%", "100%", "0%", "100%")], "percentages only", id="nothing-to-infer-from"),
        pytest.param((RED, F), ["display", "physical"], "cannot be mixed", id="two-modes"),
        pytest.param((RED, F), ["raw", "display"], "cannot be mixed", id="raw-and-display"),
        pytest.param((RED, F, GREEN), ["auto", "display", "raw"], "cannot be mixed", id="three-modes"),
        pytest.param((RED,), "Display", "'Display' is not a mode", id="case-counts"),
        pytest.param((RED,), ["auto", "auto"], "2 elements for 1 bands", id="too-many"),
        pytest.param((RED, F), ["auto"], "1 elements for 2 bands", id="too-few"),
        pytest.param((RED,), [], "0 elements for 1 bands", id="empty"),
        pytest.param((RED,), (0, 4000), "wrap the range in a list", id="bare-pair"),
        pytest.param((RED,), 7, "scaling=7 must be None", id="number"),
        pytest.param((RED,), b"auto", "must be None", id="bytes"),
        pytest.param((RED,), [(1, 2, 3)], "has 3 numbers", id="three-numbers"),
        pytest.param((RED,), [7], "7 cannot be used", id="number-as-element"),
        pytest.param((RED,), [{0: 1}], "cannot be used", id="mapping-as-element"),
        pytest.param((RED,), [object()], "cannot be used", id="object-as-element"),
        pytest.param((RED,), [np.zeros((2, 2))], "cannot be used", id="array-as-element"),
        pytest.param((RED,), [("10", "90")], "'10' is neither", id="text-without-percent"),
        pytest.param((RED,), [("x%", "90%")], "'x%' is neither", id="no-number-before-percent"),
        pytest.param((RED,), [("nan%", "90%")], "'nan%' is neither", id="nan-percent"),
        pytest.param((RED,), [("1e999%", "90%")], "neither", id="infinite-percent"),
        pytest.param((RED,), [(0, float("nan"))], "neither", id="nan"),
        pytest.param((RED,), [(0, np.inf)], "neither", id="infinite"),
        pytest.param((RED,), [(None, 4000)], "None is neither", id="none-as-number"),
        pytest.param((RED,), [(False, True)], "False is neither", id="truth-values"),
        pytest.param((RED,), [(0, 1j)], "neither", id="complex"),
        pytest.param((RED,), [(5, 5)], "which is empty", id="empty-range"),
        pytest.param((RED,), [(0.2, 0.7)], "as whole numbers", id="empty-after-truncation"),
        pytest.param((RED,), {"red": (1, 2, 3)}, r"scaling\['red'\]", id="mapping-names-the-band"),
    ],
)
def test_what_cannot_be_used_is_refused(bands: Any, scaling: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        resolve_scaling(bands, None, scaling)


@pytest.mark.parametrize("data_type", ["Uint16", "byte", np.uint8, 1])
def test_a_wrong_data_type_is_refused(data_type: Any) -> None:
    with pytest.raises(ParameterError, match="data_type"):
        resolve_scaling([RED], None, None, data_type)


_anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.binary(max_size=3)
    | st.sampled_from(["auto", "display", "physical", "raw", "2%", "%", "", "1e3%"])
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=5).map(tuple)
        | st.dictionaries(st.sampled_from(["red", "f", "cls", "default_", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(scaling=_anything, data_type=st.none() | st.sampled_from(["Byte", "Int32", "Float64", "nonsense"]))
def test_never_anything_but_an_answer_or_a_parameter_error(scaling: Any, data_type: str | None) -> None:
    bands = (RED, F, CLS)
    try:
        scales, result = resolve_scaling(bands, None, scaling, data_type)
    except ParameterError:
        return
    assert data_type is None or result == data_type
    assert scales is None or [len(scale or ()) in (0, 4) for scale in scales] == [True] * 3


def test_numpy_numbers_and_fractions_are_numbers() -> None:
    expected = resolve_scaling([F], scaling=[(0, 4000, 0.0, 0.5)])
    spec = [(np.int16(0), np.float32(4000), Fraction(0), np.float64(0.5))]
    assert resolve_scaling([F], scaling=spec) == expected
    assert resolve_scaling([F], scaling=[np.array([0, 4000, 0.0, 0.5])]) == expected


def test_an_iterator_will_do() -> None:
    assert resolve_scaling([RED, F], scaling=iter(["auto", "auto"])) == ([(), ()], "Byte")


# -- processing levels --------------------------------------------------------------------------------

LEVELED = BandScaling(
    name="red",
    data_type="UInt16",
    data_range=(0, 10000),
    display_range=(0, 4000),
    vendor_order=1,
    processing_levels={
        "default": "toa",
        "toa": (ProcessingStep(function="reflectance", data_range=(0, 1.2), display_range=(0, 0.4)),),
        "surface": (ProcessingStep(function="dlsr", data_type="Byte", data_range=(0, 9)),),
        "counts": (ProcessingStep(function="clip", data_type="UInt16"),),
        "DN": (),
    },
)


@pytest.mark.parametrize(
    ("level", "scaling", "expected"),
    [
        (None, None, (None, "Float64")),
        (None, "display", ([(0, 0.4, 0, 255)], "Byte")),
        ("toa", [("50%", "100%")], ([(0.2, 0.4, 0, 255)], "Byte")),
        ("toa", "physical", (None, "Float64")),
        ("counts", "display", ([(0, 65535, 0, 255)], "Byte")),
        ("DN", None, (None, "UInt16")),
        ("DN", "display", ([(0, 4000, 0, 255)], "Byte")),
        # The ranges of this one step are those of the band.
        ("surface", "display", ([(0, 4000, 0, 255)], "Byte")),
        ("surface", None, (None, "UInt16")),
    ],
)
def test_the_last_step_gives_type_and_ranges(level: Any, scaling: Any, expected: Any) -> None:
    assert resolve_scaling([LEVELED], level, scaling) == expected


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(BandError, match="DN, counts, default, surface, toa"):
        resolve_scaling([LEVELED], "boa")


# -- several products ---------------------------------------------------------------------------------


def test_products_that_agree_give_one_answer() -> None:
    assert resolve_common_scaling({"a": [RED], "b": [RED]}, None, "display") == ([(0, 4000, 0, 255)], "Byte")


def test_types_are_promoted_over_products() -> None:
    other = BandScaling(name="red", data_type="Int16", data_range=(0, 10000))
    assert resolve_common_scaling({"a": [RED], "b": [other]}) == (None, "Int32")


def test_a_list_that_asks_for_nothing_stays_a_list() -> None:
    assert resolve_common_scaling({"a": [RED, F], "b": [RED, F]}, None, [None, None]) == (
        [None, None],
        "Float32",
    )
    assert resolve_common_scaling({"a": [RED]}, None, "raw") == ([None], "UInt16")


def test_products_that_differ_are_refused() -> None:
    other = BandScaling(name="red", data_type="UInt16", data_range=(0, 10000), physical_range=(0, 2))
    with pytest.raises(BandError, match="band 'red' would be scaled differently"):
        resolve_common_scaling({"a": [RED], "b": [other]}, None, "physical")


def test_an_iterator_serves_every_product() -> None:
    products = {"a": [RED], "b": [RED]}
    assert resolve_common_scaling(products, None, iter([(0, 100)])) == ([(0, 100, 0, 255)], "Byte")


def test_no_products_are_refused() -> None:
    with pytest.raises(ParameterError, match="at least one product"):
        resolve_common_scaling({})


# -- pixels -------------------------------------------------------------------------------------------


def test_no_scale_is_a_cast() -> None:
    array = np.array([0, 300], "uint16")
    assert apply_scale(array, None, "uint16") is array
    assert apply_scale(array, None, "uint8").tolist() == [0, 255]


def test_ranges_do_not_limit_but_the_type_does() -> None:
    array = np.array([-1000, 0, 4000, 8000], "int16")
    assert apply_scale(array, (0, 4000, 10, 20), "float64").tolist() == [7.5, 10, 20, 30]
    assert apply_scale(array, (0, 4000, 0, 255), "uint8").tolist() == [0, 0, 255, 255]


def test_halves_of_exact_products_are_rounded_away_from_zero() -> None:
    # 400 * 255 / 4000 is 25.5 exactly; a precomputed factor would make it 25.499999...
    assert apply_scale(np.array([400, 1200], "uint16"), (0, 4000, 0, 255), "uint8").tolist() == [26, 77]


def test_a_falling_range_inverts() -> None:
    assert apply_scale(np.array([0, 10], "uint8"), (10, 0, 0, 1), "float32").tolist() == [1, 0]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("target", ["uint8", "int16", "float32"])
def test_the_table_gives_what_arithmetic_gives(dtype: str, target: str) -> None:
    values = np.arange(np.iinfo(dtype).max + 1).astype(dtype)
    many = np.concatenate([values] * 3)
    scale = (100, 4321, -3, 250.7)
    expected = np.concatenate([apply_scale(values, scale, target)] * 3)
    np.testing.assert_array_equal(apply_scale(many, scale, target), expected)


def test_auto_stretches_what_was_found_to_a_byte() -> None:
    array = np.array([10, 15, 20], "int32")
    assert apply_scale(array, (), "uint8", extremes=(10, 20)).tolist() == [0, 128, 255]


@pytest.mark.parametrize("extremes", [(7, 7), (np.nan, np.nan), (np.inf, -np.inf)])
def test_auto_without_a_range_is_zero(extremes: tuple[float, float]) -> None:
    assert apply_scale(np.array([7, 7], "uint16"), (), "uint8", extremes=extremes).tolist() == [0, 0]


def test_auto_needs_the_extremes_of_the_whole_window() -> None:
    with pytest.raises(ParameterError, match="whole window"):
        apply_scale(np.zeros(3, "uint8"), (), "uint8")


@given(
    st.lists(st.integers(0, 65535), min_size=1, max_size=20),
    st.tuples(st.integers(0, 500), st.integers(501, 10000)),
    st.integers(1, 19),
)
def test_scaling_parts_is_scaling_the_whole(values: list[int], source: tuple[int, int], cut: int) -> None:
    array = np.array(values, "uint16")
    whole = apply_scale(array, (*source, 0, 255), "uint8")
    parts = [apply_scale(part, (*source, 0, 255), "uint8") for part in (array[:cut], array[cut:])]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
