"""Kinds of attribute that hold several values: tuples, lists, dicts, geometries, objects with attributes."""

from __future__ import annotations

import copy
import operator
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from types import NoneType
from typing import Any, Generic, TypeVar

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry, BaseMultipartGeometry

from dawnlight.catalog._attributes import Attribute, AttributeOwner
from dawnlight.catalog._columns import are_of, cut_like, group_by_names, zip_columns
from dawnlight.catalog._containers import CheckedDict, CheckedList, check_items
from dawnlight.catalog._scalars import FloatAttribute, IntegerAttribute, StringAttribute
from dawnlight.errors import AttributeValidationError, ParameterError, ParameterTypeError
from dawnlight.geo import normalize_geometry

__all__ = [
    "AttributeMapping",
    "DictAttribute",
    "ExtraPropertiesAttribute",
    "GeometryAttribute",
    "ListAttribute",
    "MappingAttribute",
    "OptionalStringAttribute",
    "TupleAttribute",
]

_values_of = operator.attrgetter("_values")

T = TypeVar("T")
M = TypeVar("M", bound="AttributeMapping")


def _to_lists(value: Any) -> Any:
    """Return `value` with tuples as lists, at every depth: the spelling of JSON."""
    if isinstance(value, (list, tuple)):
        return [_to_lists(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _to_lists(item) for key, item in value.items()}
    return value


class OptionalStringAttribute(StringAttribute):
    """Text or None, as an item of a list."""

    def normalize(self, value: Any) -> Any:
        return None if value is None else super().normalize(value)


class TupleAttribute(Attribute[tuple[Any, ...] | None]):
    """A fixed number of values of one kind, kept as tuple.

    Parameters
    ----------
    size : int
        How many.
    doc : str
        What the attribute holds.
    item : Attribute, default FloatAttribute()
        Kind of each value.
    **flags
        As for `Attribute`.
    """

    def __init__(self, size: int, doc: str = "", *, item: Attribute[Any] | None = None, **flags: Any) -> None:
        super().__init__(doc, **flags)
        self.size = size
        self.item = item or FloatAttribute()

    def set_label(self, label: str) -> None:
        super().set_label(label)
        self.item.set_label(f"{label}[...]")

    def normalize(self, value: Any) -> tuple[Any, ...]:
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
            raise self.fail(value, f"a sequence of {self.size} values")
        values = tuple(self.item.normalize(item) for item in value)
        if len(values) != self.size:
            raise self.fail(value, f"a sequence of {self.size} values, not of {len(values)}")
        return values

    def load(self, wire: Any) -> Any:
        return tuple(wire) if isinstance(wire, (list, tuple)) else wire

    def dump(self, native: Any) -> Any:
        return _to_lists(native)

    def dump_column(self, natives: Sequence[Any]) -> list[Any]:
        if are_of(natives, tuple) and are_of(chain.from_iterable(natives), float, int, str, NoneType):
            return list(map(list, natives))
        return super().dump_column(natives)


class ListAttribute(Attribute[CheckedList[T] | None], Generic[T]):
    """A list of values of one kind. Its items are checked on assignment and on changes in place.

    Parameters
    ----------
    item : Attribute
        Kind of each item.
    doc : str
        What the attribute holds.
    **flags
        As for `Attribute`.
    """

    changes_in_place = True

    def __init__(self, item: Attribute[T | None], doc: str = "", **flags: Any) -> None:
        super().__init__(doc, **flags)
        self.item = item

    def set_label(self, label: str) -> None:
        super().set_label(label)
        self.item.set_label(f"{label}[...]")

    def normalize(self, value: Any) -> Any:
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
            raise self.fail(value, "a list")
        return CheckedList([self.item.normalize(item) for item in value], self.item)

    def load(self, wire: Any) -> Any:
        if not isinstance(wire, (list, tuple)):
            return wire
        return CheckedList([None if item is None else self.item.load(item) for item in wire], self.item)

    def dump(self, native: Any) -> Any:
        if not isinstance(native, list):
            return native
        return [self.item.dump_or_none(item) for item in native]

    def dump_column(self, natives: Sequence[Any]) -> list[Any]:
        if not are_of(natives, CheckedList):
            return super().dump_column(natives)
        if self.item.is_plain:
            return list(map(list, natives))
        return list(cut_like(self.item.dump_column(list(chain.from_iterable(natives))), natives))

    def freeze(self, native: Any) -> Any:
        if not isinstance(native, list):
            return native
        return CheckedList([self.item.freeze(item) for item in native], self.item, frozen=True)


class DictAttribute(Attribute[CheckedDict[T] | None], Generic[T]):
    """A dict from strings to values of one kind.

    Parameters
    ----------
    item : Attribute
        Kind of each value.
    doc : str
        What the attribute holds.
    **flags
        As for `Attribute`.
    """

    changes_in_place = True

    def __init__(self, item: Attribute[T | None], doc: str = "", **flags: Any) -> None:
        super().__init__(doc, **flags)
        self.item = item

    def set_label(self, label: str) -> None:
        super().set_label(label)
        self.item.set_label(label)

    def normalize(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise self.fail(value, "a mapping")
        return CheckedDict(check_items(value, self.item), self.item)

    def load(self, wire: Any) -> Any:
        if not isinstance(wire, Mapping):
            return wire
        return CheckedDict({key: self.item.load(value) for key, value in wire.items()}, self.item)

    def dump(self, native: Any) -> Any:
        if not isinstance(native, Mapping):
            return native
        return {key: self.item.dump_or_none(value) for key, value in native.items()}

    def dump_column(self, natives: Sequence[Any]) -> list[Any]:
        if are_of(natives, CheckedDict) and self.item.is_plain:
            return list(map(dict, natives))
        return super().dump_column(natives)

    def freeze(self, native: Any) -> Any:
        if not isinstance(native, Mapping):
            return native
        frozen = {key: self.item.freeze(value) for key, value in native.items()}
        return CheckedDict(frozen, self.item, frozen=True)


class _PropertyValue(Attribute[Any]):
    """A value of ``extra_properties``: text or a number."""

    def __init__(self) -> None:
        super().__init__()
        self._text = StringAttribute()
        self._whole = IntegerAttribute()
        self._real = FloatAttribute()

    def set_label(self, label: str) -> None:
        super().set_label(label)
        for kind in (self._text, self._whole, self._real):
            kind.set_label(label)

    def normalize(self, value: Any) -> Any:
        if isinstance(value, (bool, str)):
            return value if isinstance(value, bool) else self._text.normalize(value)
        if hasattr(value, "__index__"):
            return self._whole.normalize(value)
        if hasattr(value, "__float__"):
            return self._real.normalize(value)
        raise self.fail(value, "a string or a number")


class ExtraPropertiesAttribute(DictAttribute[Any]):
    """A dict from strings to strings and numbers, for what has no attribute of its own."""

    def __init__(self, doc: str = "", **flags: Any) -> None:
        super().__init__(_PropertyValue(), doc, **flags)


class GeometryAttribute(Attribute[BaseGeometry | None]):
    """A geometry in longitude and latitude (WGS 84), kept as shapely geometry.

    Shapely geometries, GeoJSON mappings (geometry, Feature, FeatureCollection) and everything with a
    ``__geo_interface__`` are taken.
    """

    def normalize(self, value: Any) -> Any:
        try:
            return normalize_geometry(value)
        except (ParameterError, ParameterTypeError) as error:
            raise self.fail(value, f"a geometry: {error}") from error

    def load(self, wire: Any) -> Any:
        try:
            return normalize_geometry(wire)
        except (ParameterError, ParameterTypeError):
            return wire

    def dump(self, native: Any) -> Any:
        return to_geojson(native) if isinstance(native, BaseGeometry) else native

    def dump_column(self, natives: Sequence[Any]) -> list[Any]:
        if not natives or not are_of(natives, shapely.Polygon):
            return super().dump_column(natives)
        if shapely.get_num_interior_rings(natives).any():
            return super().dump_column(natives)
        rings = shapely.get_exterior_ring(natives)
        positions, owners = shapely.get_coordinates(rings, return_index=True)
        sizes = np.bincount(owners, minlength=len(natives))
        if sizes.min() == sizes.max():
            cut = positions.reshape(len(natives), -1, 2).tolist()
        else:
            cut = [part.tolist() for part in np.split(positions, np.cumsum(sizes)[:-1])]
        return [{"type": "Polygon", "coordinates": [ring]} for ring in cut]


def to_geojson(geometry: BaseGeometry) -> dict[str, Any]:
    """Return a geometry as GeoJSON mapping of lists, every digit kept."""
    kind = "LineString" if isinstance(geometry, shapely.LinearRing) else geometry.geom_type
    if isinstance(geometry, shapely.GeometryCollection):
        return {"type": kind, "geometries": [to_geojson(part) for part in geometry.geoms]}
    return {"type": kind, "coordinates": _coordinates(geometry)}


def _coordinates(geometry: BaseGeometry) -> Any:
    if isinstance(geometry, BaseMultipartGeometry):
        return [_coordinates(part) for part in geometry.geoms]
    if isinstance(geometry, shapely.Polygon):
        rings = [geometry.exterior, *geometry.interiors]
        return [shapely.get_coordinates(ring).tolist() for ring in rings]
    positions = shapely.get_coordinates(geometry).tolist()
    return positions[0] if isinstance(geometry, shapely.Point) else positions


class AttributeMapping(AttributeOwner):
    """A small object with attributes that is the value of an attribute, such as a `File`.

    Keyword arguments set its attributes. Objects are equal when their classes and all attributes are;
    they have no hash. The same object may be given to several catalog objects: a change to it is a
    change to all of them.
    """

    def __init__(self, **attributes: Any) -> None:
        self._values = {}
        self._check_names(attributes)
        for name, value in attributes.items():
            setattr(self, name, value)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.serialize() == other.serialize()

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.serialize())
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore_mapping, (type(self), self.serialize(), self._frozen)

    def serialize(self) -> dict[str, Any]:
        """Return the attributes that have a value, as plain JSON-able values.

        Returns
        -------
        dict
            Names and values; times as ISO 8601 strings, tuples as lists.

        Examples
        --------
        >>> from dawnlight.catalog import File
        >>> File(href="a.tif", size_bytes=12).serialize()
        {'href': 'a.tif', 'size_bytes': 12}
        """
        values = self._values
        return {
            attribute.wire_name: wire
            for name, attribute in self._attributes.items()
            if (native := values.get(name)) is not None and (wire := attribute.dump(native)) is not None
        }

    @classmethod
    def _serialize_many(cls, values: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Do what `serialize` does for objects with these values."""
        groups = group_by_names(values)
        flat = chain.from_iterable(map(dict.values, values))
        if all(map(cls._are_wire_names, groups)) and None not in flat:
            return list(map(dict, values))
        found: list[Any] = [None] * len(values)
        for names, places in groups.items():
            columns = dict(zip(names, zip(*(values[at].values() for at in places), strict=True), strict=True))
            wire = {
                attribute.wire_name: attribute.dump_column(columns[name])
                for name, attribute in cls._attributes.items()
                if name in columns
            }
            for at, row in zip(places, zip_columns(wire, len(places)), strict=True):
                found[at] = row
        return found

    @classmethod
    def _are_wire_names(cls, names: Sequence[str]) -> bool:
        """Tell whether documents hold values with these names under the same, in this order, as they are."""
        attributes = [attribute for name, attribute in cls._attributes.items() if name in names]
        plain = all(attribute.is_plain for attribute in attributes)
        return plain and [attribute.wire_name for attribute in attributes] == list(names)

    @classmethod
    def _from_wire(cls, wire: Mapping[str, Any]) -> Any:
        """Build from a document: lenient, names that are not known are left out."""
        made = cls.__new__(cls)
        made._values = {
            name: attribute.settle(attribute.load(wire[attribute.wire_name]))
            for name, attribute in cls._attributes.items()
            if wire.get(attribute.wire_name) is not None
        }
        return made

    def _check_complete(self) -> None:
        """Raise `AttributeValidationError` when an attribute that must have a value has none."""

    def _frozen_copy(self) -> Any:
        made = copy.copy(self)
        made._values = {name: self._attributes[name].freeze(value) for name, value in self._values.items()}
        made._frozen = True
        return made


def _restore_mapping(cls: type[AttributeMapping], wire: Mapping[str, Any], frozen: bool) -> Any:
    made = cls._from_wire(wire)
    made._frozen = frozen
    return made


class MappingAttribute(Attribute["M | None"], Generic[M]):
    """An object with attributes of its own; a mapping with the same names is taken too.

    Parameters
    ----------
    mapping_type : type
        Class of the object, an `AttributeMapping`.
    doc : str
        What the attribute holds.
    **flags
        As for `Attribute`.
    """

    changes_in_place = True

    def __init__(self, mapping_type: type[M], doc: str = "", **flags: Any) -> None:
        super().__init__(doc, **flags)
        self.mapping_type = mapping_type

    def normalize(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            try:
                value = self.mapping_type(**value)
            except TypeError as error:
                raise self.fail(value, f"a mapping with names as keys: {error}") from error
        if not isinstance(value, self.mapping_type):
            raise self.fail(value, f"a {self.mapping_type.__name__} or a mapping with its attributes")
        try:
            value._check_complete()
        except AttributeValidationError as error:
            raise AttributeValidationError(f"{self.label}: {error}") from error
        return value

    def load(self, wire: Any) -> Any:
        return self.mapping_type._from_wire(wire) if isinstance(wire, Mapping) else wire

    def dump(self, native: Any) -> Any:
        return native.serialize() if isinstance(native, AttributeMapping) else native

    def dump_column(self, natives: Sequence[Any]) -> list[Any]:
        if not are_of(natives, self.mapping_type):
            return super().dump_column(natives)
        return self.mapping_type._serialize_many(list(map(_values_of, natives)))

    def freeze(self, native: Any) -> Any:
        return native._frozen_copy() if isinstance(native, AttributeMapping) else native
