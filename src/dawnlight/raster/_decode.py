"""Decompression of tiles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.errors import RasterReadError

__all__ = ["decompress"]


def decompress(compression: str, packed: bytes | memoryview, out: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Unpack the bytes of a tile.

    Parameters
    ----------
    compression
        ``"none"``, ``"deflate"``, ``"zstd"`` or ``"lzw"``.
    packed
        As stored.
    out
        Where to put them; its size is what a tile must have.

    Returns
    -------
    numpy.ndarray of uint8
        ``out``, filled.

    Raises
    ------
    RasterReadError
        The bytes are damaged, or give another number of bytes.
    """
    if compression == "none":
        if len(packed) < out.size:
            raise RasterReadError(f"a tile has {len(packed)} bytes and needs {out.size}")
        out[:] = np.frombuffer(packed, dtype=np.uint8, count=out.size)
        return out
    import imagecodecs

    decoders: dict[str, Any] = {
        "deflate": imagecodecs.deflate_decode,
        "zstd": imagecodecs.zstd_decode,
        "lzw": imagecodecs.lzw_decode,
    }
    try:
        found = decoders[compression](packed, out=out)
    except Exception as error:  # each codec has an exception of its own
        raise RasterReadError(f"a tile cannot be unpacked ({compression}: {error})") from error
    if len(found) != out.size:
        raise RasterReadError(f"a tile unpacks to {len(found)} bytes and needs {out.size} ({compression})")
    return out
