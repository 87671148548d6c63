"""Saving many objects with few transactions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Self

from dawnlight.catalog._bulk_documents import make_new_documents
from dawnlight.catalog._enums import DocumentState
from dawnlight.errors import ParameterError, ParameterTypeError
from dawnlight.storage._batches import paused_gc

if TYPE_CHECKING:
    from dawnlight.catalog._base import CatalogObjectBase

__all__ = ["BulkSaving"]

_MANY = 200
"""So many objects at once make it worth while to prepare for them."""

_SLICE = 500
"""So many new objects become documents at once: few enough for the processor's cache."""

Report = Callable[[int], Any]


class BulkSaving:
    """Adds `save_many` to a class of catalog objects."""

    @classmethod
    def save_many(
        cls,
        objects: Iterable[Self],
        batch_size: int = 10_000,
        progress: bool | Callable[[int, int | None], Any] | None = None,
    ) -> int:
        """Save many objects, thousands of times faster than one by one.

        New objects are created in batches, each in one transaction: either all of a batch are in the
        catalog afterwards, or none of it. Batches before the one that failed stay. Objects that exist and
        were modified are saved one by one; unchanged ones are left out.

        An embedded catalog does not wait for the disk after every batch, but once at the end: a power
        failure in between (not a crash of the process) may take the latest batches back, each as a whole.

        Parameters
        ----------
        objects : iterable
            Objects of this class, all of the same catalog; a generator is read batch by batch.
        batch_size : int, default 10 000
            How many objects go into one transaction. An embedded catalog stores large batches faster.
        progress : bool or callable, optional
            True shows a progress bar, False none, None only on a terminal. A function is called after each
            batch with the number of objects done and the number of all (None if that is not known).

        Returns
        -------
        int
            How many objects were created or changed.

        Raises
        ------
        ConflictError
            An id exists already, or somebody changed an object meanwhile.
        ValidationError
            An object breaks a rule of the catalog.
        DeletedObjectError
            An object was deleted.

        Examples
        --------
        >>> import dawnlight as dl
        >>> client = dl.open("memory://")
        >>> dl.Product(id="p", name="P", client=client).save()
        >>> bands = [
        ...     dl.GenericBand(
        ...         id=f"p:b{i}", data_type="Byte", data_range=(0, 255), display_range=(0, 255), band_index=i,
        ...         client=client,
        ...     )
        ...     for i in range(3)
        ... ]
        >>> dl.GenericBand.save_many(bands, progress=False)
        3
        """
        if batch_size < 1:
            raise ParameterError(f"batch_size={batch_size!r} must be a whole number >= 1")
        total = len(objects) if isinstance(objects, Sized) else None
        saved = 0
        iterator: Iterator[Any] = iter(objects)  # each has a client, which this mixin does not know
        with _reporting(progress, total, cls.__name__) as report, ExitStack() as stack:
            store = None
            while batch := list(itertools.islice(iterator, batch_size)):
                _check_batch(batch, cls)
                if batch[0]._client.store is not store:
                    store = batch[0]._client.store
                    stack.enter_context(store.importing())
                with paused_gc(len(batch) >= _MANY):
                    saved += _save_batch(batch)
                report(len(batch))
        return saved


def _check_batch(batch: list[Any], kind: type[Any]) -> None:
    """Refuse what cannot be saved together."""
    client = None
    for each in batch:
        if not isinstance(each, kind):
            raise ParameterTypeError(
                f"{kind.__name__}.save_many takes {kind.__name__} objects, not {each!r:.200}"
            )
        each._check_not_deleted()
        client = client or each._client
        if each._client is not client:
            raise ParameterError(f"{each._title} belongs to another catalog than {batch[0]._title}")


def _save_batch(batch: list[Any]) -> int:
    unique: list[CatalogObjectBase] = list({id(each): each for each in batch}.values())
    new, changed = [], []
    for each in unique:
        state = each.state
        if state is DocumentState.UNSAVED:
            new.append(each)
        elif state is DocumentState.MODIFIED:
            changed.append(each)
    if new:
        known: dict[str, Any] = {}
        sent, whole = [], []
        for start in range(0, len(new), _SLICE):
            some = new[start : start + _SLICE]
            made = make_new_documents(some)
            sent += made
            whole += [each._completed(document, known) for each, document in zip(some, made, strict=True)]
        stored = new[0]._client.store.create(whole)
        for each, own, completed, document in zip(new, sent, whole, stored, strict=True):
            each._accept(document, own if completed is own else None)
    for each in changed:
        each.save()
    return len(new) + len(changed)


@contextmanager
def _reporting(progress: Any, total: int | None, unit: str) -> Iterator[Report]:
    """Give the function to call with the number of objects just done."""
    if callable(progress):
        done = 0

        def report(count: int) -> None:
            nonlocal done
            done += count
            progress(done, total)

        yield report
        return
    from tqdm import tqdm

    # tqdm reads disable=None as "only on a terminal".
    disable = None if progress is None else not progress
    with tqdm(total=total, unit=f" {unit}", desc="Saving", disable=disable) as bar:
        yield bar.update
