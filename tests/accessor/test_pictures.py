from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.image import imread
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

from dawnlight.accessor._pictures_frame import Picture
from dawnlight.errors import ParameterError


def pixels(picture: Figure, number: int = 0) -> np.ndarray[Any, Any]:
    return np.asarray(picture.axes[number].images[0].get_array())


def test_three_bands_are_stretched_together(stack: xr.DataArray) -> None:
    array = stack.isel(time=0).sel(band=["nir", "red", "green"])
    picture = array.dl.show(stretch="percentile")
    values = array.values
    low, high = np.nanpercentile(values, (2, 98))
    shade = np.clip((values - low) / (high - low), 0, 1)
    expected = np.moveaxis(np.round(shade * 255), 0, -1)
    valid = np.isfinite(values).all(axis=0)
    found = pixels(picture)
    np.testing.assert_array_equal(found[..., 3] == 255, valid)
    assert np.abs(found[valid][:, :3] - expected[valid]).max() <= 1
    assert picture.axes[0].get_title(loc="left") == "2023-01-10"


def test_axes_are_in_crs_units_with_north_up(stack: xr.DataArray) -> None:
    (panel,) = stack.isel(time=0, y=slice(None, None, -1)).dl.show("red", legend=False).axes
    assert panel.images[0].get_extent() == [600000, 600640, 5000000, 5000480]
    assert panel.get_ylim() == (5000000, 5000480)
    assert "EPSG:32631" in panel.get_xlabel()
    assert "200 m" not in panel.get_xlabel()
    (bar,) = panel.findobj(AnchoredSizeBar)
    assert bar.txt_label.get_text() == "100 m"
    assert bar.size_bar.get_children()[0].get_width() == 100


def test_one_band_has_a_colour_scale(stack: xr.DataArray) -> None:
    picture = stack.isel(time=0).dl.show("red", stretch=(0, 4000), colormap="gray")
    values = stack.isel(time=0).sel(band="red").values
    found = pixels(picture)
    valid = np.isfinite(values)
    assert (found[~valid] == 0).all()
    np.testing.assert_allclose(found[valid][:, 0], np.clip(values[valid] / 4000, 0, 1) * 255, atol=1.1)
    assert picture.axes[1].get_ylabel() == "red"
    assert picture.axes[1].get_ylim() == (0, 4000)


def test_classes_have_a_legend(stack: xr.DataArray) -> None:
    picture = stack.isel(time=0).dl.show("scl")
    (legend,) = picture.legends
    assert [text.get_text() for text in legend.get_texts()] == ["land", "water", "cloud", "shadow"]
    classes = stack.isel(time=0).sel(band="scl").values
    assert (pixels(picture)[classes == 2] == (40, 90, 200, 255)).all()


def test_time_slots_become_small_pictures(stack: xr.DataArray) -> None:
    picture = stack.dl.show("red", columns=2, slots=2, title="Fields")
    assert [panel.get_title(loc="left") for panel in picture.axes[:2]] == ["2023-01-10", "2023-06-15"]
    assert picture.get_suptitle() == "Fields\n2 of 3 time slots"


def test_bytes_are_shown_as_they_are(images: Any) -> None:
    array = images.stack("red nir green", scaling="display").isel(time=1)
    found = pixels(array.dl.show())
    values = np.moveaxis(array.values, 0, -1)
    valid = np.isfinite(values).all(axis=-1)
    np.testing.assert_array_equal(found[valid][:, :3], values[valid])


def test_files_are_written(stack: xr.DataArray, tmp_path: Path) -> None:
    assert stack.dl.show("scl", path=tmp_path / "a.png") == tmp_path / "a.png"
    assert imread(tmp_path / "a.png").shape[2] == 4
    plain = stack.isel(time=0).dl.show("scl", axes=False, path=tmp_path / "b.png")
    found = imread(plain)
    assert found.shape == (48, 64, 4)
    missing = np.isnan(stack.isel(time=0).sel(band="scl").values)
    np.testing.assert_array_equal(found[..., 3] == 0, missing)


def test_it_draws_into_axes_that_are_given(loaded: xr.DataArray) -> None:
    figure = Figure()
    axes = figure.subplots()
    assert loaded.isel(time=0).dl.show("red", ax=axes) is axes
    assert len(axes.images) == 1
    with pytest.raises(ParameterError, match=r"isel\(time=0\)"):
        loaded.dl.show("red", ax=axes)


def test_unknown_colour_scales_are_refused(loaded: xr.DataArray) -> None:
    with pytest.raises(ParameterError, match="'viridis'"):
        loaded.dl.show("red", colormap="nonsense")


def test_degrees_and_arrays_without_a_place() -> None:
    globe = xr.DataArray(
        np.random.default_rng(0).random((18, 36)),
        {"lat": np.arange(85, -95, -10.0), "lon": np.arange(-175, 185, 10.0)},
        attrs={"crs": "EPSG:4326", "long_name": "warmth", "units": "K"},
    )
    picture = globe.dl.show()
    picture.draw_without_rendering()
    labels = [tick.get_text() for tick in picture.axes[0].get_xticklabels()]
    assert "0°" in labels
    assert any(label.endswith("°E") for label in labels)
    assert picture.axes[1].get_ylabel() == "warmth [K]"
    bare = xr.DataArray(np.arange(12.0).reshape(3, 4), dims=("y", "x"))
    assert bare.dl.show().axes[0].images[0].get_extent() == [0, 4, 3, 0]


def test_yes_and_no_pictures(loaded: xr.DataArray) -> None:
    clouds = loaded.isel(time=0).sel(band="scl") == 3
    (legend,) = clouds.dl.show().legends
    assert [text.get_text() for text in legend.get_texts()] == ["no", "yes"]


class Kernel:
    """Stands for the shell of a notebook."""

    kernel = object()
    execution_count = 1


def test_it_displays_once_in_a_notebook(loaded: xr.DataArray, monkeypatch: pytest.MonkeyPatch) -> None:
    ipython = pytest.importorskip("IPython")
    shown: list[Any] = []
    shell = Kernel()
    monkeypatch.setattr(ipython, "get_ipython", lambda: shell)
    monkeypatch.setattr(ipython.display, "display", shown.append)
    picture = loaded.isel(time=0).dl.show("red")
    assert isinstance(picture, Picture)
    assert shown == [picture]
    picture._ipython_display_()  # the last value of the same cell
    assert len(shown) == 1
    shell.execution_count = 2
    picture._ipython_display_()
    assert shown[1].data[:4] == b"\x89PNG"
