"""Long columns of names and whole numbers: small in memory, small to pickle, quick to digest."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from dawnlight.errors import ParameterError

__all__ = ["Encoded", "Names", "decode", "digest_of", "encode", "pack", "unpack"]

_LEVEL = 1
"""How hard columns are packed: more takes twice the time and gains little, since names are much alike."""
_END = b"\0"

Encoded = tuple[str, int, int, bytes]
"""Type, length and bytes of a column; or, of one with equal steps, ``("run", length, step, first)``."""


class Names(Sequence[str]):
    """Many texts, kept as one: each ended by the one character that no name has.

    Parameters
    ----------
    names
        The texts.

    Raises
    ------
    ParameterError
        One holds the character NUL.
    """

    def __init__(self, names: Sequence[str]) -> None:
        text = ("\0".join(names) + "\0" * bool(names)).encode(errors="surrogatepass")
        if text.count(_END) != len(names):
            wrong = next(name for name in names if "\0" in name)
            raise ParameterError(f"name {wrong!r:.200} holds the character NUL, which no name can have")
        self._start(text, len(names))

    def _start(self, text: bytes, count: int) -> None:
        self._text = text
        self._count = count
        self._ends: NDArray[np.int64] | None = None
        self._packed: bytes | None = None
        self._digest: bytes | None = None
        self._change: tuple[Names, tuple[bytes, bytes] | None] | None = None

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        if isinstance(index, slice):
            return tuple(self[number] for number in range(*index.indices(self._count)))
        number = range(self._count)[index]
        ends = self._ends
        if ends is None:
            ends = self._ends = np.flatnonzero(np.frombuffer(self._text, dtype=np.uint8) == 0)
        first = int(ends[number - 1]) + 1 if number else 0
        return self._text[first : ends[number]].decode(errors="surrogatepass")

    def __iter__(self) -> Iterator[str]:
        return iter(self._text.decode(errors="surrogatepass").split("\0")[:-1])

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Names):
            return self._text == other._text
        return tuple(self) == other if isinstance(other, tuple) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # compares by content

    def __repr__(self) -> str:
        return f"Names({len(self)})"

    def digest(self) -> bytes:
        """Return what tells these names from others, the same in every process."""
        if self._digest is None:
            self._digest = hashlib.blake2b(self._text, digest_size=16).digest()
        return self._digest

    def change_from(self, others: Names) -> tuple[bytes, bytes] | None:
        """Return which end in which place of other names makes these of them, None if that is not all.

        Names of files that belong together often differ in the name of the band alone.
        """
        if self._change is None or self._change[0] is not others:
            first, other = (names._text.partition(_END)[0] + _END for names in (self, others))
            shorter = min(len(first), len(other))
            alike = next((k for k in range(shorter) if first[k] != other[k]), shorter)
            change = other[alike:], first[alike:]
            self._change = others, change if others._text.replace(*change) == self._text else None
        return self._change[1]

    def changed(self, old: bytes, new: bytes) -> Names:
        """Return the names of which `change_from` told how they differ from these."""
        made = Names.__new__(Names)
        made._start(self._text.replace(old, new), self._count)
        return made

    def __reduce__(self) -> tuple[Any, tuple[bytes, int]]:
        if self._packed is None:
            self._packed = zlib.compress(self._text, _LEVEL)
        return _restore, (self._packed, self._count)


def _restore(packed: bytes, count: int) -> Names:
    made = Names.__new__(Names)
    made._start(zlib.decompress(packed), count)
    return made


def encode(values: NDArray[Any]) -> Encoded:
    """Return a column of whole numbers in few bytes; equal columns become equal bytes."""
    count = len(values)
    steps = np.diff(values.astype(np.int64, copy=False))
    if count and (count == 1 or (steps == steps[0]).all()):
        step = int(steps[0]) if count > 1 else 0
        return "run", count, step, int(values[0]).to_bytes(8, "little", signed=True)
    low, high = (int(values.min()), int(values.max())) if count else (0, 0)
    kinds = ("<i1", "<i2", "<i4", "<i8") if low < 0 else ("<u1", "<u2", "<u4", "<i8")
    kind = next(name for name in kinds if np.iinfo(name).min <= low and high <= np.iinfo(name).max)
    return kind, count, 0, values.astype(kind).tobytes()


def decode(encoded: Encoded, dtype: type[np.signedinteger[Any]]) -> NDArray[Any]:
    """Return the column that `encode` was given, as another type of whole numbers."""
    kind, count, step, data = encoded
    if kind == "run":
        first = int.from_bytes(data, "little", signed=True)
        with np.errstate(over="ignore"):
            return (np.int64(first) + np.int64(step) * np.arange(count, dtype=np.int64)).astype(dtype)
    return np.frombuffer(data, dtype=kind).astype(dtype)


def pack(columns: Iterable[Encoded]) -> list[Encoded]:
    """Return encoded columns packed, for a pickle: first bytes of all numbers first, which packs better."""
    return [
        (
            kind,
            count,
            step,
            data if kind == "run" else zlib.compress(_turned(data, kind, to_bytes=True), _LEVEL),
        )
        for kind, count, step, data in columns
    ]


def unpack(columns: Iterable[Encoded]) -> list[Encoded]:
    """Return the encoded columns that `pack` was given."""
    return [
        (kind, count, step, data if kind == "run" else _turned(zlib.decompress(data), kind, to_bytes=False))
        for kind, count, step, data in columns
    ]


def _turned(data: bytes, kind: str, *, to_bytes: bool) -> bytes:
    size = np.dtype(kind).itemsize
    shape = (-1, size) if to_bytes else (size, -1)
    return data if size == 1 or not data else np.frombuffer(data, np.uint8).reshape(shape).T.tobytes()


def digest_of(columns: Iterable[Encoded]) -> bytes:
    """Return what tells encoded columns from others, the same in every process."""
    digest = hashlib.blake2b(digest_size=16)
    for kind, count, step, data in columns:
        digest.update(f"{kind} {count} {step} ".encode())
        digest.update(data)
    return digest.digest()
