"""Product: what a set of bands and images belong to."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from dawnlight._options import get_options
from dawnlight.catalog._auth import AuthCatalogObject
from dawnlight.catalog._client import CatalogClient
from dawnlight.catalog._composites import ListAttribute
from dawnlight.catalog._enums import TaskState
from dawnlight.catalog._mappings import ResolutionAttribute
from dawnlight.catalog._scalars import BooleanAttribute, FloatAttribute, StringAttribute, TimeAttribute
from dawnlight.catalog._tasks import DeletionTaskStatus
from dawnlight.errors import UnsavedObjectError
from dawnlight.search import Eq

if TYPE_CHECKING:
    from dawnlight.catalog._bands import Band
    from dawnlight.catalog._collection import Collection
    from dawnlight.catalog._image import Image
    from dawnlight.catalog._image_search import ImageSearch
    from dawnlight.catalog._search import Search
    from dawnlight.catalog._upload import ImageUpload

__all__ = ["Product"]


class Product(AuthCatalogObject, kind="product"):
    """A data set: images that share the same bands.

    Parameters
    ----------
    client : CatalogClient, optional
        The catalog; the default one if not given.
    **attributes
        Values of the attributes; `id` and `name` are needed to save.

    Examples
    --------
    >>> import dawnlight as dl
    >>> client = dl.open("memory://")
    >>> product = dl.Product(id="fields", name="Fields from above", tags=["drone"], client=client)
    >>> product.save()
    >>> dl.Product.get("fields", client=client).name
    'Fields from above'
    """

    name = StringAttribute(
        "What to call it, at most 2000 characters; needed to save. Need not be unique.\n\nFilterable, "
        "sortable, searched as text."
    )
    description = StringAttribute("What it is, at most 80 000 characters.\n\nSearched as text.")
    is_core = BooleanAttribute(
        "Whether it is one of those that the operator of the catalog looks after.\n\nFilterable, sortable."
    )
    revisit_period_minutes_min = FloatAttribute(
        "Shortest time in minutes between two images of one place.\n\nFilterable, sortable."
    )
    revisit_period_minutes_max = FloatAttribute(
        "Longest time in minutes between two images of one place.\n\nFilterable, sortable."
    )
    start_datetime = TimeAttribute("When the mission began.\n\nFilterable, sortable.")
    end_datetime = TimeAttribute("When the mission ended.\n\nFilterable, sortable.")
    resolution_min = ResolutionAttribute(
        "Finest resolution of its bands. A plain number in a filter means metres.\n\nFilterable, sortable.",
        readonly=True,
    )
    resolution_max = ResolutionAttribute(
        "Coarsest resolution of its bands. A plain number in a filter means metres.\n\nFilterable, sortable.",
        readonly=True,
    )
    default_display_bands = ListAttribute(
        StringAttribute(),
        "Names of the bands to show by default: one band, or red, green and blue; an alpha band may follow.",
    )
    image_index_name = StringAttribute("Where an operator keeps the images' index.\n\nFilterable, sortable.")
    product_tier = StringAttribute(
        "Which class of products an operator counts it to.\n\nFilterable, sortable."
    )

    @classmethod
    def namespace_id(cls, id_: str, client: CatalogClient | None = None) -> str:
        """Put the user's namespace in front of a product id.

        The namespace is the option ``namespace`` (`dawnlight.set_options`, ``DAWNLIGHT_NAMESPACE``).
        `save` does the same with the ids of new products. Without that option, ids stay as they are.

        Parameters
        ----------
        id_ : str
            The id.
        client : CatalogClient, optional
            Accepted for catalogs that know their users; not used by embedded ones.

        Returns
        -------
        str
            ``"<namespace>:<id_>"``, or `id_` itself if it begins so already.

        Examples
        --------
        >>> import dawnlight as dl
        >>> with dl.set_options(namespace="acme"):
        ...     dl.Product.namespace_id("fields"), dl.Product.namespace_id("acme:fields")
        ('acme:fields', 'acme:fields')
        """
        namespace = get_options().namespace
        if not namespace or id_.startswith(f"{namespace}:"):
            return id_
        return f"{namespace}:{id_}"

    def _new_id(self) -> str | None:
        return None if self.id is None else self.namespace_id(self.id)

    @classmethod
    def _find(cls, id: str, client: CatalogClient | None) -> Self | None:
        """Look for the id as given, then for the one under which `save` would have created it."""
        found = cls.get(id, client=client)
        spaced = cls.namespace_id(id)
        return cls.get(spaced, client=client) if found is None and spaced != id else found

    @classmethod
    def _collection_type(cls) -> type[Collection[Any]]:
        from dawnlight.catalog._typed_collections import ProductCollection

        return ProductCollection

    def named_id(self, name: str) -> str:
        """Return the id that a band or image of this product has.

        Parameters
        ----------
        name : str
            Name of the band or image.

        Returns
        -------
        str
            ``"<product id>:<name>"``.

        Examples
        --------
        >>> import dawnlight as dl
        >>> dl.Product(id="fields").named_id("red")
        'fields:red'
        """
        return f"{self.id}:{name}"

    def get_band(self, name: str) -> Band | None:
        """Get a band of this product.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        Band or None
            Of the class that fits its type; None if there is none.

        Raises
        ------
        DeletedObjectError
            The product was deleted.
        """
        from dawnlight.catalog._bands import Band

        self._check_not_deleted()
        return Band.get(self.named_id(name), client=self._client)

    def get_image(self, name: str) -> Image | None:
        """Get an image of this product.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        Image or None
            None if there is none.

        Raises
        ------
        DeletedObjectError
            The product was deleted.
        """
        from dawnlight.catalog._image import Image

        self._check_not_deleted()
        return Image.get(self.named_id(name), client=self._client)

    def bands(self) -> Search[Band]:
        """Start a search for the bands of this product, sorted by `sort_order`.

        Returns
        -------
        Search
            Nothing is read before it is iterated.

        Raises
        ------
        DeletedObjectError
            The product was deleted.
        """
        from dawnlight.catalog._bands import Band

        return Band.search(client=self._client).filter(self._is_mine()).sort("sort_order")

    def images(self) -> ImageSearch:
        """Start a search for the images of this product.

        Returns
        -------
        ImageSearch
            Nothing is read before it is iterated.

        Raises
        ------
        DeletedObjectError
            The product was deleted.
        """
        from dawnlight.catalog._image import Image

        return Image.search(client=self._client).filter(self._is_mine())

    def image_uploads(self) -> Search[ImageUpload]:
        """Start a search for the uploads to this product.

        Returns
        -------
        Search
            Nothing is read before it is iterated.

        Raises
        ------
        DeletedObjectError
            The product was deleted.
        """
        from dawnlight.catalog._upload import ImageUpload

        return ImageUpload.search(client=self._client).filter(self._is_mine())

    def _is_mine(self) -> Eq:
        self._check_not_deleted()
        if self.id is None:
            raise UnsavedObjectError("the product has no id yet, so nothing can belong to it")
        return Eq("product_id", self.id)

    def delete_related_objects(self) -> DeletionTaskStatus | None:
        """Delete all bands, images and uploads of this product. The product itself stays.

        Returns
        -------
        DeletionTaskStatus or None
            What was done; None if there was nothing to delete.

        Raises
        ------
        UnsavedObjectError
            The product was never saved.
        DeletedObjectError
            The product was deleted.

        Examples
        --------
        >>> import dawnlight as dl
        >>> product = dl.Product(id="p", name="P", client=dl.open("memory://"))
        >>> product.save()
        >>> product.delete_related_objects() is None
        True
        """
        self._check_not_deleted()
        if self._saved_document is None:
            raise UnsavedObjectError(f"{self._title} was never saved, so nothing belongs to it")
        identifier = self._saved_document.id
        started, clock = datetime.now(UTC), time.perf_counter()
        with self._gone_is_deleted():
            count = self._client.store.delete_related(identifier)
        if not count:
            return None
        status = DeletionTaskStatus(
            id=identifier,
            status=TaskState.SUCCEEDED,
            start_datetime=started,
            duration_in_seconds=time.perf_counter() - clock,
            objects_deleted=count,
        )
        self._client._deletions[identifier] = status
        return status

    def get_delete_status(self) -> DeletionTaskStatus:
        """Tell what came of the last `delete_related_objects` of this product.

        Returns
        -------
        DeletionTaskStatus
            Its status is NEVERRAN if nothing was deleted through this client.

        Raises
        ------
        DeletedObjectError
            The product was deleted.
        """
        self._check_not_deleted()
        known = self._client._deletions.get(str(self.id))
        return known if isinstance(known, DeletionTaskStatus) else DeletionTaskStatus(id=str(self.id))

    def _repr_html_(self) -> str:
        from dawnlight.catalog._html import object_html

        return object_html(self)
