"""F1 and F6: processes killed at the worst moments. Nothing acknowledged is lost, nothing is half there.

Driven through the command line; `test_upload_faults` and `test_document_kills` kill at many more places.
"""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

JOBS = 6
KILLS = 6
CALLS = "fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,pwrite64"


def _acknowledged(text: str) -> set[str]:
    return {line.split()[1] for line in text.splitlines() if line.startswith("ACK ")}


@pytest.mark.slow
def test_f1_a_notebook_closed_in_the_middle(harness: Any) -> None:
    files = harness.make_files(3)
    process = harness.start("add", "p", *map(str, files), "--copy")
    seen = ""
    for line in process.stdout:
        seen += line
        if len(_acknowledged(seen)) == 3:
            break
    process.kill()
    process.communicate()
    for file in files:
        file.unlink()
    statuses = harness.check(_acknowledged(seen))
    assert statuses == {f"p:i{number:03}_20240101": "success" for number in range(3)}


@pytest.mark.slow
def test_f6_a_storm_of_dying_workers(harness: Any) -> None:
    files = harness.make_files(JOBS)
    process = harness.start("add", "p", *map(str, files), "--copy")
    seen = ""
    for line in process.stdout:
        seen += line
        if len(_acknowledged(seen)) == JOBS:
            break
    process.kill()
    process.communicate()
    chance = random.Random(6)
    workers = [harness.start("worker", "--drain", "--lease", "3") for _ in range(2)]
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.8, 2.5))
        number = chance.randrange(2)
        workers[number].kill()
        workers[number].communicate()
        workers[number] = harness.start("worker", "--drain", "--lease", "3")
    for worker in workers:
        worker.communicate(timeout=200)
    statuses = harness.check(_acknowledged(seen))
    assert set(statuses.values()) == {"success"}
    assert len(statuses) == JOBS


@pytest.mark.slow
@pytest.mark.parametrize("when", [11])
def test_f1_a_kill_at_a_call_of_the_file_system(harness: Any, strace: str, when: int) -> None:
    (file,) = harness.make_files(1)
    # The catalog and the product are there: what is killed is an upload that overwrites.
    harness.run("add", "p", str(file), "--copy")
    before = _acknowledged(harness.run("add", "p", str(file), "--copy", "--update"))
    under = (strace, "-f", "-qq", "-o", "/dev/null", "-e", f"trace={CALLS}")
    inject = ("-e", f"inject={CALLS}:signal=SIGKILL:when={when}")
    text = harness.run("add", "p", str(file), "--copy", "--update", under=(*under, *inject))
    statuses = harness.check(before | _acknowledged(text))
    assert statuses == {"p:i000_20240101": "success"}
