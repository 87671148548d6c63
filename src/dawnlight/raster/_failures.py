"""Reads that failed: the error that names the place, and the list of those that the caller tolerates."""

from __future__ import annotations

import itertools
import os
import threading
import uuid
import warnings
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dawnlight.errors import RasterError
from dawnlight.raster._plan import Read
from dawnlight.raster._sources import RasterSource

__all__ = ["Failure", "FailureLog", "failures_of", "noted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One read that did not give its pixels."""

    image: str
    """Id of the image."""
    bands: tuple[str, ...]
    """Names of the output bands."""
    href: str
    """The file."""
    window: tuple[int, int, int, int]
    """Rows and columns of the file that were asked for: (y, x, height, width)."""
    level: int
    """Overview, 0 for full resolution."""
    reason: str
    """What went wrong."""

    @classmethod
    def of(
        cls, error: RasterError, read: Read, sources: Sequence[RasterSource], names: Sequence[str]
    ) -> Failure:
        """Describe an error of a reader; ``names`` are the bands that the sources serve."""
        window = read.window
        return cls(
            image=sources[0].image,
            bands=tuple(names),
            href=sources[0].file.href,
            window=(window.y, window.x, window.height, window.width),
            level=read.level.level,
            reason=str(error),
        )

    @classmethod
    def absent(cls, image: str, band: str) -> Failure:
        """Describe a band that an image has no file for."""
        return cls(
            image=image, bands=(band,), href="", window=(0, 0, 0, 0), level=0, reason="no file for this band"
        )

    def raised(self, error: RasterError) -> RasterError:
        """Return an error of the same class that also names image, bands and place."""
        y, x, height, width = self.window
        level = f", overview {self.level}" if self.level else ""
        return type(error)(
            f"image {self.image!r}, band {', '.join(self.bands)}: cannot read rows {y}-{y + height - 1}, "
            f"columns {x}-{x + width - 1}{level} of {self.href!r}: {self.reason}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the failure as plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Failure:
        """Make a failure of what `to_dict` returned, also after a way through JSON or a message."""
        y, x, height, width = record["window"]
        return cls(**{**record, "bands": tuple(record["bands"]), "window": (y, x, height, width)})


class FailureLog:
    """Tolerated failures of one array, each listed once; warns at the first.

    A log has a token, which the labels of the array keep: `failures_of` finds by it what was noted, also from
    values that were computed, sliced or copied. A copy of a log that was sent to another process notes its
    failures there; on the workers of a `distributed` cluster it also tells the scheduler, where `failures_of`
    asks.

    Parameters
    ----------
    failures
        What is known to fail before anything is read.
    """

    def __init__(self, failures: Iterable[Failure] = (), *, token: str | None = None) -> None:
        self.token = token or f"{_process()}-{next(_numbers)}"
        self._failures: dict[Failure, None] = dict.fromkeys(failures)
        self._lock = threading.Lock()
        _known[self.token] = self
        if self._failures:
            _kept[self.token] = self

    def __reduce__(self) -> tuple[Any, ...]:
        return _revive, (self.token, self.failures)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """What failed so far, in the order in which it happened."""
        with self._lock:
            return tuple(self._failures)

    def add(self, failure: Failure) -> None:
        """Note a failure."""
        with self._lock:
            if failure in self._failures:
                return
            first = not self._failures
            self._failures[failure] = None
            # Outlives the lazy array: values that were computed from it refer to it by token.
            _kept[self.token] = self
        text = (
            f"a read failed and its pixels are masked: image {failure.image!r}, band "
            f"{', '.join(failure.bands)}, {failure.href!r}: {failure.reason} (all of them: .dl.report())"
        )
        if not self.token.startswith(_process()):
            from dawnlight.raster._dask_events import send_event

            if send_event(self.token, failure.to_dict(), text if first else None):
                return
        if first:
            warnings.warn(text, RuntimeWarning, stacklevel=2)

    def merge(self, failures: Iterable[Failure]) -> None:
        """Note failures that were warned about elsewhere."""
        with self._lock:
            self._failures.update(dict.fromkeys(failures))
            if self._failures:
                _kept[self.token] = self

    def to_list(self) -> list[dict[str, Any]]:
        """Return the failures as plain mappings, in the order in which they happened."""
        return [failure.to_dict() for failure in self.failures]


def failures_of(token: str) -> tuple[Failure, ...] | None:
    """Return what was noted in the log with a token.

    Parameters
    ----------
    token
        From `FailureLog.token`.

    Returns
    -------
    tuple of Failure or None
        None: the log belongs to another process and nothing of it reached this one, so it is not known
        whether anything failed.
    """
    from dawnlight.raster._dask_events import find_events

    log = _known.get(token)
    told = [Failure.from_dict(record) for record in find_events(token)]
    if told:
        log = log or FailureLog(token=token)
        log.merge(told)
    if log is not None:
        return log.failures
    # A log of this process that is gone had no failures: those that have are kept.
    return () if token.startswith(_process()) else None


def noted(token: str) -> tuple[Failure, ...]:
    """Return what this process itself noted under a token so far."""
    log = _known.get(token)
    return () if log is None else log.failures


_numbers = itertools.count(1)
_names: dict[int, str] = {}
_known: weakref.WeakValueDictionary[str, FailureLog] = weakref.WeakValueDictionary()
_kept: dict[str, FailureLog] = {}


def _process() -> str:
    """Name of this process that no other process has, not even one forked from it."""
    return _names.setdefault(os.getpid(), uuid.uuid4().hex[:16])


def _revive(token: str, failures: tuple[Failure, ...]) -> FailureLog:
    """Return the log with a token, as far as this process knows it, with what another process noted."""
    log = _known.get(token)
    if log is None:
        return FailureLog(failures, token=token)
    log.merge(failures)
    return log
