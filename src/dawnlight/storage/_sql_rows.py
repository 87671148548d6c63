"""Documents as rows of their table, and back without loss."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table

from dawnlight.search import FIELDS, Document, Kind, resolution_to_meters, time_to_key
from dawnlight.storage._footprints import decode_footprint, encode_footprint
from dawnlight.storage._sql_schema import TABLES

__all__ = ["CODECS", "RowCodec", "key_to_wire"]

_NOT_ATTRIBUTES = frozenset(
    {"key", "id", "version", "body", "footprint", "minx", "miny", "maxx", "maxy", "size_bytes"}
)
_encode_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_decode_json = json.JSONDecoder().decode


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
        types = {name: field.type for name, field in FIELDS[kind].items()}
        attributes = [name for name in self.names if name not in _NOT_ATTRIBUTES]
        self._derived = tuple(name for name in attributes if types[name] == "resolution")
        self._times = tuple(name for name in attributes if types[name] == "time")
        self._bools = tuple(name for name in attributes if types[name] == "bool")
        self._plain = tuple(name for name in attributes if name not in self._derived)
        self._in_columns = frozenset(self._plain)
        self._spatial = kind == "image"
        self._picked = tuple((self.names.index(name), name) for name in self._plain)
        self._at = {name: index for index, name in enumerate(self.names)}

    def to_row(self, document: Document, key: int) -> tuple[Any, ...]:
        """Make the row of a document in stored spelling.

        Parameters
        ----------
        document : Document
            As the rules returned it.
        key : int
            Its number in the table.

        Returns
        -------
        tuple
            One value per column, in the order of `names`.
        """
        attributes = document.attributes
        values: dict[str, Any] = {name: attributes.get(name) for name in self._plain}
        for name in self._times:
            if values[name] is not None:
                values[name] = _wire_to_key(values[name])
        for name in self._bools:
            if values[name] is not None:
                values[name] = int(values[name])
        for name in self._derived:
            values[name] = resolution_to_meters(attributes.get(name))
        rest = {name: value for name, value in attributes.items() if name not in self._in_columns}
        if self._spatial:
            _put_image(values, rest)
        values["key"], values["id"], values["version"] = key, document.id, document.version
        values["body"] = _encode_json(rest)
        return tuple([values.get(name) for name in self.names])

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
        attributes = {name: row[index] for index, name in self._picked if row[index] is not None}
        for name in self._times:
            if name in attributes:
                attributes[name] = key_to_wire(attributes[name])
        for name in self._bools:
            if name in attributes:
                attributes[name] = bool(attributes[name])
        if self._spatial:
            footprint = row[self._at["footprint"]]
            if footprint is not None:
                attributes["geometry"] = decode_footprint(footprint)
        attributes.update(_decode_json(row[self._at["body"]]))
        return Document(
            kind=self.kind, id=row[self._at["id"]], attributes=attributes, version=row[self._at["version"]]
        )

    def position(self, name: str) -> int:
        """Return the place of a column in a row."""
        return self._at[name]


def key_to_wire(key: str) -> str:
    """Spell the key of a time as documents do: without the zeros at the end of the second."""
    fraction = key[20:29].rstrip("0")
    return f"{key[:19]}.{fraction}Z" if fraction else f"{key[:19]}Z"


def _wire_to_key(wire: str) -> str:
    if wire[-1] == "Z" and (len(wire) == 20 or wire[19] == "."):
        return f"{wire[:19]}.{wire[20:-1].ljust(9, '0')}Z"
    return time_to_key(wire)


def _put_image(values: dict[str, Any], rest: dict[str, Any]) -> None:
    files: Sequence[Mapping[str, Any]] = rest.get("files") or ()
    values["size_bytes"] = sum([file.get("size_bytes") or 0 for file in files])
    geometry = rest.pop("geometry", None)
    if geometry is None:
        return
    footprint = encode_footprint(geometry)
    values["footprint"] = footprint.wkb
    values["minx"], values["miny"], values["maxx"], values["maxy"] = footprint.bounds
    if not footprint.exact:
        rest["geometry"] = geometry


CODECS: Mapping[Kind, RowCodec] = {kind: RowCodec(kind) for kind in TABLES}
"""The codec of every kind."""
