"""Which parts of remote arrays the tasks of a graph read next: announced before dask starts them.

Dask's own schedulers (threads, and one thread) tell a callback what they begin and what is ready to begin. So
it is known, not guessed, what is read next. `distributed` does not call it, and processes read elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any

from dask.array.core import getter
from dask.callbacks import Callback

from dawnlight.raster._lazy import LazyRaster
from dawnlight.raster._remote_next import announce, take_back

__all__ = ["watch"]

_log = logging.getLogger(__name__)
_LOOK = 64
"""Ready tasks that are looked at for some that read."""

_Reads = list[tuple[LazyRaster, Any]]


def watch() -> None:
    """Have dask tell what it computes, from now on; once or often is the same."""
    if not _watcher.gave_up:
        _watcher.register()


Method = Callable[..., None]


def _harmless(method: Method) -> Method:
    """Let a method of the watcher stop watching instead of failing: dask computes what it was asked for.

    What dask tells a callback beyond the names of the hooks is its own affair and may change.
    """

    @wraps(method)
    def call(watcher: _Watcher, *arguments: Any) -> None:
        if watcher.gave_up:
            return  # dask keeps a callback until no computation runs
        try:
            method(watcher, *arguments)
        except Exception:
            _log.warning(
                "dask's callbacks are not as expected; nothing is fetched ahead of tasks", exc_info=True
            )
            watcher.give_up()

    return call


@dataclass(slots=True)
class _Run:
    """One computation."""

    reads: dict[Any, _Reads]
    """What tasks that have not begun read."""
    announced: set[Any] = field(default_factory=set)


class _Watcher(Callback):
    """Follows the computations of this process."""

    def __init__(self) -> None:
        self._runs: dict[int, _Run] = {}
        self.gave_up = False

    def give_up(self) -> None:
        """Watch no longer, and take back what was announced."""
        self.gave_up = True
        runs, self._runs = self._runs, {}
        for run in runs.values():
            for part in run.announced:
                take_back(part)

    @_harmless
    def _start_state(self, graph: Mapping[Any, Any], state: Mapping[str, Any]) -> None:
        reads: dict[Any, _Reads] = {}
        for origin, value in state["cache"].items():
            if isinstance(value, LazyRaster) and value.is_remote:
                for task in state["dependents"][origin]:
                    keys = list(_keys_of(graph[task], origin, {}))
                    reads.setdefault(task, []).extend((value, key) for key in keys)
        if reads:
            self._runs[id(state)] = _Run(reads)

    @_harmless
    def _pretask(self, task: Any, graph: Mapping[Any, Any], state: Mapping[str, Any]) -> None:
        run = self._runs.get(id(state))
        if run is None:
            return
        for lazy, key in run.reads.pop(task, ()):
            take_back(lazy.part(key), unless_begun=True)
        ready, left = state["ready"], len(state["running"])
        for position in range(len(ready) - 1, max(len(ready) - 1 - _LOOK, -1), -1):
            for lazy, key in run.reads.get(ready[position], ()):
                run.announced.add(lazy.part(key))
                announce(lazy.part(key), partial(lazy.ahead, key))
            left -= ready[position] in run.reads
            if not left:
                break

    @_harmless
    def _finish(self, graph: Mapping[Any, Any], state: Mapping[str, Any], failed: bool) -> None:
        run = self._runs.pop(id(state), None)
        for part in run.announced if run else ():
            take_back(part)


_watcher = _Watcher()


def _keys_of(node: Any, origin: Any, given: Mapping[Any, Any]) -> Iterator[Any]:
    """Yield the keys by which a task takes parts of an array.

    Parameters
    ----------
    node
        A task: one that takes a part, or a small graph that was fused into one.
    origin
        The array's key in the graph.
    given
        What the names of the arguments of a small graph stand for.
    """
    arguments: tuple[Any, ...] = getattr(node, "args", ())
    if getattr(node, "func", None) is getter and len(arguments) >= 2:
        array, key = _resolve(arguments[0], given), _resolve(arguments[1], given)
        if getattr(array, "key", None) == origin and _is_plain(key):
            yield key
    elif len(arguments) >= 3 and isinstance(arguments[0], Mapping):
        inner, _, names, *values = arguments
        known = dict(zip(names, (_resolve(value, given) for value in values), strict=False))
        for each in inner.values():
            yield from _keys_of(each, origin, known)


def _resolve(argument: Any, given: Mapping[Any, Any]) -> Any:
    """Return what an argument stands for: a value, or a reference to another task."""
    name = getattr(argument, "key", None)
    if name is not None and name in given:
        return given[name]
    return getattr(argument, "value", argument)


def _is_plain(key: Any) -> bool:
    return isinstance(key, tuple) and all(isinstance(part, int | slice) for part in key)
