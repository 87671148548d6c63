"""Objects that say who may read and change them: products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dawnlight.catalog._acl import may_read, may_write, owns
from dawnlight.catalog._base import CatalogObject
from dawnlight.catalog._composites import ListAttribute
from dawnlight.catalog._scalars import StringAttribute

__all__ = ["AuthCatalogObject"]


class AuthCatalogObject(CatalogObject, abstract=True):
    """Base of the objects with owners, readers and writers.

    An embedded catalog belongs to whoever can open its folder: it keeps these lists, and applies them
    only when asked about the claims of a token.

    Parameters
    ----------
    client : CatalogClient, optional
        The catalog; the default one if not given.
    **attributes
        Values of the attributes.
    """

    owners = ListAttribute(
        StringAttribute(),
        "Who may do everything: ``user:<name>``, ``org:<name>`` (its administrators), ``access-id:<name>``."
        "\n\nFilterable.",
    )
    readers = ListAttribute(
        StringAttribute(),
        "Who may read: ``user:<name>``, ``email:<address>``, ``group:<name>``, ``org:<name>``.",
    )
    writers = ListAttribute(
        StringAttribute(),
        "Who may change it: ``user:<name>``, ``email:<address>``, ``group:<name>``, ``org:<name>``.",
    )

    def user_is_owner(self, auth: Mapping[str, Any] | None = None) -> bool:
        """Tell whether somebody is an owner.

        Parameters
        ----------
        auth : mapping, optional
            Claims of a token: ``namespace`` or ``sub``, ``groups``. None asks for the local user, who owns
            everything in an embedded catalog.

        Returns
        -------
        bool
            True for owners and administrators of the platform.

        Examples
        --------
        >>> import dawnlight as dl
        >>> product = dl.Product(id="p", owners=["user:ann"])
        >>> product.user_is_owner({"sub": "ann"}), product.user_is_owner({"sub": "bob"})
        (True, False)
        """
        return auth is None or owns(auth, self.owners)

    def user_can_write(self, auth: Mapping[str, Any] | None = None) -> bool:
        """Tell whether somebody may change the object.

        Parameters
        ----------
        auth : mapping, optional
            Claims of a token: ``namespace`` or ``sub``, ``email``, ``org``, ``groups``. None asks for the
            local user.

        Returns
        -------
        bool
            True for owners and writers.
        """
        return auth is None or may_write(auth, self.owners, self.writers)

    def user_can_read(self, auth: Mapping[str, Any] | None = None) -> bool:
        """Tell whether somebody may read the object.

        Parameters
        ----------
        auth : mapping, optional
            As for `user_can_write`.

        Returns
        -------
        bool
            True for owners, writers and readers.
        """
        return auth is None or may_read(auth, self.owners, self.writers, self.readers)
