"""The layout of a TIFF file: where each tile of each resolution level lies, and how it is packed.

Only what the fast reader can decode by itself is described; anything else is `NotFast`, and GDAL reads the
file. Layout rules are those of TIFF 6.0, the BigTIFF extension, and GDAL's conventions for overviews, masks
and nodata (https://gdal.org/drivers/raster/gtiff.html).
"""

from __future__ import annotations

import itertools
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NotFast", "TiffFile", "TiffLevel", "parse_tiff"]

Fetch = Callable[[int, int], bytes]
"""Returns ``size`` bytes from ``offset``, fewer only at the end of the file."""

_HEAD = 32 * 1024
_MAX_DIRECTORIES = 256
_MAX_ENTRIES = 4096
_MAX_VALUES = 2**24
_NATIVE = "<" if sys.byteorder == "little" else ">"
_FORMATS = {1: "u", 2: "i", 3: "f"}
_TEXT = 2
_CODES = {1: "B", _TEXT: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I"}
_CODES |= {16: "Q", 17: "q", 18: "Q"}
_TYPES = {kind: (code, struct.calcsize(f"<{code}")) for kind, code in _CODES.items()}
"""Letter, the same for struct and NumPy, and bytes of the types of tags."""
_FEW = 8
"""So many values of a tag are kept as a tuple; arrays take longer to make."""
_DTYPES = frozenset({"u1", "u2", "i2", "u4", "i4", "f4", "f8"})
_COMPRESSIONS = {1: "none", 5: "lzw", 8: "deflate", 32946: "deflate", 50000: "zstd"}


class NotFast(Exception):  # noqa: N818 - a verdict, not an error
    """The file, or the part asked for, is for GDAL; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TiffLevel:
    """One image of the file: full resolution, an overview, or a mask of one of them."""

    shape: tuple[int, int]
    """Pixels (ny, nx)."""
    tile: tuple[int, int]
    """Pixels (ny, nx) of a tile; strips are tiles as wide as the image."""
    samples: int
    """Number of bands."""
    separate: bool
    """Whether each band has tiles of its own; else a tile holds all bands, pixel by pixel."""
    dtype: str
    """NumPy type without byte order (``"u2"``), or ``"bit"`` for masks of one bit a pixel."""
    swap: bool
    """Whether stored bytes are in the other order than this machine's."""
    compression: str
    """``"none"``, ``"lzw"``, ``"deflate"`` or ``"zstd"``."""
    predictor: int
    """1 none, 2 differences of integers, 3 differences of float bytes."""
    striped: bool
    """Whether the last tile of a column is cut at the image's edge."""
    alpha: int | None
    """Index of the band that is an alpha channel, or None."""
    offsets: NDArray[np.uint64]
    """Where each tile starts; 0 with a count of 0: no tile is stored."""
    counts: NDArray[np.uint64]
    """How many bytes each tile takes."""

    @property
    def across(self) -> int:
        """Tiles in a row."""
        return -(-self.shape[1] // self.tile[1])

    @property
    def down(self) -> int:
        """Tiles in a column."""
        return -(-self.shape[0] // self.tile[0])

    @property
    def tile_samples(self) -> int:
        """Bands inside one tile."""
        return 1 if self.separate else self.samples

    def tile_number(self, row: int, column: int, band: int) -> int:
        """Return the number of the tile that holds a band (from 0) at a tile row and column."""
        number = row * self.across + column
        return number + band * self.across * self.down if self.separate else number

    def tile_rows(self, row: int) -> int:
        """Rows stored in the tiles of a tile row."""
        if self.striped:
            return min(self.tile[0], self.shape[0] - row * self.tile[0])
        return self.tile[0]

    def tile_bytes(self, row: int) -> int:
        """Bytes of an unpacked tile of a tile row."""
        if self.dtype == "bit":
            return self.tile_rows(row) * -(-self.tile[1] // 8)
        return self.tile_rows(row) * self.tile[1] * self.tile_samples * int(self.dtype[1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class TiffFile:
    """All levels that can be read."""

    levels: tuple[TiffLevel, ...]
    """Full resolution, then the overviews, finest first."""
    masks: dict[tuple[int, int], TiffLevel]
    """The file's own masks by the shape of the level they belong to."""
    nodata: float | None
    """Value that stands for tiles that are not stored; None is 0."""


@dataclass(frozen=True, slots=True)
class _Form:
    """How numbers are written in the file."""

    order: str
    big: bool

    def unpack(self, code: str, data: bytes, offset: int = 0) -> int:
        return int(struct.unpack_from(self.order + code, data, offset)[0])


def parse_tiff(fetch: Fetch, size: int | None) -> TiffFile:
    """Read the directories of a TIFF file.

    Parameters
    ----------
    fetch
        Gives bytes of the file.
    size
        Bytes in the file, or None where that is not known.

    Returns
    -------
    TiffFile

    Raises
    ------
    NotFast
        The file is no TIFF that can be read here; GDAL may still.
    """
    window = _Window(fetch)
    try:
        form, first = _read_form(window.read(0, 16))
        directories = _directories(window, form, first)
        return _assemble(directories, form, size)
    except (struct.error, IndexError, KeyError, ValueError, OverflowError) as error:
        raise NotFast(f"its directories cannot be read ({error})") from error


class _Window:
    """Small reads of a header served from one read of its first bytes."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._head = fetch(0, _HEAD)

    def read(self, offset: int, size: int) -> bytes:
        if offset + size <= len(self._head):
            return self._head[offset : offset + size]
        data = self._fetch(offset, size)
        if len(data) < size:
            raise NotFast("a directory points beyond the end of the file")
        return data


def _read_form(head: bytes) -> tuple[_Form, int]:
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None:
        raise NotFast("not a TIFF file")
    form = _Form(order, form_is_big := struct.unpack_from(order + "H", head, 2)[0] == 43)
    if not form_is_big and form.unpack("H", head, 2) != 42:
        raise NotFast("not a TIFF file")
    if form_is_big and (form.unpack("H", head, 4), form.unpack("H", head, 6)) != (8, 0):
        raise NotFast("not a BigTIFF file of the known form")
    return form, form.unpack("Q", head, 8) if form_is_big else form.unpack("I", head, 4)


def _directories(window: _Window, form: _Form, offset: int) -> list[dict[int, Any]]:
    found: list[dict[int, Any]] = []
    seen: set[int] = set()
    while offset:
        if offset in seen or len(found) >= _MAX_DIRECTORIES:
            raise NotFast("its directories form a loop or are too many")
        seen.add(offset)
        directory, offset = _directory(window, form, offset)
        found.append(directory)
    return found


def _directory(window: _Window, form: _Form, offset: int) -> tuple[dict[int, Any], int]:
    head = 8 if form.big else 2
    count = form.unpack("Q" if form.big else "H", window.read(offset, head))
    if count > _MAX_ENTRIES:
        raise NotFast(f"a directory has {count} entries")
    entry = struct.Struct(form.order + ("HHQ8s" if form.big else "HHI4s"))
    data = window.read(offset + head, count * entry.size + (8 if form.big else 4))
    tags: dict[int, Any] = {}
    for tag, kind, values, inline in entry.iter_unpack(data[: count * entry.size]):
        if tag in _WANTED and kind in _TYPES:
            tags[tag] = _values(window, form, kind, values, inline)
    return tags, form.unpack("Q" if form.big else "I", data, count * entry.size)


def _values(window: _Window, form: _Form, kind: int, count: int, inline: bytes) -> Any:
    """Values of a tag: text, a tuple of a few numbers, or an array of many."""
    if count > _MAX_VALUES:
        raise NotFast(f"a tag has {count} values")
    code, width = _TYPES[kind]
    raw = inline
    if count * width > len(inline):
        raw = window.read(form.unpack("Q" if form.big else "I", inline), count * width)
    if kind == _TEXT:
        return raw[:count].split(b"\0")[0].decode("latin-1")
    if count <= _FEW:
        return struct.unpack_from(f"{form.order}{count}{code}", raw)
    return np.frombuffer(raw, f"{form.order}{code}", count).astype(code)


_WANTED = frozenset(
    {254, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 322, 323, 324, 325, 338, 339, 42113}
)


def _assemble(directories: list[dict[int, Any]], form: _Form, size: int | None) -> TiffFile:
    main = _level(directories[0], form, size)
    levels = [main]
    masks: dict[tuple[int, int], TiffLevel] = {}
    for tags in directories[1:]:
        kind = int(tags.get(254, [0])[0])
        if kind & 4:
            mask = _level(tags, form, size, mask=True)
            masks.setdefault(mask.shape, mask)
        elif kind & 1:
            levels.append(_level(tags, form, size))
    for finer, coarser in itertools.pairwise(levels):
        if coarser.shape[0] * coarser.shape[1] >= finer.shape[0] * finer.shape[1]:
            raise NotFast("its overviews are not ordered from fine to coarse")
        if (coarser.samples, coarser.dtype) != (main.samples, main.dtype):
            raise NotFast("its overviews differ from the image in bands or type")
    return TiffFile(levels=tuple(levels), masks=masks, nodata=_nodata(directories[0].get(42113)))


def _nodata(text: Any) -> float | None:
    if text is None:
        return None
    try:
        return float(text.strip())
    except (ValueError, AttributeError):
        raise NotFast(f"its nodata value is {text!r:.40}") from None


def _level(tags: dict[int, Any], form: _Form, size: int | None, *, mask: bool = False) -> TiffLevel:
    def one(tag: int, default: int | None = None) -> int:
        return int(tags[tag][0]) if tag in tags else _needed(tag, default)

    shape = (one(257), one(256))
    samples = one(277, 1)
    separate = one(284, 1) == 2 and samples > 1
    striped = 322 not in tags
    tile = (min(one(278, 2**31), shape[0]), shape[1]) if striped else (one(323), one(322))
    if min(*shape, *tile, samples) < 1 or max(*shape, *tile) > 2**31 or samples > 65535:
        raise NotFast(f"its sizes make no sense: {shape}, {tile}, {samples}")
    if one(266, 1) != 1:
        raise NotFast("its bits are in reverse order")
    compression = _COMPRESSIONS.get(one(259, 1))
    if compression is None:
        raise NotFast(f"compression {one(259, 1)} is left to GDAL")
    dtype = _dtype(tags, samples, mask=mask)
    predictor = one(317, 1) if compression in ("lzw", "deflate", "zstd") else 1
    if predictor not in (1, 2, 3) or (predictor == 3) != (predictor != 1 and dtype[0] == "f"):
        raise NotFast(f"predictor {predictor} on {dtype} is left to GDAL")
    extra = [int(kind) for kind in tags.get(338, ())]
    alphas = [samples - len(extra) + k for k, kind in enumerate(extra) if kind in (1, 2)]
    offsets, counts = tags[273 if striped else 324], tags[279 if striped else 325]
    level = TiffLevel(
        shape=shape,
        tile=tile,
        samples=samples,
        separate=separate,
        dtype=dtype,
        swap=dtype not in ("u1", "bit") and form.order != _NATIVE,
        compression=compression,
        predictor=predictor,
        striped=striped,
        alpha=alphas[0] if alphas else None,
        offsets=np.asarray(offsets, dtype=np.uint64),
        counts=np.asarray(counts, dtype=np.uint64),
    )
    _check_places(level, size)
    return level


def _needed(tag: int, default: int | None) -> int:
    if default is None:
        raise NotFast(f"tag {tag} is missing")
    return default


def _dtype(tags: dict[int, Any], samples: int, *, mask: bool) -> str:
    bits = {int(value) for value in tags.get(258, [1])}
    kinds = {int(value) for value in tags.get(339, [1])}
    if len(bits) != 1 or len(kinds) != 1:
        raise NotFast("its bands differ in type")
    width, kind = bits.pop(), kinds.pop()
    if mask and width == 1 and samples == 1:
        return "bit"
    name = f"{_FORMATS.get(kind, '?')}{width // 8}"
    if width % 8 or name not in _DTYPES:
        raise NotFast(f"samples of {width} bits and format {kind} are left to GDAL")
    return name


def _check_places(level: TiffLevel, size: int | None) -> None:
    """Refuse tables that are too short or point beyond the file."""
    tiles = level.across * level.down * (level.samples if level.separate else 1)
    if len(level.offsets) < tiles or len(level.counts) < tiles:
        raise NotFast(f"{len(level.offsets)} tiles are listed, {tiles} are needed")
    if size is not None and (level.offsets.astype(np.float64) + level.counts > size).any():
        raise NotFast("tiles lie beyond the end of the file")
