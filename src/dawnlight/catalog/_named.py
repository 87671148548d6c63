"""Objects that belong to a product and have a name there: bands and images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dawnlight.catalog._base import CatalogObject
from dawnlight.catalog._references import ReferenceAttribute
from dawnlight.catalog._scalars import StringAttribute
from dawnlight.errors import AttributeValidationError
from dawnlight.storage._names import make_valid_name

if TYPE_CHECKING:
    from dawnlight.catalog._product import Product

__all__ = ["NamedCatalogObject"]


def _product_type() -> type[Product]:
    from dawnlight.catalog._product import Product

    return Product


def _complete(parts: Mapping[str, str | None]) -> dict[str, str | None]:
    """Derive the missing ones of ``id``, ``name`` and ``product_id``; they must not disagree.

    Afterwards ``id == f"{product_id}:{name}"`` wherever all three are known. The id is split at its last
    colon, because product ids hold colons too and names do not.
    """
    identifier, name, product_id = parts["id"], parts["name"], parts["product_id"]
    if name is not None and (not name or ":" in name):
        raise AttributeValidationError(
            f"name={name!r} must not be empty or hold a colon; make_valid_name() gives a name that fits"
        )
    if product_id == "":
        raise AttributeValidationError("product_id must not be empty")
    if identifier is None:
        if name is not None and product_id is not None:
            identifier = f"{product_id}:{name}"
        return {"id": identifier, "name": name, "product_id": product_id}
    head, _, tail = identifier.rpartition(":")
    if not head or not tail:
        raise AttributeValidationError(f"id={identifier!r} must be '<product id>:<name>'")
    for part, given, derived in (("name", name, tail), ("product_id", product_id, head)):
        if given is not None and given != derived:
            raise AttributeValidationError(f"id={identifier!r} and {part}={given!r} disagree")
    return {"id": identifier, "name": tail, "product_id": head}


class _IdentityAttribute(StringAttribute):
    """``id``, ``name`` or ``product_id``: each is set only once, and two give the third."""

    def __set__(self, owner: Any, value: Any) -> None:
        known = self.__get__(owner)
        if value is None or known is not None:
            if value is None or self.convert(owner, value) != known:
                self.check_changeable(owner, "set")
            return
        parts = {part: getattr(owner, part) for part in ("id", "name", "product_id")}
        parts[self.name] = self.convert(owner, value)
        owner._values.update({k: v for k, v in _complete(parts).items() if v is not None})


class NamedCatalogObject(CatalogObject, abstract=True):
    """Base of the objects that belong to a product: `Band` and `Image`.

    Their `id` is the id of the product, a colon and their name. Give any of them that are enough: the
    others follow.

    Parameters
    ----------
    client : CatalogClient, optional
        The catalog; the default one if not given.
    **attributes
        Values of the attributes.
    """

    id = _IdentityAttribute(
        "Identifier in the catalog, ``<product_id>:<name>``. Set once.\n\nFilterable, sortable.",
        mutable=False,
        serializable=False,
    )
    name = _IdentityAttribute(
        "Name within the product, of letters, digits, ``-``, ``_`` and ``.``, at most 2000 of them; no two "
        "bands (or images) of a product share one. Set once.\n\nFilterable, sortable.",
        mutable=False,
    )
    product_id = _IdentityAttribute(
        "Id of the product it belongs to. Set once.\n\nFilterable, sortable.", mutable=False
    )
    product = ReferenceAttribute(
        _product_type,
        "The product it belongs to; read from the catalog when first asked for. Set once.\n\nFilterable.",
        mutable=False,
    )

    @classmethod
    def make_valid_name(cls, name: str) -> str:
        """Turn any text into a name that a band or an image can have.

        Every run of characters outside letters (of ASCII), digits, ``_``, ``.`` and ``-`` becomes one
        ``_``. Two different texts may become the same name.

        Parameters
        ----------
        name : str
            Any text.

        Returns
        -------
        str
            The name.

        Examples
        --------
        >>> from dawnlight.catalog import Band
        >>> Band.make_valid_name("This is ań @#$^*% ïñvalid name!!!!")
        'This_is_a_valid_name_'
        """
        return make_valid_name(name)
