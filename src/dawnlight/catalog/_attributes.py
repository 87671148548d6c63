"""How attributes of catalog objects work: one descriptor per attribute, and the objects that own them.

An attribute has three forms, and each kind of attribute says how they turn into each other:

::

      what the user assigns ──normalize──► native value ──dump──► wire value (JSON-able)
                                                ▲                      │
                                                └────────load──────────┘

* ``normalize`` is strict: a value that does not fit raises `AttributeValidationError`.
* ``load`` is lenient: what the catalog holds is taken as it is, an unknown enum value stays a string.
* ``None`` clears an attribute, whatever its kind; an attribute without a value reads as ``None``.

Nothing here keeps a record of changes. Whether an object was modified is found by comparing the wire
values of today with the document that was last read or saved, so changes made in place count
(``image.tags.append("x")``), and a change that is taken back leaves no trace.

Lists and mappings that belong to a read-only attribute, or to one that can be set only once, are given
out frozen: trying to change them raises `AttributeValidationError`.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

from dawnlight.errors import AttributeValidationError

__all__ = ["Attribute", "AttributeOwner"]

T = TypeVar("T")

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 80


class Attribute(Generic[T]):
    """One attribute of a catalog object or of a value inside one.

    Subclasses are the kinds; they override `normalize`, `load`, `dump` and, where the native value can be
    changed in place, `freeze`.

    Parameters
    ----------
    doc : str
        What the attribute holds.
    mutable : bool, default True
        False: it can be set once, and never again.
    readonly : bool, default False
        True: only the catalog sets it.
    serializable : bool, default True
        False: it is no part of the document's attributes.
    sticky : bool, default False
        True: it survives a save or reload although the catalog does not answer with it.
    wire_name : str, optional
        Its name in documents, where that differs.
    default : object, optional
        The native value where none is set.
    """

    changes_in_place: ClassVar[bool] = False
    """Whether native values of this kind can be changed without an assignment."""

    def __init__(
        self,
        doc: str = "",
        *,
        mutable: bool = True,
        readonly: bool = False,
        serializable: bool = True,
        sticky: bool = False,
        wire_name: str | None = None,
        default: T | None = None,
    ) -> None:
        self.__doc__ = doc
        self.mutable = mutable
        self.readonly = readonly
        self.serializable = serializable
        self.sticky = sticky
        self.default = default
        self.name = ""
        self.label = "value"
        self.wire_name = wire_name or ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        self.wire_name = self.wire_name or name
        self.set_label(name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.label!r}>"

    def set_label(self, label: str) -> None:
        """Give the name by which error messages call this attribute."""
        self.label = label

    # -- access ----------------------------------------------------------------------------------------

    @overload
    def __get__(self, owner: None, owner_type: type | None = None) -> Self: ...
    @overload
    def __get__(self, owner: AttributeOwner, owner_type: type | None = None) -> T: ...
    def __get__(self, owner: AttributeOwner | None, owner_type: type | None = None) -> Self | T:
        if owner is None:
            return self
        values = owner._values
        if self.name in values:
            return values[self.name]  # type: ignore[no-any-return]  # the kind put it there
        return owner._read_missing(self)  # type: ignore[no-any-return]

    # The value is Any because every kind forgives: strings for times, mappings for objects, numpy numbers.
    def __set__(self, owner: AttributeOwner, value: Any) -> None:
        self.check_changeable(owner, "set")
        owner._values[self.name] = None if value is None else self.settle(self.convert(owner, value))

    def __delete__(self, owner: AttributeOwner) -> None:
        self.check_changeable(owner, "deleted")
        owner._values[self.name] = None

    def check_changeable(self, owner: AttributeOwner, verb: str) -> None:
        """Raise `AttributeValidationError` unless `owner` may be given another value."""
        title = f"{type(owner).__name__}.{self.label}"
        if owner._frozen:
            raise AttributeValidationError(
                f"{title} cannot be {verb}: the object belongs to an attribute that is read-only or can be "
                "set only once"
            )
        if self.readonly:
            raise AttributeValidationError(f"{title} is read-only: only the catalog sets it")
        if not self.mutable and self.__get__(owner) is not None:
            raise AttributeValidationError(
                f"{title} cannot be {verb}: it can be set only once and is {_short.repr(self.__get__(owner))}"
            )

    def convert(self, owner: AttributeOwner, value: Any) -> Any:
        """Return the native value for what the user gave; the error names the owner's class."""
        try:
            return self.normalize(value)
        except AttributeValidationError as error:
            raise AttributeValidationError(f"{type(owner).__name__}.{error}") from error.__cause__

    # -- conversion ------------------------------------------------------------------------------------

    def normalize(self, value: Any) -> Any:
        """Turn what the user gave into the native value; `AttributeValidationError` if it does not fit."""
        return value

    def load(self, wire: Any) -> Any:
        """Turn what a document holds into the native value; never raises."""
        return wire

    def dump(self, native: Any) -> Any:
        """Turn the native value into what a document holds: plain JSON-able values, lists for tuples."""
        return native

    def freeze(self, native: Any) -> Any:
        """Return an equal value that cannot be changed in place."""
        return native

    def settle(self, native: Any) -> Any:
        """Return `native` the way the attribute keeps it: frozen where it must not change."""
        return self.freeze(native) if self.readonly or not self.mutable else native

    @property
    def is_plain(self) -> bool:
        """Whether documents hold the native value itself."""
        return type(self).dump is Attribute.dump

    def dump_or_none(self, native: Any) -> Any:
        """Turn the native value, or None, into what a document holds."""
        return None if native is None else self.dump(native)

    def dump_column(self, natives: Sequence[Any]) -> list[Any]:
        """Do what `dump_or_none` does for each of many values, in a few passes where the kind allows it."""
        if self.is_plain:
            return list(natives)
        return [None if native is None else self.dump(native) for native in natives]

    def is_same_wire(self, wire: Any, other: Any) -> bool:
        """Tell whether two wire values mean the same; the second one may be spelled freely."""
        if wire == other or (wire != wire and other != other):
            return True  # NaN, which equals nothing, is the same as NaN
        return other is not None and bool(wire == self.dump_or_none(self.load(other)))

    def fail(self, value: Any, wanted: str) -> AttributeValidationError:
        """Make the error that says that `value` is not what was `wanted`."""
        return AttributeValidationError(f"{self.label}={_short.repr(value)} must be {wanted}")


class AttributeOwner:
    """An object whose public attributes are all `Attribute` descriptors or properties.

    Other public names cannot be assigned: a misspelled attribute is an `AttributeError`.
    """

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ()
    """Names of all attributes: those of the class itself first, then those of its bases."""

    _attributes: ClassVar[Mapping[str, Attribute[Any]]] = MappingProxyType({})
    _values: dict[str, Any]
    _frozen: bool = False

    # Instances are mutable, so they have no hash.
    __hash__ = None  # type: ignore[assignment]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        found: dict[str, Attribute[Any]] = {}
        for base in cls.__mro__:
            for name, member in vars(base).items():
                if isinstance(member, Attribute):
                    found.setdefault(name, member)
        cls._attributes = MappingProxyType(found)
        cls.ATTRIBUTES = tuple(name for name in found if not name.startswith("_"))
        cls.__hash__ = None  # type: ignore[assignment]  # also where the class defines __eq__

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not hasattr(getattr(type(self), name, None), "__set__"):
            raise self._unknown(name)
        super().__setattr__(name, value)

    def _unknown(self, name: str) -> AttributeError:
        """Make the error for a name that is no attribute, with the nearest name there is."""
        near = difflib.get_close_matches(name, self.ATTRIBUTES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return AttributeError(f"{type(self).__name__} has no attribute {name!r}{hint}", name=name, obj=self)

    def _check_names(self, names: Mapping[str, Any]) -> None:
        for name in names:
            if name not in self.ATTRIBUTES:
                raise self._unknown(name)

    def _read_missing(self, attribute: Attribute[Any]) -> Any:
        """Return the native value of an attribute that has none in ``_values``."""
        return attribute.default
