"""A method that does one thing when called on the class and another when called on an instance.

The API asks for it in one place, ``delete``: ``Image.delete("p:x")`` deletes by id, ``image.delete()``
deletes the object at hand.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any, Generic, TypeVar, overload

__all__ = ["class_or_instance_method"]

R = TypeVar("R")
S = TypeVar("S")


class class_or_instance_method(Generic[R, S]):  # noqa: N801 - a decorator, like classmethod
    """Descriptor that binds one of two functions.

    Parameters
    ----------
    on_class : callable
        Takes the class as first argument.
    on_instance : callable
        Takes the instance as first argument.

    Examples
    --------
    >>> class Door:
    ...     def _count(cls): return "all doors"
    ...     def _close(self): return "this door"
    ...     shut = class_or_instance_method(_count, _close)
    >>> Door.shut(), Door().shut()
    ('all doors', 'this door')
    """

    # The first parameter of both functions is bound here, whatever its type.
    def __init__(self, on_class: Callable[..., R], on_instance: Callable[..., S]) -> None:
        self._on_class = on_class
        self._on_instance = on_instance
        self.__doc__ = on_class.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Callable[..., R]: ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> Callable[..., S]: ...
    def __get__(self, instance: Any, owner: type | None = None) -> Callable[..., Any]:
        if instance is None:
            return MethodType(self._on_class, owner)
        return MethodType(self._on_instance, instance)
