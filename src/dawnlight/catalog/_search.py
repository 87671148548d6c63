"""Search: what to look for in a catalog, built step by step and carried out when it is iterated."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from dawnlight.catalog._client import CatalogClient
from dawnlight.errors import FilterError, ParameterTypeError
from dawnlight.geo import GeoContext, normalize_geometry
from dawnlight.geo._geometry import GeometryLike
from dawnlight.search import Document, Expression, Query, SortKey

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from dawnlight.catalog._base import CatalogObjectBase
    from dawnlight.catalog._collection import Collection

__all__ = ["GeoSearch", "Search"]

# Unbound on purpose: the model classes import this module.
T = TypeVar("T")


class Search(Generic[T]):
    """A search for catalog objects.

    Every method returns a new search and leaves this one as it is. Nothing is read before the search is
    iterated, counted or collected; each iteration asks the catalog anew and reads page by page.

    Parameters
    ----------
    model : type
        Class of the objects, such as `Image`.
    client : CatalogClient, optional
        The catalog; the default one if not given.
    url : str, optional
        Accepted for catalogs behind HTTP; not used by embedded ones.
    includes : bool, default True
        False leaves out what is attached to the objects (the events of uploads).
    request_params, headers : mapping, optional
        Accepted for catalogs behind HTTP; not used by embedded ones.

    Examples
    --------
    >>> import dawnlight as dl
    >>> from dawnlight.catalog import properties as p
    >>> search = dl.Product.search(client=dl.open("memory://"))
    >>> search.filter(p.tags == "radar").sort("name").limit(10)
    Product.search().filter(p.tags == 'radar').sort('name').limit(10)
    """

    def __init__(
        self,
        model: type[T],
        client: CatalogClient | None = None,
        url: str | None = None,
        includes: bool = True,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        kind = getattr(model, "_kind", None)
        if kind is None:
            raise ParameterTypeError(f"model={model!r} must be a class of catalog objects, such as Image")
        self._model: type[CatalogObjectBase] = model  # type: ignore[assignment]  # it has a kind, so it is one
        self._given_client = client
        self._includes = includes
        self._query = Query(kind=kind, where=self._model._search_filter())

    @property
    def _client(self) -> CatalogClient:
        return self._given_client or CatalogClient.get_default_client()

    def _with(self, query: Query) -> Self:
        made = copy.copy(self)
        made._query = query
        return made

    def limit(self, limit: int | None) -> Self:
        """Set how many objects are found at most. The last call counts.

        Parameters
        ----------
        limit : int or None
            A whole number >= 0; None for all.

        Returns
        -------
        Search
            The changed copy.

        Raises
        ------
        FilterError
            It is something else (also a `ValueError`).
        """
        return self._with(self._query.limited(limit))

    def sort(self, field: str, *more: str | bool, ascending: bool = True) -> Self:
        """Set the order of the objects. The last call counts.

        Parameters
        ----------
        field : str
            Name of an attribute that can be sorted by. A minus in front turns the order of this one round.
        *more : str
            Further attributes, which decide between objects that are equal in those before. As in
            ``sort("acquired", False)``, a last argument that is True or False is taken as `ascending`.
        ascending : bool, default True
            False puts the largest first. Objects without a value come last in both directions.

        Returns
        -------
        Search
            The changed copy.

        Raises
        ------
        FilterError
            There is no such attribute, or it cannot be sorted by (also a `ValueError`).

        Examples
        --------
        >>> import dawnlight as dl
        >>> dl.Image.search().sort("product_id", "-acquired")
        Image.search().sort('product_id', '-acquired')
        """
        fields: list[Any] = [field, *more]
        if len(fields) > 1 and isinstance(fields[-1], bool):
            ascending = fields.pop()
        keys = []
        for each in fields:
            if not isinstance(each, str):
                raise FilterError(f"sort takes names of attributes, not {each!r}")
            name = each.removeprefix("-")
            keys.append(SortKey(name, ascending == (name == each)))
        return self._with(replace(self._query, sort=tuple(keys)))

    def filter(self, properties: Expression) -> Self:
        """Keep only objects that meet a condition. Several calls must all hold.

        Parameters
        ----------
        properties : Expression
            Made from `properties`, such as ``p.cloud_fraction < 0.5``.

        Returns
        -------
        Search
            The changed copy.

        Raises
        ------
        FilterError
            It is no expression, or does not fit the attributes of these objects (also a `ValueError`).

        Examples
        --------
        >>> import dawnlight as dl
        >>> from dawnlight.catalog import properties as p
        >>> dl.Image.search().filter(p.product_id == "fields").filter("2023" <= p.acquired < "2024")
        Image.search().filter((p.product_id == 'fields') & ('2023' <= p.acquired < '2024'))
        """
        return self._with(self._query.filtered(properties))

    def find_text(self, text: str | None) -> Self:
        """Keep only objects whose texts hold all these words. The last call counts.

        Searched are the name and description of products and the description of bands.

        Parameters
        ----------
        text : str or None
            Words, in any order and case; None for no such condition.

        Returns
        -------
        Search
            The changed copy.

        Raises
        ------
        FilterError
            These objects have no texts (also a `ValueError`).
        """
        return self._with(self._query.with_text(text))

    def count(self) -> int:
        """Count the objects, without reading them. The limit plays no part.

        Returns
        -------
        int
            Their number.
        """
        return self._client.store.count(self._query)

    def collect(self, **kwargs: Any) -> Collection[T]:
        """Read all objects into a collection.

        Parameters
        ----------
        **kwargs
            Further arguments for the collection.

        Returns
        -------
        Collection
            Of the type that fits the objects, such as `ProductCollection`.
        """
        return self._model._collection_type()(self, **kwargs)

    def __iter__(self) -> Iterator[T]:
        client = self._client
        for document in client.store.search(self._query):
            yield self._model._from_document(self._trim(document), client)

    def _trim(self, document: Document) -> Document:
        if self._includes or "events" not in document.attributes:
            return document
        kept = {name: value for name, value in document.attributes.items() if name != "events"}
        return replace(document, attributes=kept)

    def __repr__(self) -> str:
        from dawnlight.catalog._reprs import search_text

        return search_text(self)

    def _repr_html_(self) -> str:
        from dawnlight.catalog._html import search_html

        return search_html(self)


class GeoSearch(Search[T]):
    """A search for objects that have a place.

    Parameters
    ----------
    model : type
        Class of the objects, such as `Image`.
    client : CatalogClient, optional
        The catalog; the default one if not given.
    url : str, optional
        Accepted for catalogs behind HTTP; not used by embedded ones.
    includes : bool, default True
        As for `Search`.
    request_params, headers : mapping, optional
        Accepted for catalogs behind HTTP; not used by embedded ones.
    """

    # What was asked for, for `ImageSearch.collect`: the context itself, or the geometry before it was cut
    # at the antimeridian for the query.
    _place: GeoContext | BaseGeometry | None = None

    def intersects(self, geometry: GeometryLike, match_null_geometry: bool = False) -> Self:
        """Keep only objects that share at least a point with a geometry. The last call counts.

        Parameters
        ----------
        geometry : GeoJSON mapping, GeoContext, shapely geometry, bounds or object with ``__geo_interface__``
            In longitude and latitude. Longitudes may go beyond 180 degrees to cross the antimeridian.
        match_null_geometry : bool, default False
            True also keeps objects without a geometry.

        Returns
        -------
        GeoSearch
            The changed copy.

        Raises
        ------
        GeometryError
            It is no such geometry (also a `ValueError`).

        Examples
        --------
        >>> import dawnlight as dl
        >>> from shapely.geometry import box
        >>> dl.Image.search().intersects(box(8, 49, 9, 50))
        Image.search().intersects(<Polygon 8, 49, 9, 50>)
        """
        made = self._with(self._query.intersecting(geometry, match_null_geometry))
        made._place = geometry if isinstance(geometry, GeoContext) else normalize_geometry(geometry)
        return made
