"""The small objects inside catalog objects: resolutions, files, processing steps, options, events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dawnlight.catalog._attributes import Attribute
from dawnlight.catalog._composites import (
    AttributeMapping,
    DictAttribute,
    ListAttribute,
    MappingAttribute,
    TupleAttribute,
)
from dawnlight.catalog._enums import (
    DataType,
    ImageUploadEventSeverity,
    ImageUploadEventType,
    ImageUploadType,
    OverviewResampler,
    ResolutionUnit,
)
from dawnlight.catalog._scalars import (
    EnumAttribute,
    FloatAttribute,
    IntegerAttribute,
    StringAttribute,
    TimeAttribute,
)
from dawnlight.errors import AttributeValidationError, ParameterError
from dawnlight.search import parse_resolution

__all__ = [
    "DerivedParamsAttribute",
    "File",
    "ImageUploadEvent",
    "ImageUploadOptions",
    "ProcessingLevelsAttribute",
    "ProcessingStepAttribute",
    "Resolution",
    "ResolutionAttribute",
]


class Resolution(AttributeMapping):
    """Edge of a pixel, with its unit.

    Parameters
    ----------
    value : float, optional
        The number.
    unit : str or ResolutionUnit, optional
        ``"meters"`` or ``"degrees"``.
    **attributes
        None: these two are all.

    Examples
    --------
    >>> from dawnlight.catalog import Resolution
    >>> Resolution(value=10, unit="meters")
    Resolution(value=10.0, unit='meters')
    >>> Resolution.from_string("60 m")
    Resolution(value=60.0, unit='meters')
    """

    value = FloatAttribute("The number, in `unit`.")
    unit = EnumAttribute(ResolutionUnit, '``"meters"`` or ``"degrees"``.')

    def __init__(self, value: float | None = None, unit: str | None = None, **attributes: Any) -> None:
        given = {"value": value, "unit": unit, **attributes}
        super().__init__(**{name: item for name, item in given.items() if item is not None})

    @classmethod
    def from_string(cls, text: str) -> Resolution:
        """Read a number with a unit.

        Parameters
        ----------
        text : str
            A decimal number without exponent, then ``m``, ``meter(s)``, ``metre(s)``, ``°``, ``deg`` or
            ``degree(s)`` in any case; blanks between them and a full stop at the end do not matter.

        Returns
        -------
        Resolution
            What the text says.

        Raises
        ------
        AttributeValidationError
            The text is no such thing.

        Examples
        --------
        >>> from dawnlight.catalog import Resolution
        >>> Resolution.from_string("1.234 °")
        Resolution(value=1.234, unit='degrees')
        """
        try:
            found = parse_resolution(text)
        except ParameterError as error:
            raise AttributeValidationError(str(error)) from error
        return cls(value=found.value, unit=found.unit)


class ResolutionAttribute(MappingAttribute[Resolution]):
    """A `Resolution`, a mapping with its attributes, or a string such as ``"60 m"``."""

    def __init__(self, doc: str = "", **flags: Any) -> None:
        super().__init__(Resolution, doc, **flags)

    def normalize(self, value: Any) -> Any:
        if isinstance(value, str):
            try:
                return Resolution.from_string(value)
            except AttributeValidationError as error:
                raise AttributeValidationError(f"{self.label}: {error}") from error
        return super().normalize(value)


class File(AttributeMapping):
    """One of the files that hold the pixels of an `Image`.

    Parameters
    ----------
    **attributes
        Values of the attributes.

    Examples
    --------
    >>> from dawnlight.catalog import File
    >>> File(href="scene.tif", size_bytes=1024)
    File(href='scene.tif', size_bytes=1024)
    """

    href = StringAttribute("Where the file is: a path or a URL.")
    size_bytes = IntegerAttribute("Size of the file in bytes.")
    hash = StringAttribute("Digest of the file's bytes, in hexadecimal digits.")
    provider_id = StringAttribute("What the provider calls the file.")
    provider_href = StringAttribute("Where the provider has the file, for images that are not held here.")


class ProcessingStepAttribute(AttributeMapping):
    """One step of a processing level of a band.

    Parameters
    ----------
    **attributes
        Values of the attributes.

    Examples
    --------
    >>> from dawnlight.catalog import ProcessingStepAttribute
    >>> ProcessingStepAttribute(function="gain_bias", parameter="reflectance_gain_bias", index=0)
    ProcessingStepAttribute(function='gain_bias', parameter='reflectance_gain_bias', index=0)
    """

    function = StringAttribute("Name of the function that is applied.")
    parameter = StringAttribute("Name of the image attribute that holds the coefficients.")
    index = IntegerAttribute("Where in that attribute the coefficients of the band are; from 0.")
    data_type = EnumAttribute(DataType, "Type of the values that come out.")
    data_range = TupleAttribute(2, "Least and greatest value that can come out.")
    display_range = TupleAttribute(2, "Least and greatest value worth showing.")
    physical_range = TupleAttribute(2, "What `data_range` stands for in physical units.")
    physical_range_unit = StringAttribute("Unit of `physical_range`.")


class _ProcessingLevel(Attribute[Any]):
    """One value of ``processing_levels``: the name of another level, or the list of steps."""

    changes_in_place = True

    def __init__(self) -> None:
        super().__init__()
        self._steps: ListAttribute[Any] = ListAttribute(MappingAttribute(ProcessingStepAttribute))

    def set_label(self, label: str) -> None:
        super().set_label(label)
        self._steps.set_label(label)

    def normalize(self, value: Any) -> Any:
        if isinstance(value, str):
            return str(value)
        if isinstance(value, Mapping) or not isinstance(value, Iterable):
            raise self.fail(value, "the name of another level or a list of processing steps")
        return self._steps.normalize(value)

    def load(self, wire: Any) -> Any:
        return self._steps.load(wire)

    def dump(self, native: Any) -> Any:
        return self._steps.dump(native)

    def freeze(self, native: Any) -> Any:
        return self._steps.freeze(native)


class ProcessingLevelsAttribute(DictAttribute[Any]):
    """A dict from the name of a level to its steps, or to the name of the level it is an alias of."""

    def __init__(self, doc: str = "", **flags: Any) -> None:
        super().__init__(_ProcessingLevel(), doc, **flags)


class DerivedParamsAttribute(AttributeMapping):
    """How the values of a band follow from those of other bands.

    Parameters
    ----------
    **attributes
        Values of the attributes; `function` and `bands` are needed.

    Examples
    --------
    >>> from dawnlight.catalog import DerivedParamsAttribute
    >>> DerivedParamsAttribute(function="ndvi", bands=["nir", "red"])
    DerivedParamsAttribute(function='ndvi', bands=['nir', 'red'])
    """

    function = StringAttribute("Name of the function.")
    bands = ListAttribute(StringAttribute(), "Names of the bands that go into it; at least one.")
    source_type = EnumAttribute(DataType, "Type to which those are converted first.")

    def _check_complete(self) -> None:
        for name in ("function", "bands"):
            if not getattr(self, name):
                raise AttributeValidationError(f"{type(self).__name__}.{name} must have a value")


class ImageUploadOptions(AttributeMapping):
    """How an upload is carried out.

    Parameters
    ----------
    **attributes
        Values of the attributes.

    Examples
    --------
    >>> from dawnlight.catalog import ImageUploadOptions, OverviewResampler
    >>> ImageUploadOptions(overviews=[2, 4], overview_resampler=OverviewResampler.AVERAGE)
    ImageUploadOptions(overviews=[2, 4], overview_resampler='average')
    """

    upload_type = EnumAttribute(ImageUploadType, "Whether files or arrays are uploaded.")
    image_files = ListAttribute(StringAttribute(), "Names of the files, in order.")
    overviews = ListAttribute(IntegerAttribute(), "Factors by which the overviews are coarser; at most 16.")
    overview_resampler = EnumAttribute(OverviewResampler, "How the overviews are computed.")
    upload_size = IntegerAttribute("Size of all the data in bytes.")
    worker_tag = StringAttribute("Which kind of worker should take the upload.")


class ImageUploadEvent(AttributeMapping):
    """Something that happened to an upload. Only the catalog makes events.

    Parameters
    ----------
    **attributes
        None can be set: every attribute is read-only.
    """

    id = StringAttribute("Identifier of the event.", readonly=True)
    event_datetime = TimeAttribute("When it happened.", readonly=True)
    component = StringAttribute("Which part of the system reports it.", readonly=True)
    component_id = StringAttribute("Which instance of that part.", readonly=True)
    event_type = EnumAttribute(ImageUploadEventType, "What happened.", readonly=True)
    severity = EnumAttribute(ImageUploadEventSeverity, "How serious it is.", readonly=True)
    message = StringAttribute("The same in words.", readonly=True)
