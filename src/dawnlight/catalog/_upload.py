"""ImageUpload: how far the making of an image from files or arrays has come."""

from __future__ import annotations

import concurrent.futures
import itertools
import logging
import sys
import time
import uuid
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from dawnlight.catalog._base import CatalogObjectBase
from dawnlight.catalog._client import CatalogClient
from dawnlight.catalog._composites import ListAttribute, MappingAttribute
from dawnlight.catalog._enums import DocumentState, ImageUploadEventSeverity, ImageUploadStatus
from dawnlight.catalog._hybrid import class_or_instance_method
from dawnlight.catalog._mappings import ImageUploadEvent, ImageUploadOptions
from dawnlight.catalog._references import ReferenceAttribute
from dawnlight.catalog._scalars import EnumAttribute, StringAttribute
from dawnlight.errors import CatalogLockedError, ClientError, ObjectStateError, ServerError
from dawnlight.search import Document

if TYPE_CHECKING:
    from dawnlight.catalog._image import Image
    from dawnlight.catalog._search import Search

__all__ = ["ImageUpload"]

_log = logging.getLogger("dawnlight.uploads")

_FINAL = (ImageUploadStatus.SUCCESS, ImageUploadStatus.FAILURE, ImageUploadStatus.CANCELED)
# Seconds between two looks; the last one repeats.
_PAUSES = (1, 1, 1, 1, 1, 5, 10, 10, 30, 60)


def _image_type() -> type[Image]:
    from dawnlight.catalog._image import Image

    return Image


class _InlineImageAttribute(ReferenceAttribute):
    """The image to be made. It is not in the catalog yet, so documents hold it whole."""

    def __init__(self, doc: str) -> None:
        super().__init__(_image_type, doc, mutable=False)
        self.serializable = True

    def __get__(self, owner: Any, owner_type: type | None = None) -> Any:
        if owner is None:
            return self
        native = owner._values.get(self.name)
        return native if native is not None else owner._read_missing(self)

    def __set__(self, owner: Any, value: Any) -> None:
        if value is None:
            return
        self.check_changeable(owner, "set")
        self.check_target(value)
        for name in ("image_id", "product_id"):
            setattr(owner, name, value.id if name == "image_id" else value.product_id)
        owner._values[self.name] = value

    def __delete__(self, owner: Any) -> None:
        self.check_changeable(owner, "deleted")

    def check_target(self, value: Any) -> None:
        if not isinstance(value, _image_type()) or value.state is not DocumentState.UNSAVED:
            raise self.fail(getattr(value, "id", value), "an Image that was never saved")
        if value.id is None:
            raise self.fail(value.id, "an Image with an id: give it a product and a name")

    def load(self, wire: Any) -> Any:
        if not isinstance(wire, Mapping):
            return None
        image = _image_type()()
        image._values["id"] = wire.get("id")
        for name, attribute in image._attributes.items():
            value = (wire.get("attributes") or {}).get(attribute.wire_name)
            if value is not None and attribute.serializable:
                image._values[name] = attribute.load(value)
        return image

    def dump(self, native: Any) -> Any:
        return native.serialize(jsonapi_format=True)["data"]


class ImageUpload(CatalogObjectBase, kind="image_upload"):
    """An image on its way into the catalog, from files or arrays.

    Parameters
    ----------
    client : CatalogClient, optional
        The catalog; the default one if not given.
    **attributes
        Values of the attributes.

    Examples
    --------
    >>> import dawnlight as dl
    >>> upload = dl.ImageUpload(image=dl.Image(id="fields:a"))
    >>> upload.image_id, upload.product_id
    ('fields:a', 'fields')
    """

    id = StringAttribute(
        "Identifier of the upload; the catalog chooses it.\n\nFilterable, sortable.",
        mutable=False,
        serializable=False,
    )
    product_id = StringAttribute("Id of the product.\n\nFilterable, sortable.", mutable=False)
    image_id = StringAttribute("Id of the image to be made.\n\nFilterable.", mutable=False)
    image = _InlineImageAttribute(
        "The image to be made, with the attributes it is to have. They go before what the files say."
    )
    image_upload_options: MappingAttribute[ImageUploadOptions] = MappingAttribute(
        ImageUploadOptions, "How the upload is carried out.", mutable=False, sticky=True
    )
    user = StringAttribute("Who asked for the upload.\n\nFilterable, sortable.", readonly=True)
    resumable_urls = ListAttribute(StringAttribute(), "Where the data goes.", readonly=True)
    status = EnumAttribute(
        ImageUploadStatus, "How far it has come; `reload` asks again.\n\nFilterable, sortable."
    )
    events = ListAttribute(MappingAttribute(ImageUploadEvent), "What happened so far.", readonly=True)

    def _not_deletable(*args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: uploads cannot be deleted.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError("uploads cannot be deleted; cancel() calls one off that is not done yet")

    delete = class_or_instance_method(_not_deletable, _not_deletable)

    @classmethod
    def search(  # type: ignore[override]  # the API gives uploads other parameters
        cls, client: CatalogClient | None = None, includes: bool = True
    ) -> Search[ImageUpload]:
        """Start a search for uploads.

        Parameters
        ----------
        client : CatalogClient, optional
            The catalog; the default one if not given.
        includes : bool, default True
            False leaves out the events.

        Returns
        -------
        Search
            All uploads, to be narrowed down. Nothing is read before it is iterated.

        Examples
        --------
        >>> import dawnlight as dl
        >>> from dawnlight.catalog import ImageUpload, ImageUploadStatus, properties as p
        >>> search = ImageUpload.search(client=dl.open("memory://"))
        >>> search.filter(p.status == ImageUploadStatus.FAILURE).count()
        0
        """
        from dawnlight.catalog._search import Search

        return Search(cls, client=client, includes=includes)

    def _new_id(self) -> str:
        return self.id or uuid.uuid4().hex

    def _accept(self, document: Document, sent: Document | None = None) -> None:
        image = self._values.get("image")
        super()._accept(document, sent)
        if image is not None:
            self._values["image"] = image  # the one that the user holds, not a copy of it

    def reload(  # type: ignore[override]  # the API gives uploads other parameters
        self,
    ) -> None:
        """Ask the catalog how far the upload has come.

        When it has come to success, the image attached to this object becomes SAVED and is read from the
        catalog.

        Raises
        ------
        ObjectStateError
            The object is UNSAVED or MODIFIED (also a `ValueError`).
        DeletedObjectError
            The upload does not exist any more.
        """
        before = self.status
        super().reload()
        image = self._values.get("image")
        if self.status != ImageUploadStatus.SUCCESS or before == self.status or image is None:
            return
        document = self._client.store.get("image", image.id)
        if document is not None:
            image._given_client = self._client
            image._values = {}
            image._accept(document)

    def cancel(self) -> None:
        """Call the upload off, at whatever stage it is; a conversion under way ends within seconds.

        Raises
        ------
        ObjectStateError
            The object is UNSAVED or MODIFIED (also a `ValueError`).
        ConflictError
            The upload is in a final state.
        DeletedObjectError
            The upload does not exist any more.
        """
        self._check_not_deleted()
        if self._saved_document is None or self.state is not DocumentState.SAVED:
            raise ObjectStateError(f"{self._title} is {self.state} and only a saved upload can be canceled")
        with self._gone_is_deleted():
            self._accept(self._client.store.uploads.cancel(self._saved_document.id))

    def wait_for_completion(self, timeout: float | None = None, warn_transient_errors: bool = True) -> None:
        """Wait until the upload is in a final state: success, failure or canceled.

        A failed upload is no error here. Its reason is logged as a warning; look at `status`,
        `error_message` and `events`.
        Where no other process works on the uploads of this catalog, this one does.

        Parameters
        ----------
        timeout : float, optional
            Longest time to wait, in seconds; 0 looks once. None waits as long as it takes.
        warn_transient_errors : bool, default True
            Whether to warn when the catalog does not answer for a while.

        Raises
        ------
        concurrent.futures.TimeoutError
            The time is over and the upload is not.
        """
        if self.status in _FINAL:
            return
        self._see_to_it()
        end = None if timeout is None else time.monotonic() + timeout
        for pause in itertools.chain(_PAUSES, itertools.repeat(_PAUSES[-1])):
            try:
                self.reload()
            except (ServerError, CatalogLockedError) as error:
                if warn_transient_errors:
                    warnings.warn(f"{self._title}: the catalog does not answer: {error}", stacklevel=2)
            if self.status in _FINAL:
                self._tell_failure()
                return
            left = pause if end is None else end - time.monotonic()
            if left <= 0:
                raise concurrent.futures.TimeoutError(f"{self._title} is {self.status!r} after {timeout} s")
            self._pause(min(pause, left))

    def _see_to_it(self) -> None:
        store = self._client.store
        if self._saved_document is None or store.read_only:
            return
        try:
            waiting = self._saved_document.id in store.uploads.unfinished()
        except (ClientError, ServerError, CatalogLockedError):
            return  # others do the work, or it is told below
        if waiting:
            from dawnlight.ingest._dispatcher import ensure_dispatcher

            ensure_dispatcher(store)

    def _pause(self, seconds: float) -> None:
        dispatcher = sys.modules.get("dawnlight.ingest._dispatcher")
        if dispatcher is None or not dispatcher.wait_for_a_job(self._client.store, seconds):
            self._see_to_it()
            time.sleep(seconds)

    def _repr_html_(self) -> str:
        from dawnlight.catalog._html import object_html

        return object_html(self)

    def _tell_failure(self) -> None:
        if self.status == ImageUploadStatus.FAILURE and self.error_message:
            _log.warning("the upload of image %s failed: %s", self.image_id, self.error_message)

    @property
    def error_message(self) -> str | None:
        """Why the upload failed: the message of the last event that is an error; None if there is none."""
        grave = (ImageUploadEventSeverity.ERROR, ImageUploadEventSeverity.CRITICAL)
        found = [event.message for event in self.events or () if event.severity in grave]
        return found[-1] if found else None
