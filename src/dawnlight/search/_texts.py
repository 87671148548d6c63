"""Text search: every word must occur."""

from __future__ import annotations

from functools import lru_cache

from dawnlight.search._documents import Document
from dawnlight.search._fields import FIELDS

__all__ = ["text_matches", "text_words"]


@lru_cache(maxsize=256)
def text_words(text: str) -> tuple[str, ...]:
    """Split a text search into the words to look for.

    Parameters
    ----------
    text : str
        Words with white space between.

    Returns
    -------
    tuple of str
        Each word once, in the folded case in which it is compared (`str.casefold`).

    Examples
    --------
    >>> text_words("Landsat  SURFACE landsat")
    ('landsat', 'surface')
    """
    return tuple(dict.fromkeys(text.casefold().split()))


def text_matches(text: str, document: Document) -> bool:
    """Tell whether every word of a text search occurs in a document.

    Parameters
    ----------
    text : str
        See `text_words`; no words match every document.
    document : Document
        Its text fields are searched (the name and description of a product, the description of a band).
        Different words may occur in different fields, each as part of a word or more.

    Returns
    -------
    bool
        True when none is missing.

    Examples
    --------
    >>> from dawnlight.search import Document
    >>> product = Document(kind="product", id="p", attributes={"name": "Landsat 8", "description": "Surface"})
    >>> text_matches("surf LAND", product)
    True
    """
    values = (document.get(field.name) for field in FIELDS[document.kind].values() if field.text)
    folded = [value.casefold() for value in values if isinstance(value, str)]
    return all(any(word in value for value in folded) for word in text_words(text))
