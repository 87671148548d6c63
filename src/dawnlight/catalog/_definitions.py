"""Bands of products as loading needs them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from dawnlight.errors import BandError
from dawnlight.raster._dtypes import numpy_dtype
from dawnlight.raster._levels import BandScaling, ProcessingStep, at_level, resolve_level

if TYPE_CHECKING:
    from dawnlight.catalog._bands import Band

__all__ = ["BandDefinition", "definitions_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BandDefinition:
    """A band of a product as loading needs it, at one processing level."""

    band: Band
    """The catalog object."""
    scaling: BandScaling
    """Type and ranges."""
    level: str | None
    """Processing level asked for."""
    data_type: str = field(default="UInt16")
    """Type name at that level."""

    steps: tuple[ProcessingStep, ...] = ()
    """What turns stored numbers into those of the level; none at the stored level."""

    @property
    def is_category(self) -> bool:
        """Whether values are labels."""
        return self.scaling.is_category

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy type at the processing level."""
        return numpy_dtype(self.data_type)


def definitions_of(
    product_ids: Iterable[str], names: Sequence[str], level: str | None, client: Any
) -> dict[str, dict[str, BandDefinition]]:
    """Look up the bands of every product, the requested ones at a processing level.

    Returns
    -------
    dict
        Product id to band name to definition, of all bands that the product has.

    Raises
    ------
    BandError
        A requested band is missing from a product, or has no such level.
    """
    found: dict[str, dict[str, BandDefinition]] = {}
    for product_id in product_ids:
        bands = {band.name: band for band in client._bands(product_id)}
        missing = [name for name in names if name not in bands]
        if missing:
            have = ", ".join(sorted(bands)) or "no bands"
            raise BandError(f"band {missing[0]!r} is not available in product {product_id!r}; it has {have}")
        found[product_id] = {
            name: _definition(band, level if name in names else None) for name, band in bands.items()
        }
    return found


def _definition(band: Band, level: str | None) -> BandDefinition:
    scaling = BandScaling.from_attributes(str(band.name), band.serialize())
    data_type = at_level(scaling, level).data_type
    steps = resolve_level(scaling, level)
    return BandDefinition(band=band, scaling=scaling, level=level, data_type=data_type, steps=steps)
