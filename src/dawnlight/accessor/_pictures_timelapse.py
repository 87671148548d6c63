"""Pictures of time slots, one after another, as a film."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from dawnlight.accessor._pictures import Style, shade
from dawnlight.accessor._previews import make_preview
from dawnlight.errors import MissingExtraError, ParameterError

__all__ = ["write_timelapse"]

_KINDS = (".gif", ".webp", ".mp4")


def write_timelapse(
    array: xr.DataArray,
    path: Any,
    bands: str | Sequence[str] | None,
    style: Style,
    *,
    fps: float,
    side: int,
    label: bool,
) -> Path:
    """Write a film; see `Finishing.timelapse`."""
    target = Path(os.fspath(path))
    kind = target.suffix.lower()
    if kind not in _KINDS:
        raise ParameterError(f"path={str(target)!r} must end in {', '.join(_KINDS)}")
    if not 0 < fps <= 100:
        raise ParameterError(f"fps={fps!r} must be more than 0 and at most 100 frames a second")
    if kind == ".mp4":
        _need_encoder()
    preview = make_preview(array, bands, slots=10**6, side=side)
    if len(preview.titles) < 2:
        raise ParameterError(
            f"a film needs two time slots or more, and the array has {len(preview.titles)}; "
            ".dl.show makes a single picture"
        )
    shades = shade(preview, style)
    titles = preview.titles if label else [""] * len(preview.titles)
    frames = _frames(shades.pixels, titles)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(suffix=kind, dir=target.parent, prefix=".dawnlight-")
    os.close(handle)
    draft = Path(name)
    try:
        if kind == ".mp4":
            _write_video(draft, frames, fps)
        else:
            _write_images(draft, frames, fps, kind)
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)
    return target


def _frames(pixels: NDArray[np.uint8], titles: Sequence[str]) -> Iterator[Image.Image]:
    """Pictures on white, with their dates in a corner."""
    height, width = pixels.shape[1:3]
    size = max(min(width, height) // 22, 11)
    font = ImageFont.load_default(size=size)
    for picture, title in zip(pixels, titles, strict=True):
        frame = Image.new("RGBA", (width, height), "white")
        frame.alpha_composite(Image.fromarray(picture, "RGBA") if picture.size else frame)
        if title:
            frame = _labelled(frame, title, font, size)
        yield frame.convert("RGB")


def _labelled(frame: Image.Image, title: str, font: Any, size: int) -> Image.Image:
    plate = Image.new("RGBA", frame.size, (255, 255, 255, 0))
    draw = ImageDraw.Draw(plate)
    gap = size // 2
    left, top, right, bottom = draw.textbbox((0, 0), title, font=font)
    box = (gap, gap, gap + (right - left) + 2 * gap, gap + (bottom - top) + 2 * gap)
    draw.rounded_rectangle(box, radius=gap, fill=(255, 255, 255, 205))
    draw.text((2 * gap - left, 2 * gap - top), title, font=font, fill=(40, 40, 40, 255))
    return Image.alpha_composite(frame, plate)


def _write_images(path: Path, frames: Iterator[Image.Image], fps: float, kind: str) -> None:
    still = list(frames)
    if kind == ".gif":
        # Without dithering: its noise changes from frame to frame, which flickers.
        still = [
            frame.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE) for frame in still
        ]
    first, *others = still
    options: dict[str, Any] = {"quality": 90} if kind == ".webp" else {"optimize": False, "disposal": 1}
    first.save(path, save_all=True, append_images=others, duration=round(1000 / fps), loop=0, **options)


def _need_encoder() -> None:
    try:
        import imageio_ffmpeg  # noqa: F401
    except ImportError:
        raise MissingExtraError(
            "imageio-ffmpeg", "video", "an MP4 film (a .gif needs nothing more)"
        ) from None


def _write_video(path: Path, frames: Iterator[Image.Image], fps: float) -> None:
    import imageio_ffmpeg

    writer = None
    try:
        for frame in frames:
            # The codec wants even sides.
            width, height = frame.width + frame.width % 2, frame.height + frame.height % 2
            even = Image.new("RGB", (width, height), "white")
            even.paste(frame)
            if writer is None:
                writer = imageio_ffmpeg.write_frames(
                    str(path),
                    (width, height),
                    fps=fps,
                    codec="libx264",
                    pix_fmt_out="yuv420p",
                    macro_block_size=2,
                    output_params=["-crf", "18", "-movflags", "+faststart"],
                    ffmpeg_log_level="error",
                )
                writer.send(None)
            writer.send(np.asarray(even).tobytes())
    finally:
        if writer is not None:
            writer.close()
