"""Getting objects out of a catalog: by id, several at once, or by a search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from dawnlight.catalog._client import CatalogClient
from dawnlight.catalog._documented import DocumentOwner
from dawnlight.errors import NotFoundError, ParameterTypeError
from dawnlight.search import Expression

if TYPE_CHECKING:
    from dawnlight.catalog._collection import Collection
    from dawnlight.catalog._search import Search

__all__ = ["Findable", "check_id"]


class Findable(DocumentOwner):
    """Class methods of catalog objects that read from a catalog."""

    # request_params and headers belong to the API of catalogs behind HTTP; embedded stores need neither.

    @classmethod
    def get(
        cls,
        id: str,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Self | None:
        """Get an object from the catalog.

        Parameters
        ----------
        id : str
            Identifier of the object.
        client : CatalogClient, optional
            The catalog; the default one if not given.
        request_params : mapping, optional
            Accepted for catalogs that understand more; not used by embedded ones.
        headers : mapping, optional
            Accepted for catalogs behind HTTP; not used by embedded ones.

        Returns
        -------
        object or None
            In the state SAVED; None if there is none, or it is of another class (`SpectralBand.get` of a
            mask band).

        Examples
        --------
        >>> import dawnlight as dl
        >>> dl.Product.get("no-such-product", client=dl.open("memory://")) is None
        True
        """
        cls._check_usable()
        check_id(id)
        client = client or CatalogClient.get_default_client()
        document = client.store.get(cls._kind, id)
        if document is None:
            return None
        found = cls._from_document(document, client)
        return found if isinstance(found, cls) else None

    @classmethod
    def get_many(
        cls,
        ids: list[str],
        ignore_missing: bool = False,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> list[Self]:
        """Get several objects from the catalog.

        Parameters
        ----------
        ids : list of str
            Identifiers; the answer has their order, and an id given twice comes twice.
        ignore_missing : bool, default False
            True leaves out ids that do not exist; False raises `NotFoundError`.
        client : CatalogClient, optional
            The catalog; the default one if not given.
        request_params, headers : mapping, optional
            As for `get`.

        Returns
        -------
        list
            Objects in the state SAVED. Objects of another class (mask bands for
            `SpectralBand.get_many`) are left out.

        Raises
        ------
        NotFoundError
            Some do not exist; the message lists them.
        TypeError
            `ids` is not a list of strings.

        Examples
        --------
        >>> import dawnlight as dl
        >>> dl.Product.get_many(["a", "b"], ignore_missing=True, client=dl.open("memory://"))
        []
        """
        cls._check_usable()
        if not isinstance(ids, (list, tuple)):
            raise ParameterTypeError(f"ids={ids!r:.200} must be a list of strings")
        for each in ids:
            check_id(each)
        client = client or CatalogClient.get_default_client()
        documents = client.store.get_many(cls._kind, list(dict.fromkeys(ids)))
        found = {document.id: cls._from_document(document, client) for document in documents}
        missing = [each for each in dict.fromkeys(ids) if each not in found]
        if missing and not ignore_missing:
            raise NotFoundError(f"no {cls.__name__} with the ids {', '.join(map(repr, missing))}")
        return [found[each] for each in ids if isinstance(found.get(each), cls)]

    @classmethod
    def exists(
        cls,
        id: str,
        client: CatalogClient | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bool:
        """Tell whether the catalog has an object.

        Parameters
        ----------
        id : str
            Identifier of the object.
        client : CatalogClient, optional
            The catalog; the default one if not given.
        headers : mapping, optional
            As for `get`.

        Returns
        -------
        bool
            True if it has one of this class.

        Examples
        --------
        >>> import dawnlight as dl
        >>> dl.Image.exists("p:x", client=dl.open("memory://"))
        False
        """
        cls._check_usable()
        check_id(id)
        client = client or CatalogClient.get_default_client()
        if cls._search_filter() is None:
            return client.store.exists(cls._kind, id)
        return cls.get(id, client=client) is not None

    @classmethod
    def search(
        cls,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Search[Self]:
        """Start a search for objects of this class.

        Parameters
        ----------
        client : CatalogClient, optional
            The catalog; the default one if not given.
        request_params, headers : mapping, optional
            As for `get`.

        Returns
        -------
        Search
            All objects of this class, to be narrowed down. Nothing is read before it is iterated.

        Examples
        --------
        >>> import dawnlight as dl
        >>> dl.Product.search(client=dl.open("memory://")).count()
        0
        """
        from dawnlight.catalog._search import Search

        cls._check_usable()
        return Search(cls, client=client, request_params=request_params, headers=headers)

    @classmethod
    def _check_usable(cls) -> None:
        if not hasattr(cls, "_kind"):
            raise ParameterTypeError(f"{cls.__name__} is abstract; use one of its subclasses")

    @classmethod
    def _search_filter(cls) -> Expression | None:
        """Return the condition that makes a document one of this class; None if its kind is enough."""
        return None

    @classmethod
    def _collection_type(cls) -> type[Collection[Any]]:
        """Return the class of collections of these objects."""
        from dawnlight.catalog._collection import Collection

        return Collection


def check_id(value: object) -> None:
    """Raise `ParameterTypeError` unless `value` is a string."""
    if not isinstance(value, str):
        raise ParameterTypeError(f"id={value!r:.200} must be a string")
