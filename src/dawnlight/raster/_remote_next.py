"""What comes after the tasks at work: its first ranges are on their way while those still decode.

Nothing is guessed. Whoever announces a part knows that it is going to be read, and takes it back if it is
not. A part is looked at once a task at work has got its first bytes, so that it never delays them, and only
with room that no task needs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

from dawnlight.raster._forks import abandon, after_fork
from dawnlight.raster._remote_ahead import Ahead, on_room

__all__ = ["announce", "is_announced", "take_back"]


class _Part:
    """A part of an array that is going to be read."""

    def __init__(self, plan: Callable[[], AbstractContextManager[object]]) -> None:
        self._plan = plan
        self._held: Ahead | None = None
        self._over = False
        self._lock = threading.Lock()
        self.begun = False

    def fetch(self) -> bool:
        """Ask for its first ranges, unless it is being read already; a failure is left to who reads it.

        Returns
        -------
        bool
            False if there was no room for all of them.
        """
        with self._lock:
            over = self._over
        if over:
            return True
        ahead = self._plan() if self._held is None else self._held
        with self._lock:
            if self._over or not isinstance(ahead, Ahead):
                return True
            self._held = ahead
            return ahead.hold()

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
        _state.waiting.pop(key, None)
        part = _state.parts.get(key)
        if part is None or (unless_begun and part.begun):
            return
        del _state.parts[key]
    part.leave()


def _go_on() -> None:
    """Look at what waits, in a thread of its own: it may have to wait for headers."""
    if not _state.waiting:
        return
    with _state.lock:
        parts = dict(_state.waiting)
        _state.waiting.clear()
        for part in parts.values():
            part.begun = True
        if _state.planner is None:
            _state.planner = ThreadPoolExecutor(1, thread_name_prefix="dawnlight-next")
        planner = _state.planner
    for key, part in parts.items():
        planner.submit(_fetch, key, part)


def _fetch(key: Hashable, part: _Part) -> None:
    if part.fetch():
        return
    with _state.lock:
        if _state.parts.get(key) is part:
            _state.waiting[key] = part  # for when the tasks at work have used some more


on_room.append(_go_on)


def _after_fork() -> None:
    global _state
    abandon(_state)
    _state = _State()


after_fork(_after_fork)
