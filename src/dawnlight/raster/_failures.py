"""Reads that failed: the error that names the place, and the list of those that the caller tolerates."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dawnlight.errors import RasterError
from dawnlight.raster._plan import Read
from dawnlight.raster._sources import RasterSource

__all__ = ["Failure", "FailureLog"]


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
        """Describe an error of a reader."""
        window = read.window
        served = {id(source): name for source, name in zip(read.sources, names, strict=True)}
        return cls(
            image=sources[0].image,
            bands=tuple(served[id(source)] for source in sources),
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


class FailureLog:
    """Tolerated failures of one array, each listed once; warns at the first."""

    def __init__(self, failures: Iterable[Failure] = ()) -> None:
        self._failures: dict[Failure, None] = dict.fromkeys(failures)
        self._lock = threading.Lock()

    def __getstate__(self) -> list[Failure]:
        return list(self._failures)

    def __setstate__(self, failures: list[Failure]) -> None:
        self.__init__(failures)  # type: ignore[misc]  # a lock does not travel

    def add(self, failure: Failure) -> None:
        """Note a failure."""
        with self._lock:
            first = not self._failures
            self._failures[failure] = None
        if first:
            warnings.warn(
                f"a read failed and its pixels are masked: image {failure.image!r}, band "
                f"{', '.join(failure.bands)}, {failure.href!r}: {failure.reason} (all of them: .dl.report())",
                RuntimeWarning,
                stacklevel=2,
            )

    def to_list(self) -> list[dict[str, Any]]:
        """Return the failures as plain mappings, in the order in which they happened."""
        with self._lock:
            return [failure.to_dict() for failure in self._failures]
