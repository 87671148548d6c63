"""Eacher: what ``collection.each`` gives."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from dawnlight.catalog._deprecated import warn_deprecated

__all__ = ["Eacher"]

T = TypeVar("T")
_SHOWN = 8


class Eacher(Generic[T]):
    """Does to every item of a collection what is done to it, lazily.

    Attribute access, item access and calls give another Eacher; nothing happens before it is iterated,
    combined, collected or printed. It can be iterated as often as needed; each time the chain is carried
    out again.

    Parameters
    ----------
    source : callable
        Returns a new iterator over the items.

    Examples
    --------
    >>> from dawnlight.catalog import Collection
    >>> Collection(["one", "three"]).each.capitalize()[:2]
    'On'
    'Th'
    """

    def __init__(self, source: Callable[[], Iterator[T]]) -> None:
        self._source = source

    def __iter__(self) -> Iterator[T]:
        return self._source()

    # The items can be anything, and so can what they return.
    def __getattr__(self, name: str) -> Eacher[Any]:
        if name.startswith("__"):
            raise AttributeError(f"Eacher has no attribute {name!r}")  # no accidental protocols
        return self.pipe(getattr, name)

    def __getitem__(self, key: Any) -> Eacher[Any]:
        return self.pipe(lambda item: item[key])

    def __call__(self, *args: Any, **kwargs: Any) -> Eacher[Any]:
        return self.pipe(lambda item: item(*args, **kwargs))

    def pipe(self, f: Callable[..., Any], *args: Any, **kwargs: Any) -> Eacher[Any]:
        """Apply a function to each item.

        Parameters
        ----------
        f : callable
            Called as ``f(item, *args, **kwargs)``.
        *args, **kwargs
            Further arguments.

        Returns
        -------
        Eacher
            Over the results.

        Examples
        --------
        >>> from dawnlight.catalog import Collection
        >>> list(Collection([1, 2]).each.pipe(pow, 2))
        [1, 4]
        """
        source = self._source
        return Eacher(lambda: (f(item, *args, **kwargs) for item in source()))

    def combine(
        self,
        op: Callable[[Iterable[T]], Any] = list,
        *,
        collection: Callable[[Iterable[T]], Any] | None = None,
    ) -> Any:
        """Put the results into a container, or reduce them.

        Parameters
        ----------
        op : callable, default list
            Takes an iterable of the results.
        collection : callable, optional
            Deprecated name of `op`.

        Returns
        -------
        object
            What `op` returns.

        Examples
        --------
        >>> from dawnlight.catalog import Collection
        >>> Collection(["a", "bb"]).each.pipe(len).combine(sum)
        3
        """
        if collection is not None:
            warn_deprecated("combine(collection=...)", "combine(op=...)")
            op = collection
        return op(iter(self))

    def collect(self, collection: Callable[[Iterable[T]], Any] | None = None) -> Any:
        """Put the results into a collection.

        Parameters
        ----------
        collection : callable, optional
            Takes an iterable of the results; by default `Collection`.

        Returns
        -------
        Collection
            Or whatever `collection` returns.

        Examples
        --------
        >>> from dawnlight.catalog import Collection
        >>> Collection(["a", "bb"]).each.upper().collect()
        Collection(['A', 'BB'])
        """
        if collection is None:
            from dawnlight.catalog._collection import Collection

            return Collection(self)
        return collection(iter(self))

    def __repr__(self) -> str:
        shown = [repr(item) for item in itertools.islice(self, _SHOWN + 1)]
        if len(shown) > _SHOWN:
            shown[_SHOWN] = "..."
        return "\n".join(shown)
