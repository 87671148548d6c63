"""From a URL or a folder to a store: each scheme has a class, imported when it is first asked for."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable
from importlib import import_module
from typing import Protocol, cast
from urllib.parse import unquote

from dawnlight.errors import CatalogNotFoundError, ConfigError
from dawnlight.storage._memory import MemoryStore
from dawnlight.storage._protocol import CatalogStore
from dawnlight.storage._rules import DEFAULT_OWNERS

__all__ = ["open_store", "register_store", "unregister_store"]

_SCHEME = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]+)://", re.ASCII)


class Opener(Protocol):
    """What a scheme leads to."""

    def __call__(self, url: str, *, create: bool, read_only: bool, owners: Iterable[str]) -> CatalogStore:
        """Open the store that a URL names."""


_openers: dict[str, str] = {
    "memory": "dawnlight.storage._registry:open_memory",
    "sqlite": "dawnlight.storage._registry:open_sqlite",
}
_memories: dict[str, MemoryStore] = {}
_memories_lock = threading.Lock()


def open_store(
    location: str | os.PathLike[str],
    *,
    create: bool = True,
    read_only: bool = False,
    owners: Iterable[str] = DEFAULT_OWNERS,
) -> CatalogStore:
    """Open the store of a catalog.

    Parameters
    ----------
    location : str or path
        A folder, or a URL: ``sqlite:///folder`` (relative) or ``sqlite:////folder`` (absolute) for an
        embedded catalog, ``memory://name`` for one that lives in this process and is shared by its name
        (``memory://`` without a name is always a new one), or whatever `register_store` added.
    create : bool, default True
        Make the catalog when there is none.
    read_only : bool, default False
        Refuse to write.
    owners : iterable of str, default ("user:local",)
        Owners of products whose maker names none.

    Returns
    -------
    CatalogStore
        Close it after use, or use it in a ``with`` block.

    Raises
    ------
    ConfigError
        The scheme is unknown, or the folder is a file.
    CatalogNotFoundError
        There is no catalog and none may be made.
    CatalogError
        It cannot be used; see `SqliteStore`.

    Examples
    --------
    >>> from dawnlight.storage import open_store
    >>> with open_store("memory://") as store:
    ...     store.exists("product", "p")
    False
    """
    text: object = os.fspath(location)
    if not isinstance(text, str) or not text:
        raise ConfigError(f"catalog location {location!r} must be a folder or a URL")
    match = _SCHEME.match(text)
    if match is None:
        return open_sqlite(text, create=create, read_only=read_only, owners=owners)
    scheme = match[1].lower()
    target = _openers.get(scheme)
    if target is None:
        raise ConfigError(
            f"cannot open {text!r}: the scheme {scheme!r} is unknown; known are a folder, "
            f"{', '.join(f'{name}://' for name in sorted(_openers))}"
        )
    return _load(scheme, target)(text, create=create, read_only=read_only, owners=owners)


def register_store(scheme: str, target: str) -> None:
    """Let `open_store` open URLs of a further scheme.

    Parameters
    ----------
    scheme : str
        What stands before ``://``, in lower case.
    target : str
        ``"module:name"`` of a class or function that is called with the URL and the keyword arguments
        ``create``, ``read_only`` and ``owners`` and returns a `CatalogStore`. The module is imported at the
        first use.

    Raises
    ------
    ConfigError
        A name is malformed, or the scheme is taken.

    Examples
    --------
    >>> from dawnlight.storage import register_store, unregister_store
    >>> register_store("mine", "my_package.stores:open_mine")
    >>> unregister_store("mine")
    """
    if not _SCHEME.match(f"{scheme}://") or scheme != scheme.lower():
        raise ConfigError(
            f"scheme={scheme!r} must begin with a letter and hold lower-case letters, digits, + . -"
        )
    module, _, name = target.partition(":")
    if not module or not name.isidentifier():
        raise ConfigError(f"target={target!r} must be 'module:name'")
    if scheme in _openers and _openers[scheme] != target:
        raise ConfigError(
            f"the scheme {scheme!r} is taken by {_openers[scheme]!r}; unregister_store it first"
        )
    _openers[scheme] = target


def unregister_store(scheme: str) -> None:
    """Forget a scheme.

    Parameters
    ----------
    scheme : str
        One that was registered; an unknown one is ignored.
    """
    _openers.pop(scheme, None)


def open_sqlite(
    url: str, *, create: bool, read_only: bool, owners: Iterable[str] = DEFAULT_OWNERS
) -> CatalogStore:
    """Open an embedded catalog by folder or ``sqlite:///`` URL."""
    folder = url
    if _SCHEME.match(url):
        head, _, rest = url.partition("://")
        if not rest.startswith("/"):
            raise ConfigError(
                f"cannot open {url!r}: an embedded catalog has no host; write {head}:///relative/folder or "
                f"{head}:////absolute/folder"
            )
        folder = unquote(rest[1:])
        if not folder:
            raise ConfigError(f"cannot open {url!r}: the folder is missing, as in {head}:///folder")
    from dawnlight.storage._sqlite import SqliteStore

    return SqliteStore(folder, create=create, read_only=read_only, owners=owners)


def open_memory(
    url: str, *, create: bool, read_only: bool, owners: Iterable[str] = DEFAULT_OWNERS
) -> CatalogStore:
    """Open a catalog in the memory of this process by ``memory://`` URL."""
    name = url.partition("://")[2]
    with _memories_lock:
        store = _memories.get(name) if name else None
        if store is None:
            if not create:
                raise CatalogNotFoundError(
                    f"there is no catalog {url!r} in this process; open it with create=True"
                )
            store = MemoryStore(name, owners=owners)
            if name:
                _memories[name] = store
    return store.view(read_only=read_only)


def _load(scheme: str, target: str) -> Opener:
    module, _, name = target.partition(":")
    try:
        return cast(Opener, getattr(import_module(module), name))
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"the scheme {scheme!r} leads to {target!r}, which cannot be imported: {error}"
        ) from error
