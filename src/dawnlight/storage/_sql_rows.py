"""Documents as rows of their table, and back without loss."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import Table

from dawnlight.search import FIELDS, Document, Kind, resolution_to_meters, time_to_key
from dawnlight.storage._footprints import decode_footprint, decode_footprints, encode_footprint
from dawnlight.storage._json import encode_json
from dawnlight.storage._sql_schema import TABLES

__all__ = ["CODECS", "RowCodec", "key_to_wire", "wire_to_key", "wires_to_keys"]

_NOT_ATTRIBUTES = frozenset(
    {"key", "id", "version", "body", "footprint", "minx", "miny", "maxx", "maxy", "size_bytes"}
)
_decode_json = json.JSONDecoder().raw_decode

_FEW = 8
"""So many rows are decoded one by one; more of them column by column, which takes half the time of a row."""
_DECODED_AT_ONCE = 256


class RowCodec:
    """Translates between the documents of one kind and the rows of their table.

    Attributes of plain types are in their columns only. Resolutions are in the body, their column is derived;
    so is everything else that has no column, and the rare footprint that searches see differently.

    Parameters
    ----------
    kind : {"product", "band", "image", "image_upload"}
        Which documents.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.table: Table = TABLES[kind]
        self.names: tuple[str, ...] = tuple(column.name for column in self.table.columns)
        """Names of the columns, in the order of the rows."""
        self._at = {name: position for position, name in enumerate(self.names)}
        self._key, self._id, self._version = self._at["key"], self._at["id"], self._at["version"]
        self._body = self._at["body"]
        types = {name: field.type for name, field in FIELDS[kind].items()}
        attributes = [(self._at[name], name) for name in self.names if name not in _NOT_ATTRIBUTES]
        self._derived = [pair for pair in attributes if types[pair[1]] == "resolution"]
        self._times = [pair for pair in attributes if types[pair[1]] == "time"]
        self._bools = [pair for pair in attributes if types[pair[1]] == "bool"]
        self._place = {name: position for position, name in attributes if types[name] != "resolution"}
        self.places: Mapping[str, int] = MappingProxyType(self._place)
        """Positions in a row of the attributes that are in their columns only."""
        self.times = frozenset(name for _, name in self._times)
        """The attributes whose columns hold keys of times."""
        self._picked = tuple(self._place.items())
        self._spatial = kind == "image"
        if self._spatial:
            self._footprint, self._bounds, self._size = (
                self._at[name] for name in ("footprint", "minx", "size_bytes")
            )

    def to_row(self, document: Document, key: int | None = None) -> list[Any]:
        """Make the row of a document in stored spelling.

        Parameters
        ----------
        document : Document
            As the rules returned it.
        key : int, optional
            Its number in the table; the first value of the row, which the caller may set later.

        Returns
        -------
        list
            One value per column, in the order of `names`.
        """
        row: list[Any] = [None] * len(self.names)
        rest: dict[str, Any] = {}
        for name, value in document.attributes.items():
            position = self._place.get(name)
            if position is None:
                rest[name] = value
            else:
                row[position] = value
        for position, _ in self._times:
            if row[position] is not None:
                row[position] = wire_to_key(row[position])
        for position, _ in self._bools:
            if row[position] is not None:
                row[position] = int(row[position])
        for position, name in self._derived:
            row[position] = resolution_to_meters(document.attributes.get(name))
        if self._spatial:
            self._put_image(row, rest)
        row[self._key], row[self._id], row[self._version] = key, document.id, document.version
        row[self._body] = encode_json(rest)
        return row

    def from_row(self, row: Sequence[Any]) -> Document:
        """Make the document of a row.

        Parameters
        ----------
        row : sequence
            One value per column, in the order of `names`.

        Returns
        -------
        Document
            Equal to the one the row was made of.
        """
        attributes = {name: row[position] for name, position in self._picked if row[position] is not None}
        for _, name in self._times:
            if name in attributes:
                attributes[name] = key_to_wire(attributes[name])
        for _, name in self._bools:
            if name in attributes:
                attributes[name] = bool(attributes[name])
        if self._spatial and row[self._footprint] is not None:
            attributes["geometry"] = decode_footprint(row[self._footprint])
        attributes.update(_decode_json(row[self._body])[0])
        return Document(kind=self.kind, id=row[self._id], attributes=attributes, version=row[self._version])

    def from_rows(self, rows: Sequence[Sequence[Any]]) -> list[Document]:
        """Make the documents of many rows, as `from_row` does for each.

        Parameters
        ----------
        rows : sequence of sequence
            One value per column, in the order of `names`.

        Returns
        -------
        list of Document
            One per row.
        """
        if len(rows) <= _FEW:
            return [self.from_row(row) for row in rows]
        parts = [rows[at : at + _DECODED_AT_ONCE] for at in range(0, len(rows), _DECODED_AT_ONCE)]
        return [document for part in parts for document in self._from_columns(list(zip(*part, strict=True)))]

    def _from_columns(self, columns: Sequence[Sequence[Any]]) -> list[Document]:
        given: dict[str, Sequence[Any]] = {}
        gaps: list[str] = []
        for name, position in self._picked:
            column = columns[position]
            if None in column:
                if column.count(None) == len(column):
                    continue
                gaps.append(name)
            given[name] = column
        for _, name in self._times:
            if name in given:
                given[name] = [key if key is None else key_to_wire(key) for key in given[name]]
        for _, name in self._bools:
            if name in given:
                given[name] = [value if value is None else bool(value) for value in given[name]]
        names = tuple(given)
        mappings = [dict(zip(names, values, strict=True)) for values in zip(*given.values(), strict=True)]
        for name in gaps:
            for mapping, value in zip(mappings, given[name], strict=True):
                if value is None:
                    del mapping[name]
        if self._spatial:
            for mapping, geometry in zip(mappings, decode_footprints(columns[self._footprint]), strict=True):
                if geometry is not None:
                    mapping["geometry"] = geometry
        for mapping, body in zip(mappings, _decode_bodies(columns[self._body]), strict=True):
            mapping.update(body)
        heads = zip(columns[self._id], columns[self._version], mappings, strict=True)
        return [
            Document(kind=self.kind, id=id_, attributes=attributes, version=version)
            for id_, version, attributes in heads
        ]

    def _put_image(self, row: list[Any], rest: dict[str, Any]) -> None:
        files = rest.get("files") or ()
        row[self._size] = sum([file.get("size_bytes") or 0 for file in files])
        geometry = rest.pop("geometry", None)
        if geometry is None:
            return
        footprint = encode_footprint(geometry)
        row[self._footprint] = footprint.wkb
        row[self._bounds : self._bounds + 4] = footprint.bounds
        if not footprint.exact:
            rest["geometry"] = geometry

    def position(self, name: str) -> int:
        """Return the place of a column in a row."""
        return self._at[name]


def _decode_bodies(bodies: Sequence[str]) -> list[dict[str, Any]]:
    """Read JSON objects. At once, because names that come again are then read once."""
    found: list[dict[str, Any]]
    try:
        found = _decode_json(f"[{','.join(bodies)}]")[0]
    except json.JSONDecodeError:
        found = []
    # Texts that are no objects by themselves may be a list together; one by one they are errors.
    return found if len(found) == len(bodies) else [_decode_json(body)[0] for body in bodies]


def key_to_wire(key: str) -> str:
    """Spell the key of a time as documents do: without the zeros at the end of the second."""
    if key.endswith(".000000000Z"):
        return f"{key[:19]}Z"
    fraction = key[20:29].rstrip("0")
    return f"{key[:19]}.{fraction}Z" if fraction else f"{key[:19]}Z"


def wire_to_key(wire: str) -> str:
    """Spell the time of a document as columns hold it; see `dawnlight.search.time_to_key`."""
    if wire[-1] == "Z" and (len(wire) == 20 or wire[19] == "."):
        return f"{wire[:19]}.{wire[20:-1].ljust(9, '0')}Z"
    return time_to_key(wire)


def wires_to_keys(wires: Sequence[str]) -> list[str]:
    """Spell many times as `wire_to_key` does."""
    # Without a fraction, as most are, a time is 20 characters long.
    return [f"{wire[:19]}.000000000Z" if len(wire) == 20 else wire_to_key(wire) for wire in wires]


CODECS: Mapping[Kind, RowCodec] = {kind: RowCodec(kind) for kind in TABLES}
"""The codec of every kind."""
