"""F1 and F2 for uploads: calls that kill or fail while a job is queued, and while it is carried out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.faults._tracing import ALL, WRITES, Call, Stage, spread, start_again
from tests.faults._uploads import make_source, make_template, recover

import dawnlight as dl
from dawnlight import errors
from dawnlight.catalog import ImageUpload

KILLS = {"queue": 16, "work": 4}
FAILS = 16
FAULTS = {
    "pwrite64": ("ENOSPC", "EIO"),
    "write": ("ENOSPC", "EIO"),
    "openat": ("EMFILE", "EACCES", "EROFS"),
    "mkdir": ("ENOSPC", "EROFS"),
    "rename": ("EIO", "EACCES"),
}


class Scene:
    """A catalog in which an upload is queued, and the same with the job queued."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage = stage
        self._calls: dict[str, list[Call]] = {}
        self.folder = folder / "c"
        self.source = make_source(folder)
        make_template(self.folder)
        self.idle = folder / "idle"
        start_again(self.folder, self.idle)
        told = stage.play("queue", self.folder, self.source)
        self.queued = told.words(1)[0]
        self.busy = folder / "busy"
        start_again(self.folder, self.busy)

    def calls(self, act: str) -> list[Call]:
        """Return the calls of the process itself: a fault in a child would come again in the next one."""
        if act in self._calls:
            return self._calls[act]
        self.reset(act)
        names = (*WRITES, "openat")
        _, found = self.stage.calls(self.folder, act, *self._arguments(act), traced=names)
        self._calls[act] = [
            call for call in found if call.thread == found[0].thread and "catalog.sqlite-shm" not in call.text
        ]
        return self._calls[act]

    def reset(self, act: str) -> None:
        start_again(self.idle if act == "queue" else self.busy, self.folder)

    def play(self, act: str, call: Call, fault: str) -> tuple[Any, list[str]]:
        """Play an act with a fault at a call; return what it told, and the jobs that were acknowledged."""
        self.reset(act)
        told = self.stage.play(
            act, *self._arguments(act), traced=[call.name], inject=f"{call.name}:{fault}:when={call.number}"
        )
        if act == "work":
            return told, [self.queued]
        return told, [told.words(1)[0]] if told.acknowledged > 1 else []

    def _arguments(self, act: str) -> list[Any]:
        return [self.folder, self.source] if act == "queue" else [self.folder]


@pytest.fixture(scope="module")
def scene(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(stage, tmp_path_factory.mktemp("uploads"))


@pytest.mark.slow
@pytest.mark.parametrize("act", ["queue", "work"])
def test_f1_uploads_survive_a_kill_at_any_call(scene: Scene, act: str) -> None:
    calls = [call for call in scene.calls(act) if call.name != "openat"]
    for call in spread(calls, KILLS[act]):
        # A run that takes less time has fewer heartbeats, so a late call may not come: then one before it.
        for earlier in calls[calls.index(call) :: -1][:8]:
            told, acknowledged = scene.play(act, earlier, "signal=SIGKILL")
            done = recover(scene.folder, acknowledged)
            assert set(done.values()) <= {"success"}, f"killed at {earlier}"
            if not told.ended:
                break
        assert not told.ended, f"{call}: nothing was killed"


@pytest.mark.slow
def test_f2_queueing_an_upload_when_calls_fail(scene: Scene) -> None:
    failed = 0
    for number, call in enumerate(spread(scene.calls("queue"), FAILS)):
        kinds = FAULTS.get(call.name, ("EIO",))
        what = f"{kinds[number % len(kinds)]} at {call}"
        told, acknowledged = scene.play("queue", call, f"error={kinds[number % len(kinds)]}")
        if told.error is not None:
            failed += 1
            name, _, message = told.error.partition(" ")
            kind = getattr(errors, name)
            assert issubclass(kind, (errors.RasterWriteError, errors.CatalogError)), f"{what}: {told.error}"
            assert "upload" in message or "catalog" in message, f"{what}: {told.error}"
        done = recover(scene.folder, acknowledged)
        assert len(done) <= 1, what
    assert failed > FAILS // 3


@pytest.mark.slow
def test_f2_a_job_that_may_have_been_kept_has_its_data(scene: Scene) -> None:
    """The log is written and its sync fails: after a crash, the job is there with its data, or not at all."""
    syncs = [call for call in scene.calls("queue") if call.name == "fdatasync" and "-wal" in call.text]
    told, _ = scene.play("queue", syncs[-1], "error=EIO")
    assert told.error is not None
    assert "it is open whether this operation was kept" in told.error
    assert set(recover(scene.folder, []).values()) <= {"success"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "path", "error"),
    [
        ("mkdir", r"incoming/\w+-\d+", "ENOSPC"),
        ("pwrite64", r"catalog\.sqlite-wal.*4096, \d+\)", "ENOSPC"),
    ],
)
def test_f2_an_upload_is_tried_again_when_calls_fail(scene: Scene, name: str, path: str, error: str) -> None:
    calls = [call for call in scene.calls("work") if call.name == name and re.search(path, call.text)]
    warned: list[str] = []
    for call in calls[:-6:-1]:  # a run that takes less time has fewer calls, so the last one may not come
        told, acknowledged = scene.play("work", call, f"error={error}")
        assert told.ended
        assert recover(scene.folder, acknowledged) == {scene.queued: "success"}
        with dl.open(scene.folder) as client:
            upload = ImageUpload.get(scene.queued, client=client)
            warned = [str(event.message) for event in upload.events if "is repeated in" in str(event.message)]
        if warned:
            break
    assert len(warned) == 1
    assert re.search("No space|disk is full|Input/output error", warned[0])


@pytest.mark.slow
@pytest.mark.skipif(not ALL, reason="runs for an hour; DAWNLIGHT_FAULTS=all asks for it")
def test_f2_carrying_out_an_upload_when_any_call_fails(scene: Scene) -> None:
    for number, call in enumerate(scene.calls("work")):
        kinds = FAULTS.get(call.name, ("EIO",))
        _, acknowledged = scene.play("work", call, f"error={kinds[number % len(kinds)]}")
        assert recover(scene.folder, acknowledged) == {scene.queued: "success"}, f"{kinds} at {call}"
