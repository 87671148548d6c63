"""Documents of many new objects at once, made attribute by attribute instead of object by object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from dawnlight.catalog._base import CatalogObjectBase
from dawnlight.catalog._columns import group_by_names, zip_columns
from dawnlight.search import Document

__all__ = ["make_new_documents"]


def make_new_documents(objects: Sequence[CatalogObjectBase]) -> list[Document]:
    """Do what `_to_new_document` does, without anything extra, for each of some objects never saved.

    Parameters
    ----------
    objects : sequence of CatalogObjectBase
        In the state UNSAVED; of any classes.

    Returns
    -------
    list of Document
        In the same order.
    """
    made: dict[int, Document] = {}
    for kind in set(map(type, objects)):
        own = [place for place, each in enumerate(objects) if type(each) is kind]
        for names, at in group_by_names([objects[place]._values for place in own]).items():
            places = [own[place] for place in at]
            documents = _make_alike(kind, names, [objects[place] for place in places])
            made.update(zip(places, documents, strict=True))
    return [made[place] for place in range(len(objects))]


def _make_alike(
    kind: type[CatalogObjectBase], names: Sequence[str], objects: Sequence[CatalogObjectBase]
) -> Iterator[Document]:
    """Make the documents of objects of a class that have the same values, as to their names."""
    natives = dict(zip(names, zip(*(each._values.values() for each in objects), strict=True), strict=True))
    ids: Iterable[Any] = natives.get("id", ())
    if not ids or kind._new_id is not CatalogObjectBase._new_id:
        ids = [each._new_id() for each in objects]
    attributes = [attribute for name in names if (attribute := kind._attributes[name]).serializable]
    attributes.sort(key=lambda attribute: not attribute.sticky)  # these come first in documents
    columns = {
        attribute.wire_name: attribute.dump_column(natives[attribute.name]) for attribute in attributes
    }
    for id_, row in zip(ids, zip_columns(columns, len(objects)), strict=True):
        yield Document(kind=kind._kind, id=id_, attributes=row)
