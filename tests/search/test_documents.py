from __future__ import annotations

import dataclasses
import pickle

import pytest

from dawnlight.search import Document

IMAGE = Document(
    kind="image",
    id="p:a",
    attributes={"cloud_fraction": 0.5, "extra_properties": {"foo": 1, "eo.cloud": 2}, "satellite_id": None},
    version=3,
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "p:a"),
        ("cloud_fraction", 0.5),
        ("satellite_id", None),
        ("acquired", None),
        ("extra_properties.foo", 1),
        ("extra_properties.eo.cloud", 2),
        ("extra_properties.bar", None),
        ("cloud_fraction.foo", None),
        ("acquired.foo", None),
    ],
)
def test_get_reads_plain_and_dotted_names(name, value):
    assert IMAGE.get(name) == value


def test_documents_are_equal_when_all_parts_are():
    assert dataclasses.replace(IMAGE) == IMAGE
    for change in ({"kind": "band"}, {"id": "p:b"}, {"attributes": {}}, {"version": 4}):
        assert dataclasses.replace(IMAGE, **change) != IMAGE


def test_document_is_frozen_and_pickles():
    with pytest.raises(dataclasses.FrozenInstanceError):
        IMAGE.id = "p:b"
    assert pickle.loads(pickle.dumps(IMAGE)) == IMAGE
