"""What to search for: an immutable value that every store answers in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from shapely.geometry.base import BaseGeometry

from dawnlight.errors import FilterError
from dawnlight.search._check import check_filterable, normalize_expression, require_expression
from dawnlight.search._documents import KINDS, Document, Kind
from dawnlight.search._evaluate import compile_expression
from dawnlight.search._expressions import Expression
from dawnlight.search._fields import FIELDS
from dawnlight.search._footprints import make_footprint_test
from dawnlight.search._order import SortKey, check_sort_key, sorted_documents
from dawnlight.search._texts import text_matches
from dawnlight.search._values import shorten

if TYPE_CHECKING:
    from dawnlight.geo._geometry import GeometryLike

__all__ = ["Query", "make_matcher", "matches", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A search: which documents, in which order, how many.

    Checked when it is made, so a store never meets one that does not fit. Every method returns a changed
    copy.

    Parameters
    ----------
    kind : {"product", "band", "image", "image_upload"}
        What is searched.
    where : Expression, optional
        The condition; None takes all.
    sort : sequence of SortKey, default ()
        What to sort by, the first key counting most. Null comes last in both directions, and documents
        that are equal in all keys are ordered by ascending id.
    limit : int, optional
        Largest number of documents in all; None is all.
    text : str, optional
        Words to look for; see `make_matcher`.
    geometry : shapely geometry, optional
        Longitude and latitude, within ±180 degrees and cut at the antimeridian. Use `intersecting`, which
        takes everything else to this form.
    match_null_geometry : bool, default False
        True also takes documents without a geometry; without `geometry` it has no effect.

    Raises
    ------
    FilterError
        A part does not fit the kind.

    Examples
    --------
    >>> from dawnlight.search import Properties, Query
    >>> p = Properties()
    >>> query = Query(kind="image").filtered(p.cloud_fraction < 0.5).sorted_by("acquired").limited(10)
    >>> query.where, query.sort, query.limit
    (p.cloud_fraction < 0.5, (SortKey(field='acquired', ascending=True),), 10)
    """

    kind: Kind
    where: Expression | None = None
    sort: tuple[SortKey, ...] = ()
    limit: int | None = None
    text: str | None = None
    geometry: BaseGeometry | None = None
    match_null_geometry: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise FilterError(f"kind={self.kind!r} is unknown; allowed are {', '.join(KINDS)}")
        if self.where is not None:
            normalize_expression(self.kind, self.where)
            check_filterable(self.kind, self.where)
        object.__setattr__(self, "sort", _check_sort(self.kind, self.sort))
        _check_limit(self.limit)
        _check_text(self.kind, self.text)
        _check_geometry(self.kind, self.geometry, self.match_null_geometry)

    @property
    def condition(self) -> Expression | None:
        """`where`, normalised: canonical names, values as they compare (see `normalize_expression`).

        This is what a store compiles to its own language.
        """
        return None if self.where is None else normalize_expression(self.kind, self.where)

    def filtered(self, expression: Expression) -> Query:
        """Add a condition that must hold as well.

        Parameters
        ----------
        expression : Expression
            The condition.

        Returns
        -------
        Query
            The changed copy.

        Raises
        ------
        FilterError
            It is not an expression, or does not fit the kind.
        """
        require_expression(expression)
        return replace(self, where=expression if self.where is None else self.where & expression)

    def sorted_by(self, field: str, ascending: bool = True) -> Query:
        """Add a sort key, which decides between documents that are equal in the keys before it.

        Parameters
        ----------
        field : str
            A sortable field.
        ascending : bool, default True
            False puts the largest first.

        Returns
        -------
        Query
            The changed copy.

        Raises
        ------
        FilterError
            The field is unknown or not sortable.
        """
        return replace(self, sort=(*self.sort, SortKey(field, ascending)))

    def limited(self, limit: int | None) -> Query:
        """Set the largest number of documents in all.

        Parameters
        ----------
        limit : int or None
            A whole number >= 0; None for all.

        Returns
        -------
        Query
            The changed copy.

        Raises
        ------
        FilterError
            It is something else.
        """
        return replace(self, limit=limit)

    def with_text(self, text: str | None) -> Query:
        """Set the words to look for.

        Parameters
        ----------
        text : str or None
            Words; None for no text search.

        Returns
        -------
        Query
            The changed copy.

        Raises
        ------
        FilterError
            The kind has no text to search.
        """
        return replace(self, text=text)

    def intersecting(self, geometry: GeometryLike | None, match_null_geometry: bool = False) -> Query:
        """Set the place that documents must share at least one point with.

        Parameters
        ----------
        geometry : shapely geometry, GeoJSON mapping, GeoContext, bounds or None
            Longitude and latitude in degrees. Longitudes beyond ±180 and polygons across the antimeridian
            are understood. None for anywhere.
        match_null_geometry : bool, default False
            True also takes documents without a geometry.

        Returns
        -------
        Query
            The changed copy.

        Raises
        ------
        GeometryError
            The geometry cannot be read or lies outside the Earth.
        FilterError
            The kind has no geometry.
        """
        place = None
        if geometry is not None:
            # Late, because it loads pyproj.
            from dawnlight.geo._geometry import normalize_geometry, split_antimeridian

            place = split_antimeridian(normalize_geometry(geometry))
        return replace(self, geometry=place, match_null_geometry=match_null_geometry)

    def to_wire(self) -> dict[str, Any]:
        """Spell the query as the body of a search request.

        Returns
        -------
        dict
            JSON-able; see `from_wire`.
        """
        from dawnlight.search._wire import query_to_wire

        return query_to_wire(self)

    @classmethod
    def from_wire(cls, kind: Kind, body: Mapping[str, Any]) -> Query:
        """Read the body of a search request, whoever sent it.

        Parameters
        ----------
        kind : {"product", "band", "image", "image_upload"}
            What is searched.
        body : mapping
            The decoded JSON. Keys that do not belong to a query are ignored.

        Returns
        -------
        Query
            The query.

        Raises
        ------
        FilterError
            A part cannot be read or does not fit.
        GeometryError
            The geometry cannot be read.
        """
        from dawnlight.search._wire import query_from_wire

        return query_from_wire(kind, body)


def make_matcher(query: Query) -> Callable[[Document], bool]:
    """Make a function that tells whether a document is among the results.

    Parameters
    ----------
    query : Query
        The search. It asks four things, all of which must hold:

        * the kind is the same;
        * `where` holds (see `evaluate`);
        * every word of `text` (split at white space) occurs somewhere in the document's text fields, as
          part of a word or more, upper and lower case being the same (`str.casefold`);
        * the footprint shares at least one point with `geometry`: borders count, the meridians 180 and -180
          are one line, and each pole is one point. A footprint that cannot be read matches nothing.

        Sort and limit play no part.

    Returns
    -------
    callable
        Takes a `Document` and returns a bool. For one thread, if the query has a geometry.
    """
    tests: list[Callable[[Document], bool]] = [lambda document: document.kind == query.kind]
    if query.where is not None:
        tests.append(compile_expression(query.kind, query.where))
    text, geometry = query.text, query.geometry
    if text is not None:
        tests.append(lambda document: text_matches(text, document))
    if geometry is not None:
        tests.append(make_footprint_test(geometry, query.match_null_geometry))
    return lambda document: all(test(document) for test in tests)


def matches(query: Query, document: Document) -> bool:
    """Tell whether a document is among the results of a query.

    Parameters
    ----------
    query : Query
        The search; see `make_matcher` for what it asks.
    document : Document
        Any document.

    Returns
    -------
    bool
        True when it is. Sort and limit play no part.
    """
    return make_matcher(query)(document)


def run(query: Query, documents: Iterable[Document]) -> list[Document]:
    """Answer a query from a heap of documents: the model that every store must equal.

    Parameters
    ----------
    query : Query
        The search.
    documents : iterable of Document
        Any documents, in any order.

    Returns
    -------
    list of Document
        Those that match, in order, at most `limit`.
    """
    found = sorted_documents(query, filter(make_matcher(query), documents))
    return found if query.limit is None else found[: query.limit]


def _check_sort(kind: Kind, sort: Iterable[SortKey]) -> tuple[SortKey, ...]:
    if isinstance(sort, SortKey | str):
        raise FilterError(f"sort={shorten(sort)} must be a sequence of SortKey")
    found = []
    for key in sort:
        if not isinstance(key, SortKey):
            raise FilterError(f"sort key {shorten(key)} must be a SortKey")
        found.append(check_sort_key(kind, key))
    return tuple(found)


def _check_limit(limit: object) -> None:
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
        raise FilterError(f"limit={shorten(limit)} must be a whole number >= 0, or None for all")


def _check_text(kind: Kind, text: object) -> None:
    if text is None:
        return
    if not isinstance(text, str):
        raise FilterError(f"text={shorten(text)} must be a string")
    if not any(field.text for field in FIELDS[kind].values()):
        raise FilterError(f"{kind} documents have no text to search; products and bands do")


def _check_geometry(kind: Kind, geometry: object, match_null_geometry: object) -> None:
    if not isinstance(match_null_geometry, bool):
        raise FilterError(f"match_null_geometry={shorten(match_null_geometry)} must be True or False")
    if geometry is None:
        return
    if not isinstance(geometry, BaseGeometry):
        raise FilterError(
            f"geometry of type {type(geometry).__name__} must be a shapely geometry; use intersecting()"
        )
    if not any(field.type == "geometry" for field in FIELDS[kind].values()):
        raise FilterError(f"{kind} documents have no geometry to intersect with; images do")
