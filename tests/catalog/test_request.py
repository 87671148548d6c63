"""What a pixel call asks for, settled for all products involved."""

from __future__ import annotations

import pytest

import dawnlight as dl
from dawnlight.catalog._request import make_request
from dawnlight.errors import BandError, ParameterError
from dawnlight.testing._archive import Archive

LINEAR = [{"function": "linear", "parameter": "1,-1000", "data_type": "UInt16", "data_range": (0, 10000)}]
PRODUCTS = {
    "s2": {
        "red": {"nodata": 0},
        "swir": {"nodata": 0, "processing_levels": {"shifted": LINEAR}},
        "scl": {"kind": "class", "data_type": "Byte", "nodata": 0},
        "alpha": {"kind": "mask", "data_type": "Byte"},
    },
    "l8": {
        "red": {"data_type": "Int16", "nodata": -9999},
        "scl": {"data_type": "Byte", "nodata": 255},
        "alpha": {"kind": "mask", "data_type": "Byte"},
    },
    "bare": {"red": {}, "height": {"data_type": "Float32"}},
}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with dl.open("memory://request") as client:
        archive = Archive(client, tmp_path_factory.mktemp("archive"))
        for product, bands in PRODUCTS.items():
            archive.add_product(product, bands)
        yield client


@pytest.fixture
def request_of(client):
    def make(products, bands, **options):
        given = {
            "mask_nodata": True,
            "mask_alpha": None,
            "resampler": "near",
            "processing_level": None,
            "scaling": None,
            "data_type": None,
            **options,
        }
        return make_request(products, client, bands=bands, **given)

    return make


def test_alpha_is_added_where_all_products_have_it(request_of):
    found = request_of(["s2", "l8"], "red")
    assert (found.names, found.keep, found.alpha) == (("red", "alpha"), 1, 1)
    found = request_of(["s2", "bare"], "red")
    assert (found.names, found.keep, found.alpha) == (("red",), 1, None)
    found = request_of(["s2"], "red alpha")
    assert (found.names, found.keep, found.alpha) == (("red", "alpha"), 2, 1)


@pytest.mark.parametrize(
    ("mask_alpha", "alpha"), [(True, 1), (False, None), (None, 1), ("alpha", 1), ("scl", 1)]
)
def test_alpha_as_asked(request_of, mask_alpha, alpha):
    assert request_of(["s2"], "red", mask_alpha=mask_alpha).alpha == alpha


@pytest.mark.parametrize("mask_alpha", [0, 1, 2.5, [], ["alpha"], b"alpha"])
def test_other_alphas_are_refused(request_of, mask_alpha):
    with pytest.raises(ParameterError, match="must be None, True, False or the name of a band"):
        request_of(["s2"], "red", mask_alpha=mask_alpha)


def test_a_missing_alpha_is_refused_even_if_only_one_product_lacks_it(request_of):
    with pytest.raises(BandError, match=r"mask_alpha=True: band 'alpha' is not available in product 'bare'"):
        request_of(["s2", "bare"], "red", mask_alpha=True)


@pytest.mark.parametrize("mask_nodata", [True, 1, "yes", False, 0, None, ""])
def test_mask_nodata_is_taken_by_its_truth(request_of, mask_nodata):
    found = request_of(["bare"], "red", mask_nodata=mask_nodata)
    assert found.mask_nodata is bool(mask_nodata)
    assert found.masked is bool(mask_nodata)


def test_the_added_alpha_does_not_widen_the_type(request_of):
    assert request_of(["s2"], "scl").data_type == "Byte"
    assert request_of(["s2"], "red scl").data_type == "UInt16"
    assert request_of(["s2", "l8"], "red").data_type == "Int32"
    assert request_of(["s2", "l8"], "red").specs[0].dtype == "int32"
    assert request_of(["bare"], "red height").data_type == "Float32"
    assert request_of(["s2"], "red", data_type="Byte").data_type == "Byte"


def test_nodata_is_what_the_products_agree_on(request_of):
    assert request_of(["s2"], "red").specs[0].nodata == 0
    assert request_of(["s2", "l8"], "red").specs[0].nodata is None
    assert request_of(["bare"], "red").specs[0].nodata is None
    assert request_of(["s2"], "red").fill == [0, 0]
    assert request_of(["l8"], "red", mask_alpha=False).fill == [-9999]


def test_nodata_is_no_value_of_a_processing_level(request_of):
    """What a step makes of a valid pixel may be the number that marks missing ones in the file."""
    found = request_of(["s2"], "swir", processing_level="shifted", mask_alpha=False)
    assert found.data_type == "UInt16"
    assert found.specs[0].nodata is None
    assert request_of(["s2"], "swir", mask_alpha=False).specs[0].nodata == 0


def test_a_band_is_a_category_if_any_product_says_so(request_of):
    for products in (["s2", "l8"], ["l8", "s2"]):
        (spec, _) = request_of(products, "scl", resampler="cubic").specs
        assert spec.category
        assert spec.resampler is None


@pytest.mark.parametrize(
    ("resampler", "expected"),
    [
        ("near", ["near", None, "near"]),
        ("cubic", ["cubic", None, "near"]),
        ({"red": "cubic"}, ["cubic", None, "near"]),
        ({"scl": "mode"}, ["near", "mode", "near"]),
        ({"default_": "lanczos", "scl": "near"}, ["lanczos", "near", "near"]),
        ({}, ["near", None, "near"]),
        ({"alpha": "max"}, ["near", None, "max"]),
        ("average", ["average", None, None]),
        ({"red": "max"}, ["max", None, None]),
    ],
    ids=str,
)
def test_kernels(request_of, resampler, expected):
    """The band that masks goes with those that it masks: centre by centre, or by area."""
    found = request_of(["s2"], "red scl", resampler=resampler)
    assert [spec.resampler for spec in found.specs] == expected


def test_an_alpha_band_of_any_kind_is_not_blended(request_of):
    found = request_of(["bare"], "height", mask_alpha="red", resampler="cubic")
    assert [(spec.resampler, spec.category) for spec in found.specs] == [("cubic", False), ("near", True)]


@pytest.mark.parametrize(
    ("resampler", "message"),
    [
        ("nearest", "resampler='nearest' is unknown"),
        ({"red": "nearest"}, r"resampler\['red'\]='nearest' is unknown"),
        ({"blue": "near"}, "names the band 'blue', which is not among"),
        (None, "resampler='None' is unknown"),
    ],
    ids=str,
)
def test_kernels_that_do_not_exist(request_of, resampler, message):
    with pytest.raises(ParameterError, match=message):
        request_of(["s2"], "red scl", resampler=resampler)


def test_scales_have_an_entry_for_the_added_alpha(request_of):
    assert request_of(["s2"], "red", scaling="display").scales == ((0, 4000, 0, 255), None)
    assert request_of(["s2"], "red").scales == (None, None)
    assert request_of(["s2", "l8"], "red", scaling=[(0, 100)]).scales == ((0, 100, 0, 255), None)


def test_products_must_be_scaled_alike(client, request_of):
    red = dl.Product.get("bare", client=client).get_band("red")
    before, red.display_range = red.display_range, (0, 255)
    red.save()
    try:
        with pytest.raises(ParameterError, match="scal"):
            request_of(["s2", "bare"], "red", scaling="display")
    finally:
        red.display_range = before
        red.save()
