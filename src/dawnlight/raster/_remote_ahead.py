"""Fetching ahead: all ranges that a task will need, near ones together, many at once, bytes bounded.

A task says what it is going to read (`Ahead`); a pool of threads of its own fetches it while the task
decodes. Ranges that two tasks want at the same time are fetched once.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from dawnlight.errors import RasterError, RasterReadError
from dawnlight.raster._forks import abandon, after_fork
from dawnlight.raster._header import FileRef
from dawnlight.raster._remote_file import RemoteFile

__all__ = ["Ahead", "coalesce", "current", "io_pool", "not_held", "on_room", "skip", "take"]

GAP = 256 * 2**10
"""Bytes between two ranges that are fetched along rather than asked for separately."""
LONGEST = 4 * 2**20
"""Ranges are joined up to so many bytes, so that decoding can begin."""
CONCURRENT = 32
"""Requests in flight, all tasks of the process together."""
MOST = 24 * 2**20
"""Bytes that a task fetches ahead: more would only make the first ones come later."""
BUDGET = 64 * 2**20
"""Bytes fetched ahead and not yet used, all tasks of the process together ..."""
SHARE = 16 * 2**20
"""... but each task may hold so many, whatever others do: else it would ask for one range after another."""

NEXT = 12 * 2**20
"""Bytes that are fetched for a task before it begins, of those that the others leave."""

on_room: list[Callable[[], None]] = []
"""Called when a task has got the first of its bytes, and when it has used some."""

_Key = tuple[FileRef, int, int]
Wanted = tuple[RemoteFile, int, int]


class _State:
    """What the tasks of a process share."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pool: ThreadPoolExecutor | None = None
        self.flights: dict[_Key, _Flight] = {}
        self.bytes = 0
        self.asking = 0  # requests that were not answered yet
        self.local = threading.local()

    def answered(self, _future: Future[memoryview]) -> None:
        """Count a request that is over."""
        with self.lock:
            self.asking -= 1


class _Flight:
    """One request, and the ranges that it serves."""

    __slots__ = ("future", "keys", "offset", "size", "users")

    def __init__(self, keys: list[_Key]) -> None:
        self.keys = keys
        self.offset = keys[0][1]
        self.size = max(offset + size for _, offset, size in keys) - self.offset
        self.users = 1
        self.future: Future[memoryview] | None = None


_state = _State()


def io_pool() -> ThreadPoolExecutor:
    """Return the threads that wait for servers; none of them decodes."""
    with _state.lock:
        if _state.pool is None:
            _state.pool = ThreadPoolExecutor(CONCURRENT, thread_name_prefix="dawnlight-io")
        return _state.pool


def current() -> Iterator[Ahead]:
    """Yield what this thread has fetched ahead, the innermost first."""
    yield from reversed(getattr(_state.local, "stack", ()))


def not_held(wanted: Iterable[Wanted]) -> list[Wanted]:
    """Leave out what this thread fetches ahead already: held twice, bytes would be given back late."""
    held = list(current())
    return [
        (remote, offset, size)
        for remote, offset, size in wanted
        if not any((remote.file, offset, size) in ahead for ahead in held)
    ]


def take(remote: RemoteFile, offset: int, size: int) -> memoryview:
    """Take what was fetched ahead; ask for what was not (it was in the cache of tiles a moment ago)."""
    for ahead in current():
        if (remote.file, offset, size) in ahead:
            return ahead.take(remote, offset, size)
    return remote.read(offset, size)


def skip(remote: RemoteFile, offset: int, size: int) -> None:
    """Give back what was to be fetched ahead for a tile that was found decoded."""
    for ahead in current():
        if (remote.file, offset, size) in ahead:
            ahead.skip(remote, offset, size)
            return


def coalesce(ranges: Sequence[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Group (offset, size) so that each group is one request.

    Examples
    --------
    >>> coalesce([(0, 10), (10, 5), (10_000_000, 7)])
    [[(0, 10), (10, 5)], [(10000000, 7)]]
    """
    groups: list[list[tuple[int, int]]] = []
    start = stop = 0
    for offset, size in sorted(ranges):
        end = max(stop, offset + size)
        if groups and offset - stop <= GAP and end - start <= LONGEST:
            groups[-1].append((offset, size))
        else:
            groups.append([(offset, size)])
            start, end = offset, offset + size
        stop = end
    return groups


class Ahead:
    """Ranges that the thread is going to `take`, fetched from the moment it enters until it leaves.

    Parameters
    ----------
    wanted
        (file, offset, size) in the order of use; once for each use.
    failures
        Files whose header could not be read, with the error for those who ask.
    """

    def __init__(self, wanted: Iterable[Wanted], failures: dict[FileRef, RasterError] | None = None) -> None:
        self.failures = failures or {}
        self._files: dict[FileRef, RemoteFile] = {}
        self._uses: dict[_Key, int] = {}
        for remote, offset, size in wanted:
            self._files[remote.file] = remote
            key = (remote.file, offset, size)
            self._uses[key] = self._uses.get(key, 0) + 1
        self._waiting: deque[list[_Key]] = deque(self._groups(self._uses))
        self._group_of = {key: group for group in self._waiting for key in group}
        self._flights: dict[_Key, _Flight] = {}
        self._left: dict[_Flight, int] = {}
        self._bytes = 0
        self._begun = False

    def __enter__(self) -> Ahead:
        if not hasattr(_state.local, "stack"):
            _state.local.stack = []
        _state.local.stack.append(self)
        self._top_up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _state.local.stack.remove(self)
        self.close()

    def hold(self) -> bool:
        """Ask for the first ranges before the thread enters, with room that nobody at work needs.

        Returns
        -------
        bool
            False if there was no room for all of them: ask again.
        """
        while self._waiting and self._bytes + (size := _size(self._waiting[0])) <= NEXT:
            if _state.asking >= CONCURRENT // 2 or _state.bytes + size > BUDGET:
                return False
            self._start(self._waiting[0])
        return True

    def close(self) -> None:
        """Let go of all that was not used."""
        for flight in list(self._left):
            self._leave(flight)

    def __contains__(self, key: _Key) -> bool:
        return self._uses.get(key, 0) > 0

    def take(self, remote: RemoteFile, offset: int, size: int) -> memoryview:
        """Return the bytes of one of the ranges, waiting for them where they are not there yet.

        Raises
        ------
        RasterError
            As for `RemoteFile.read`.
        """
        key = (remote.file, offset, size)
        if key in self._group_of:
            self._start(self._group_of[key])
        flight = self._flights[key]
        assert flight.future is not None
        data = flight.future.result()
        if not self._begun:
            self._begun = True
            _tell_of_room()
        part = data[offset - flight.offset : offset - flight.offset + size]
        self._used(key)
        if len(part) != size:
            raise RasterReadError(f"{remote.file.href}: the file ends inside a tile")
        return part

    def skip(self, remote: RemoteFile, offset: int, size: int) -> None:
        """Do without one of the ranges once: somebody else had fetched it, and it was found decoded."""
        key = (remote.file, offset, size)
        group = self._group_of.get(key)
        if group is None or self._uses[key] > 1:
            self._used(key)
            return
        del self._uses[key], self._group_of[key]
        group.remove(key)
        if not group:
            self._waiting.remove(group)

    def _used(self, key: _Key) -> None:
        """Count a use, let go of what has no use left, and ask for what then has room."""
        self._uses[key] -= 1
        flight = self._flights.get(key)
        if flight is not None:
            if not self._uses[key]:
                del self._flights[key]
            self._left[flight] -= 1
            if not self._left[flight]:
                self._leave(flight)
        self._top_up()
        if flight not in self._left:
            _tell_of_room()

    def _groups(self, keys: Iterable[_Key]) -> Iterator[list[_Key]]:
        """Cut into requests, in the order of first use."""
        by_file: dict[FileRef, list[tuple[int, int]]] = {}
        order = {key: number for number, key in enumerate(keys)}
        for file, offset, size in order:
            by_file.setdefault(file, []).append((offset, size))
        groups = [
            [(file, offset, size) for offset, size in group]
            for file, ranges in by_file.items()
            for group in coalesce(ranges)
        ]
        yield from sorted(groups, key=lambda group: min(order[key] for key in group))

    def _top_up(self) -> None:
        """Ask for what comes next, as far as the budget reaches."""
        while self._waiting:
            size = _size(self._waiting[0])
            if self._bytes and self._bytes + size > (SHARE if _state.bytes + size > BUDGET else MOST):
                return
            self._start(self._waiting[0])

    def _start(self, group: list[_Key]) -> None:
        """Ask for a group, but for what another task has asked for already."""
        pool = io_pool()
        self._waiting.remove(group)
        asked: list[Future[memoryview]] = []
        with _state.lock:
            fresh = []
            for key in group:
                del self._group_of[key]
                flight = _state.flights.get(key)
                if flight is None:
                    fresh.append(key)
                    continue
                if flight not in self._left:
                    flight.users += 1
                self._board(key, flight)
            for keys in self._groups(fresh):
                flight = _Flight(keys)
                for key in keys:
                    _state.flights[key] = flight
                    self._board(key, flight)
                _state.bytes += flight.size
                _state.asking += 1
                flight.future = pool.submit(self._files[keys[0][0]].read, flight.offset, flight.size)
                asked.append(flight.future)
        for future in asked:
            future.add_done_callback(_state.answered)

    def _board(self, key: _Key, flight: _Flight) -> None:
        if flight not in self._left:
            self._bytes += flight.size
        self._flights[key] = flight
        self._left[flight] = self._left.get(flight, 0) + self._uses[key]

    def _leave(self, flight: _Flight) -> None:
        """Let go of a request; the last one who does gives its bytes back."""
        del self._left[flight]
        self._bytes -= flight.size
        with _state.lock:
            flight.users -= 1
            if flight.users:
                return
            for key in flight.keys:
                if _state.flights.get(key) is flight:
                    del _state.flights[key]
            _state.bytes -= flight.size
        assert flight.future is not None
        flight.future.cancel()


def _tell_of_room() -> None:
    for call in on_room:
        call()


def _size(group: list[_Key]) -> int:
    return sum(key[2] for key in group)


def _after_fork() -> None:
    global _state
    abandon(_state)
    _state = _State()


after_fork(_after_fork)
