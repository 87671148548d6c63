"""What all catalog objects have in common: attributes, states, and the way to and from the catalog.

::

                      save()                 set attribute
        UNSAVED ───────────────► SAVED ◄──────────────────────► MODIFIED
                                  │  ▲      save(), set back       │
                                  │  └── reload()                  │
                                  └────────────► DELETED ◄─────────┘
                                      delete()

The state is not stored. It follows from the document that was last read or saved, and from a comparison
of the attributes with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Self

from dawnlight.catalog._client import CatalogClient
from dawnlight.catalog._composites import ExtraPropertiesAttribute, ListAttribute
from dawnlight.catalog._deprecated import warn_deprecated
from dawnlight.catalog._enums import DocumentState
from dawnlight.catalog._findable import Findable, check_id
from dawnlight.catalog._hybrid import class_or_instance_method
from dawnlight.catalog._scalars import StringAttribute
from dawnlight.errors import (
    ConflictError,
    DeletedObjectError,
    NotFoundError,
    ObjectStateError,
    ParameterTypeError,
    UnsavedObjectError,
)
from dawnlight.search import Document, Kind

__all__ = ["CatalogObject", "CatalogObjectBase"]


class CatalogObjectBase(Findable):
    """Base of all catalog objects; it cannot be used itself.

    Making an object does not put it into the catalog: `save` does. To get one that is there, use `get`,
    `get_many` or `search`.

    Parameters
    ----------
    client : CatalogClient, optional
        The catalog; the default one if not given.
    **attributes
        Values of the attributes.

    Raises
    ------
    AttributeError
        There is no such attribute.
    AttributeValidationError
        A value does not fit its attribute.
    """

    _abstract: ClassVar[bool] = True

    def __init_subclass__(cls, *, kind: Kind | None = None, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if kind is not None:
            cls._kind = kind
        cls._abstract = abstract

    def __init__(
        self, *, client: CatalogClient | None = None, _saved: bool = False, **attributes: Any
    ) -> None:
        if self._abstract:
            raise ParameterTypeError(f"{type(self).__name__} is abstract; use one of its subclasses")
        self._start(client)
        if _saved:
            # As if it came from the catalog: nothing is checked, unknown names are left out.
            known = {a.wire_name for a in self._attributes.values() if a.serializable}
            wire = {name: value for name, value in attributes.items() if name in known}
            identifier: Any = attributes.get("id")  # None like that of an object that was never saved
            self._saved_document = Document(kind=self._kind, id=identifier, attributes=wire)
            return
        self._check_names(attributes)
        for name, value in attributes.items():
            setattr(self, name, value)

    @classmethod
    def get_or_create(
        cls,
        id: str,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **attributes: Any,
    ) -> Self:
        """Get an object from the catalog, or make a new one.

        Parameters
        ----------
        id : str
            Identifier of the object.
        client : CatalogClient, optional
            The catalog; the default one if not given.
        request_params, headers : mapping, optional
            As for `get`.
        **attributes
            Values that the object gets in either case.

        Returns
        -------
        object
            If it exists: SAVED, or MODIFIED where `attributes` change something. Else a new one, UNSAVED.

        Examples
        --------
        >>> import dawnlight as dl
        >>> dl.Product.get_or_create("p", client=dl.open("memory://"), name="P").state
        <DocumentState.UNSAVED: 'unsaved'>
        """
        found = cls._find(id, client)
        if found is None:
            return cls(id=id, client=client, **attributes)
        found.update(**attributes)
        return found

    @classmethod
    def _find(cls, id: str, client: CatalogClient | None) -> Self | None:
        return cls.get(id, client=client)

    def _delete_by_id(cls, id: str, client: CatalogClient | None = None) -> bool:  # noqa: N805 - `delete` binds it to the class
        """Delete an object from the catalog.

        On an object, `delete()` takes no argument, returns nothing, and leaves the object in the state
        DELETED.

        Parameters
        ----------
        id : str
            Identifier of the object.
        client : CatalogClient, optional
            The catalog; the default one if not given.

        Returns
        -------
        bool
            True if it was deleted, False if there was none.

        Raises
        ------
        ConflictError
            It is a product that still has bands, images or uploads.

        Examples
        --------
        >>> import dawnlight as dl
        >>> dl.Image.delete("p:x", client=dl.open("memory://"))
        False
        """
        cls._check_usable()
        check_id(id)
        client = client or CatalogClient.get_default_client()
        if cls._search_filter() is not None and cls.get(id, client=client) is None:
            return False
        return client.store.delete(cls._kind, id)

    def _delete_this(self) -> None:
        """Delete the object from the catalog.

        Raises
        ------
        UnsavedObjectError
            It was never saved.
        DeletedObjectError
            It was deleted already, here or by someone else.
        ConflictError
            It is a product that still has bands, images or uploads.
        """
        self._check_not_deleted()
        if self._saved_document is None:
            raise UnsavedObjectError(f"{self._title} was never saved, so there is nothing to delete")
        deleted = self._client.store.delete(self._kind, self._saved_document.id)
        self._deleted = True
        if not deleted:
            raise DeletedObjectError(f"{self._title} was deleted by someone else")

    delete = class_or_instance_method(_delete_by_id, _delete_this)

    def _check_not_deleted(self) -> None:
        if self._deleted:
            raise DeletedObjectError(f"{self._title} was deleted and cannot be used any more")

    @contextmanager
    def _gone_is_deleted(self) -> Iterator[None]:
        """Mark this object as deleted when the catalog does not have it any more."""
        try:
            yield
        except NotFoundError as error:
            self._deleted = True
            raise DeletedObjectError(f"{self._title} was deleted by someone else") from error

    # -- public methods --------------------------------------------------------------------------------

    def save(
        self,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        extra_attributes: Mapping[str, Any] | None = None,
    ) -> None:
        """Put the object, or what was changed of it, into the catalog.

        An UNSAVED object is created, of a MODIFIED one the changed attributes are sent, and for a SAVED
        one nothing is done. Afterwards the attributes are what the catalog answered.

        Parameters
        ----------
        request_params : mapping, optional
            Attributes to send along, by name; they win over the object's own. With them even a SAVED
            object is sent.
        headers : mapping, optional
            Accepted for catalogs behind HTTP; not used by embedded ones.
        extra_attributes : mapping, optional
            Deprecated name of `request_params`.

        Raises
        ------
        ConflictError
            An object with this id exists already, or somebody changed it since it was read.
        ValidationError
            The object breaks a rule of the catalog, such as a missing attribute.
        DeletedObjectError
            It was deleted.

        Examples
        --------
        >>> import dawnlight as dl
        >>> product = dl.Product(id="p", name="P", client=dl.open("memory://"))
        >>> product.save()
        >>> product.description = "Made by hand."
        >>> product.state
        <DocumentState.MODIFIED: 'modified'>
        >>> product.save()
        >>> product.state
        <DocumentState.SAVED: 'saved'>
        """
        self._check_not_deleted()
        if extra_attributes is not None:
            warn_deprecated("save(extra_attributes=...)", "save(request_params=...)")
        extra = self._normalize_extra({**(extra_attributes or {}), **(request_params or {})})
        if self._saved_document is None:
            document = self._completed(self._to_new_document(extra), {})
            (stored,) = self._client.store.create([document])
            self._accept(stored)
            return
        changes = self._completed_changes({**self._changes(), **extra})
        if changes:
            self._accept(self._send(self._saved_document, changes))

    def _send(self, saved: Document, changes: Mapping[str, Any]) -> Document:
        store = self._client.store
        try:
            with self._gone_is_deleted():
                return store.update(self._kind, saved.id, changes, version=saved.version)
        except ConflictError as error:
            raise ConflictError(
                f"{self._title} was changed by someone else since it was read, so it is not overwritten. "
                f"Reload it, {type(self).__name__}.get({self.id!r}), and make the change again."
            ) from error

    def _to_new_document(self, extra: Mapping[str, Any]) -> Document:
        attributes = {**self._wire_attributes(), **extra}
        return Document(
            kind=self._kind,
            id=self._new_id(),  # type: ignore[arg-type]  # None where the store chooses it
            attributes={name: value for name, value in attributes.items() if value is not None},
        )

    def _completed(self, document: Document, known: dict[str, Any]) -> Document:
        """Return a document with what can be found out for it before it is created.

        What was read from the catalog on the way is kept in `known`, for others of the same batch.
        """
        return document

    def _completed_changes(self, changes: dict[str, Any]) -> dict[str, Any]:
        """Return changes with what can be found out for them before they are sent."""
        return changes

    def _new_id(self) -> str | None:
        """Return the id under which a new object is created."""
        return self.id

    def _normalize_extra(self, extra: Mapping[str, Any] | None) -> dict[str, Any]:
        wire = {}
        for name, value in (extra or {}).items():
            attribute = self._attributes.get(name)
            if attribute is not None and value is not None:
                value = attribute.dump(attribute.normalize(value))
            wire[name if attribute is None else attribute.wire_name] = value
        return wire

    def reload(
        self,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Read the object from the catalog again.

        Parameters
        ----------
        request_params, headers : mapping, optional
            As for `get`.

        Raises
        ------
        ObjectStateError
            The object is UNSAVED or MODIFIED (also a `ValueError`). To throw changes away, `get` it anew.
        DeletedObjectError
            It was deleted, here or by someone else.
        """
        self._check_not_deleted()
        state = self.state
        if self._saved_document is None or state is not DocumentState.SAVED:
            raise ObjectStateError(
                f"{self._title} is {state} and only a saved object can be reloaded; "
                f"{type(self).__name__}.get() gives a fresh one"
            )
        document = self._client.store.get(self._kind, self._saved_document.id)
        if document is None:
            self._deleted = True
            raise DeletedObjectError(f"{self._title} was deleted by someone else")
        self._accept(document)

    def update(self, ignore_errors: bool = False, **attributes: Any) -> None:
        """Set several attributes: all of them, or none if one does not fit.

        Parameters
        ----------
        ignore_errors : bool, default False
            True sets those that fit and leaves out the others.
        **attributes
            Names and values.

        Raises
        ------
        AttributeError
            There is no such attribute.
        AttributeValidationError
            A value does not fit its attribute, or the attribute cannot be set.
        DeletedObjectError
            The object was deleted.

        Examples
        --------
        >>> import dawnlight as dl
        >>> product = dl.Product(id="p")
        >>> product.update(name="P", tags=["test"])
        >>> product.tags
        ['test']
        """
        self._check_not_deleted()
        before = dict(self._values), dict(self._references)
        for name, value in attributes.items():
            try:
                self._check_names({name: value})
                setattr(self, name, value)
            except Exception as error:
                # AttributeValidationError is a ValueError; anything else is no error of the values.
                if ignore_errors and isinstance(error, (AttributeError, ValueError)):
                    continue
                self._values, self._references = before
                raise

    def __repr__(self) -> str:
        from dawnlight.catalog._reprs import object_text

        return object_text(self)


class CatalogObject(CatalogObjectBase, abstract=True):
    """Base of the objects with tags and extra properties.

    Parameters
    ----------
    client : CatalogClient, optional
        The catalog; the default one if not given.
    **attributes
        Values of the attributes.
    """

    extra_properties = ExtraPropertiesAttribute(
        "Up to 50 values (text or numbers) by name, for what has no attribute of its own.\n\nFilterable by "
        "``p.extra_properties.<name>``."
    )
    tags = ListAttribute(
        StringAttribute(), "Up to 32 words of up to 1000 bytes, to find objects by.\n\nFilterable."
    )
