"""Many images at once: checked, completed and made into rows column by column.

The result is that of `prepare_new` and `RowCodec.to_row` for each image, in a third of the time. A batch with
an image that breaks a rule, or that has anything unusual about it, is left to these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, repeat
from operator import itemgetter
from typing import Any

from dawnlight.search import FIELDS, Document
from dawnlight.storage import _columns
from dawnlight.storage._attributes import (
    CHECKS,
    MAX_EXTRA_PROPERTIES,
    MAX_NAME,
    MAX_TAG_BYTES,
    MAX_TAGS,
    STORAGE_STATES,
)
from dawnlight.storage._checks import Refusal
from dawnlight.storage._columns import ColumnCheck
from dawnlight.storage._footprint_columns import FootprintColumn, check_footprints
from dawnlight.storage._json import encode_json
from dawnlight.storage._names import VALID_NAME
from dawnlight.storage._sql_rows import CODECS, wire_to_key, wires_to_keys

__all__ = ["ImageBatch", "prepare_images"]

_CODEC = CODECS["image"]

_text = _columns.column_of_texts()
_name = _columns.column_of_texts(longest=MAX_NAME, empty=False)
_href = _columns.column_of_texts(empty=False)
_id = _columns.column_of_texts(longest=2 * MAX_NAME + 1, empty=False)

_BY_TYPE: Mapping[str, ColumnCheck] = {
    "str": _text,
    "float": _columns.column_of_floats,
    "time": _columns.column_of_times,
}
_SPECIAL: Mapping[str, ColumnCheck] = {
    "name": _columns.column_of_texts(longest=MAX_NAME, empty=False, letters=VALID_NAME),
    "product_id": _name,
    "storage_state": _columns.column_of_members(STORAGE_STATES),
    "geotrans": _columns.column_of_lists(_columns.column_of_numbers, length=6),
    "x_pixels": _columns.column_of_sizes,
    "y_pixels": _columns.column_of_sizes,
    "files": _columns.column_of_lists(
        _columns.column_of_uniform_mappings(
            {
                "href": _href,
                "size_bytes": _columns.column_of_sizes,
                "hash": _text,
                "provider_id": _text,
                "provider_href": _href,
            }
        )
    ),
    # A letter takes at most four bytes.
    "tags": _columns.column_of_lists(_columns.column_of_texts(longest=MAX_TAG_BYTES // 4), most=MAX_TAGS),
    "extra_properties": _columns.column_of_mappings(_columns.column_of_scalars, most=MAX_EXTRA_PROPERTIES),
}
COLUMN_CHECKS: Mapping[str, ColumnCheck] = {
    **{
        name: _BY_TYPE[field.type]
        for name, field in FIELDS["image"].items()
        if field.type in _BY_TYPE and name != "id"
    },
    **_SPECIAL,
}
"""The checks of whole columns, by attribute; attributes that are rare have none."""

_SLICE = 500
"""So many images are dealt with at once: few enough for the processor's cache."""
_size = itemgetter("size_bytes")
_SET_BY_CATALOG = ("created", "modified")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Images that have the same attributes, as columns."""

    size: int
    names: tuple[str, ...]
    """Names of the table's columns that have values, beginning with the key."""
    columns: list[Any]
    """Their values, but for the key: lists, or one value for ever."""
    products: set[str]
    tags: list[list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBatch:
    """Images that are ready to be inserted, whatever their keys will be."""

    documents: list[Document]
    """As stored, in the order given."""
    ids: list[str]
    groups: list[_Group]

    @property
    def products(self) -> set[str]:
        """Ids of the products that the images belong to."""
        return {product for group in self.groups for product in group.products}

    def rows(self, first: int) -> Iterator[tuple[tuple[str, ...], Iterator[tuple[Any, ...]]]]:
        """Return the rows of the table of images, numbered from `first` on.

        They come in groups, each with the names of the columns that have values. The others are left out
        instead of filled with None, because Python's SQLite module takes 0.3 us to look at each None.
        """
        for start, group in zip(self._starts(first), self.groups, strict=True):
            yield group.names, zip(range(start, start + group.size), *group.columns, strict=False)

    def tags(self, first: int) -> list[tuple[str, int]]:
        """Return the rows of the table of tags for images numbered from `first` on."""
        return [
            (tag, key)
            for start, group in zip(self._starts(first), self.groups, strict=True)
            for key, tags in enumerate(group.tags, start)
            for tag in (tags if len(tags) < 2 else dict.fromkeys(tags))
        ]

    def _starts(self, first: int) -> list[int]:
        """Return the first key of each group."""
        return [*accumulate((group.size for group in self.groups[:-1]), initial=first)]


def prepare_images(documents: Sequence[Document], now: str) -> ImageBatch | None:
    """Check and complete images, and make their rows.

    Parameters
    ----------
    documents : sequence of Document
        At least one.
    now : str
        The time, in wire spelling.

    Returns
    -------
    ImageBatch or None
        None where one of them is no image, breaks a rule, or is given twice: `prepare_batch` says which.
    """
    if any(document.kind != "image" for document in documents):
        return None
    ids = [document.id for document in documents]
    if _id(ids) is None or len(set(ids)) < len(ids):
        return None
    stored: list[Document] = []
    groups: list[_Group] = []
    for start in range(0, len(ids), _SLICE):
        part = documents[start : start + _SLICE]
        if not _prepare_slice(part, ids[start : start + _SLICE], now, stored, groups):
            return None
    return ImageBatch(documents=stored, ids=ids, groups=groups)


def _prepare_slice(
    documents: Sequence[Document], ids: list[str], now: str, stored: list[Document], groups: list[_Group]
) -> bool:
    """Add what becomes of some images; return False where one of them is refused."""
    by_names: dict[tuple[str, ...], list[int]] = {}
    for place, document in enumerate(documents):
        by_names.setdefault(tuple(document.attributes), []).append(place)
    made: dict[int, Document] = {}
    for names, places in by_names.items():
        columns = _check_columns(names, [documents[place] for place in places])
        own = [ids[place] for place in places]
        if columns is None or not _is_whole(own, columns):
            return False
        groups.append(_make_group(own, columns, now))
        made.update(zip(places, _make_documents(own, columns, now), strict=True))
    stored += [made[place] for place in range(len(ids))]
    return True


def _check_columns(names: Sequence[str], documents: Sequence[Document]) -> dict[str, Any] | None:
    """Return the values in stored spelling, by attribute; None where one is refused.

    The footprints stay what `check_footprints` makes of them.
    """
    if not all(name in CHECKS["image"] for name in names):
        return None
    found: dict[str, Any] = {}
    columns = zip(*[document.attributes.values() for document in documents], strict=True)
    for name, values in zip(names, columns, strict=True):
        if name in _SET_BY_CATALOG:
            continue
        try:
            found[name] = _check_column(name, values)
        except Refusal:
            return None
    return found


def _check_column(name: str, values: Sequence[Any]) -> Any:
    if name == "geometry":
        return check_footprints(values)
    check = COLUMN_CHECKS.get(name)
    checked = None if check is None else check(values)
    if checked is None:
        single = CHECKS["image"][name]
        checked = [single(value) for value in values]
    return checked


def _is_whole(ids: Sequence[str], columns: Mapping[str, Any]) -> bool:
    """Tell whether images keep the rules that concern several attributes."""
    if "product_id" not in columns or "name" not in columns:
        return False
    if [*map("{}:{}".format, columns["product_id"], columns["name"])] != ids:
        return False
    states = columns.get("storage_state")
    if states is None:
        return True
    for state, files in zip(states, columns.get("files", repeat(())), strict=False):
        if state == "available":
            if not (files and files[0].get("href")) and not any(file.get("href") for file in files):
                return False
        elif not all(file.get("href") or file.get("provider_href") for file in files):
            return False
    return True


def _make_documents(ids: Sequence[str], columns: Mapping[str, Any], now: str) -> Iterator[Document]:
    names = (*columns, "created", "modified")
    values = [
        column.geometries if isinstance(column, FootprintColumn) else column for column in columns.values()
    ]
    rows = zip(*values, repeat(now), repeat(now), strict=False)
    for id_, row in zip(ids, rows, strict=True):
        yield Document(kind="image", id=id_, attributes=dict(zip(names, row, strict=True)), version=1)


def _make_group(ids: list[str], columns: Mapping[str, Any], now: str) -> _Group:
    footprints = columns.get("geometry")
    own: dict[str, Any] = {"id": ids, "version": repeat(1), "body": _make_bodies(columns, len(ids))}
    own |= {name: repeat(wire_to_key(now)) for name in _SET_BY_CATALOG}
    own["size_bytes"] = repeat(0)
    if "files" in columns:
        own["size_bytes"] = _add_sizes(columns["files"])
    if footprints is not None:
        own["footprint"] = footprints.wkb
        own |= dict(zip(("minx", "miny", "maxx", "maxy"), footprints.bounds, strict=True))
    for name, column in columns.items():
        if name in _CODEC.places:
            own[name] = wires_to_keys(column) if name in _CODEC.times else column
    return _Group(
        size=len(ids),
        names=("key", *own),
        columns=list(own.values()),
        products=set(columns["product_id"]),
        tags=columns.get("tags", []),
    )


def _add_sizes(column: Sequence[Sequence[Mapping[str, Any]]]) -> list[int]:
    try:
        return [sum(map(_size, files)) for files in column]
    except KeyError:
        return [sum(file.get("size_bytes") or 0 for file in files) for files in column]


def _make_bodies(columns: Mapping[str, Any], size: int) -> list[str]:
    """Make the JSON texts of what has no column of its own."""
    rest = {name: column for name, column in columns.items() if name not in _CODEC.places}
    footprints = rest.pop("geometry", None)
    if not rest and footprints is None:
        return ["{}"] * size
    bodies = [dict(zip(rest, row, strict=True)) for row in zip(*rest.values(), strict=True)] or [
        {} for _ in range(size)
    ]
    if footprints is not None:
        for place in footprints.inexact:
            bodies[place]["geometry"] = footprints.geometries[place]
    return list(map(encode_json, bodies))
