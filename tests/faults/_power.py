"""A disk that loses power: what a trace wrote, and what of it was on disk after each call."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

TRACED = (
    "openat", "write", "pwrite64", "pwritev", "writev", "fsync", "fdatasync", "ftruncate", "fallocate",
    "rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "link", "linkat",
    "lseek", "copy_file_range", "sendfile",
)  # fmt: skip
OPTIONS = ("-y", "-xx", "-s", "2000000")
"""How strace is to write its log: files by name, data whole."""
READS = (*TRACED, "read")
"""Also what moves the position in a file; with the data whole only for files that are named to strace."""
_LINE = re.compile(r"^(\d+)\s+(?:<\.\.\. \w+ resumed>)?(.*)$", re.S)
_CALL = re.compile(r"^(\w+)\((.*)\)\s+= (-?\d+|\?)(.*)$", re.S)
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_FD = re.compile(r"^(-?\w+)<((?:\\x[0-9a-f]{2})*)>")


@dataclass(frozen=True)
class Event:
    """One call that succeeded."""

    name: str
    path: str
    data: bytes = b""
    at: int = 0
    target: str = ""
    handle: str = ""


@dataclass
class _Inode:
    now: bytearray = field(default_factory=bytearray)
    kept: bytes = b""


def read_events(log: Path, folder: Path) -> list[Event]:
    """Return the calls of a log that change a folder, in the order in which they ended."""
    found = []
    for name, arguments, result in _calls(log):
        event = _event(name, arguments, result)
        if event is not None and (event.path + event.target).find(str(folder)) >= 0:
            found.append(event)
    return found


def _calls(log: Path) -> Iterator[tuple[str, str, int]]:
    begun: dict[str, str] = {}
    for line in log.read_text().splitlines():
        match = _LINE.match(line)
        assert match is not None, line[:200]
        thread, text = match.groups()
        if text.endswith(" <unfinished ...>"):
            begun[thread] = text.removesuffix(" <unfinished ...>")
            continue
        if "resumed>" in line[:60]:
            text = begun.pop(thread) + text
        call = _CALL.match(text)
        if call and call[3] != "?" and int(call[3]) >= 0:
            yield call[1], call[2], int(call[3])


def _event(name: str, arguments: str, result: int) -> Event | None:
    texts = [_decode(text) for text in _TEXT.findall(arguments)]
    handle = _FD.match(arguments)
    path = _decode(handle[2]).decode().removesuffix(" (deleted)") if handle else ""
    numbers = [int(number) for number in re.findall(r", (-?\d+)(?=,|$)", arguments)]
    if name == "openat":
        at = ("O_TRUNC" in arguments) | ("O_CREAT" in arguments) << 1
        return Event(name, texts[0].decode(), at=at, handle=str(result))
    if name in ("write", "pwrite64"):
        at = numbers[-1] if name == "pwrite64" else -1
        return Event(name, path, data=texts[0][:result], at=at, handle=handle[1] if handle else "")
    if name in ("fsync", "fdatasync"):
        return Event("fsync", path)
    if name == "ftruncate":
        return Event(name, path, at=numbers[-1])
    if name == "read":
        return Event(name, path, at=result, handle=handle[1] if handle else "")
    if name == "lseek":
        return Event(name, path, at=result, handle=handle[1] if handle else "")
    if name in ("rename", "renameat", "renameat2"):
        return Event("rename", texts[0].decode(), target=texts[1].decode())
    if name in ("unlink", "rmdir", "mkdir"):
        return Event(name, texts[0].decode())
    if name == "unlinkat":
        base = f"{path}/" if path and not texts[0].startswith(b"/") else ""
        return Event("unlink", base + texts[0].decode())
    if path.startswith("/") and name not in ("writev", "pwritev"):
        raise AssertionError(f"the model does not know {name}({arguments[:200]})")
    return None


def _decode(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


class Disk:
    """Files below a folder as processes see them, and as they are on disk.

    On disk, a file has the bytes of its last fsync, and a folder the names of its last.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._now: dict[str, _Inode | None] = {str(folder): None}
        self._positions: dict[tuple[str, str], int] = {}
        for path in folder.rglob("*"):
            content = None if path.is_dir() else path.read_bytes()
            self._now[str(path)] = None if content is None else _Inode(bytearray(content), content)
        self._kept = dict(self._now)

    def apply(self, event: Event) -> None:
        """Carry out a call."""
        if not event.path.startswith(str(self.folder)) or event.path.endswith("-shm"):
            return
        node = self._now.get(event.path)
        if event.name == "openat":
            self._positions[event.handle, event.path] = 0
            if event.at & 2 and event.path not in self._now:
                self._now[event.path] = _Inode()
            elif event.at & 1 and node is not None:
                node.now.clear()
        elif event.name in ("write", "pwrite64") and node is not None:
            at = self._positions.get((event.handle, event.path), 0) if event.at < 0 else event.at
            node.now.extend(bytes(max(0, at - len(node.now))))
            node.now[at : at + len(event.data)] = event.data
            if event.at < 0:
                self._positions[event.handle, event.path] = at + len(event.data)
        elif event.name == "lseek":
            self._positions[event.handle, event.path] = event.at
        elif event.name == "read":
            key = event.handle, event.path
            self._positions[key] = self._positions.get(key, 0) + event.at
        elif event.name == "ftruncate" and node is not None:
            del node.now[event.at :]
            node.now.extend(bytes(event.at - len(node.now)))
        elif event.name == "rename":
            self._now[event.target] = self._now.pop(event.path)
        elif event.name in ("unlink", "rmdir"):
            self._now.pop(event.path, None)
        elif event.name == "mkdir":
            self._now[event.path] = None
        elif event.name == "fsync":
            self._sync(event.path)

    def _sync(self, path: str) -> None:
        node = self._now.get(path)
        if node is not None:
            node.kept = bytes(node.now)
            return
        for known in (self._kept, self._now):
            for name in [each for each in known if Path(each).parent == Path(path)]:
                if name in self._now:
                    self._kept[name] = self._now[name]
                else:
                    self._kept.pop(name)

    def contents(self) -> dict[str, bytes]:
        """Return what processes see."""
        return {name: bytes(node.now) for name, node in self._now.items() if node is not None}

    def after_power_cut(self, *, names_kept: bool) -> dict[str, bytes | None]:
        """Return what is found on disk: bytes of files, None for folders.

        Parameters
        ----------
        names_kept : bool
            Whether names reached the disk before they had to, as they may: then a file that was renamed
            without its bytes being on disk is empty.
        """
        names = self._now if names_kept else self._kept
        found: dict[str, bytes | None] = {}
        for name in sorted(names):
            if name == str(self.folder) or str(Path(name).parent) in found:
                node = names[name]
                found[name] = None if node is None else node.kept
        return found


def put_back(folder: Path, contents: dict[str, bytes | None]) -> None:
    """Make a folder as it was found after a power cut."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in contents.items():
        if content is None:
            Path(name).mkdir()
        else:
            Path(name).write_bytes(content)
