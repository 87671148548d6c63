"""References: attributes that give another catalog object, known by its id."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dawnlight.catalog._attributes import Attribute
from dawnlight.catalog._enums import DocumentState

if TYPE_CHECKING:
    from dawnlight.catalog._base import CatalogObjectBase

__all__ = ["ReferenceAttribute"]


class ReferenceAttribute(Attribute[Any]):
    """Another catalog object. Documents hold only its id, in the attribute ``<name>_id``.

    Reading gets the object from the catalog the first time and remembers it as long as the id stays the
    same. Assigning one sets the id too.

    Parameters
    ----------
    target : callable
        Returns the class of the object. A function, because the classes refer to each other.
    doc : str
        What the attribute holds.
    **flags
        As for `Attribute`.
    """

    def __init__(self, target: Callable[[], type[CatalogObjectBase]], doc: str = "", **flags: Any) -> None:
        super().__init__(doc, serializable=False, sticky=True, **flags)
        self.target = target

    @property
    def id_name(self) -> str:
        """Name of the attribute with the id."""
        return f"{self.name}_id"

    def __get__(self, owner: Any, owner_type: type | None = None) -> Any:
        if owner is None:
            return self
        identifier = getattr(owner, self.id_name)
        if identifier is None:
            return None
        known = owner._references.get(self.name)
        if known is None or known.id != identifier:
            known = self.target().get(identifier, client=owner._client)
            owner._references[self.name] = known
        return known

    def __set__(self, owner: Any, value: Any) -> None:
        if value is None:
            self.__delete__(owner)
            return
        self.check_target(value)
        # The id attribute refuses an id that disagrees with the one it has.
        setattr(owner, self.id_name, value.id)
        owner._references[self.name] = value

    def __delete__(self, owner: Any) -> None:
        delattr(owner, self.id_name)
        owner._references.pop(self.name, None)

    def check_target(self, value: Any) -> None:
        """Raise `AttributeValidationError` unless `value` can be referred to."""
        if not isinstance(value, self.target()):
            raise self.fail(value, f"a {self.target().__name__}")
        if value.state in (DocumentState.UNSAVED, DocumentState.DELETED):
            raise self.fail(
                value.id, f"a {self.target().__name__} that is in the catalog; this one is {value.state}"
            )
