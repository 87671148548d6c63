"""What every catalog store does, whatever it keeps its documents in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from dawnlight.errors import MethodNotAllowedError
from dawnlight.search import Document, IntervalSummary, Kind, Query, Summary
from dawnlight.storage._uploads import UploadQueue

__all__ = ["CatalogStore", "Page"]

_PAGE_SIZE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of the results of a search."""

    documents: list[Document]
    """In the order of the query."""
    continuation: str | None
    """Token of the page that follows; None when this is the last one."""


class CatalogStore(ABC):
    """Keeps documents, checks the catalog's rules, and answers queries.

    All stores behave alike; `dawnlight.testing.CatalogStoreSuite` holds the tests that say how. A store can
    be used from several threads at once. What it returns is the caller's own: changing it changes nothing
    stored.

    A store is a context manager that closes itself.

    Attributes
    ----------
    url : str
        What `open_store` opens it by.
    read_only : bool
        True when writing is refused.
    """

    url: str
    read_only: bool

    @abstractmethod
    def get_many(self, kind: Kind, ids: Sequence[str]) -> list[Document]:
        """Return documents by id.

        Parameters
        ----------
        kind : {"product", "band", "image", "image_upload"}
            What to look for.
        ids : sequence of str
            Which ones. An id given twice is returned twice.

        Returns
        -------
        list of Document
            In the order asked for; ids that do not exist are left out.
        """

    @abstractmethod
    def create(self, documents: Sequence[Document]) -> list[Document]:
        """Store new documents: all of them or, after an error, none.

        Parameters
        ----------
        documents : sequence of Document
            Of any kinds. A product may come with its bands and images, in any order. Their `version` and the
            attributes that the catalog sets itself are ignored.

        Returns
        -------
        list of Document
            As stored, in the same order: version 1, with defaults, ``created`` and ``modified``.

        Raises
        ------
        ValidationError
            A document breaks a rule.
        ConflictError
            A document of this kind and id exists already; the message names the first one.
        NotFoundError
            The product that a band, image or upload belongs to does not exist.
        """

    @contextmanager
    def importing(self) -> Iterator[None]:
        """Store many images in many batches, faster.

        What `create` stores inside the ``with`` block is there at once for everybody, and stays there if
        this process dies. Only the disk need not have it before the block ends: until then a power failure
        may take whole batches back, the latest first. It holds for the calling thread. Stores without a disk
        do nothing here.

        Examples
        --------
        >>> from dawnlight.search import Document
        >>> from dawnlight.storage import open_store
        >>> store = open_store("memory://")
        >>> with store.importing():
        ...     stored = store.create([Document(kind="product", id="p", attributes={"name": "P"})])
        >>> store.exists("product", "p")
        True
        """
        yield

    @abstractmethod
    def update(
        self, kind: Kind, id: str, changes: Mapping[str, Any], *, version: int | None = None
    ) -> Document:
        """Change some attributes of a document.

        Parameters
        ----------
        kind : {"product", "band", "image", "image_upload"}
            What it is.
        id : str
            Which one.
        changes : mapping
            New values by attribute; None removes one.
        version : int, optional
            The version that the changes were made from. By default they apply to whatever is stored.

        Returns
        -------
        Document
            As stored, one version on.

        Raises
        ------
        NotFoundError
            There is no such document.
        ConflictError
            It has another version: somebody changed it meanwhile.
        ValidationError
            The result breaks a rule.
        """

    @abstractmethod
    def delete(self, kind: Kind, id: str) -> bool:
        """Delete a document.

        Parameters
        ----------
        kind : {"product", "band", "image", "image_upload"}
            What it is.
        id : str
            Which one.

        Returns
        -------
        bool
            False when there was none.

        Raises
        ------
        ConflictError
            It is a product that still has bands, images or uploads.
        """

    @abstractmethod
    def delete_related(self, product_id: str) -> int:
        """Delete all bands, images and uploads of a product.

        Parameters
        ----------
        product_id : str
            The product, which stays.

        Returns
        -------
        int
            How many documents were deleted.

        Raises
        ------
        NotFoundError
            There is no such product.
        """

    @abstractmethod
    def page(self, query: Query, continuation: str | None = None, size: int = 100) -> Page:
        """Return one page of results.

        Pages do not repeat or skip documents that stay as they are, even if others come and go in between.

        Parameters
        ----------
        query : Query
            The search. Its limit counts over all pages.
        continuation : str, optional
            The token of the page before, made for the same query; by default the first page.
        size : int, default 100
            Largest number of documents on the page, at least 1; above 10 000 it counts as that.

        Returns
        -------
        Page
            The documents and the token of the next page.

        Raises
        ------
        BadRequestError
            The token is not one of this query, or the size cannot be used.
        """

    @abstractmethod
    def count(self, query: Query) -> int:
        """Count the documents that match, exactly; the query's limit plays no part.

        Parameters
        ----------
        query : Query
            The search.

        Returns
        -------
        int
            Their number.
        """

    @abstractmethod
    def summary(self, query: Query) -> Summary:
        """Add up the images that match; sort and limit play no part.

        Parameters
        ----------
        query : Query
            A search for images.

        Returns
        -------
        Summary
            Their number, size and products.

        Raises
        ------
        BadRequestError
            The query is not for images.
        """

    @abstractmethod
    def intervals(
        self, query: Query, field: str, interval: str, start: Any = None, end: Any = None
    ) -> list[IntervalSummary]:
        """Add up the images that match, by interval of time; sort and limit play no part.

        Parameters
        ----------
        query : Query
            A search for images.
        field : {"acquired", "created", "modified", "published"}
            The time that counts. Images without it are left out.
        interval : {"year", "quarter", "month", "week", "day", "hour", "minute"}
            The length, in UTC; weeks begin on Monday.
        start, end : str or datetime, optional
            First and last point in time that count, both included; by default all.

        Returns
        -------
        list of IntervalSummary
            In order of time. Intervals without images are left out.

        Raises
        ------
        BadRequestError
            The query is not for images, or a name or time cannot be used.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of files and connections; closing twice is fine."""

    @property
    def uploads(self) -> UploadQueue:
        """The queue of uploads.

        Returns
        -------
        UploadQueue
            The same jobs for every store on the same catalog.

        Raises
        ------
        MethodNotAllowedError
            This store keeps documents only.
        """
        raise MethodNotAllowedError(
            f"{self.url!r} takes no uploads; add the files by reference, or use an embedded catalog"
        )

    def get(self, kind: Kind, id: str) -> Document | None:
        """Return a document by id, or None.

        Parameters
        ----------
        kind : {"product", "band", "image", "image_upload"}
            What to look for.
        id : str
            Which one.

        Returns
        -------
        Document or None
            None when there is no such document.
        """
        return next(iter(self.get_many(kind, [id])), None)

    def exists(self, kind: Kind, id: str) -> bool:
        """Tell whether there is such a document.

        Parameters
        ----------
        kind : {"product", "band", "image", "image_upload"}
            What to look for.
        id : str
            Which one.

        Returns
        -------
        bool
            True when there is.
        """
        return self.get(kind, id) is not None

    def search(self, query: Query) -> Iterator[Document]:
        """Yield the documents that match, in order, at most the query's limit.

        They are read page by page as they are used. No lock is held between pages.

        Parameters
        ----------
        query : Query
            The search.

        Yields
        ------
        Document
            Each result.
        """
        continuation = None
        while True:
            page = self.page(query, continuation, _PAGE_SIZE)
            yield from page.documents
            continuation = page.continuation
            if continuation is None:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        mode = ", read_only=True" if self.read_only else ""
        return f"{type(self).__name__}({self.url!r}{mode})"
