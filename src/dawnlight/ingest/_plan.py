"""The product that images are added to: which bands it has, and whether an image fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from dawnlight.ingest._bands import find_disagreement, make_band
from dawnlight.ingest._inspect import Candidate, Refusal
from dawnlight.ingest._kinds import find_kind
from dawnlight.ingest._samples import BandSample
from dawnlight.raster._header import FileHeader
from dawnlight.search import Document, Eq, Query
from dawnlight.storage import CatalogStore

__all__ = ["ProductPlan", "Sampler"]

Sampler: TypeAlias = Callable[[FileHeader, Sequence[int]], Sequence[BandSample]]
"""Looks at bands of a file, given by 0-based numbers."""

# Bands to show as red, green and blue, where a product has them.
_DISPLAYS = (("red", "green", "blue"), ("B04", "B03", "B02"), ("SR_B4", "SR_B3", "SR_B2"))


class ProductPlan:
    """The bands of a product, those in the catalog and those about to be made.

    Parameters
    ----------
    store : CatalogStore
        Where the product is or will be.
    product_id : str
        Its id.
    extend : bool
        Whether images may bring bands that an existing product does not have.
    """

    def __init__(self, store: CatalogStore, product_id: str, *, extend: bool) -> None:
        self.product_id = product_id
        self.exists = store.exists("product", product_id)
        bands = store.search(Query(kind="band", where=Eq("product_id", product_id))) if self.exists else ()
        self.bands: dict[str, Document] = {band.attributes["name"]: band for band in bands}
        self.new_bands: list[Document] = []
        # A product without bands says nothing about them yet: the first images do.
        self._fresh = not self.bands
        self._extend = extend

    def check(self, candidate: Candidate, sampler: Sampler, *, strict: bool) -> None:
        """Find a band of the product for each band of an image, and plan those that it may bring.

        Parameters
        ----------
        candidate : Candidate
            The image.
        sampler : callable
            Looks at the pixels that new bands are described by.
        strict : bool
            Whether an image has all bands or none, as one in a single file has.

        Raises
        ------
        Refusal
            The image does not fit.
        RasterError
            The sample cannot be read.
        """
        may_bring = not self.bands or self._extend or (self._fresh and not strict)
        brought: list[tuple[str, int, int]] = []
        for number, header in enumerate(candidate.headers):
            for index, (name, info) in enumerate(zip(header.names, header.bands, strict=True)):
                if name is None:
                    continue
                if name not in self.bands:
                    brought.append((name, number, index))
                    continue
                reason = find_disagreement(self.bands[name], info)
                if reason is not None:
                    raise Refusal(f"{reason}; pixels of another kind belong in another product")
        names = candidate.band_names
        missing = [name for name in self.bands if name not in names]
        if brought and not may_bring:
            raise Refusal(
                f"has bands {', '.join(names)}, and the product has {', '.join(self.bands)}; name them with "
                "--bands, use another product, or give the product the new ones with --update"
            )
        if strict and missing:
            raise Refusal(
                f"has bands {', '.join(names)}, and the product has {', '.join(self.bands)}; name them with "
                "--bands, or use another product"
            )
        made = self._make(candidate, brought, sampler)
        self.bands.update({band.attributes["name"]: band for band in made})
        self.new_bands.extend(made)

    def _make(
        self, candidate: Candidate, brought: Sequence[tuple[str, int, int]], sampler: Sampler
    ) -> list[Document]:
        samples: dict[tuple[int, int], BandSample] = {}
        for number, header in enumerate(candidate.headers):
            indexes = [
                index
                for name, place, index in brought
                if place == number and find_kind(name, header.bands[index]) != "mask"
            ]
            if indexes:
                found = sampler(header, indexes)
                samples.update(((number, index), one) for index, one in zip(indexes, found, strict=True))
        return [
            make_band(
                self.product_id,
                name,
                candidate.headers[number],
                index,
                file_index=number,
                sample=samples.get((number, index)),
            )
            for name, number, index in brought
        ]

    def documents(self) -> list[Document]:
        """Return what must be in the catalog before the images: the product if it is new, and new bands."""
        # The order of the bands is that of the images; a store numbers them as they come.
        found = list(self.new_bands)
        if not self.exists:
            attributes: dict[str, object] = {"name": self.product_id}
            display = next((names for names in _DISPLAYS if set(names) <= self.bands.keys()), None)
            if display is not None:
                attributes["default_display_bands"] = list(display)
            found.insert(0, Document(kind="product", id=self.product_id, attributes=attributes))
        return found

    def settle(self) -> None:
        """Take what `documents` returned as being in the catalog."""
        self.exists = True
        self.new_bands = []
