"""The bytes of a cloud-optimised GeoTIFF: directories, then overviews from coarse to fine, then pixels.

GDAL spells what the file says about itself (grid, CRS, names, statistics) in a tiny file of the same kind,
from which its tags are taken over. What depends on the size and on the packed tiles is written here. Layout:
https://gdal.org/drivers/raster/cog.html.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEADER", "TRAILER", "Level", "assemble_header", "read_tags"]

LEADER = 4
"""Bytes before a tile: its size."""
TRAILER = 4
"""Bytes after a tile: its last four once more."""

_STRUCTURE = (
    "LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n"
    "BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n "
)
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8}
_SHORT, _LONG, _LONG8 = 3, 4, 16
# What the file is as a whole: size, strips and tiles are this file's own.
_OWN = frozenset((254, 256, 257, 273, 278, 279, 322, 323, 324, 325))
# What an overview says besides: how its samples are stored, and the nodata value.
_OF_OVERVIEWS = frozenset((258, 259, 262, 277, 284, 317, 320, 338, 339, 42113))
# A file beyond this gets offsets of 64 bits.
_CLASSIC_BYTES = 2**32 - 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One image of the file."""

    shape: tuple[int, int]
    """Height and width in pixels."""
    tile: int
    """Side of its tiles."""
    sizes: NDArray[np.uint64]
    """Bytes of each tile, row by row."""

    @property
    def stored(self) -> int:
        """Bytes that all tiles take, with what stands around each."""
        return int(self.sizes.sum()) + len(self.sizes) * (LEADER + TRAILER)


@dataclass(frozen=True, slots=True)
class Tag:
    """An entry of a directory."""

    number: int
    kind: int
    count: int
    raw: bytes


def read_tags(small: bytes) -> list[Tag]:
    """Return the tags of a little-endian TIFF of the classic form, those of its first image."""
    order, version, at = struct.unpack_from("<2sHI", small)
    if (order, version) != (b"II", 42):
        raise ValueError("not a little-endian TIFF file")
    (count,) = struct.unpack_from("<H", small, at)
    tags = []
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        number, kind, values = struct.unpack_from("<HHI", small, entry)
        size = _SIZES[kind] * values
        place = entry + 8 if size <= 4 else struct.unpack_from("<I", small, entry + 8)[0]
        tags.append(Tag(number, kind, values, small[place : place + size]))
    return tags


def assemble_header(tags: Sequence[Tag], levels: Sequence[Level]) -> bytes:
    """Return everything that stands before the first tile.

    Parameters
    ----------
    tags : sequence of Tag
        Of the file.
    levels : sequence of Level
        Full resolution, then the overviews from fine to coarse. Their tiles follow in the opposite order.

    Returns
    -------
    bytes
    """
    pixels = sum(level.stored for level in levels)
    big = pixels > _CLASSIC_BYTES
    # Where tiles are does not change how long the directories are.
    length = len(_write(tags, levels, [0] * len(levels), big=big))
    starts, place = [], length
    for level in reversed(levels):
        starts.append(place)
        place += level.stored
    return _write(tags, levels, starts[::-1], big=big)


def _write(tags: Sequence[Tag], levels: Sequence[Level], starts: Sequence[int], *, big: bool) -> bytes:
    ghost = f"GDAL_STRUCTURAL_METADATA_SIZE={len(_STRUCTURE):06} bytes\n{_STRUCTURE}".encode()
    first = (16 if big else 8) + len(ghost)
    first += first % 2
    head = struct.pack("<2sHHHQ", b"II", 43, 8, 0, first) if big else struct.pack("<2sHI", b"II", 42, first)
    out = bytearray((head + ghost).ljust(first, b"\0"))
    for number, (level, start) in enumerate(zip(levels, starts, strict=True)):
        entries = [
            tag for tag in tags if tag.number not in _OWN and (not number or tag.number in _OF_OVERVIEWS)
        ]
        entries += _own_tags(level, start, overview=number > 0, big=big)
        entries.sort(key=lambda tag: tag.number)
        out += _directory(entries, len(out), last=number == len(levels) - 1, big=big)
    return bytes(out)


def _own_tags(level: Level, start: int, *, overview: bool, big: bool) -> list[Tag]:
    height, width = level.shape
    step = level.sizes + np.uint64(LEADER + TRAILER)
    offsets = np.cumsum(step) - step + np.uint64(start + LEADER)
    kind, dtype = (_LONG8, "<u8") if big else (_LONG, "<u4")
    tiles = len(level.sizes)
    return [
        *([Tag(254, _LONG, 1, struct.pack("<I", 1))] if overview else []),
        Tag(256, _LONG, 1, struct.pack("<I", width)),
        Tag(257, _LONG, 1, struct.pack("<I", height)),
        Tag(322, _SHORT, 1, struct.pack("<H", level.tile)),
        Tag(323, _SHORT, 1, struct.pack("<H", level.tile)),
        Tag(324, kind, tiles, offsets.astype(dtype).tobytes()),
        Tag(325, _LONG, tiles, level.sizes.astype("<u4").tobytes()),
    ]


def _directory(entries: Sequence[Tag], at: int, *, last: bool, big: bool) -> bytes:
    """Return a directory that stands at `at`, and the values that do not fit into it."""
    inline, number = (8, "<Q") if big else (4, "<I")
    size = (8 if big else 2) + (20 if big else 12) * len(entries) + inline
    table = bytearray(struct.pack("<Q" if big else "<H", len(entries)))
    values = bytearray()
    for tag in entries:
        table += struct.pack("<HH", tag.number, tag.kind) + struct.pack(number, tag.count)
        if len(tag.raw) <= inline:
            table += tag.raw.ljust(inline, b"\0")
        else:
            values += b"\0" * ((at + size + len(values)) % 2)
            table += struct.pack(number, at + size + len(values))
            values += tag.raw
    values += b"\0" * ((at + size + len(values)) % 2)
    table += struct.pack(number, 0 if last else at + size + len(values))
    return bytes(table + values)
