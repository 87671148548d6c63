"""Collections of products and of bands."""

from __future__ import annotations

from dawnlight.catalog._bands import Band
from dawnlight.catalog._collection import Collection
from dawnlight.catalog._product import Product

__all__ = ["BandCollection", "ProductCollection"]


class ProductCollection(Collection[Product]):
    """Products, as `Search.collect` gives them.

    Parameters
    ----------
    iterable : iterable of Product, optional
        The products; none by default.
    item_type : type, optional
        A class derived from `Product` that all must be of.

    Raises
    ------
    ParameterError
        An item is no product (also a `ValueError`).

    Examples
    --------
    >>> from dawnlight.catalog import Product, ProductCollection
    >>> list(ProductCollection([Product(id="a"), Product(id="b")]).each.id)
    ['a', 'b']
    """

    _item_type = Product


class BandCollection(Collection[Band]):
    """Bands of any kind, as `Search.collect` gives them.

    Parameters
    ----------
    iterable : iterable of Band, optional
        The bands; none by default.
    item_type : type, optional
        A class derived from `Band` that all must be of.

    Raises
    ------
    ParameterError
        An item is no band (also a `ValueError`).

    Examples
    --------
    >>> from dawnlight.catalog import BandCollection, SpectralBand
    >>> list(BandCollection([SpectralBand(id="fields:red")]).each.name)
    ['red']
    """

    _item_type = Band
