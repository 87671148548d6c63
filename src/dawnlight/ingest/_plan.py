"""The product that images are added to: which bands it has, and whether an image fits."""

from __future__ import annotations

from dawnlight.ingest._bands import find_disagreement, make_band
from dawnlight.ingest._inspect import Candidate, Refusal
from dawnlight.raster._reader import RasterReader
from dawnlight.search import Document, Eq, Query
from dawnlight.storage import CatalogStore

__all__ = ["ProductPlan"]

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

    def check(self, candidate: Candidate, reader: RasterReader, *, strict: bool) -> None:
        """Find a band of the product for each band of an image, and plan those that it may bring.

        Parameters
        ----------
        candidate : Candidate
            The image.
        reader : RasterReader
            Reads the sample that new bands are described by.
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
        made = [self._make(candidate, place, reader) for place in brought]
        self.bands.update({band.attributes["name"]: band for band in made})
        self.new_bands.extend(made)

    def _make(self, candidate: Candidate, place: tuple[str, int, int], reader: RasterReader) -> Document:
        name, number, index = place
        return make_band(
            self.product_id, name, candidate.headers[number], index, file_index=number, reader=reader
        )

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
