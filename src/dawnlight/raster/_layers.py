"""Layers: which images are painted into each time slot, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np

from dawnlight.errors import ParameterError
from dawnlight.raster._columns import Encoded, decode, encode

__all__ = ["Layers", "check_layers", "decode_layers", "encode_layers", "one_by_one"]

Layers = tuple[tuple[int, ...], ...]

_KEPT = 2
_known: dict[int, Layers] = {}


def one_by_one(count: int) -> Layers:
    """Return layers of one image each, in their order: those of a stack.

    For the same number it is the same object, as long as it is among the latest.
    """
    found = _known.get(count)
    if found is None:
        found = tuple(zip(range(count), strict=True))
        for old in list(_known)[: 1 - _KEPT]:
            _known.pop(old, None)
        _known[count] = found
    return found


def check_layers(layers: Sequence[Sequence[int]], count: int) -> Layers:
    """Return layers as tuples of plain numbers; all must name one of so many images."""
    if _is_known(layers) and len(layers) == count:
        return layers  # type: ignore[return-value]  # what `one_by_one` returned
    members = list(chain.from_iterable(layers))
    if members and not 0 <= min(members) <= max(members) < count:
        number = next(n for n, some in enumerate(layers) if not all(0 <= image < count for image in some))
        raise ParameterError(f"layer {number} names an image outside 0 ... {count - 1}")
    if set(map(type, members)) - {int}:
        layers = [[int(image) for image in some] for some in layers]
    return tuple(map(tuple, layers))


def encode_layers(layers: Layers) -> list[Encoded]:
    """Return sizes and members of layers as columns: those of a stack are next to nothing."""
    if _is_known(layers):
        sizes, members = np.ones(len(layers), dtype=np.int64), np.arange(len(layers))
    else:
        sizes = np.fromiter(map(len, layers), dtype=np.int64)
        members = np.fromiter(chain.from_iterable(layers), dtype=np.int64)
    return [encode(sizes), encode(members)]


def decode_layers(encoded: Sequence[Encoded]) -> Layers:
    """Return the layers that `encode_layers` was given."""
    sizes, members = (decode(column, np.int64) for column in encoded)
    if np.array_equal(sizes, np.ones_like(members)) and np.array_equal(members, np.arange(len(sizes))):
        return one_by_one(len(sizes))
    stops = np.cumsum(sizes).tolist()
    return tuple(
        tuple(members[stop - size : stop].tolist()) for size, stop in zip(sizes.tolist(), stops, strict=True)
    )


def _is_known(layers: Sequence[Sequence[int]]) -> bool:
    return _known.get(len(layers)) is layers
