from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given, settings

from dawnlight.errors import FilterError
from dawnlight.search import KINDS, Document, Query, SortKey, place, run, sort_values
from dawnlight.testing._strategies import document_lists, queries


def image(name, **attributes):
    return Document(kind="image", id=f"p:{name}", attributes=attributes)


def order(documents, *keys):
    query = Query(kind="image", sort=keys)
    return "".join(document.id[2:] for document in run(query, documents))


def test_null_comes_last_in_both_directions():
    images = [
        image("a"),
        image("b", cloud_fraction=0.5),
        image("c", cloud_fraction=0.1),
        image("d", cloud_fraction=None),
    ]
    for some in itertools.permutations(images):
        assert order(some, SortKey("cloud_fraction")) == "cbad"
        assert order(some, SortKey("cloud_fraction", False)) == "bcad"


def test_what_the_type_cannot_compare_is_last_too():
    images = [
        image("a", cloud_fraction="0"),
        image("b", cloud_fraction=0.5),
        image("c", cloud_fraction=float("nan")),
    ]
    assert order(images, SortKey("cloud_fraction")) == "bac"
    assert order(images, SortKey("cloud_fraction", False)) == "bac"


def test_equal_ones_are_ordered_by_ascending_id_in_both_directions():
    images = [image(name, cloud_fraction=0.5) for name in "cab"]
    assert order(images, SortKey("cloud_fraction")) == "abc"
    assert order(images, SortKey("cloud_fraction", False)) == "abc"
    assert order(images) == "abc"


def test_several_keys_count_from_the_first():
    images = [
        image("a", satellite_id="x", cloud_fraction=0.5),
        image("b", satellite_id="y", cloud_fraction=0.1),
        image("c", satellite_id="x", cloud_fraction=0.9),
        image("d", cloud_fraction=0.0),
        image("e", satellite_id="y"),
    ]
    assert order(images, SortKey("satellite_id"), SortKey("cloud_fraction", False)) == "cabed"
    assert order(images, SortKey("satellite_id", False), SortKey("cloud_fraction")) == "beacd"
    assert (
        order(images, SortKey("satellite_id"), SortKey("satellite_id", False), SortKey("id", False))
        == "caebd"
    )


def test_times_sort_as_points_in_time():
    images = [
        image("a", acquired="2023-07-01T00:00:00.1Z"),
        image("b", acquired="2023-07-01T00:00:00.09Z"),
        image("c", acquired="2023-07-01T00:00:00.090000001Z"),
        image("d", acquired="2023-07-01T01:00:00+02:00"),
        image("e", acquired="2023-07-01T00:00:00Z"),
    ]
    assert order(images, SortKey("acquired")) == "debca"
    assert order(images, SortKey("acquired", False)) == "acbed"


def test_numbers_sort_exactly_and_text_by_code_point():
    images = [
        image(name, area=value) for name, value in zip("abcd", [2**53 + 1, 2**53, 1.5, -1], strict=True)
    ]
    assert order(images, SortKey("area")) == "dcba"
    images = [
        image(name, satellite_id=value)
        for name, value in zip("abcde", ["b", "B", "ä", "😀", "\uffff"], strict=True)
    ]
    assert order(images, SortKey("satellite_id")) == "baced"


def test_resolutions_sort_in_meters_and_truth_values_false_first():
    bands = [
        Document(kind="band", id=f"p:{i}", attributes={"resolution": {"value": value, "unit": unit}})
        for i, (value, unit) in enumerate([(1, "degrees"), (60, "meters"), (0.0001, "degrees"), (5, "miles")])
    ]
    assert [d.id for d in run(Query(kind="band", sort=(SortKey("resolution"),)), bands)] == [
        "p:2",
        "p:1",
        "p:0",
        "p:3",
    ]
    products = [
        Document(kind="product", id=i, attributes={"is_core": v}) for i, v in (("a", True), ("b", False))
    ]
    assert [d.id for d in run(Query(kind="product", sort=(SortKey("is_core"),)), products)] == ["b", "a"]


def test_id_sorts_descending():
    assert order([image(name) for name in "bca"], SortKey("id", False)) == "cba"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SortKey(""), "name of a field"),
        (lambda: SortKey(None), "name of a field"),
        (lambda: SortKey("acquired", "desc"), "True or False"),
        (lambda: Query(kind="image", sort=(SortKey("tags"),)), "cannot be sorted by tags"),
        (lambda: Query(kind="image", sort=(SortKey("acquird"),)), "did you mean acquired"),
        (lambda: Query(kind="image", sort=(SortKey("extra_properties.foo"),)), "cannot be sorted"),
        (lambda: Query(kind="image", sort=("acquired",)), "must be a SortKey"),
        (lambda: Query(kind="image", sort="acquired"), "sequence of SortKey"),
        (lambda: place(Query(kind="image"), ()), "not the sort values"),
        (lambda: place(Query(kind="image"), (5,)), "not the sort values"),
        (lambda: place(Query(kind="image", sort=(SortKey("area"),)), ("x", "p:a")), "not a sort value"),
        (lambda: place(Query(kind="image", sort=(SortKey("acquired"),)), (5, "p:a")), "not a sort value"),
    ],
)
def test_misuse_is_explained(make, words):
    with pytest.raises(FilterError, match=words):
        make()


@pytest.mark.parametrize("kind", KINDS)
def test_places_are_total_unique_and_survive_json(kind):
    @settings(max_examples=40, deadline=None)
    @given(queries(kind), document_lists(kind, sloppy=True))
    def check(query, documents):
        everything = Query(kind=kind, sort=query.sort)
        found = run(everything, documents)
        values = [json.loads(json.dumps(sort_values(everything, document))) for document in found]
        places = [place(everything, value) for value in values]
        for (i, one), (j, other) in itertools.product(enumerate(places), repeat=2):
            assert (one < other) is (i < j)
            assert (one == other) is (i == j)

    check()


@pytest.mark.parametrize("kind", KINDS)
def test_pages_by_place_give_the_whole(kind):
    @settings(max_examples=40, deadline=None)
    @given(queries(kind), document_lists(kind))
    def check(query, documents):
        query = query.limited(None)
        pages, last = [], None
        while True:
            rest = [
                d
                for d in documents
                if last is None or place(query, sort_values(query, d)) > place(query, last)
            ]
            page = run(query.limited(2), rest)
            if not page:
                break
            pages += page
            last = sort_values(query, page[-1])
        assert pages == run(query, documents)

    check()
