"""Chained comparisons: how ``a <= p.x < b`` becomes one range.

Python runs a chain as ``(a <= P) and (P < b)`` with one object ``P``: it makes the first comparison, asks it
for its truth, and on yes makes the second, whose result is the value of the whole. So the first comparison
must say yes *and* be remembered until the second comes, while ``and``, ``or``, ``not`` and ``if``, which ask
for the truth in the same way, must be refused.

What tells them apart is the caller's bytecode. Before the comparison of a link that is not the last one, the
compiler duplicates the middle operand (``SWAP 2``, ``COPY 2``), and it marks all links of one chain with one
source position. pytest rewrites a chain inside ``assert`` into statements, ``r1 = a <= P``, ``r2 = P < b``,
and only then asks ``r1 and r2``; it keeps the source position, which no two comparisons share otherwise.

::

                 (link opened)      truth asked           next comparison
    chain            OPEN    ────────► ACCEPTED ──────────► (taken, forgotten)
    in an assert     OPEN    ────────────────────────────► TAKEN ── truth asked ──► (forgotten)
    no chain          –        truth asked: refused

A link is remembered under the frame that runs it, which lives as long as the chain does, and is handed out
only to the same property, frame and source position. So nothing is shared between threads, generators or
nested calls, an exception in between leaves nothing that another comparison could pick up, and no `Range` is
ever changed.

Bytecode of another implementation of Python has no such marks; there a link is any comparison whose property
is still alive when its truth is asked for, which refuses ``if p.x > 5`` all the same. Without columns in the
bytecode (``python -X no_debug_ranges``) the line stands for the position; then two chains of one stored
property, one inside the other, do not fit on one line, and chains inside ``assert`` are refused.
"""

from __future__ import annotations

import dis
import sys
import weakref
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
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


class _State(Enum):
    OPEN = 0
    ACCEPTED = 1
    TAKEN = 2


class _Site(NamedTuple):
    """A comparison in the bytecode."""

    position: Position
    inner: bool
    """True for a link that is not the last of its chain."""
    spread: bool
    """True when the next link is another statement, as in a rewritten assert."""


class _Link(NamedTuple):
    owner: weakref.ReferenceType[Property]
    code: CodeType
    at: int
    range: Range
    state: _State


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
    site = _site(frame)
    if not (site.inner or site.spread):
        return
    for key, link in list(_links.items()):
        if link.owner() is None:
            _links.pop(key, None)
    key = (id(frame), site.position)
    _links[key] = _Link(weakref.ref(owner), frame.f_code, frame.f_lasti, made, _State.OPEN)


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
        if key[0] != id(frame) or link.range is not asked or link.code is not frame.f_code:
            continue
        if link.state is _State.TAKEN:
            _links.pop(key, None)
            return True
        # The chain itself holds the property; where that is gone, no chain goes on.
        if link.state is _State.OPEN and link.owner() is not None:
            _links[key] = link._replace(state=_State.ACCEPTED)
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
    key = (id(frame), _site(frame).position)
    link = _links.get(key)
    if link is None or link.code is not frame.f_code or link.owner() is not owner or link.at == frame.f_lasti:
        return None
    if link.state is _State.ACCEPTED:
        del _links[key]
        return link.range
    if link.state is _State.OPEN and _CAN_TELL and _sites(link.code)[link.at].spread:
        _links[key] = link._replace(state=_State.TAKEN)
        return link.range
    return None


def _site(frame: FrameType) -> _Site:
    if _CAN_TELL:
        return _sites(frame.f_code).get(frame.f_lasti) or _Site((None, None, None, None), False, False)
    return _Site((frame.f_lineno, None, None, None), True, False)


@lru_cache(maxsize=512)
def _sites(code: CodeType) -> Mapping[int, _Site]:
    """Find every comparison of a code object, by its offset in bytes."""
    raw, positions = code.co_code, list(code.co_positions())
    found: dict[int, _Site] = {}
    following: dict[Position, set[Position]] = {}
    # From the last to the first: a link is spread when one with another right operand follows. A copy of
    # the same comparison, as the compiler makes for loops and finally, has the same operand.
    for at in range(len(raw) - 2, -1, -2):
        if raw[at] != _COMPARE:
            continue
        before = at - 2
        while before >= 0 and raw[before] == _EXTENDED:
            before -= 2
        inner = before >= 2 and raw[before] == _COPY and raw[before - 2] == _SWAP
        position = positions[at // 2]
        operand = positions[max(0, before - 4 if inner else before) // 2]
        later = following.setdefault(position, set())
        exact = None not in position
        found[at] = _Site(position, inner, exact and not inner and bool(later - {operand}))
        later.add(operand)
    return found
