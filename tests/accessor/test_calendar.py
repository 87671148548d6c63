from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from dawnlight.accessor._calendar import starts_of
from dawnlight.errors import ParameterError

TIMES = pd.date_range("2022-11-20", "2024-03-10", freq="53h").values.astype("datetime64[ns]")


@pytest.mark.parametrize(
    ("period", "pandas_period"),
    [
        ("1D", "D"),
        ("D", "D"),
        ("1W", "W-SUN"),
        ("1M", "M"),
        ("3M", "Q-DEC"),
        ("1Y", "Y"),
        ("season", "Q-NOV"),
    ],
)
def test_periods_are_those_of_pandas(period: str, pandas_period: str) -> None:
    expected = pd.DatetimeIndex(TIMES).to_period(pandas_period).start_time.values.astype("datetime64[D]")
    np.testing.assert_array_equal(starts_of(TIMES, period), expected)


def test_long_periods_do_not_depend_on_the_others() -> None:
    times = np.array(["2023-01-01T23:59", "2023-01-09", "1969-12-31", "NaT"], "datetime64[s]")
    assert [str(day) for day in starts_of(times, "10D")] == ["2022-12-24", "2023-01-03", "1969-12-22", "NaT"]
    assert [str(day) for day in starts_of(times, "2W")] == ["2022-12-19", "2023-01-02", "1969-12-29", "NaT"]
    assert [str(day) for day in starts_of(times, "6M")] == ["2023-01-01", "2023-01-01", "1969-07-01", "NaT"]


def test_groups_reduce(stack: xr.DataArray) -> None:
    found = stack.dl.groupby_calendar("season").mean()
    assert [str(day)[:10] for day in found.period.values] == ["2022-12-01", "2023-06-01"]
    np.testing.assert_allclose(
        found.sel(period="2022-12-01"), stack.isel(time=slice(2)).mean("time"), rtol=1e-6
    )


def test_groups_make_composites(stack: xr.DataArray) -> None:
    rule = {"scl": [3, 4]}
    found = stack.dl.groupby_calendar("season").map(lambda part: part.dl.composite(mask=rule))
    winter = stack.isel(time=slice(2)).dl.composite(mask=rule)
    np.testing.assert_array_equal(found.isel(period=0), winter)
    assert found.id.values.tolist() == ["fields:s0,fields:s1", "fields:s2"]
    assert found.dl.geobox == stack.dl.geobox


def test_slots_without_a_date_are_left_out(loaded: xr.DataArray) -> None:
    undated = loaded.assign_coords(time=np.array(["NaT", "2023-01-02", "2023-01-03"], "datetime64[ns]"))
    assert undated.dl.groupby_calendar("1M").count().sizes["period"] == 1


def test_datasets(stack: xr.DataArray) -> None:
    found = stack.dl.to_dataset().dl.groupby_calendar("1Y").max()
    np.testing.assert_array_equal(found.red[0], stack.sel(band="red").max("time"))


@pytest.mark.parametrize("period", ["1Q", "0D", "month", "", "1.5D", 3])
def test_unknown_periods_are_refused(loaded: xr.DataArray, period: object) -> None:
    with pytest.raises(ParameterError, match="or 'season'"):
        loaded.dl.groupby_calendar(period)
    with pytest.raises(ParameterError, match="dim 'time' with dates"):
        loaded.isel(time=0).dl.groupby_calendar("1D")
