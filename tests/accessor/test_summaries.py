from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import xarray as xr


def test_a_stack_in_a_few_lines(lazy: xr.DataArray, loaded: xr.DataArray) -> None:
    assert repr(lazy.dl) == (
        "<.dl of time: 3 x band: 4 x y: 48 x x: 64>\n"
        "  * Grid: 48 x 64 pixels of 10 metre in EPSG:32631\n"
        "  * Bands: green, red, nir, scl (classes)\n"
        "  * Times: 3, 2023-01-10 to 2023-06-15\n"
        "  * Values: UInt16 of the files, held as float32 with NaN where missing, lazy in 9 chunks"
    )
    assert repr((loaded.isel(time=0) * 2).dl).endswith("float32, in memory")
    assert "* Times: 2023-01-10\n" in repr(loaded.isel(time=0).dl)


def test_datasets_and_plain_arrays(loaded: xr.DataArray) -> None:
    text = repr(loaded.dl.to_dataset().dl)
    assert text.startswith("<.dl of green, red, nir, scl (")
    assert "* Bands: green, red, nir, scl (classes)" in text
    bare = repr(xr.DataArray(np.zeros((2, 3)), dims=("y", "x")).dl)
    assert "* Grid: none (the array has no CRS" in bare
    assert repr(xr.Dataset().dl).startswith("<.dl of an empty dataset>")
    assert repr(xr.DataArray(5).dl).startswith("<.dl of a single value>")
    many = loaded.isel(band=[0] * 20).assign_coords(band=[f"b{k}" for k in range(20)])
    assert "b11 and 8 more" in repr(many.dl)


def test_systems_without_a_name() -> None:
    array = xr.DataArray(
        np.zeros((2, 2)),
        {"y": [1000.0, 768.3436417], "x": [0.0, 231.6563583]},
        ("y", "x"),
        attrs={"crs": "+proj=sinu +R=6371007.181 +units=m"},
    )
    assert "2 x 2 pixels of 231.65636 metre in unnamed Sinusoidal" in repr(array.dl)
    assert array.dl.show().axes[0].get_xlabel() == "unnamed Sinusoidal, metre"


def test_nothing_is_computed(lazy: xr.DataArray, nothing_computed: Callable[[], Any]) -> None:
    with nothing_computed():
        _ = repr(lazy.dl), lazy.dl._repr_html_(), lazy.dl.to_dataset().dl._repr_html_()


def test_html_is_sound_and_escaped(loaded: xr.DataArray) -> None:
    evil = loaded.isel(band=[0]).assign_coords(band=["<script>alert(1)</script>"])
    text = evil.dl._repr_html_()
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    ElementTree.fromstring(f"<div>{text}</div>")
    assert "<svg" in text


@pytest.mark.parametrize("times", [["NaT"] * 3, ["2023-05-01"] * 3], ids=["unknown", "one-day"])
def test_odd_times(loaded: xr.DataArray, times: list[str]) -> None:
    odd = loaded.assign_coords(time=np.array(times, "datetime64[ns]"))
    expected = "* Times: unknown" if times[0] == "NaT" else "* Times: 3, 2023-05-01\n"
    assert expected in repr(odd.dl)
