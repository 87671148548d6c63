"""What a pixel call asks for, checked and completed: bands, masks, scaling, kernels."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dawnlight.catalog._definitions import BandDefinition, definitions_of
from dawnlight.errors import BandError, ParameterError, ParameterTypeError
from dawnlight.raster._dtypes import common_type, numpy_dtype
from dawnlight.raster._levels import resolve_level
from dawnlight.raster._overviews import AREA_KERNELS
from dawnlight.raster._scaling import Scale, resolve_common_scaling, resolve_scaling
from dawnlight.raster._sources import BandSpec, normalize_resampler
from dawnlight.search import number_to_wire

__all__ = ["Request", "make_request", "normalize_bands"]

_ALPHA = "alpha"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A pixel call whose arguments are settled for all products involved."""

    names: tuple[str, ...]
    """Bands to read, an added alpha band last."""
    keep: int
    """How many of them the result has."""
    alpha: int | None
    """Position of the alpha band that masks the others, or None."""
    mask_nodata: bool
    """Whether each band's missing pixels are masked."""
    scales: tuple[Scale, ...]
    """One entry a band read."""
    data_type: str
    """Type name of the values."""
    specs: tuple[BandSpec, ...]
    """The bands for the engine."""
    definitions: Mapping[str, Mapping[str, BandDefinition]]
    """Product id to band name to definition."""

    @property
    def masked(self) -> bool:
        """Whether the result has masked pixels at all."""
        return self.mask_nodata or self.alpha is not None

    @property
    def dtypes(self) -> list[np.dtype[Any]]:
        """NumPy type in which each band is read."""
        return [np.dtype(spec.dtype) for spec in self.specs]

    @property
    def fill(self) -> list[float]:
        """Value of missing pixels, by band, where they are not masked."""
        return [0.0 if spec.nodata is None else spec.nodata for spec in self.specs]

    @property
    def marks(self) -> list[float | None]:
        """Value that marks missing pixels, by band of the result; None where valid pixels may have it, too.

        That is so after scaling or a change to a narrower type, and where nodata is not masked.
        """
        dtype = numpy_dtype(self.data_type)
        return [
            spec.nodata if self.mask_nodata and scale is None and np.can_cast(spec.dtype, dtype) else None
            for spec, scale in zip(self.specs[: self.keep], self.scales, strict=False)
        ]

    def first(self, position: int) -> BandDefinition:
        """Definition of a band in the first product."""
        product = next(iter(self.definitions.values()))
        return product[self.names[position]]


def normalize_bands(bands: object) -> list[str]:
    """Return band names as a list: of a string with spaces between them, or of a sequence of names."""
    if isinstance(bands, str):
        names = bands.split()
    elif isinstance(bands, list | tuple) and all(isinstance(name, str) for name in bands):
        names = list(bands)
    else:
        raise ParameterTypeError(
            f"bands={bands!r:.200} must be a string of names separated by spaces, or a list of names"
        )
    if not names:
        raise BandError("bands is empty; name at least one band")
    return names


def make_request(
    product_ids: Sequence[str],
    client: Any,
    *,
    bands: object,
    mask_nodata: object,
    mask_alpha: object,
    resampler: object,
    processing_level: str | None,
    scaling: object,
    data_type: str | None,
) -> Request:
    """Check and complete the arguments of a pixel call.

    Parameters
    ----------
    product_ids
        Products of the images, each once.
    client
        Where the band definitions are.
    bands, mask_nodata, mask_alpha, resampler, processing_level, scaling, data_type
        As the user gave them.

    Returns
    -------
    Request
    """
    asked = normalize_bands(bands)
    definitions = definitions_of(product_ids, asked, processing_level, client)
    names, alpha = _decide_alpha(asked, mask_alpha, definitions)
    products = {product: [found[name].scaling for name in asked] for product, found in definitions.items()}
    if len(products) == 1:
        scales, resolved = resolve_scaling(
            next(iter(products.values())), processing_level, scaling, data_type
        )
    else:
        scales, resolved = resolve_common_scaling(products, processing_level, scaling, data_type)
    numpy_dtype(resolved)
    categories = [_is_category(name, definitions) or k == alpha for k, name in enumerate(names)]
    kernels = _kernels(names, resampler, categories, alpha)
    return Request(
        names=tuple(names),
        keep=len(asked),
        alpha=alpha,
        mask_nodata=bool(mask_nodata),
        scales=(*(scales or [None] * len(asked)), *([None] * (len(names) - len(asked)))),
        data_type=resolved,
        specs=tuple(
            _spec(name, kernel, category, definitions)
            for name, kernel, category in zip(names, kernels, categories, strict=True)
        ),
        definitions=definitions,
    )


def _decide_alpha(
    asked: list[str], mask_alpha: object, definitions: Mapping[str, Mapping[str, BandDefinition]]
) -> tuple[list[str], int | None]:
    """Decide once for all images whether, and by which band, pixels are masked."""
    if mask_alpha is None:
        everywhere = bool(definitions) and all(_ALPHA in bands for bands in definitions.values())
        name = _ALPHA if everywhere else None
    elif mask_alpha is True:
        name = _ALPHA
    elif mask_alpha is False:
        name = None
    elif isinstance(mask_alpha, str):
        name = mask_alpha
    else:
        raise ParameterError(f"mask_alpha={mask_alpha!r} must be None, True, False or the name of a band")
    if name is None:
        return asked, None
    for product, bands in definitions.items():
        if name not in bands:
            near = difflib.get_close_matches(name, bands, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise BandError(
                f"mask_alpha={mask_alpha!r}: band {name!r} is not available in product {product!r}{hint} "
                "Pass mask_alpha=False to do without."
            )
    if name not in asked:
        return [*asked, name], len(asked)
    if asked.index(name) != len(asked) - 1:
        raise BandError(f"the alpha band {name!r} masks the others and must be the last of bands={asked}")
    return asked, len(asked) - 1


def _is_category(name: str, definitions: Mapping[str, Mapping[str, BandDefinition]]) -> bool:
    """Whether a band holds labels; what one product calls classes is not blended for another's sake."""
    return any(bands[name].is_category for bands in definitions.values())


def _kernels(
    names: Sequence[str], resampler: object, categories: Sequence[bool], alpha: int | None
) -> list[str | None]:
    """Kernel of each band; None protects categories: nearest, or mode where pixels get coarser.

    The band that masks goes with those that it masks: pixels that are picked, or interpolated around their
    centre, are shown where the alpha of just that centre is not 0.
    """
    if isinstance(resampler, Mapping):
        chosen = {
            str(name): normalize_resampler(value, f"resampler[{name!r}]") for name, value in resampler.items()
        }
        unknown = set(chosen) - set(names) - {"default_"}
        if unknown:
            raise ParameterError(
                f"resampler names the band {sorted(unknown)[0]!r}, which is not among {list(names)}"
            )
        default = chosen.pop("default_", "near")
    else:
        chosen, default = {}, normalize_resampler(resampler)
    kernels = [
        chosen.get(name, None if category else default)
        for name, category in zip(names, categories, strict=True)
    ]
    if alpha is not None and kernels[alpha] is None:
        others = {kernel for k, kernel in enumerate(kernels) if k != alpha}
        kernels[alpha] = "near" if others - AREA_KERNELS - {None} else None
    return kernels


def _spec(
    name: str,
    kernel: str | None,
    category: bool,
    definitions: Mapping[str, Mapping[str, BandDefinition]],
) -> BandSpec:
    found = [bands[name] for bands in definitions.values()]
    dtype = numpy_dtype(common_type([each.data_type for each in found]))
    # The file's nodata value is none of a processing level, where a valid pixel may come to have it.
    # Spelled, because no two NaN are equal.
    shared = {
        None
        if each.band.nodata is None or resolve_level(each.scaling, each.level)
        else number_to_wire(each.band.nodata)
        for each in found
    }
    nodata = shared.pop() if len(shared) == 1 else None
    return BandSpec(
        name=name,
        dtype=dtype.name,
        nodata=None if nodata is None else float(nodata),
        category=category,
        resampler=kernel,
    )
