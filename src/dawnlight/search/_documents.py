"""The one form in which objects travel between the catalog, the stores and the filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

__all__ = ["KINDS", "Document", "Kind"]

Kind = Literal["product", "band", "image", "image_upload"]
"""What a document describes."""

KINDS: tuple[Kind, ...] = get_args(Kind)
"""Every `Kind`, in the order in which one depends on the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One object of the catalog in wire spelling.

    Two documents are equal when all four parts are. A document is not hashable, because its attributes
    are not.

    Parameters
    ----------
    kind : {"product", "band", "image", "image_upload"}
        What it describes.
    id : str
        Unique among the documents of its kind.
    attributes : mapping
        JSON-able values by attribute name, without ``id``. Times are spelled
        ``YYYY-MM-DDTHH:MM:SS[.f]Z`` (up to nine digits), geometries are GeoJSON mappings, resolutions
        ``{"value": 10.0, "unit": "meters"}``. A missing attribute and one that is None mean the same.
    version : int, default 0
        Counted up by a store at each update; 0 is a document that no store has seen.

    Examples
    --------
    >>> from dawnlight.search import Document
    >>> band = Document(kind="band", id="p:red", attributes={"name": "red", "product_id": "p"})
    >>> band.get("name"), band.get("id"), band.get("nodata")
    ('red', 'p:red', None)
    """

    kind: Kind
    id: str
    attributes: Mapping[str, Any]
    version: int = 0

    def get(self, name: str) -> Any:  # any JSON value
        """Return the wire value of one field.

        Parameters
        ----------
        name : str
            Name of an attribute, ``"id"``, or ``"extra_properties.<key>"``. The key is everything after
            the first dot and may hold dots itself, because extra properties do not nest.

        Returns
        -------
        object
            A JSON value; None where there is none.
        """
        if name == "id":
            return self.id
        head, dot, key = name.partition(".")
        value = self.attributes.get(head)
        if not dot:
            return value
        return value.get(key) if isinstance(value, Mapping) else None
