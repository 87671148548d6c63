from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from PIL import Image, ImageSequence

from dawnlight.errors import MissingExtraError, ParameterError


def test_a_film_has_a_frame_for_each_slot(stack: xr.DataArray, tmp_path: Path) -> None:
    path = stack.dl.timelapse(tmp_path / "new" / "a.gif", "scl", fps=4, label=False)
    assert path == tmp_path / "new" / "a.gif"
    with Image.open(path) as film:
        assert film.size == (64, 48)
        assert film.n_frames == 3
        assert film.info["duration"] == 250
        frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(film)]
    for frame, slot in zip(frames, stack.sel(band="scl").values, strict=True):
        assert (frame[slot == 3] == (250, 250, 250)).all()
        assert (frame[slot == 2] == (40, 90, 200)).all()
        assert (frame[np.isnan(slot)] == 255).all()
    assert [each.name for each in path.parent.iterdir()] == ["a.gif"]


def test_dates_are_written_into_the_corner(stack: xr.DataArray, tmp_path: Path) -> None:
    plain = stack.dl.timelapse(tmp_path / "a.webp", "red", label=False)
    dated = stack.dl.to_dataset().dl.timelapse(tmp_path / "b.webp", "red")
    with Image.open(plain) as one, Image.open(dated) as other:
        first, second = np.asarray(one.convert("RGB"), int), np.asarray(other.convert("RGB"), int)
    assert np.abs(first[:20] - second[:20]).max() > 50
    assert np.abs(first[40:] - second[40:]).max() < 50


def test_large_films_are_coarse(stack: xr.DataArray, tmp_path: Path) -> None:
    with Image.open(stack.dl.timelapse(tmp_path / "a.gif", "red", side=16)) as film:
        assert film.size == (16, 12)


def test_videos(stack: xr.DataArray, tmp_path: Path) -> None:
    encoder = pytest.importorskip("imageio_ffmpeg")
    path = stack.isel(x=slice(0, 63)).dl.timelapse(tmp_path / "a.mp4", "red nir green", fps=3)
    frames, seconds = encoder.count_frames_and_secs(str(path))
    assert frames == 3
    assert seconds == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(
    ("name", "kwargs", "message"),
    [("a.avi", {}, r"\.gif, \.webp, \.mp4"), ("a.gif", {"fps": 0}, "fps=0")],
)
def test_what_cannot_be_used_is_named(
    loaded: xr.DataArray, tmp_path: Path, name: str, kwargs: Any, message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        loaded.dl.timelapse(tmp_path / name, "red", **kwargs)
    with pytest.raises(ParameterError, match="two time slots"):
        loaded.isel(time=[0]).dl.timelapse(tmp_path / "a.gif", "red")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_encoder_says_how_to_install_it(
    loaded: xr.DataArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "imageio_ffmpeg":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match=r"dawnlight\[video\]"):
        loaded.dl.timelapse(tmp_path / "a.mp4", "red")
