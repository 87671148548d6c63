"""Chained comparisons: how ``a <= p.x < b`` becomes one range.

Python runs a chain as ``(a <= P) and (P < b)`` with one object ``P``: it makes the first comparison, asks it
for its truth, and on yes makes the second, whose result is the value of the whole. So the first comparison
must say yes *and* be remembered until the second comes, while ``and``, ``or``, ``not`` and ``if``, which ask
for the truth in the same way, must be refused.

What tells them apart is the caller's bytecode: before the comparison of a link that is not the last one, the
compiler duplicates the middle operand (``SWAP 2``, ``COPY 2``), and it marks all links of one chain with one
source position. A link is remembered under the frame that runs it, which lives as long as the chain does, and
is handed out only to the same property, frame and source position. So nothing is shared between threads,
generators or nested calls, nothing outlives an exception in between by more than the next chain, and no
`Range` is ever changed.

Bytecode of another implementation of Python has no such marks; there a link is any comparison whose property
is still alive when its truth is asked for, which refuses ``if p.x > 5`` all the same.
"""

from __future__ import annotations

import dis
import sys
import weakref
from functools import lru_cache
from itertools import islice
from types import CodeType, FrameType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dawnlight.search._leaves import Range
    from dawnlight.search._properties import Property

__all__ = ["accept_link", "open_link", "take_link"]

_COMPARE, _COPY, _SWAP = (dis.opmap.get(name) for name in ("COMPARE_OP", "COPY", "SWAP"))
_EXTENDED = dis.opmap.get("EXTENDED_ARG")
_CAN_TELL = sys.implementation.name == "cpython" and None not in (_COMPARE, _COPY, _SWAP)

Position = tuple[int | None, int | None, int | None, int | None]


class _Link(NamedTuple):
    owner: weakref.ReferenceType[Property]
    code: CodeType
    position: Position
    range: Range
    accepted: bool


# By frame and source position. A frame runs one link of a chain at a time, and its id is not given away
# before it ends; what an exception leaves behind is replaced or swept when the next link is opened.
_links: dict[tuple[int, Position], _Link] = {}


def open_link(owner: Property, made: Range, frame: FrameType) -> None:
    """Remember a comparison if more of a chain is to follow.

    Parameters
    ----------
    owner : Property
        The property that was compared.
    made : Range
        The result.
    frame : frame
        Where the comparison stands.
    """
    if _CAN_TELL and not _is_inner_link(frame.f_code, frame.f_lasti):
        return
    for key, link in list(_links.items()):
        if link.owner() is None:
            _links.pop(key, None)
    position = _position(frame.f_code, frame.f_lasti)
    _links[id(frame), position] = _Link(weakref.ref(owner), frame.f_code, position, made, False)


def accept_link(asked: Range) -> bool:
    """Tell whether the truth of a comparison is asked for by the chain it stands in.

    Parameters
    ----------
    asked : Range
        The comparison whose truth is asked for, by the caller of the caller.

    Returns
    -------
    bool
        True when it is an inner link of a chain; it then waits for `take_link`.
    """
    frame = sys._getframe(2)
    for key, link in list(_links.items()):
        if key[0] == id(frame) and link.range is asked and link.code is frame.f_code:
            if link.owner() is None or link.accepted:
                return False
            _links[key] = link._replace(accepted=True)
            return True
    return False


def take_link(owner: Property, frame: FrameType) -> Range | None:
    """Hand out, once, the comparison that the one being made continues.

    Parameters
    ----------
    owner : Property
        The property that is being compared.
    frame : frame
        Where the comparison stands.

    Returns
    -------
    Range or None
        The earlier link of the same chain; None where this is the first, or no chain.
    """
    if not _links:
        return None
    key = (id(frame), _position(frame.f_code, frame.f_lasti))
    link = _links.get(key)
    if link is None or not link.accepted or link.code is not frame.f_code or link.owner() is not owner:
        return None
    del _links[key]
    return link.range


@lru_cache(maxsize=512)
def _position(code: CodeType, at: int) -> Position:
    return next(islice(code.co_positions(), at // 2, None))


@lru_cache(maxsize=512)
def _is_inner_link(code: CodeType, at: int) -> bool:
    raw = code.co_code
    if raw[at] != _COMPARE:
        return False
    while at >= 2 and raw[at - 2] == _EXTENDED:
        at -= 2
    return at >= 4 and raw[at - 4] == _SWAP and raw[at - 2] == _COPY
