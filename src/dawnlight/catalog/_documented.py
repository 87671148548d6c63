"""Objects that are made from documents, and that know what was changed since."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar, Self

from dawnlight.catalog._attributes import Attribute, AttributeOwner
from dawnlight.catalog._client import CatalogClient
from dawnlight.catalog._enums import DocumentState
from dawnlight.catalog._scalars import StringAttribute, TimeAttribute
from dawnlight.search import Document, Kind

__all__ = ["DocumentOwner"]


class DocumentOwner(AttributeOwner):
    """An object with attributes, and the document that was last read or saved.

    Attributes are converted when they are first asked for. What was assigned, and every list or mapping
    that was given out (it may be changed in place), is in ``_values``; comparing it with the document tells
    what was modified. ``_loaded`` only saves converting again what cannot change.
    """

    _kind: ClassVar[Kind]

    _given_client: CatalogClient | None
    _saved_document: Document | None
    _loaded: dict[str, Any]
    _references: dict[str, Any]
    _deleted: bool

    id = StringAttribute(
        "Identifier in the catalog. Set once.\n\nFilterable, sortable.", mutable=False, serializable=False
    )
    created = TimeAttribute("When it was put into the catalog.\n\nFilterable, sortable.", readonly=True)
    modified = TimeAttribute(
        "When it was last changed in the catalog.\n\nFilterable, sortable.", readonly=True
    )

    def _start(self, client: CatalogClient | None) -> None:
        self._given_client = client
        self._saved_document = None
        self._values = {}
        self._loaded = {}
        self._references = {}
        self._deleted = False

    @classmethod
    def _from_document(cls, document: Document, client: CatalogClient | None) -> Any:
        """Make the object that a document describes, in the state SAVED."""
        kind = cls._class_for(document)
        made = kind.__new__(kind)
        made._start(client)
        made._saved_document = document
        return made

    @classmethod
    def _class_for(cls, document: Document) -> type[Self]:
        return cls

    def __reduce__(self) -> tuple[Any, ...]:
        changes = self._changes() if self._saved_document else self._wire_attributes()
        identifier = self._values.get("id")
        return _restore, (
            type(self),
            self._given_client,
            self._saved_document,
            identifier,
            changes,
            self._deleted,
        )

    @property
    def _client(self) -> CatalogClient:
        if self._given_client is None:
            self._given_client = CatalogClient.get_default_client()
        return self._given_client

    @property
    def _title(self) -> str:
        return f"{type(self).__name__} {self.id!r}"

    # -- state -----------------------------------------------------------------------------------------

    @property
    def state(self) -> DocumentState:
        """How the object compares with what the catalog holds."""
        if self._deleted:
            return DocumentState.DELETED
        if self._saved_document is None:
            return DocumentState.UNSAVED
        return DocumentState.MODIFIED if self._changes() else DocumentState.SAVED

    @property
    def is_modified(self) -> bool:
        """Whether any attribute differs from what was last read or saved.

        Changes made inside lists and mappings count; a value that is set back does not. Of an object that
        was never saved: whether any attribute is set.
        """
        if self._saved_document is None:
            return any(value is not None for value in self._values.values())
        return bool(self._changes())

    # -- to and from documents -------------------------------------------------------------------------

    def _read_missing(self, attribute: Attribute[Any]) -> Any:
        """Read an attribute from the saved document, converted when it is first asked for."""
        name = attribute.name
        if name in self._loaded:
            return self._loaded[name]
        document = self._saved_document
        if document is None:
            return attribute.default
        wire = document.id if name == "id" else document.attributes.get(attribute.wire_name)
        if wire is None:
            return attribute.default
        native = attribute.settle(attribute.load(wire))
        if attribute.changes_in_place:
            return self._values.setdefault(name, native)  # from now on it may change
        self._loaded[name] = native
        return native

    def _changes(self) -> dict[str, Any]:
        """Return the wire values that differ from the saved document; None clears."""
        document = self._saved_document
        saved: Mapping[str, Any] = {} if document is None else document.attributes
        changes = {}
        for name, native in self._values.items():
            attribute = self._attributes[name]
            if not attribute.serializable or (attribute.sticky and document is not None):
                continue  # sticky ones are sent once, with a new object
            wire, before = attribute.dump_or_none(native), saved.get(attribute.wire_name)
            if wire != before and (before is None or not attribute.is_same_wire(wire, before)):
                changes[attribute.wire_name] = wire
        return changes

    def _wire_attributes(self) -> dict[str, Any]:
        """Return all wire values that the object has now."""
        document = self._saved_document
        saved: Mapping[str, Any] = {} if document is None else document.attributes
        kept = {
            attribute.wire_name: attribute.dump_or_none(native)
            for name, native in self._values.items()
            if (attribute := self._attributes[name]).sticky and attribute.serializable
        }
        wire = {**kept, **saved, **self._changes()}
        return {name: value for name, value in wire.items() if value is not None}

    def _to_document(self) -> Document:
        """Return the document of the object as it is now."""
        saved = self._saved_document
        if saved is not None and not self._values:
            return saved
        return Document(
            kind=self._kind,
            id=self.id,  # type: ignore[arg-type]  # None where the store chooses it
            attributes=self._wire_attributes(),
            version=saved.version if saved else 0,
        )

    def _accept(self, document: Document, sent: Document | None = None) -> None:
        """Take over what the catalog answered. Lists and mappings given out before stay attached.

        `sent` is what `_to_document` gives now, where it is known: it saves making it again.
        """
        kept = {}
        # A class has a hash, only its objects have none.
        for name, attribute in _keepable(type(self), tuple(self._values)):  # type: ignore[arg-type]
            native = self._values[name]
            if native is None:
                continue
            wire = document.attributes.get(attribute.wire_name)
            if attribute.sticky and wire is None:
                kept[name] = native
            elif attribute.changes_in_place:
                own = attribute.dump(native) if sent is None else sent.attributes[attribute.wire_name]
                if attribute.is_same_wire(own, wire):
                    kept[name] = native
        # At once, past the check of public names, because thousands of objects pass here.
        self.__dict__.update(_saved_document=document, _values=kept, _loaded={})

    def serialize(self, modified_only: bool = False, jsonapi_format: bool = False) -> dict[str, Any]:
        """Return the attributes as plain JSON-able values.

        Parameters
        ----------
        modified_only : bool, default False
            True gives only the attributes that differ from what was last read or saved; None for those
            that were cleared.
        jsonapi_format : bool, default False
            True gives a JSON:API document with ``data.type``, ``data.id`` and ``data.attributes``.

        Returns
        -------
        dict
            Times as ISO 8601 strings, geometries as GeoJSON, tuples as lists. Without ``id``, unless
            `jsonapi_format` asks for it.

        Examples
        --------
        >>> import dawnlight as dl
        >>> dl.Product(id="p", name="P").serialize(jsonapi_format=True)
        {'data': {'type': 'product', 'attributes': {'name': 'P'}, 'id': 'p'}}
        """
        wire = self._changes() if modified_only else self._wire_attributes()
        names = (self._attributes[name].wire_name for name in self.ATTRIBUTES)
        # Copied, so that what the caller does to the result never reaches the saved document.
        attributes = {name: _plain(wire[name]) for name in names if name in wire}
        if not jsonapi_format:
            return attributes
        data: dict[str, Any] = {"type": self._kind, "attributes": attributes}
        if self.id is not None:
            data["id"] = self.id
        return {"data": data}

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.id == other.id and self.state == other.state and self.serialize() == other.serialize()


@lru_cache(maxsize=256)
def _keepable(cls: type[DocumentOwner], names: tuple[str, ...]) -> tuple[tuple[str, Attribute[Any]], ...]:
    """Return those of some attributes whose native values may outlive the catalog's answer."""
    attributes = ((name, cls._attributes[name]) for name in names)
    return tuple(
        (name, attribute)
        for name, attribute in attributes
        if attribute.serializable and (attribute.sticky or attribute.changes_in_place)
    )


def _plain(value: Any) -> Any:
    """Return a copy made of dicts and lists only."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _restore(
    cls: type[DocumentOwner],
    client: CatalogClient | None,
    saved: Document | None,
    identifier: str | None,
    changes: Mapping[str, Any],
    deleted: bool,
) -> DocumentOwner:
    """Rebuild a pickled or copied object."""
    made = cls.__new__(cls)
    made._start(client)
    made._saved_document = saved
    made._deleted = deleted
    if identifier is not None:
        made._values["id"] = identifier
    for name, attribute in cls._attributes.items():
        if attribute.wire_name in changes and attribute.serializable:
            wire = changes[attribute.wire_name]
            made._values[name] = None if wire is None else attribute.settle(attribute.load(wire))
    return made
