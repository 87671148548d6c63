"""What comes after the tasks at work: its first ranges are on their way while those still decode.

Nothing is guessed. Whoever announces a part knows that it is going to be read, and takes it back if it is
not. A part is looked at once a task at work has got its first bytes, so that it never delays them, and only
with room that no task needs.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

from dawnlight.raster._remote_ahead import Ahead, on_first_bytes

__all__ = ["announce", "is_announced", "take_back"]


class _Part:
    """A part of an array that is going to be read."""

    def __init__(self, plan: Callable[[], AbstractContextManager[object]]) -> None:
        self._plan = plan
        self._held: Ahead | None = None
        self._over = False
        self._lock = threading.Lock()

    def fetch(self) -> None:
        """Ask for its first ranges, unless it is being read already; a failure is left to who reads it."""
        if self._over:
            return
        ahead = self._plan()
        with self._lock:
            if isinstance(ahead, Ahead) and not self._over:
                self._held = ahead
                ahead.hold()

    def leave(self) -> None:
        """Let go of what was fetched: whoever reads the part holds it now, or nobody needs it."""
        with self._lock:
            self._over = True
            if self._held is not None:
                self._held.close()


class _State:
    """What is announced in this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.parts: dict[Hashable, _Part] = {}
        self.waiting: dict[Hashable, _Part] = {}
        self.planner: ThreadPoolExecutor | None = None


_state = _State()


def announce(key: Hashable, plan: Callable[[], AbstractContextManager[object]]) -> None:
    """Say that a part is going to be read soon.

    Parameters
    ----------
    key
        Which part; saying it twice is as good as once.
    plan
        Returns the `Ahead` of the part; anything else means that there is nothing to fetch.
    """
    with _state.lock:
        if key not in _state.parts:
            _state.parts[key] = _state.waiting[key] = _Part(plan)


def is_announced(key: Hashable) -> bool:
    """Whether a part was announced, and something may have been fetched for it."""
    return key in _state.parts


def take_back(key: Hashable, *, unless_begun: bool = False) -> None:
    """Forget a part: it is being read, or is not going to be.

    Parameters
    ----------
    key
        Which part.
    unless_begun
        Leave it if it was looked at already: who reads it takes it over.
    """
    with _state.lock:
        if _state.waiting.pop(key, None) is None and unless_begun:
            return
        part = _state.parts.pop(key, None)
    if part is not None:
        part.leave()


def _go_on() -> None:
    """Look at what waits, in a thread of its own: it may have to wait for headers."""
    with _state.lock:
        if not _state.waiting:
            return
        parts = list(_state.waiting.values())
        _state.waiting.clear()
        if _state.planner is None:
            _state.planner = ThreadPoolExecutor(1, thread_name_prefix="dawnlight-next")
        planner = _state.planner
    for part in parts:
        planner.submit(part.fetch)


on_first_bytes.append(_go_on)


def _after_fork() -> None:
    global _state
    _abandoned.append(_state)  # its thread and lock belong to the parent
    _state = _State()


_abandoned: list[Any] = []

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
