from __future__ import annotations

import copy
import pickle
from types import SimpleNamespace

import pytest

from dawnlight.errors import FilterError
from dawnlight.search import Eq, ILike, IsNotNull, IsNull, Like, Ne, Or, Prefix, Properties, Property, Range

p = Properties()

MADE = {
    "eq": (lambda: p.x == "v", Eq("x", "v")),
    "reversed eq": (lambda: "v" == p.x, Eq("x", "v")),  # noqa: SIM300 - the order is the point
    "ne": (lambda: p.x != "v", Ne("x", "v")),
    "gt": (lambda: p.x > 1, Range("x", gt=1)),
    "reversed gt": (lambda: 60 >= p.x, Range("x", lte=60)),  # noqa: SIM300 - the order is the point
    "gte": (lambda: p.x >= 1, Range("x", gte=1)),
    "lt": (lambda: p.x < 1, Range("x", lt=1)),
    "lte": (lambda: p.x <= 1, Range("x", lte=1)),
    "prefix": (lambda: p.x.prefix("v"), Prefix("x", "v")),
    "startswith": (lambda: p.x.startswith("v"), Prefix("x", "v")),
    "like": (lambda: p.x.like("v%"), Like("x", "v%")),
    "ilike": (lambda: p.x.ilike("v%"), ILike("x", "v%")),
    "isnull": (lambda: p.x.isnull, IsNull("x")),
    "isnotnull": (lambda: p.x.isnotnull, IsNotNull("x")),
    "any_of": (lambda: p.x.any_of([1, 2]), Or((Eq("x", 1), Eq("x", 2)))),
    "in_": (lambda: p.x.in_(iter([1, 2])), Or((Eq("x", 1), Eq("x", 2)))),
    "any_of one": (lambda: p.x.any_of({1}), Eq("x", 1)),
    "any_of null": (lambda: p.x.any_of([1, None]), Or((Eq("x", 1), IsNull("x")))),
    "extra": (lambda: p.extra_properties.foo == 1, Eq("extra_properties.foo", 1)),
    "extra key": (lambda: p.extra_properties["eo:cloud.x"] == 1, Eq("extra_properties.eo:cloud.x", 1)),
    "extra method name": (lambda: p.extra_properties["prefix"] == 1, Eq("extra_properties.prefix", 1)),
    "reference": (lambda: p.product == "p", Eq("product_id", "p")),
    "reference object": (lambda: p.product == SimpleNamespace(id="p"), Eq("product_id", "p")),
    "reference ne": (lambda: p.product != SimpleNamespace(id="p"), Ne("product_id", "p")),
    "image reference": (lambda: p.image == SimpleNamespace(id="p:a"), Eq("image_id", "p:a")),
    "reference null": (lambda: p.product.isnull, IsNull("product_id")),
}


@pytest.mark.parametrize(("make", "expected"), MADE.values(), ids=MADE)
def test_operations_make_expressions(make, expected):
    assert make().is_same(expected)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: p.x.any_of([]), "at least one"),
        (lambda: p.x.any_of("abc"), "put it in a list"),
        (lambda: p.x.prefix(5), "takes a string"),
        (lambda: p.x.like(None), "isnull"),
        (lambda: p.extra_properties[""], "not empty"),
        (lambda: p.extra_properties[0], "must be a string"),
        (lambda: p.x["a"], "only extra_properties"),
        (lambda: Property(""), "1 to 2000 characters"),
        (lambda: p.x.any_of([[1]]), "cannot compare"),
    ],
)
def test_misuse_is_explained(make, words):
    with pytest.raises(FilterError, match=words):
        make()


def test_unknown_method_suggests_a_near_one():
    with pytest.raises(AttributeError, match="did you mean isnull"):
        _ = p.x.is_null
    with pytest.raises(AttributeError, match="only extra_properties has parts"):
        _ = p.acquired.year


def test_restricted_names():
    some = Properties("a", "b")
    assert (some.a == 1).is_same(Eq("a", 1))
    with pytest.raises(AttributeError, match="allowed are a, b"):
        _ = some.c
    assert {"a", "b"} <= set(dir(some))


@pytest.mark.parametrize("name", ["_repr_html_", "__array__", "__geo_interface__", "_x"])
def test_private_names_are_no_properties(name):
    assert not hasattr(p, name)
    assert not hasattr(p.x, name)


def test_properties_copy_and_pickle():
    some = Properties("a")
    for other in (copy.deepcopy(some), pickle.loads(pickle.dumps(some))):
        assert (other.a == 1).is_same(Eq("a", 1))
        with pytest.raises(AttributeError):
            _ = other.b
    assert (copy.deepcopy(p.x) == 1).is_same(Eq("x", 1))
    assert (pickle.loads(pickle.dumps(p.x)) == 1).is_same(Eq("x", 1))


def test_property_is_not_hashable():
    with pytest.raises(TypeError, match="unhashable"):
        hash(p.x)


@pytest.mark.parametrize(
    ("prop", "text"),
    [
        (p.x, "p.x"),
        (p.extra_properties.foo, "p.extra_properties.foo"),
        (p.extra_properties["eo:cloud"], "p.extra_properties['eo:cloud']"),
        (Property("a b"), "Property('a b')"),
        (Property("class"), "Property('class')"),
    ],
)
def test_repr_is_python(prop, text):
    assert repr(prop) == text
