"""CatalogClient: the catalog that objects are read from and saved to."""

from __future__ import annotations

import os
import sys
import threading
import uuid
import weakref
from collections import OrderedDict
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from dawnlight._options import get_options
from dawnlight.errors import ParameterTypeError
from dawnlight.search import Eq, Query, SortKey
from dawnlight.storage import CatalogStore, open_store

if TYPE_CHECKING:
    from dawnlight.catalog._typed_collections import BandCollection

__all__ = ["CatalogClient", "open"]

_MAX_PRODUCTS = 256

_lock = threading.RLock()
# Clients made for the default catalog, by its folder or URL; `set_default_client` goes before them.
_defaults: dict[str, CatalogClient] = {}
_chosen: CatalogClient | None = None
# For unpickling in the process that pickled: the clients alive, by token. URLs would not do, because every
# unnamed catalog in memory has the same one.
_alive: weakref.WeakValueDictionary[str, CatalogClient] = weakref.WeakValueDictionary()


class CatalogClient:
    """A door to one catalog. `dawnlight.open` makes one.

    Every class and search takes it as ``client=``; without it they use `get_default_client`. It can be
    used by several threads at once. As context manager it is closed at the end of the block.

    Pickling keeps the address, not the connection: the copy opens the catalog when it is first used.

    Parameters
    ----------
    store : CatalogStore, str or path
        The store to work on, or its folder or URL, which is then opened at first use.

    Examples
    --------
    >>> import dawnlight as dl
    >>> with dl.open("memory://") as client:
    ...     dl.Product(id="p", name="P", client=client).save()
    ...     dl.Product.exists("p", client=client)
    True
    """

    def __init__(self, store: CatalogStore | str | os.PathLike[str]) -> None:
        self._open_lock = threading.Lock()
        self._create = True
        self._read_only = False
        self._token = uuid.uuid4().hex
        _alive[self._token] = self
        self._store: CatalogStore | None = None
        self._url = ""
        if isinstance(store, (str, os.PathLike)):
            self._url = os.fspath(store)
        elif isinstance(store, CatalogStore):
            self._adopt(store)
        else:
            raise ParameterTypeError(f"store={store!r:.200} must be a catalog store, a folder or a URL")
        # Bands by product, each with the ids and versions it was made from; see `_bands`.
        self._band_cache: OrderedDict[str, tuple[Any, BandCollection]] = OrderedDict()
        self._deletions: dict[str, Any] = {}

    def _adopt(self, store: CatalogStore) -> CatalogStore:
        self._store = store
        self._url = store.url
        self._read_only = store.read_only
        return store

    @property
    def store(self) -> CatalogStore:
        """The store behind this client; it is opened when first asked for."""
        with self._open_lock:
            if self._store is None:
                return self._adopt(open_store(self._url, create=self._create, read_only=self._read_only))
            return self._store

    @property
    def url(self) -> str:
        """Folder or URL of the catalog."""
        return self._url

    @staticmethod
    def get_default_client() -> CatalogClient:
        """Return the client that is used where none is given.

        It is the one given to `set_default_client`; else that of the catalog named by the option
        ``catalog`` (``DAWNLIGHT_CATALOG`` in the environment, or ``dawnlight.toml``); else that of a
        folder in the user's data directory. The catalog is opened, and made if need be, at first use.

        Returns
        -------
        CatalogClient
            The same one each time, as long as the settings stay the same.

        Examples
        --------
        >>> import dawnlight as dl
        >>> with dl.set_options(catalog="memory://example"):
        ...     dl.catalog.CatalogClient.get_default_client()
        CatalogClient('memory://example')
        """
        if _chosen is not None:
            return _chosen
        url = get_options().catalog or _user_folder()
        with _lock:
            if url not in _defaults:
                _defaults[url] = CatalogClient(url)
            return _defaults[url]

    @staticmethod
    def set_default_client(client: CatalogClient | None) -> None:
        """Choose the client that is used where none is given.

        Objects keep the client that they have; one that has none yet gets it at first use.

        Parameters
        ----------
        client : CatalogClient or None
            None goes back to the catalog that the settings name.

        Examples
        --------
        >>> import dawnlight as dl
        >>> client = dl.open("memory://")
        >>> dl.catalog.CatalogClient.set_default_client(client)
        >>> dl.catalog.CatalogClient.get_default_client() is client
        True
        >>> dl.catalog.CatalogClient.set_default_client(None)
        """
        global _chosen
        if client is not None and not isinstance(client, CatalogClient):
            raise ParameterTypeError(f"client={client!r:.200} must be a CatalogClient or None")
        _chosen = client

    def close(self) -> None:
        """Release files and connections. Closing twice does no harm; using the catalog again is an error."""
        if self._store is not None:
            _stop_uploads(self._store)
            self._store.close()
        global _chosen
        with _lock:
            if _chosen is self:
                _chosen = None
            for url in [url for url, client in _defaults.items() if client is self]:
                del _defaults[url]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"CatalogClient({self._url!r})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _attach, (self._token, self._url, self._read_only)

    def _bands(self, product_id: str) -> BandCollection:
        """Return the bands of a product, sorted by `sort_order`.

        The documents are asked for each time, with one indexed query, so that a band saved by another
        process is seen by the next call. Only the objects made from them are kept, for the last 256
        products, as long as ids, versions and times of change are the same. The collection is shared: do
        not change it.
        """
        from dawnlight.catalog._bands import Band
        from dawnlight.catalog._typed_collections import BandCollection

        query = Query(kind="band", where=Eq("product_id", product_id), sort=(SortKey("sort_order"),))
        documents = list(self.store.search(query))
        stamp = [(each.id, each.version, each.attributes.get("modified")) for each in documents]
        with _lock:
            known = self._band_cache.get(product_id)
            if known is not None and known[0] == stamp:
                self._band_cache.move_to_end(product_id)
                return known[1]
        bands = BandCollection(Band._from_document(document, self) for document in documents)
        with _lock:
            self._band_cache[product_id] = stamp, bands
            while len(self._band_cache) > _MAX_PRODUCTS:
                self._band_cache.popitem(last=False)
        return bands


def open(
    url_or_folder: str | os.PathLike[str] | None = None,
    *,
    create: bool = True,
    read_only: bool = False,
    adopt: bool = True,
) -> CatalogClient:
    """Open a catalog and make it the default of the process.

    Parameters
    ----------
    url_or_folder : str or path, optional
        A folder, ``"sqlite:///path"``, or ``"memory://"`` for one that is gone with the process. By
        default the catalog that the settings name, see `CatalogClient.get_default_client`.
    create : bool, default True
        Whether to make the catalog if there is none; False raises `CatalogNotFoundError`.
    read_only : bool, default False
        True: nothing can be changed through this client.
    adopt : bool, default True
        Whether to carry on, in the background, with uploads that other processes left undone.

    Returns
    -------
    CatalogClient
        The open catalog. It is now the one that is used where no ``client=`` is given.

    Raises
    ------
    CatalogError
        There is no catalog and none is to be made, or it cannot be used; the subclass says which.
    ConfigError
        The URL is of no kind that is known.

    Examples
    --------
    >>> import dawnlight as dl
    >>> client = dl.open("memory://")
    >>> dl.Image.search(client=client).count()
    0
    """
    if url_or_folder is None:
        url_or_folder = get_options().catalog or _user_folder()
    client = CatalogClient(open_store(url_or_folder, create=create, read_only=read_only))
    CatalogClient.set_default_client(client)
    if adopt:
        _resume_uploads(client.store)
    return client


def _resume_uploads(store: CatalogStore) -> None:
    """Carry on with uploads that others left behind; where there are none, this is one look at a folder."""
    folder = getattr(store, "folder", None)
    if folder is None or store.read_only or not os.path.isdir(os.path.join(folder, "uploads")):
        return
    if os.listdir(os.path.join(folder, "uploads")):
        from dawnlight.ingest._dispatcher import ensure_dispatcher

        ensure_dispatcher(store)


def _stop_uploads(store: CatalogStore) -> None:
    dispatcher = sys.modules.get("dawnlight.ingest._dispatcher")
    if dispatcher is not None:
        dispatcher.stop_dispatcher(store)


def _user_folder() -> str:
    import platformdirs

    return str(platformdirs.user_data_path("dawnlight") / "catalog")


def _attach(token: str, url: str, read_only: bool) -> CatalogClient:
    """Return the client that was pickled, or in another process one that opens the catalog at first use."""
    found = _alive.get(token)
    if found is not None:
        return found
    made = CatalogClient(url)
    made._create = False  # an empty catalog in place of the one that was meant would hide the mistake
    made._read_only = read_only
    return made
