"""Lists and dicts that check what is put into them, and that can be frozen.

They are a `list` and a `dict` in every other respect: they compare, print and serialise as such, and
``+``, slices and ``copy()`` give plain ones that belong to nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, Self, SupportsIndex, TypeVar

from dawnlight.errors import AttributeValidationError

if TYPE_CHECKING:
    from dawnlight.catalog._attributes import Attribute

__all__ = ["CheckedDict", "CheckedList"]

T = TypeVar("T")
_MISSING = object()


def _refuse(label: str) -> NoReturn:
    raise AttributeValidationError(
        f"{label} cannot be changed in place: it belongs to an attribute that is read-only or set only once"
    )


class CheckedList(list[T]):
    """A list of values of one kind.

    Parameters
    ----------
    items : iterable
        Native values, already checked.
    kind : Attribute
        Checks what is added later.
    frozen : bool
        True: every change raises `AttributeValidationError`.
    """

    def __init__(self, items: Iterable[T], kind: Attribute[Any], *, frozen: bool = False) -> None:
        super().__init__(items)
        self._kind = kind
        self._frozen = frozen

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return list, (list(self),)  # copies and pickles are plain lists

    def _check_open(self) -> None:
        if self._frozen:
            _refuse(self._kind.label)

    def _checked(self, values: Iterable[Any]) -> list[Any]:
        self._check_open()
        return [self._kind.normalize(value) for value in values]

    def append(self, value: Any) -> None:
        super().append(self._checked([value])[0])

    def insert(self, index: SupportsIndex, value: Any) -> None:
        super().insert(index, self._checked([value])[0])

    def extend(self, values: Iterable[Any]) -> None:
        super().extend(self._checked(values))

    def __iadd__(self, values: Iterable[Any]) -> Self:  # type: ignore[misc,override]
        self.extend(values)
        return self

    def __imul__(self, count: SupportsIndex) -> Self:
        self._check_open()
        return super().__imul__(count)

    def __setitem__(self, index: Any, value: Any) -> None:
        one = not isinstance(index, slice)
        super().__setitem__(index, self._checked([value])[0] if one else self._checked(value))

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        self._check_open()
        super().__delitem__(index)

    def pop(self, index: SupportsIndex = -1) -> T:
        self._check_open()
        return super().pop(index)

    def remove(self, value: T) -> None:
        self._check_open()
        super().remove(value)

    def clear(self) -> None:
        self._check_open()
        super().clear()

    def reverse(self) -> None:
        self._check_open()
        super().reverse()

    def sort(self, **options: Any) -> None:
        self._check_open()
        super().sort(**options)


class CheckedDict(dict[str, T]):
    """A dict from strings to values of one kind.

    Parameters
    ----------
    items : mapping
        Native values, already checked.
    kind : Attribute
        Checks the values added later.
    frozen : bool
        True: every change raises `AttributeValidationError`.
    """

    def __init__(self, items: Mapping[str, T], kind: Attribute[Any], *, frozen: bool = False) -> None:
        super().__init__(items)
        self._kind = kind
        self._frozen = frozen

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return dict, (dict(self),)

    def _check_open(self) -> None:
        if self._frozen:
            _refuse(self._kind.label)

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def update(self, *args: Any, **values: Any) -> None:
        self._check_open()
        super().update(check_items(dict(*args, **values), self._kind))

    def __ior__(self, other: Any) -> Self:  # type: ignore[override,misc]
        self.update(other)
        return self

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def __delitem__(self, key: str) -> None:
        self._check_open()
        super().__delitem__(key)

    def pop(self, key: str, default: Any = _MISSING) -> Any:
        self._check_open()
        return super().pop(key) if default is _MISSING else super().pop(key, default)

    def popitem(self) -> tuple[str, T]:
        self._check_open()
        return super().popitem()

    def clear(self) -> None:
        self._check_open()
        super().clear()


def check_items(items: Mapping[Any, Any], kind: Attribute[Any]) -> dict[str, Any]:
    """Return `items` with every value in the native form of `kind`; keys must be strings."""
    checked = {}
    for key, value in items.items():
        if not isinstance(key, str):
            raise AttributeValidationError(f"{kind.label}: key {key!r} must be a string")
        checked[str(key)] = kind.normalize(value)
    return checked
