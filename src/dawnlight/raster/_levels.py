"""What a band says about its values: type, ranges and processing levels, and the same at a chosen level.

A processing level is a named list of steps that turn stored numbers into something else (reflectance, a
temperature). The *last* step also says what comes out: its type and ranges stand in for the band's own::

    stored numbers ──step 1──► ... ──step n──► values of step n's data_type and ranges
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from dawnlight.errors import BandError, ParameterError
from dawnlight.raster._dtypes import check_data_type, natural_range

__all__ = ["BandKind", "BandScaling", "LeveledBand", "ProcessingStep", "Range", "at_level", "resolve_level"]

BandKind = Literal["spectral", "microwave", "mask", "class", "generic"]
Range = tuple[float, float]

_ALIAS_DEPTH = 10
_UNSTATED_RANGE: Range = (0, 10000)
# Names that the reference platform accepts on every product; without a definition they change nothing.
_ALWAYS_ACCEPTED = frozenset({"default", "toa", "surface"})
# Its values stay in the units of the band, so the band's own ranges hold.
_KEEPS_RANGES = frozenset({"dlsr"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingStep:
    """One step of a processing level, as a band defines it."""

    function: str
    """What to do; `dawnlight.raster._steps.STEP_FUNCTIONS` lists what Dawnlight can do."""
    parameter: str | None = None
    """Where the coefficients come from: an attribute of the image, or numbers; see `bind_steps`."""
    index: int | None = None
    """Position in that attribute's list, from 0; None is the band's ``vendor_order - 1``."""
    data_type: str | None = None
    """Type of the result; None is Float64."""
    data_range: Range | None = None
    """Least and greatest result; None is the natural range of the type."""
    display_range: Range | None = None
    """Range to show; None is `data_range`."""
    physical_range: Range | None = None
    """Range in physical units; None is `data_range`."""

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any]) -> ProcessingStep:
        """Read a step as a band document spells it; units and unknown keys are left out."""
        return cls(
            function=attributes["function"],
            parameter=attributes.get("parameter"),
            index=attributes.get("index"),
            data_type=attributes.get("data_type"),
            data_range=_to_range(attributes.get("data_range")),
            display_range=_to_range(attributes.get("display_range")),
            physical_range=_to_range(attributes.get("physical_range")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BandScaling:
    """What scaling needs to know of a band: plain values, no catalog."""

    name: str
    kind: BandKind = "spectral"
    data_type: str | None = None
    """Type name; None counts as UInt16."""
    data_range: Range | None = None
    """Least and greatest stored value; None counts as (0, 10000), for masks (0, 1)."""
    display_range: Range | None = None
    """Range to show; None counts as `data_range`."""
    physical_range: Range | None = None
    """What `data_range` means in physical units; None counts as `data_range`. Not for masks, classes."""
    vendor_order: int | None = None
    """Position of the band in the images' coefficient lists, from 1."""
    processing_levels: Mapping[str, str | tuple[ProcessingStep, ...]] | None = field(default=None, hash=False)
    """Level to steps, or to the name of another level. Not to be changed; None where the band has none."""

    @classmethod
    def from_attributes(cls, name: str, attributes: Mapping[str, Any]) -> BandScaling:
        """Read what scaling needs from the attributes of a band document.

        Parameters
        ----------
        name : str
            Name of the band.
        attributes : mapping
            Spelled as the catalog stores them: ``type``, ``data_type``, ``data_range``, ...,
            ``processing_levels`` as a mapping of strings and lists of mappings.

        Returns
        -------
        BandScaling

        Examples
        --------
        >>> BandScaling.from_attributes("red", {"type": "spectral", "data_range": [0, 10000]}).data_range
        (0, 10000)
        """
        levels = attributes.get("processing_levels")
        return cls(
            name=name,
            kind=attributes.get("type") or "spectral",
            data_type=attributes.get("data_type"),
            data_range=_to_range(attributes.get("data_range")),
            display_range=_to_range(attributes.get("display_range")),
            physical_range=_to_range(attributes.get("physical_range")),
            vendor_order=attributes.get("vendor_order"),
            processing_levels=None
            if levels is None
            else {key: _to_level(val) for key, val in levels.items()},
        )

    @property
    def is_category(self) -> bool:
        """Whether values are labels or flags, which no mode may scale."""
        return self.kind in ("mask", "class")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeveledBand:
    """A band as it is after the steps of a processing level: every default filled in."""

    name: str
    is_category: bool
    """Whether values are labels or flags, which no mode may scale."""
    data_type: str
    data_range: Range
    display_range: Range
    physical_range: Range


def _to_range(value: Sequence[float] | None) -> Range | None:
    if value is None:
        return None
    low, high = value
    return (low, high)


def _to_level(value: Any) -> str | tuple[ProcessingStep, ...]:
    if isinstance(value, str):
        return value
    return tuple(ProcessingStep.from_attributes(step) for step in value)


def resolve_level(band: BandScaling, level: str | None) -> tuple[ProcessingStep, ...]:
    """Return the steps that a processing level stands for on this band.

    Parameters
    ----------
    band : BandScaling
        The band.
    level : str or None
        Name of the level; None or "" is ``"default"``.

    Returns
    -------
    tuple of ProcessingStep
        In the order to apply. Empty means stored numbers, as they are: the level is defined so, or it
        is "default" and not defined. A band without any levels also takes "toa" and "surface" so, and a
        mask or class band without any takes every name.

    Raises
    ------
    BandError
        The band does not have the level, or its aliases run in a circle or lead nowhere.

    Examples
    --------
    >>> band = BandScaling(name="red", processing_levels={"default": "toa", "toa": ()})
    >>> resolve_level(band, None)
    ()
    """
    if level is not None and not isinstance(level, str):
        raise ParameterError(f"processing_level={level!r} must be a string or None")
    name = level or "default"
    levels = band.processing_levels
    if not levels:
        if name in _ALWAYS_ACCEPTED or band.is_category:
            return ()
        raise BandError(
            f"processing_level={level!r}: band {band.name!r} has no processing levels; "
            "leave it out to get the stored values"
        )
    if name not in levels:
        if name == "default":
            return ()
        raise BandError(
            f"processing_level={level!r}: band {band.name!r} has the levels {', '.join(sorted(levels))}"
        )
    return _follow_aliases(band, name, levels)


def _follow_aliases(
    band: BandScaling, name: str, levels: Mapping[str, str | tuple[ProcessingStep, ...]]
) -> tuple[ProcessingStep, ...]:
    path = [name]
    while len(path) <= _ALIAS_DEPTH + 1:
        target = levels.get(path[-1])
        if target is None:
            raise BandError(
                f"band {band.name!r}: processing level {path[-2]!r} stands for {path[-1]!r}, "
                "which is not defined"
            )
        if not isinstance(target, str):
            return target
        path.append(target)
    raise BandError(f"band {band.name!r}: processing levels run in a circle: {' -> '.join(path[:4])} -> ...")


def at_level(band: BandScaling, level: str | None) -> LeveledBand:
    """Return the band as it is after the steps of a level.

    Parameters
    ----------
    band : BandScaling
        The band as stored.
    level : str or None
        Name of the level; None is ``"default"``.

    Returns
    -------
    LeveledBand

    Raises
    ------
    BandError
        The band does not have the level.
    ParameterError
        A type name is unknown.

    Examples
    --------
    >>> at_level(BandScaling(name="red", data_range=(0, 4000)), None).display_range
    (0, 4000)
    """
    steps = resolve_level(band, level)
    described: BandScaling | ProcessingStep = band
    data_type, unstated = band.data_type or "UInt16", (0, 1) if band.kind == "mask" else _UNSTATED_RANGE
    if steps and steps[-1].function not in _KEEPS_RANGES:
        described = steps[-1]
        data_type = described.data_type or "Float64"
    check_data_type(data_type, parameter=f"data_type of band {band.name!r}")
    if described is not band:
        unstated = natural_range(data_type)
    data_range = described.data_range or unstated
    physical_range = None if band.is_category else described.physical_range
    return LeveledBand(
        name=band.name,
        is_category=band.is_category,
        data_type=data_type,
        data_range=data_range,
        display_range=described.display_range or data_range,
        physical_range=physical_range or data_range,
    )
