"""The order of results, exact and total: keys of a document, places in a sorted list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import total_ordering
from typing import TYPE_CHECKING, Any

from dawnlight.errors import FilterError
from dawnlight.search._comparables import comparable
from dawnlight.search._documents import Document, Kind
from dawnlight.search._fields import FIELDS, get_field
from dawnlight.search._leaves import normalize_name

if TYPE_CHECKING:
    from dawnlight.search._query import Query
from dawnlight.search._values import shorten

__all__ = ["SortKey", "place", "sort_values", "sorted_documents"]


@dataclass(frozen=True, slots=True)
class SortKey:
    """One field to sort by.

    Parameters
    ----------
    field : str
        A sortable field.
    ascending : bool, default True
        False puts the largest first. Null comes last either way.
    """

    field: str
    ascending: bool = True

    def __post_init__(self) -> None:
        normalize_name(self.field)
        if not isinstance(self.ascending, bool):
            raise FilterError(
                f"ascending={shorten(self.ascending)} of the sort key {self.field!r} must be True or False"
            )


@total_ordering
class _Descending:
    """A value that compares the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and bool(self.value == other.value)

    def __lt__(self, other: _Descending) -> bool:
        return bool(other.value < self.value)

    __hash__ = None  # type: ignore[assignment]


def check_sort_key(kind: Kind, key: SortKey) -> SortKey:
    """Check that documents can be sorted by a key.

    Parameters
    ----------
    kind : {"product", "band", "image", "image_upload"}
        What is sorted.
    key : SortKey
        The key.

    Returns
    -------
    SortKey
        The key with the canonical name of its field.

    Raises
    ------
    FilterError
        The field is unknown or not sortable.
    """
    field = get_field(kind, key.field)
    if not field.sortable:
        known = ", ".join(sorted(name for name, field in FIELDS[kind].items() if field.sortable))
        raise FilterError(f"{kind} documents cannot be sorted by {key.field}; they can by {known}")
    return SortKey(field.name, key.ascending)


def sort_values(query: Query, document: Document) -> tuple[str | int | float | bool | None, ...]:
    """Return what the place of a document in the results depends on.

    Parameters
    ----------
    query : Query
        Gives the sort keys.
    document : Document
        One of the results.

    Returns
    -------
    tuple
        A JSON-able value for each sort key, None for null, then the id. Times are keys of fixed width,
        resolutions are metres. Together they are unique, and they survive JSON without loss.

    Examples
    --------
    >>> from dawnlight.search import Document, Query, SortKey, sort_values
    >>> query = Query(kind="image", sort=(SortKey("acquired", False),))
    >>> sort_values(query, Document(kind="image", id="p:a", attributes={"acquired": "2023-07-01T00:00:00Z"}))
    ('2023-07-01T00:00:00.000000000Z', 'p:a')
    """
    found = [comparable(get_field(query.kind, key.field), document) for key in query.sort]
    return (*found, document.id)


def place(query: Query, values: Sequence[Any]) -> tuple[Any, ...]:  # sort values, see `sort_values`
    """Turn sort values into something that compares as the results are ordered.

    Parameters
    ----------
    query : Query
        Gives the direction of each key.
    values : sequence
        Made by `sort_values`, perhaps read back from JSON.

    Returns
    -------
    tuple
        Smaller means earlier. A page that ends with the values ``v`` is followed by the documents ``d``
        with ``place(query, sort_values(query, d)) > place(query, v)``.

    Raises
    ------
    FilterError
        There is not one value for each sort key and one for the id, or the values are of the wrong kind.

    Examples
    --------
    >>> from dawnlight.search import Query, SortKey, place
    >>> query = Query(kind="image", sort=(SortKey("cloud_fraction"),))
    >>> place(query, (0.5, "p:b")) < place(query, (None, "p:a"))
    True
    """
    if len(values) != len(query.sort) + 1 or not isinstance(values[-1], str):
        raise FilterError(f"{shorten(values)} are not the sort values of this query")
    ranks: list[Any] = []
    for key, value in zip(query.sort, values, strict=False):
        if value is None:
            ranks.append((True,))
            continue
        textual = get_field(query.kind, key.field).type in ("str", "time")
        if not isinstance(value, str if textual else int | float):
            raise FilterError(f"{shorten(value)} is not a sort value of {key.field}")
        ranks.append((False, value if key.ascending else _Descending(value)))
    return (*ranks, values[-1])


def sorted_documents(query: Query, documents: Iterable[Document]) -> list[Document]:
    """Put documents in the order of the results.

    Parameters
    ----------
    query : Query
        Gives the sort keys.
    documents : iterable of Document
        Documents of the query's kind.

    Returns
    -------
    list of Document
        Sorted by the keys, the first one counting most, null last in both directions, and equal ones by
        ascending id.
    """
    return sorted(documents, key=lambda document: place(query, sort_values(query, document)))
