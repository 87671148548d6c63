"""F3, power loss: bytes are on disk before their names, and names before the catalog learns about them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.faults._power import OPTIONS, READS, TRACED, Disk, Event, put_back, read_events
from tests.faults._tracing import Stage, start_again
from tests.faults._uploads import check_files, make_source, make_template, recover

import dawnlight as dl
from dawnlight.catalog import ImageUpload


class Recording:
    """An upload, queued and carried out, as calls of the file system."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.folder = folder / "c"
        self.source = make_source(folder)
        self.before = folder / "before"
        make_template(self.folder)
        start_again(self.folder, self.before)
        log = folder / "queue.log"
        told = stage.play("queue", self.folder, self.source, traced=TRACED, options=OPTIONS, log=log)
        self.queued = read_events(log, self.folder)
        self.id = told.words(1)[0]
        log = folder / "work.log"
        options = [*OPTIONS, *(part for path in self._paths() for part in ("-P", str(path)))]
        told = stage.play("work", self.folder, traced=READS, options=options, log=log)
        assert told.ended
        self.worked = read_events(log, self.folder)
        self.after = {str(path): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}

    def _paths(self) -> Iterator[Path]:
        """Yield all that the work on the upload may touch, up to its third attempt."""
        yield self.folder
        yield from (
            self.folder / f"catalog.{end}" for end in ("sqlite", "sqlite-wal", "sqlite-journal", "lock")
        )
        uploads, blobs = self.folder / "uploads", self.folder / "blobs"
        yield from (uploads, uploads / self.id, uploads / self.id / "0.tif")
        yield from (blobs, blobs / "incoming", blobs / self.id[:2])
        for fence in (1, 2, 3):
            incoming = blobs / "incoming" / f"{self.id}-{fence}"
            yield from (incoming, incoming / "0.tif", incoming / "0.draft.tif")
            yield blobs / self.id[:2] / f"{self.id}-{fence}-0.tif"


@pytest.fixture(scope="module")
def recording(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return Recording(stage, tmp_path_factory.mktemp("power"))


def find(events: list[Event], name: str, path: str, after: int = -1, *, last: bool = False) -> int:
    """Return where a call is, which must be there."""
    places = [
        place
        for place, event in enumerate(events)
        if place > after and event.name == name and re.search(path, event.path)
    ]
    assert places, f"no {name} of {path} after call {after}"
    return places[-1 if last else 0]


def is_increasing(*places: int) -> bool:
    return list(places) == sorted(set(places))


@pytest.mark.slow
def test_f3_the_data_of_a_job_is_on_disk_before_the_job(recording: Recording) -> None:
    events, spool = recording.queued, f"uploads/{recording.id}"
    written = find(events, "write", rf"{spool}/0\.tif$", last=True)
    synced = find(events, "fsync", rf"{spool}/0\.tif$", written)
    named = find(events, "fsync", rf"{spool}$", synced)
    listed = find(events, "fsync", r"uploads$", synced)
    known = find(events, "fsync", rf"{recording.folder}$", synced)
    entered = find(events, "pwrite64", r"catalog\.sqlite-wal$", synced)
    committed = find(events, "fsync", r"catalog\.sqlite-wal$", entered)
    assert is_increasing(written, synced, named, listed, known, entered, committed)


@pytest.mark.slow
def test_f3_the_file_of_an_image_is_on_disk_before_the_image(recording: Recording) -> None:
    events = recording.worked
    renamed = find(events, "rename", rf"incoming/{recording.id}-\d+/0\.tif$")
    blobs = recording.folder / "blobs"
    written = find(events, "write", r"incoming/.*/0\.tif$", last=True)
    synced = find(events, "fsync", r"incoming/.*/0\.tif$", written)
    named = find(events, "fsync", rf"{blobs}/{recording.id[:2]}$", renamed)
    listed = find(events, "fsync", rf"{blobs}$", renamed)
    known = find(events, "fsync", rf"{recording.folder}$", renamed)
    entered = find(events, "pwrite64", r"catalog\.sqlite-wal$", renamed)
    committed = find(events, "fsync", r"catalog\.sqlite-wal$", entered)
    assert is_increasing(written, synced, renamed, named, listed, known, entered, committed)
    removed = find(events, "unlink", rf"(uploads/{recording.id}/)?0\.tif$", renamed)
    assert committed < removed, "the data of a job is removed before its image is on disk"


@pytest.mark.slow
def test_f3_the_model_writes_what_was_written(recording: Recording) -> None:
    start_again(recording.before, recording.folder)
    disk = Disk(recording.folder)
    for event in (*recording.queued, *recording.worked):
        disk.apply(event)
    seen = {name: content for name, content in disk.contents().items() if not name.endswith("-shm")}
    assert seen.keys() == recording.after.keys()
    assert [name for name in seen if seen[name] != recording.after[name]] == []


@pytest.mark.slow
@pytest.mark.parametrize("names_kept", [False, True], ids=["names as synced", "names as made"])
def test_f3_nothing_acknowledged_is_lost_when_the_power_goes(recording: Recording, names_kept: bool) -> None:
    start_again(recording.before, recording.folder)
    disk = Disk(recording.folder)
    events = [*recording.queued, *recording.worked]
    seen: set[int] = set()
    statuses: set[str | None] = set()
    cuts = 0
    for place, event in enumerate(events, 1):
        disk.apply(event)
        found = disk.after_power_cut(names_kept=names_kept)
        state = hash(tuple((name, content) for name, content in found.items()))
        if state in seen and place not in (len(recording.queued), len(events)):
            continue
        seen.add(state)
        cuts += 1
        put_back(recording.folder, found)
        statuses.add(_check(recording, place))
    # What was synced has been seen without the job, with it, and with its image; how many states lie between
    # these depends on how many heartbeats there were.
    assert cuts > 5
    assert {None, "pending", "success"} <= statuses
    # The queue's end is the acknowledgement: from there on anybody can carry the upload out.
    _replay(recording, len(recording.queued), lambda disk: disk.after_power_cut(names_kept=names_kept))
    assert recover(recording.folder, [recording.id]) == {recording.id: "success"}


def _check(recording: Recording, place: int) -> str | None:
    """Check what is there after a power cut; return the status of the upload, None if there is none."""
    where = f"after call {place}"
    with dl.open(recording.folder, adopt=False) as client:
        assert client.store.doctor(deep=True) == [], where
        check_files(client)
        upload = ImageUpload.get(recording.id, client=client)
        if place >= len(recording.queued):
            assert upload is not None, f"{where}: an acknowledged upload was lost"
        if upload is None:
            return None
        if place == len(recording.queued) + len(recording.worked):
            assert str(upload.status) == "success"
        if str(upload.status) == "success":
            assert dl.Image.exists("p:a", client=client), where
        else:
            data = recording.folder / "uploads" / recording.id / "0.tif"
            assert data.read_bytes() == recording.source.read_bytes(), f"{where}: the data of a job was lost"
        return str(upload.status)


def _replay(recording: Recording, count: int, look: Callable[[Disk], dict[str, bytes | None]]) -> None:
    start_again(recording.before, recording.folder)
    disk = Disk(recording.folder)
    for event in [*recording.queued, *recording.worked][:count]:
        disk.apply(event)
    put_back(recording.folder, look(disk))
