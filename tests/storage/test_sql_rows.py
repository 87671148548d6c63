"""Columns and documents belong together."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawnlight.search import FIELDS, KINDS, Document, Kind, time_to_key, time_to_wire
from dawnlight.storage._rules import prepare_new
from dawnlight.storage._sql_rows import CODECS, key_to_wire
from dawnlight.storage._sql_schema import TABLES
from dawnlight.testing._store_models import storable
from dawnlight.testing._strategies import documents


@pytest.mark.parametrize("kind", KINDS)
def test_what_can_be_filtered_or_sorted_has_a_column(kind: Kind) -> None:
    needed = {
        name
        for name, field in FIELDS[kind].items()
        if (field.filterable or field.sortable) and field.type not in ("list", "geometry")
    }
    assert needed <= set(TABLES[kind].c.keys())


@given(st.data(), st.sampled_from(KINDS))
def test_rows_keep_documents_whole(data: st.DataObject, kind: Kind) -> None:
    document = prepare_new(storable(data.draw(documents(kind))), "2024-01-01T00:00:00Z")
    assert CODECS[kind].from_row(CODECS[kind].to_row(document, 1)) == document


@settings(deadline=None)
@given(st.data(), st.sampled_from(KINDS), st.integers(9, 20))
def test_many_rows_are_decoded_as_each(data: st.DataObject, kind: Kind, count: int) -> None:
    some = st.lists(documents(kind), min_size=1, max_size=3)
    made = [prepare_new(storable(document), "2024-01-01T00:00:00Z") for document in data.draw(some)]
    rows = [CODECS[kind].to_row(made[number % len(made)], number) for number in range(count)]
    found = CODECS[kind].from_rows(rows)
    expected = [CODECS[kind].from_row(row) for row in rows]
    assert found == expected
    assert [json.dumps(document.attributes) for document in found] == [
        json.dumps(document.attributes) for document in expected
    ]


@pytest.mark.parametrize("bodies", [("{}, {}", "{"), ("1", "{}, {"), ("{", "}")])
def test_texts_that_are_objects_together_only_are_errors(bodies: tuple[str, str]) -> None:
    document = prepare_new(Document(kind="product", id="p", attributes={"name": "P"}), "2024-01-01T00:00:00Z")
    rows = [CODECS["product"].to_row(document, number) for number in range(20)]
    rows[3][-1], rows[4][-1] = bodies
    with pytest.raises((json.JSONDecodeError, TypeError)):
        CODECS["product"].from_rows(rows)


@given(st.datetimes(), st.integers(0, 999))
def test_keys_of_times_become_their_spelling(moment: object, nanoseconds: int) -> None:
    key = time_to_key(moment)
    key = f"{key[:26]}{nanoseconds:03d}Z"
    assert key_to_wire(key) == time_to_wire(key)
