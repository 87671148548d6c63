"""Valid pixels that have the value which is to mark missing ones: in a file they would be holes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.errors import ParameterError
from dawnlight.geo import Window

__all__ = ["Collisions"]


class Collisions:
    """Watches the blocks of a file for valid pixels that have its nodata value.

    Parameters
    ----------
    nodata
        Value that the caller chose; None watches nothing.
    bands
        Names of the bands, for the message.
    beside_missing
        True: an error only once pixels are missing, too, so that the two could not be told apart any more.
        False: an error in any case.
    """

    def __init__(self, nodata: float | None, bands: Sequence[str | None], *, beside_missing: bool) -> None:
        self._nodata = None if nodata is None or np.isnan(nodata) else nodata
        self._bands = list(bands)
        self._missing = not beside_missing
        self._found: str | None = None
        self._lock = threading.Lock()

    def look(self, values: NDArray[Any], missing: NDArray[np.bool_] | None, window: Window) -> None:
        """Look at a block.

        Parameters
        ----------
        values
            (band, y, x) as they will be written, the missing ones already replaced.
        missing
            Which are missing; None: none.
        window
            Where the block is.

        Raises
        ------
        ParameterError
            A valid pixel has the nodata value.
        """
        if self._nodata is None:
            return
        equal = values == values.dtype.type(self._nodata)
        if missing is not None:
            equal &= ~missing
        with self._lock:
            self._missing |= missing is not None and bool(missing.any())
            if self._found is None and equal.any():
                band, y, x = (int(number) for number in np.argwhere(equal)[0])
                known = self._bands[band] if band < len(self._bands) else None
                name = f"number {band + 1}" if known is None else repr(known)
                self._found = f"band {name} has it at row {window.y + y}, column {window.x + x}"
            if self._found is not None and self._missing:
                raise ParameterError(
                    f"nodata={self._nodata:.17g} is also the value of valid pixels ({self._found}), which "
                    "would be holes in the file; choose a value that no pixel has, or leave nodata out"
                )
