"""Fractal noise and hashed numbers as functions of position: the same place always gives the same value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Texture", "hash_unit", "make_texture", "smoothstep"]

# float32 throughout. The stubs of NumPy would have it that a Python number makes an array float64.
Floats = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Texture:
    """A square of fractal noise, mean 0 and deviation 1, that repeats seamlessly in both directions."""

    values: Floats
    period: float
    """Side of the square in kilometres."""

    def sample(self, x: Floats, y: Floats) -> Floats:
        """Interpolate at positions in kilometres."""
        side = self.values.shape[0]
        scale = np.float32(side / self.period)
        u, v = x * scale, y * scale
        column, row = np.floor(u), np.floor(v)
        u -= column
        v -= row
        # Smooth weights: straight ones would show creases where the light falls in at a low angle.
        u *= u * (3 - 2 * u)
        v *= v * (3 - 2 * v)
        left, top = column.astype(np.int32) % side, row.astype(np.int32) % side
        right, bottom = (left + 1) % side, (top + 1) % side
        flat = self.values.reshape(-1)
        upper = flat[top * side + left] * (1 - u) + flat[top * side + right] * u
        lower = flat[bottom * side + left] * (1 - u) + flat[bottom * side + right] * u
        result: Floats = upper + (lower - upper) * v
        return result


def make_texture(
    seed: int, *, period: float, roughness: float, side: int = 512, broadest: float | None = None
) -> Texture:
    """Make fractal noise by giving every wavelength its share of power.

    Parameters
    ----------
    seed : int
        Different seeds give unrelated noise.
    period : float
        Kilometres after which the noise repeats; its broadest features are about half of that.
    roughness : float
        Height of the waves falls with wavenumber to the power of minus this: 1 is rough, 2 hilly, 3 smooth.
    side : int, default 512
        Samples along the side.
    broadest : float, optional
        Waves of more kilometres than this are held down, so that no single feature fills the scene.

    Returns
    -------
    Texture
    """
    rng = np.random.default_rng(seed)
    wavenumber = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]) * side
    wavenumber[0, 0] = np.inf
    phase = np.exp(2j * np.pi * rng.random(wavenumber.shape))
    amplitude = wavenumber**-roughness
    if broadest is not None:
        amplitude /= 1 + (period / broadest / wavenumber) ** 3
    values = np.fft.irfft2(phase * amplitude, s=(side, side))
    return Texture((values / values.std()).astype(np.float32), period)


def hash_unit(*keys: NDArray[np.int32] | int) -> Floats:
    """Turn whole numbers into unrelated numbers from 0 up to 1, the same ones every time."""
    mixed: NDArray[np.uint32] = np.uint32(0x9E3779B9) * np.ones((), np.uint32)
    for key in keys:
        mixed = (mixed ^ np.asarray(key, np.int32).view(np.uint32)) * np.uint32(0x85EBCA6B)
        mixed = (mixed ^ (mixed >> np.uint32(13))) * np.uint32(0xC2B2AE35)
        mixed = mixed ^ (mixed >> np.uint32(16))
    return (mixed >> np.uint32(8)).astype(np.float32) / np.float32(2**24)


def smoothstep(low: float, high: float, value: Floats) -> Floats:
    """Rise smoothly from 0 at `low` to 1 at `high` (or fall, where `low` is the greater)."""
    share = np.clip((value - low) / (high - low), 0, 1).astype(np.float32)
    result: Floats = share * share * (3 - 2 * share)
    return result
