"""Statements are made once for each form of search, and their answers are those of statements made anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawnlight.search import Document, Expression, Properties, Query, run
from dawnlight.storage import SqliteStore
from dawnlight.storage import _sql_forms as forms
from dawnlight.storage._sql_forms import find_form

p = Properties()
_NUMBERS = st.sampled_from([-1, 0, 0.25, 0.5, 1, 2**53, 2**60, 1e300])
_TIMES = st.sampled_from(["2020", "2020-01-01T00:00:00.5Z", "2021-06-01"])
_NAMES = st.sampled_from(["a", "b", "é", "", "'; --"])
_LEAVES = st.one_of(
    st.builds(lambda value: p.cloud_fraction < value, _NUMBERS),
    st.builds(lambda value: p.cloud_fraction == value, _NUMBERS),
    st.builds(lambda low, high: low <= p.acquired < high, _TIMES, _TIMES),
    st.builds(lambda value: p.acquired == value, _TIMES),
    st.builds(lambda value: p.satellite_id == value, _NAMES),
    st.builds(lambda value: p.satellite_id != value, _NAMES),
    st.builds(lambda values: p.satellite_id.any_of(values), st.lists(_NAMES, min_size=1, max_size=3)),
    st.builds(lambda value: p.satellite_id.prefix(value), _NAMES),
    st.builds(lambda value: p.tags == value, _NAMES),
    st.builds(lambda value: p.extra_properties.number > value, _NUMBERS),
    st.sampled_from([p.cloud_fraction.isnull, p.acquired.isnotnull, p.tags.isnull]),
)
_FILTERS: st.SearchStrategy[Expression] = st.recursive(
    _LEAVES,
    lambda parts: st.one_of(
        st.builds(lambda a, b: a & b, parts, parts),
        st.builds(lambda a, b: a | b, parts, parts),
        st.builds(lambda a: ~a, parts),
    ),
    max_leaves=5,
)


def _make_images() -> Iterator[Document]:
    for number in range(60):
        values: dict[str, Any] = {
            "cloud_fraction": [None, 0.0, 0.25, 0.5, 1.0][number % 5],
            "acquired": [None, "2020-01-01T00:00:00Z", "2020-01-01T00:00:00.5Z", "2021-06-01T00:00:00Z"][
                number % 4
            ],
            "satellite_id": [None, "a", "b", "é"][number // 4 % 4],
            "tags": [["a"], ["b", "é"], None][number % 3],
            "extra_properties": {"number": number / 20},
        }
        attributes = {name: value for name, value in values.items() if value is not None}
        yield Document(
            kind="image", id=f"p:{number}", attributes={"product_id": "p", "name": f"{number}", **attributes}
        )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path_factory.mktemp("catalog")) as made:
        made.create([Document(kind="product", id="p", attributes={"name": "P"})])
        made.create(list(_make_images()))
        yield made


@settings(deadline=None)
@given(
    filters=st.lists(_FILTERS, min_size=1, max_size=4),
    field=st.sampled_from(["acquired", "cloud_fraction", "id"]),
    ascending=st.booleans(),
)
def test_answers_are_those_of_the_model(
    store: SqliteStore, filters: list[Expression], field: str, ascending: bool
) -> None:
    everything = list(store.search(Query(kind="image")))
    for expression in filters:
        query = Query(kind="image").filtered(expression).sorted_by(field, ascending=ascending)
        expected = [document.id for document in run(query, everything)]
        found, continuation = [], None
        while True:
            page = store.page(query, continuation, 7)
            found += [document.id for document in page.documents]
            continuation = page.continuation
            if continuation is None:
                break
        assert found == expected
        assert store.count(query) == len(expected)


def test_another_value_needs_no_other_statement(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "_STATEMENTS", {})
    query = Query(kind="image").sorted_by("acquired")
    sizes = []
    for value in (0.3, 0.6):
        store.page(query.filtered(p.cloud_fraction < value), size=100)
        sizes.append(len(forms._STATEMENTS))
    assert sizes[0] == sizes[1] > 0
    store.page(query.filtered(p.cloud_fraction > 0.3), size=100)
    assert len(forms._STATEMENTS) > sizes[1]


def test_few_statements_are_kept(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "_STATEMENTS", {})
    monkeypatch.setattr(forms, "_MOST_KEPT", 3)
    query = Query(kind="image").filtered(p.cloud_fraction < 0.3)
    for field in ("acquired", "name", "cloud_fraction", "id", "published"):
        assert len(store.page(query.sorted_by(field), size=100).documents) == 24
        assert len(forms._STATEMENTS) <= 3


@pytest.mark.parametrize(
    "expression",
    [p.id.prefix("a"), p.tags == "a", p.extra_properties.x == 1, p.cloud_fraction == 2**60, p.id.like("a%")],
    ids=["prefix", "tag", "extra property", "large number", "pattern"],
)
def test_what_may_need_another_statement_has_no_form(expression: Expression) -> None:
    query = Query(kind="image").filtered((p.cloud_fraction < 0.5) & expression)
    form, _, values = find_form("image", query.condition)
    assert form is None
    assert values == {}


def test_values_are_found_in_their_order() -> None:
    condition = Query(kind="image").filtered((0.1 < p.cloud_fraction <= 0.2) & ~(p.name == "x")).condition
    form, _, values = find_form("image", condition)
    assert form is not None
    assert list(values.values()) == [0.1, 0.2, "x"]
