"""What many images say of themselves and of their files, by columns: looked at once, kept while it is true.

Looking at an image means following a few dozen references to small values all over the memory, and that is
what costs when there are many. So it is done once, for everything that loading will need, a few images at a
time, so that the values are still in the processor's cache when they are looked at again. Files that say the
same of themselves (product by product most do, but for names and dates) share one description.

Columns hold for the documents that they were made from, and know them: an image that was saved or read again
has another document, and one whose identity or headers were assigned is found among its values. Whatever else
was assigned to an image goes before its columns; see `dawnlight.catalog._described`.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.catalog._file_columns import Description, Descriptions, FileColumn, FileLook, Integers
from dawnlight.raster._columns import Names
from dawnlight.search import Document

if TYPE_CHECKING:
    from dawnlight.catalog._image import Image

__all__ = ["LABELS", "ImageColumns"]

LABELS = (
    "product_id",
    "satellite_id",
    "cloud_fraction",
    "fill_fraction",
    "solar_azimuth_angle",
    "solar_elevation_angle",
    "view_angle",
    "acquired",
)
"""Attributes of images that loading looks at, beside the id and the files."""

_DOCUMENT = operator.attrgetter("_saved_document")
_TOGETHER = 32
"""Images looked at together; their values fit into the cache of a processor."""


class ImageColumns:
    """What images say, by columns.

    Attributes
    ----------
    values : dict
        Attribute names, and the wire values of all images.
    ids : Names
    headerless : list of int
        Images without stored headers.
    columns : tuple of FileColumn
    descriptions : list of Description
    """

    def __init__(
        self,
        documents: list[Document],
        values: dict[str, list[Any]],
        headerless: list[int],
        columns: tuple[FileColumn, ...],
        descriptions: Descriptions,
    ) -> None:
        self._documents = documents
        self.values = values
        self.ids = Names(values["id"])
        self.headerless = headerless
        self.columns = columns
        self.descriptions = descriptions
        self.cached: dict[str, Any] = {}  # labels made from the values
        self._order: tuple[NDArray[np.uint64], NDArray[np.intp]] | None = None

    @classmethod
    def of(cls, documents: list[Document]) -> ImageColumns:
        """Look at the documents of images."""
        values: dict[str, list[Any]] = {"id": [], **{name: [] for name in LABELS}}
        headerless: list[int] = []
        descriptions = Descriptions()
        looks: list[FileLook] = []
        for start in range(0, len(documents), _TOGETHER):
            part = documents[start : start + _TOGETHER]
            values["id"] += [document.id for document in part]
            attributes = [document.attributes for document in part]
            for name in LABELS:
                values[name] += [each.get(name) for each in attributes]
            headers = [each.get("file_headers") or () for each in attributes]
            counts = list(map(len, headers))
            while len(looks) < max(counts):
                looks.append(FileLook(descriptions))
            if looks and min(counts) == len(looks):
                for look, files in zip(looks, zip(*headers, strict=True), strict=True):
                    look.add(files, range(start, start + len(part)))
                continue
            headerless += [start + k for k, count in enumerate(counts) if not count]
            for number in range(max(counts)):
                here = [k for k, count in enumerate(counts) if count > number]
                looks[number].add([headers[k][number] for k in here], [start + k for k in here])
        columns = tuple(look.column(len(documents)) for look in looks)
        return cls(documents, values, headerless, columns, descriptions)

    def __len__(self) -> int:
        return len(self._documents)

    def hold(self, images: Sequence[Image], start: int) -> bool:
        """Whether the rows from `start` on are of these images, as they were read or saved last."""
        own = self._documents[start : start + len(images)]
        return len(images) == len(own) and all(map(operator.is_, map(_DOCUMENT, images), own))

    def find(self, documents: Sequence[Document]) -> NDArray[np.intp] | None:
        """Return the rows of documents, None unless all are here."""
        if self._order is None:
            # What is here is alive, so nothing else has its address.
            own = np.fromiter(map(id, self._documents), dtype=np.uint64, count=len(self))
            order = np.argsort(own, kind="stable")
            self._order = own[order], order
        known, order = self._order
        wanted = np.fromiter(map(id, documents), dtype=np.uint64, count=len(documents))
        places = np.searchsorted(known, wanted)
        if places.max(initial=0) >= len(known) or (known[places] != wanted).any():
            return None
        return order[places]

    def take(self, rows: NDArray[np.intp]) -> ImageColumns:
        """Return the columns of some of the images."""
        pick = operator.itemgetter(*rows.tolist()) if len(rows) > 1 else lambda found: (found[rows[0]],)
        headerless = np.isin(rows, self.headerless).nonzero()[0].tolist() if self.headerless else []
        chosen = (column.take(rows, len(self)) for column in self.columns)
        return ImageColumns(
            list(pick(self._documents)),
            {name: list(pick(values)) for name, values in self.values.items()},
            headerless,
            tuple(column for column in chosen if column is not None),
            self.descriptions,
        )

    def files_of(self, row: int) -> list[Description]:
        """Return the descriptions of the files of an image."""
        found = []
        for column in self.columns:
            if column.rows is not None:
                place = int(np.searchsorted(column.rows, row))
                if place == len(column.rows) or column.rows[place] != row:
                    break
            else:
                place = row
            found.append(self.descriptions.found[column.numbers[place]])
        return found

    def products(self) -> tuple[list[str], Integers]:
        """Return the ids of the products in the order in which they come, and the number of each image's."""
        if "products" not in self.cached:
            ids = [str(product) for product in self.values["product_id"]]
            known = {product: number for number, product in enumerate(dict.fromkeys(ids))}
            numbers = np.fromiter(map(known.__getitem__, ids), dtype=np.int32, count=len(ids))
            self.cached["products"] = list(known), numbers
        found: tuple[list[str], Integers] = self.cached["products"]
        return found

    def kinds(self, *, described: bool) -> NDArray[np.int64]:
        """Return numbers that are equal for images whose files could serve bands in the same way.

        Parameters
        ----------
        described : bool
            Whether bands may be found by what files call theirs.
        """
        name = f"kinds, described={described}"
        if name not in self.cached:
            kinds = self.descriptions.kinds(described=described)
            found = np.zeros(len(self), dtype=np.int64)
            for column in self.columns:
                here = slice(None) if column.rows is None else column.rows
                own = kinds[column.numbers]
                if column.rows is None and (own == own[:1]).all():
                    continue
                mixed = found * (len(self.descriptions.found) + 1)
                mixed[here] += own + 1
                found = np.unique(mixed, return_inverse=True)[1].reshape(-1)
            self.cached[name] = found
        kinds_of: NDArray[np.int64] = self.cached[name]
        return kinds_of
