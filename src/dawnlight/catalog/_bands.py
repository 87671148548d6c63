"""Bands: one class for each kind of values that the pixels of a band can hold."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any, ClassVar

from dawnlight.catalog._attributes import Attribute
from dawnlight.catalog._bulk import BulkSaving
from dawnlight.catalog._client import CatalogClient
from dawnlight.catalog._composites import (
    ListAttribute,
    MappingAttribute,
    OptionalStringAttribute,
    TupleAttribute,
)
from dawnlight.catalog._enums import BandType, Colormap, DataType
from dawnlight.catalog._mappings import DerivedParamsAttribute, ProcessingLevelsAttribute, ResolutionAttribute
from dawnlight.catalog._named import NamedCatalogObject
from dawnlight.catalog._scalars import (
    BooleanAttribute,
    EnumAttribute,
    FloatAttribute,
    IntegerAttribute,
    NumberAttribute,
    StringAttribute,
)
from dawnlight.errors import AttributeValidationError
from dawnlight.search import Document, Eq, Expression

if TYPE_CHECKING:
    from dawnlight.catalog._collection import Collection

__all__ = ["Band", "ClassBand", "GenericBand", "MaskBand", "MicrowaveBand", "SpectralBand"]


class _TypeAttribute(EnumAttribute):
    """The type of a band; its class decides it."""

    def __set__(self, owner: Any, value: Any) -> None:
        given = None if value is None else self.convert(owner, value)
        if given != owner._band_type:
            raise AttributeValidationError(
                f"{type(owner).__name__}.type is {str(owner._band_type)!r} and cannot be {value!r}; "
                "each type of band has its own class"
            )
        owner._values[self.name] = given


class _FixedRangeAttribute(TupleAttribute):
    """The range of a mask, which is always (0, 1)."""

    def __init__(self, doc: str) -> None:
        super().__init__(2, doc, mutable=False, default=(0.0, 1.0))

    def __set__(self, owner: Any, value: Any) -> None:
        if value is None or self.convert(owner, value) != self.default:
            raise self.fail(value, "(0, 1): the values of a mask have no other range")


class _ColorAttribute(TupleAttribute):
    """A colour as red, green, blue and alpha, each from 0 to 255."""

    def __init__(self) -> None:
        super().__init__(4, item=IntegerAttribute())

    def normalize(self, value: Any) -> tuple[Any, ...]:
        color = super().normalize(value)
        if not all(0 <= part <= 255 for part in color):
            raise self.fail(value, "red, green, blue and alpha from 0 to 255")
        return color


_PHYSICAL_RANGE = "What `data_range` stands for in physical units: its least and greatest value."
_PHYSICAL_UNIT = "Unit of `physical_range`."
_COLORMAP_NAME = "Named colour scale in which to show the band. `colormap` goes before it."
_COLORMAP = (
    "Colours by pixel value, as (red, green, blue, alpha) from 0 to 255; values beyond the list are black."
)


class Band(NamedCatalogObject, BulkSaving, kind="band", abstract=True):
    """What the five kinds of bands have in common. `get` and `search` give all of them.

    To make one, use `SpectralBand`, `MicrowaveBand`, `MaskBand`, `ClassBand` or `GenericBand`.

    Parameters
    ----------
    client : CatalogClient, optional
        The catalog; the default one if not given.
    **attributes
        Values of the attributes.
    """

    _band_type: ClassVar[BandType]
    _types: ClassVar[dict[str, builtins.type[Band]]] = {}

    type = _TypeAttribute(BandType, "Which kind of band it is; the class decides.\n\nFilterable.")
    description = StringAttribute("What it is, at most 80 000 characters.\n\nSearched as text.")
    sort_order = IntegerAttribute("Where it comes among the bands of the product.\n\nSortable.")
    vendor_order = IntegerAttribute(
        "Number that the provider gives the band, from 1; where its coefficients are in lists such as "
        "`Image.reflectance_gain_bias`."
    )
    data_type = EnumAttribute(DataType, "Type of the pixels; needed to save.")
    nodata = NumberAttribute("Pixel value that says that there is none; may be not-a-number.")
    data_range = TupleAttribute(
        2, "Least and greatest value that pixels can have; needed to save, except for masks."
    )
    display_range = TupleAttribute(
        2, "Least and greatest value worth showing; needed to save, except for masks."
    )
    resolution = ResolutionAttribute(
        "Edge of a pixel. A plain number in a filter means metres.\n\nFilterable, sortable."
    )
    band_index = IntegerAttribute("Number of the band in its file, from 0; needed to save.")
    file_index = IntegerAttribute("Number of the file in `Image.files`, from 0; 0 if not set.")
    jpx_layer_index = IntegerAttribute("Number of the layer in a JPEG 2000 file, from 0; 0 if not set.")
    vendor_band_name = StringAttribute("Name of the band in its file, for files whose bands have names.")
    processing_levels = ProcessingLevelsAttribute(
        "How to process the pixels, by name of the level: a list of `ProcessingStepAttribute`, or the name "
        "of another level."
    )
    derived_params: MappingAttribute[DerivedParamsAttribute] = MappingAttribute(
        DerivedParamsAttribute, "How the values follow from those of other bands."
    )

    def __init_subclass__(cls, *, band_type: BandType | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if band_type is not None:
            cls._band_type = band_type
            Band._types[str(band_type)] = cls

    def __init__(
        self, *, client: CatalogClient | None = None, _saved: bool = False, **attributes: Any
    ) -> None:
        if _saved and not self._abstract:
            attributes.setdefault("type", str(self._band_type))
        super().__init__(client=client, _saved=_saved, **attributes)
        if not _saved:
            self._values["type"] = str(self._band_type)

    @classmethod
    def _class_for(cls, document: Document) -> builtins.type[Any]:
        kind = Band._types.get(str(document.attributes.get("type")), GenericBand)
        # A class of the user's, derived from one of the five, is asked for by calling its methods.
        return cls if issubclass(cls, kind) else kind

    @classmethod
    def _search_filter(cls) -> Expression | None:
        return None if cls is Band else Eq("type", str(cls._band_type))

    @classmethod
    def _collection_type(cls) -> builtins.type[Collection[Any]]:
        from dawnlight.catalog._typed_collections import BandCollection

        return BandCollection

    def _repr_html_(self) -> str:
        from dawnlight.catalog._html import object_html

        return object_html(self)


class SpectralBand(Band, band_type=BandType.SPECTRAL):
    """A band of reflected or emitted light.

    Parameters
    ----------
    client : CatalogClient, optional
        The catalog; the default one if not given.
    **attributes
        Values of the attributes.

    Examples
    --------
    >>> from dawnlight.catalog import SpectralBand
    >>> band = SpectralBand(id="fields:red", data_type="UInt16", resolution="10 m", wavelength_nm_center=665)
    >>> band.name, band.type
    ('red', 'spectral')
    """

    physical_range = TupleAttribute(2, _PHYSICAL_RANGE)
    physical_range_unit = StringAttribute(_PHYSICAL_UNIT)
    wavelength_nm_center = FloatAttribute("Middle of the spectrum it covers, in nm.\n\nFilterable, sortable.")
    wavelength_nm_min = FloatAttribute("Shortest wavelength it covers, in nm.\n\nFilterable, sortable.")
    wavelength_nm_max = FloatAttribute("Longest wavelength it covers, in nm.\n\nFilterable, sortable.")
    wavelength_nm_fwhm = FloatAttribute(
        "Width of the spectrum at half the maximum, in nm.\n\nFilterable, sortable."
    )


class MicrowaveBand(Band, band_type=BandType.MICROWAVE):
    """A band of a radar or a radiometer.

    Parameters
    ----------
    client : CatalogClient, optional
        The catalog; the default one if not given.
    **attributes
        Values of the attributes.

    Examples
    --------
    >>> from dawnlight.catalog import MicrowaveBand
    >>> MicrowaveBand(id="radar:vv", frequency=5.405).type
    'microwave'
    """

    frequency = FloatAttribute("Middle frequency in GHz.\n\nFilterable, sortable.")
    bandwidth = FloatAttribute("Width of the frequency band in MHz.\n\nFilterable, sortable.")
    physical_range = TupleAttribute(2, _PHYSICAL_RANGE)
    physical_range_unit = StringAttribute(_PHYSICAL_UNIT)


class MaskBand(Band, band_type=BandType.MASK):
    """A band of yes and no: pixels are 1 or 0.

    A band named ``alpha`` says where the other bands of the product are valid.

    Parameters
    ----------
    client : CatalogClient, optional
        The catalog; the default one if not given.
    **attributes
        Values of the attributes.

    Examples
    --------
    >>> from dawnlight.catalog import MaskBand
    >>> MaskBand(id="fields:alpha", is_alpha=True).data_range
    (0.0, 1.0)
    """

    is_alpha = BooleanAttribute("Whether pixels that are 0 are transparent.")
    data_range = _FixedRangeAttribute("Always (0, 1).")
    display_range = _FixedRangeAttribute("Always (0, 1).")


class ClassBand(Band, band_type=BandType.CLASS):
    """A band of categories: pixels are numbers of classes.

    Parameters
    ----------
    client : CatalogClient, optional
        The catalog; the default one if not given.
    **attributes
        Values of the attributes.

    Examples
    --------
    >>> from dawnlight.catalog import ClassBand
    >>> ClassBand(id="fields:crop", class_labels=[None, "wheat", "maize"]).class_labels[2]
    'maize'
    """

    colormap_name = EnumAttribute(Colormap, _COLORMAP_NAME)
    colormap: Attribute[Any] = ListAttribute(_ColorAttribute(), _COLORMAP)
    class_labels = ListAttribute(
        OptionalStringAttribute(), "Names of the classes by pixel value; None for none."
    )


class GenericBand(Band, band_type=BandType.GENERIC):
    """A band of any other quantity, such as height or temperature.

    Parameters
    ----------
    client : CatalogClient, optional
        The catalog; the default one if not given.
    **attributes
        Values of the attributes.

    Examples
    --------
    >>> from dawnlight.catalog import GenericBand
    >>> GenericBand(id="relief:height", physical_range_unit="m").type
    'generic'
    """

    physical_range = TupleAttribute(2, _PHYSICAL_RANGE)
    physical_range_unit = StringAttribute(_PHYSICAL_UNIT)
    colormap_name = EnumAttribute(Colormap, _COLORMAP_NAME)
    colormap: Attribute[Any] = ListAttribute(_ColorAttribute(), _COLORMAP)
