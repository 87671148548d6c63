from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dawnlight as dl
from dawnlight.catalog import Band, DocumentState, Image, ImageUpload, Product
from dawnlight.search import Document, Expression, evaluate
from dawnlight.testing._strategies import documents, expressions

MODELS: dict[str, Any] = {"product": Product, "band": Band, "image": Image, "image_upload": ImageUpload}
CLIENT = dl.open("memory://")
some = settings(max_examples=40, deadline=None)


def load(document: Document) -> Any:
    return MODELS[document.kind]._from_document(document, CLIENT)


def _without_none(document: Document) -> dict[str, Any]:
    return {name: value for name, value in document.attributes.items() if value is not None}


def any_document(sloppy: bool) -> st.SearchStrategy[Document]:
    return st.one_of(*(documents(kind, sloppy=sloppy) for kind in MODELS))


@some
@given(any_document(sloppy=True))
def test_every_document_can_be_read_and_reading_changes_nothing(document: Document) -> None:
    before = copy.deepcopy(document)
    obj = load(document)
    for name in obj.ATTRIBUTES:
        if name != "product":
            getattr(obj, name)
    assert obj.state is DocumentState.SAVED
    assert obj.serialize(modified_only=True) == {}
    repr(obj)
    obj.serialize()
    assert document == before


@some
@given(any_document(sloppy=False))
def test_an_object_is_its_document(document: Document) -> None:
    obj = load(document)
    for name in obj.ATTRIBUTES:
        if name != "product":
            getattr(obj, name)
    found = obj._to_document()
    assert (found.kind, found.id, found.version) == (document.kind, document.id, document.version)
    assert _without_none(found) == _without_none(document)


@some
@given(any_document(sloppy=False), st.sampled_from([copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]))
def test_copies_are_equal(document: Document, duplicate: Callable[[Any], Any]) -> None:
    obj = load(document)
    found = duplicate(obj)
    assert found == obj
    assert found.state is DocumentState.SAVED


@pytest.mark.parametrize("kind", ["product", "band", "image"])
@some
@given(data=st.data())
def test_filters_see_objects_as_they_see_documents(kind: Any, data: st.DataObject) -> None:
    document = data.draw(documents(kind, sloppy=True))
    expression: Expression = data.draw(expressions(kind))
    assert expression.evaluate(load(document)) == evaluate(expression, document)


@some
@given(documents("image"), documents("image"))
def test_changes_lead_from_one_document_to_another(first: Document, second: Document) -> None:
    obj, wanted, again = load(first), load(second), load(first)
    names = [
        name
        for name, attribute in Image._attributes.items()
        # Documents may hold members of a closed set that are not known here; users may not.
        if attribute.mutable and not (attribute.readonly or name.startswith("_") or name == "storage_state")
    ]
    for name in names:
        setattr(obj, name, getattr(wanted, name))
    for name in names:
        assert getattr(obj, name) == getattr(wanted, name)
    before = {**first.attributes, **obj._changes()}
    assert {name for name in names if before.get(name) is not None} == {
        name for name in names if second.attributes.get(name) is not None
    }
    for name in names:
        setattr(obj, name, getattr(again, name))
    assert obj.state is DocumentState.SAVED
