"""The harness of the benchmarks judges rightly: goals, pairs of rounds, values, the decode limit, page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from benchmarks import goals, limit, measure, page, workloads
from benchmarks.__main__ import _agree
from benchmarks.goals import GOALS, Goal, faster, ratio


def _run(cpu: float, **more: Any) -> dict[str, Any]:
    return {"cpu": cpu, "wall": cpu, "peak": 100.0, "start": 50.0, "size": 50 * goals.MIB, **more}


def test_every_workload_has_goals() -> None:
    assert set(GOALS) == set(workloads.WORKLOADS)


def test_goals_name_libraries_that_take_part() -> None:
    for name, bounds in GOALS.items():
        taking_part = set(workloads.WORKLOADS[name].libraries)
        mine = next(iter(workloads.WORKLOADS[name].libraries))
        for goal in bounds:
            wanted = {goal.of if goal.of != "ours" else mine, goal.over or mine}
            assert wanted <= taking_part, f"{name}: {goal}"


def test_a_ratio_is_the_median_of_the_pairs_of_one_round() -> None:
    runs = {"odc": [_run(2), _run(30), _run(8)], "ours": [_run(1), _run(10), _run(2)]}
    assert ratio(runs, "odc", "ours", "cpu") == 3


def test_who_ran_once_is_compared_with_the_first_round() -> None:
    assert ratio({"odc": [_run(4)], "ours": [_run(2), _run(100)]}, "odc", "ours", "cpu") == 2


@pytest.mark.parametrize(("value", "met"), [(1.999, False), (2.0, True), (3.0, True)])
def test_a_least_ratio_is_not_rounded_up(value: float, met: bool) -> None:
    assert faster(2).is_met(value) is met


@pytest.mark.parametrize(("value", "met"), [(1.3, True), (1.301, False)])
def test_a_most_ratio_is_not_rounded_down(value: float, met: bool) -> None:
    assert Goal(words="limit", bound=1.3, over="limit").is_met(value) is met


def test_memory_is_counted_in_results() -> None:
    goal = next(goal for goal in GOALS["W3"] if goal.figure == "memory")
    assert goal.value({"ours at once": [_run(1)]}) == 2


def test_nothing_is_said_of_who_did_not_run() -> None:
    assert faster(2).value({"ours": [_run(1)]}) is None


def test_other_values_are_refused() -> None:
    workload = workloads.WORKLOADS["W3"]
    mine = np.arange(1, 101, dtype=np.uint16)
    theirs = mine.copy()
    _agree("odc", workload, mine, theirs)
    theirs[3] += 1
    with pytest.raises(SystemExit, match=r"1\.000% of the values differ"):
        _agree("odc", workload, mine, theirs)


def test_missing_pixels_agree_whether_nan_or_zero() -> None:
    assert measure.distance(np.array([0, 5]), np.array([np.nan, 5.0]), 0) == 0


def test_memory_sees_what_a_run_held() -> None:
    memory = measure.Memory()
    memory.begin()
    held = np.ones(64 * 2**20, dtype=np.uint8)
    del held
    assert 60 < memory.end() < 100


@pytest.fixture(scope="module")
def tiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("limit") / "tiled.tif"
    pixels = np.random.default_rng(1).integers(0, 60_000, (2100, 2300), dtype=np.uint16)
    options = {"tiled": True, "blockxsize": 1024, "blockysize": 1024, "compress": "deflate", "predictor": 2}
    transform = rasterio.transform.from_origin(500, 500, 10, 10)
    shape = {"width": 2300, "height": 2100, "count": 1, "dtype": "uint16"}
    with rasterio.open(path, "w", driver="GTiff", crs=3857, transform=transform, **shape, **options) as out:
        out.write(pixels, 1)
    return path


@pytest.mark.parametrize(("top", "left", "size"), [(0, 0, 2100), (333, 517, 1000), (1024, 1024, 1024)])
def test_the_limit_decodes_what_rasterio_reads(tiled: Path, top: int, left: int, size: int) -> None:
    found = limit.make_limit([[str(tiled)]], top, left, size)()
    with rasterio.open(tiled) as file:
        expected = file.read(window=rasterio.windows.Window(left, top, size, size))
    assert np.array_equal(found[0], expected)


def _report(ours: float) -> dict[str, Any]:
    runs = {"ours": [_run(ours)], "odc": [_run(8.0)], "limit": [_run(1.0)], "rasterio": [_run(1.5)]}
    where = {"date": "2024-01-01", "size": "2 cores", "python": "CPython 3", "load": "0.0"}
    return {
        "machine": where,
        "versions": {"numpy": "2"},
        "rounds": 1,
        "minutes": 2.0,
        "left_out": {"lazycogs": "it needs Python 3.12 or newer"},
        "runs": {"W3": runs},
    }


def test_the_page_names_missed_goals_and_who_is_left_out() -> None:
    text = page.page(_report(5.0), "## How cost grows", "Provisional.")
    assert "- **W3** (native grid off the tile edges" in text
    assert "CPU of odc-stac over ours ≥ 2x, measured 1.6." in text
    assert "lazycogs is not measured here: it needs Python 3.12 or newer." in text
    assert "```{warning}\nProvisional.\n```" in text
    assert "$" not in text


def test_the_page_says_when_goals_are_met() -> None:
    report = _report(1.0)
    report["runs"]["W3"]["ours"][0]["size"] = 100 * goals.MIB
    text = page.page(report, "", "")
    assert "All goals are met." in text
    assert "{warning}" not in text
