"""Images and what they say now: kept columns where they still hold, and what was assigned since."""

from __future__ import annotations

import operator
import threading
import weakref
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dawnlight.catalog._image_columns import LABELS, ImageColumns
from dawnlight.search import Document

if TYPE_CHECKING:
    from dawnlight.catalog._image import Image

__all__ = ["Described", "describe"]

_OWN = frozenset({"id", "product_id", "_file_headers"})
"""Attributes of which columns are made; the others are looked up again."""
_TOGETHER = 256
"""Images looked at together, while they are in the processor's cache."""
_MANY = 256
"""Images from which on it is worth looking for columns of other collections."""

_VALUES = operator.attrgetter("_values")

_lock = threading.Lock()
_recent: deque[weakref.ref[ImageColumns]] = deque(maxlen=8)
"""Columns of large collections, as long as the collections live."""


class Described:
    """Images of one call, and their columns.

    Parameters
    ----------
    images : sequence of Image
    columns : ImageColumns
        Made from their documents.
    touched : list of int
        Images of which a value was assigned, or given out so that it may have been changed in place.
    """

    def __init__(self, images: Sequence[Image], columns: ImageColumns, touched: Sequence[int]) -> None:
        self.images = images
        self.columns = columns
        self._touched = touched

    def is_as_stored(self, name: str) -> bool:
        """Whether an attribute of all images is what their columns say."""
        images = self.images
        return not any(name in images[row]._values for row in self._touched)

    def values(self, name: str) -> list[Any]:
        """Return an attribute of all images: wire values, or the native ones that were assigned."""
        found = self.columns.values[name]
        if self.is_as_stored(name):
            return found
        found = list(found)
        for row in self._touched:
            if name in self.images[row]._values:
                found[row] = getattr(self.images[row], name)
        return found


def describe(images: Sequence[Image], known: ImageColumns | None = None) -> Described:
    """Return images with their columns, looking at them only where nothing is known.

    Parameters
    ----------
    images : sequence of Image
        At least one.
    known : ImageColumns, optional
        Of an earlier call with the same images; they are used if they still hold.
    """
    touched: list[int] = []
    holds = known is not None and len(known) == len(images)
    for start in range(0, len(images), _TOGETHER):
        part = images[start : start + _TOGETHER]
        if any(map(_VALUES, part)):
            touched += [row for row, image in enumerate(part, start) if image._values]
        holds = holds and known.hold(part, start)  # type: ignore[union-attr]  # none holds nothing
    odd = [row for row in touched if not _OWN.isdisjoint(images[row]._values)]
    if known is not None and holds and not odd:
        return Described(images, known, touched)
    documents: list[Any] = [image._saved_document for image in images]
    odd += [row for row, document in enumerate(documents) if document is None]
    for row in odd:
        documents[row] = _as_document(images[row])
    return Described(images, ImageColumns.of(documents) if odd else _find(documents), touched)


def _as_document(image: Image) -> Document:
    """Return a document that says what columns are made of, of an image whose own one does not."""
    attributes: dict[str, Any] = {name: getattr(image, name) for name in LABELS}
    attributes["file_headers"] = image._file_headers
    return Document(kind="image", id=str(image.id), attributes=attributes)


def _find(documents: list[Document]) -> ImageColumns:
    """Return columns from those of other collections, or by looking at the documents."""
    if len(documents) < _MANY:
        return ImageColumns.of(documents)
    with _lock:
        others = [found for each in _recent if (found := each()) is not None]
    for other in reversed(others):
        rows = other.find(documents)
        if rows is None:
            continue
        if len(rows) == len(other) and (rows == np.arange(len(rows))).all():
            return other
        return other.take(rows)
    made = ImageColumns.of(documents)
    with _lock:
        _recent.append(weakref.ref(made))
    return made
