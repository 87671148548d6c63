from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawnlight.catalog import Collection, Image, ImageCollection
from dawnlight.catalog import properties as p
from dawnlight.errors import ParameterError, ParameterTypeError
from dawnlight.geo import AOI

FooBar = namedtuple("FooBar", ["foo", "bar"])
X = namedtuple("X", "x")


class Words(Collection[str]):
    _item_type = str

    def __init__(self, items: Any = None, note: str = "") -> None:
        super().__init__(items)
        self.note = note


@pytest.fixture
def words() -> Words:
    return Words(["one", "two", "three", "four"], note="kept")


def test_construction_checks_items() -> None:
    with pytest.raises(ParameterError, match="holds str objects, not 1"):
        Words(["a", 1])
    with pytest.raises(ValueError, match="holds int"):
        Collection(["a"], item_type=int)
    empty = Collection(item_type=int)
    with pytest.raises(ValueError, match="holds int"):
        empty.append("a")
    with pytest.raises(ParameterError, match="does not fit"):
        Words([], note="").__class__.__mro__[1].__init__(Words(), [], int)


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (slice(1, 3), ["two", "three"]),
        (slice(None, None, -1), ["four", "three", "two", "one"]),
        ([0, -1], ["one", "four"]),
        ([], []),
        (np.array([1, 1]), ["two", "two"]),
        ((2, 0), ["three", "one"]),
        (np.array([True, False, True, False]), ["one", "three"]),
        ([False, False, False, True], ["four"]),
        (range(2), ["one", "two"]),
    ],
    ids=repr,
)
def test_several_places_give_a_collection_of_the_same_kind(
    words: Words, index: Any, expected: list[str]
) -> None:
    found = words[index]
    assert found == expected
    assert isinstance(found, Words)
    assert found.note == "kept"
    assert words == ["one", "two", "three", "four"]


@pytest.mark.parametrize("index", [1, np.int64(1), -3])
def test_one_place_gives_the_item(words: Words, index: Any) -> None:
    assert words[index] == "two"


@pytest.mark.parametrize("index", ["a", 1.0, None, [0.5], ["a"], {0: 1}, True])
def test_other_indices_are_type_errors(words: Words, index: Any) -> None:
    with pytest.raises(TypeError):
        words[index]


@pytest.mark.parametrize("index", [4, [4], [True], np.array([True] * 5)])
def test_places_that_do_not_exist(words: Words, index: Any) -> None:
    with pytest.raises(IndexError):
        words[index]


@pytest.mark.parametrize(
    ("index", "value", "after"),
    [
        (0, "x", ["x", "two", "three", "four"]),
        (-1, "x", ["one", "two", "three", "x"]),
        (np.int8(1), "x", ["one", "x", "three", "four"]),
        (slice(0, 2), "x", ["x", "x", "three", "four"]),
        (slice(0, 2), ["x", "y"], ["x", "y", "three", "four"]),
        ([3, 0], ["x", "y"], ["y", "two", "three", "x"]),
        ([False, True, False, True], "x", ["one", "x", "three", "x"]),
        (slice(0, 2), iter(["x", "y"]), ["x", "y", "three", "four"]),
    ],
    ids=lambda value: repr(value).split(" at 0x")[0],  # addresses differ from process to process
)
def test_assignment(words: Words, index: Any, value: Any, after: list[str]) -> None:
    words[index] = value
    assert words == after


def test_assignment_checks_number_and_type(words: Words) -> None:
    with pytest.raises(ValueError, match="cannot assign 1 items to 2 places"):
        words[0:2] = ["x"]
    for index in (0, slice(0, 1)):
        with pytest.raises(ValueError, match="holds str"):
            words[index] = 1
    assert words == ["one", "two", "three", "four"]


def test_it_is_a_list_in_other_respects(words: Words) -> None:
    assert len(words) == 4
    assert list(reversed(words)) == ["four", "three", "two", "one"]
    assert "two" in words
    assert words == Collection(["one", "two", "three", "four"])
    assert words != ["one"]
    assert words != ("one", "two", "three", "four")
    with pytest.raises(TypeError, match="unhashable"):
        hash(words)
    with pytest.raises(TypeError):
        words + words  # type: ignore[operator]


def test_extend_takes_generators_and_all_or_nothing(words: Words) -> None:
    words.extend(word for word in ("five", "six"))
    assert len(words) == 6
    with pytest.raises(ValueError, match="holds str"):
        words.extend(["seven", 8])
    assert len(words) == 6
    words.append("seven")
    assert words[-1] == "seven"


def test_a_collection_extends_by_itself() -> None:
    numbers = Collection([1, 2])
    numbers.extend(numbers)
    assert numbers == [1, 2, 1, 2]


def test_map_keeps_the_type_when_it_can(words: Words) -> None:
    upper = words.map(str.upper)
    assert isinstance(upper, Words)
    assert upper.note == "kept"
    assert upper == ["ONE", "TWO", "THREE", "FOUR"]
    lengths = words.map(len)
    assert type(lengths) is Collection
    assert lengths == [3, 3, 5, 4]
    mixed = words.map(lambda word: word if "o" in word else None)
    assert mixed == ["one", "two", None, "four"]


def test_filter_takes_functions_and_expressions(words: Words) -> None:
    found = words.filter(lambda word: "e" in word)
    assert found == ["one", "three"]
    assert found.note == "kept"
    rows = Collection([FooBar(1, "a"), FooBar(2, "b")])
    assert rows.filter(p.foo > 1) == [FooBar(2, "b")]
    assert rows.filter((p.foo == 1) | (p.bar == "b")) == rows
    with pytest.raises(TypeError):
        words.filter("two")  # type: ignore[arg-type]


def test_sorted_by_paths_functions_and_several_keys() -> None:
    c = Collection([FooBar(1, X("one")), FooBar(2, X("two")), FooBar(3, X("three"))])
    assert list(c.sorted("bar.x").each.foo) == [1, 3, 2]
    assert list(c.sorted("foo", reverse=True).each.foo) == [3, 2, 1]
    assert list(c.sorted(lambda row: -row.foo).each.foo) == [3, 2, 1]
    assert list(c.sorted(lambda row: row.foo == 2, "bar.x").each.foo) == [1, 3, 2]
    assert list(c.sort("foo", ascending=False).each.foo) == [3, 2, 1]
    assert list(c.sort("foo").each.foo) == [1, 2, 3]


def test_sorting_is_stable() -> None:
    rows = Collection([FooBar(1, "a"), FooBar(0, "b"), FooBar(1, "c"), FooBar(0, "d")])
    assert list(rows.sorted("foo").each.bar) == ["b", "d", "a", "c"]
    assert list(rows.sorted("foo", reverse=True).each.bar) == ["a", "c", "b", "d"]


@pytest.mark.parametrize("method", [lambda c, *a: c.sorted(*a), lambda c, *a: list(c.groupby(*a))])
def test_what_cannot_be_sorted(method: Callable[..., Any]) -> None:
    rows = Collection([FooBar(1, "x"), FooBar(2, 3)])
    with pytest.raises(TypeError):
        method(rows)
    with pytest.raises(ParameterTypeError, match=r"cannot be compared .* are int, str: give a function"):
        method(rows, "bar")
    with pytest.raises(TypeError):
        method(rows, 5)
    with pytest.raises(AttributeError):
        method(rows, "baz")


def test_groupby() -> None:
    c = Collection([FooBar("a", True), FooBar("b", False), FooBar("a", False)])
    assert [(key, list(items)) for key, items in c.groupby("foo")] == [
        ("a", [FooBar("a", True), FooBar("a", False)]),
        ("b", [FooBar("b", False)]),
    ]
    assert [key for key, _ in c.groupby("foo", lambda row: row.bar)] == [
        ("a", False),
        ("a", True),
        ("b", False),
    ]


def test_none_comes_last() -> None:
    rows = Collection([FooBar(None, "a"), FooBar(2, "b"), FooBar(None, "c"), FooBar(1, "d"), FooBar(2, "e")])
    assert "".join(rows.sorted("foo").each.bar) == "dbeac"
    assert "".join(rows.sorted("foo", reverse=True).each.bar) == "bedac"
    assert [(key, "".join(group.each.bar)) for key, group in rows.groupby("foo")] == [
        (1, "d"),
        (2, "be"),
        (None, "ac"),
    ]
    keys = [key for key, _ in rows.groupby(lambda row: row.bar > "b", "foo")]
    assert keys == [(False, 2), (False, None), (True, 1), (True, 2), (True, None)]
    assert [key for key, _ in rows.groupby(lambda row: (row.foo, 0))] == [(1, 0), (2, 0), (None, 0)]


def test_a_path_through_none_is_none() -> None:
    rows = Collection([FooBar(1, None), FooBar(2, X("one"))])
    assert [key for key, _ in rows.groupby("bar.x")] == ["one", None]
    with pytest.raises(AttributeError):
        rows.sorted("bar.y")


def test_images_without_a_time_are_a_group_of_their_own() -> None:
    images = ImageCollection([Image(id="p:b"), Image(id="p:a", acquired="2024-05-01")])
    assert [(key, group[0].id) for key, group in images.groupby("acquired.year")] == [
        (2024, "p:a"),
        (None, "p:b"),
    ]


def test_groups_keep_type_and_knowledge(words: Words) -> None:
    for _, group in words.groupby(len):
        assert isinstance(group, Words)
        assert group.note == "kept"


def test_groupby_without_predicate_fails_at_once(words: Words) -> None:
    with pytest.raises(TypeError, match="at least one predicate"):
        words.groupby()


def test_repr() -> None:
    assert repr(Collection([1, 2])) == "Collection([1, 2])"
    assert repr(Words(["a"])) == "Words(['a'])"


def test_an_image_collection_keeps_its_context() -> None:
    context = AOI(bounds=(0, 0, 1, 1))
    images = ImageCollection([Image(id=f"p:{i}", cloud_fraction=i / 4) for i in range(4)], geocontext=context)
    for found in (images[1:], images[[0]], images.filter(p.cloud_fraction > 0.3), images.sorted("name")):
        assert isinstance(found, ImageCollection)
        assert found.geocontext is context
    images[0] = Image(id="p:9")
    assert images[0].name == "9"
    with pytest.raises(ValueError, match="holds Image"):
        images[0] = "p:9"


@given(st.lists(st.integers()), st.data())
def test_indexing_agrees_with_a_list(values: list[int], data: st.DataObject) -> None:
    collection = Collection(values)
    index = data.draw(st.slices(len(values)))
    assert collection[index] == values[index]
    mask = data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))
    assert collection[mask] == [value for value, chosen in zip(values, mask, strict=True) if chosen]


@given(st.lists(st.integers(0, 5)))
def test_groups_hold_every_item_once(values: list[int]) -> None:
    groups = list(Collection(values).groupby(lambda value: value % 3))
    assert [key for key, _ in groups] == sorted({value % 3 for value in values})
    assert sorted(item for _, group in groups for item in group) == sorted(values)
