"""The closed sets of values that catalog attributes and methods take.

Every member *is* the string that documents hold: it compares equal to it, formats as it and is written
to JSON as it. Attributes read back as that plain string.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = [
    "AggregateDateField",
    "BandType",
    "Colormap",
    "DataType",
    "DocumentState",
    "DownloadFileFormat",
    "ImageUploadEventSeverity",
    "ImageUploadEventType",
    "ImageUploadStatus",
    "ImageUploadType",
    "Interval",
    "OverviewResampler",
    "ResampleAlgorithm",
    "ResolutionUnit",
    "StorageState",
    "TaskState",
]


class DocumentState(StrEnum):
    """How a catalog object compares with what the catalog holds."""

    SAVED = "saved"
    """Nothing was changed since it was read or saved."""
    MODIFIED = "modified"
    """It exists in the catalog, and at least one attribute differs from what was read."""
    UNSAVED = "unsaved"
    """It was made here and never saved."""
    DELETED = "deleted"
    """It was deleted and can no longer be saved, reloaded or deleted."""


class StorageState(StrEnum):
    """Whether the pixels of an image can be loaded."""

    AVAILABLE = "available"
    """The files are registered and can be loaded."""
    REMOTE = "remote"
    """Only the metadata is held; the pixels are somewhere else."""


class DataType(StrEnum):
    """Type of the pixels of a band, named as GDAL names it."""

    BYTE = "Byte"
    """Unsigned, 8 bits."""
    UINT16 = "UInt16"
    """Unsigned, 16 bits."""
    INT16 = "Int16"
    """Signed, 16 bits."""
    UINT32 = "UInt32"
    """Unsigned, 32 bits."""
    INT32 = "Int32"
    """Signed, 32 bits."""
    FLOAT32 = "Float32"
    """Floating point, 32 bits."""
    FLOAT64 = "Float64"
    """Floating point, 64 bits."""


class BandType(StrEnum):
    """What the values of a band mean; each has its own class."""

    CLASS = "class"
    """Categories: `ClassBand`."""
    SPECTRAL = "spectral"
    """Reflected or emitted light: `SpectralBand`."""
    MASK = "mask"
    """Yes or no: `MaskBand`."""
    MICROWAVE = "microwave"
    """Radar: `MicrowaveBand`."""
    GENERIC = "generic"
    """Any other quantity: `GenericBand`."""


class Colormap(StrEnum):
    """Named colour scales in which a single band can be shown."""

    MAGMA = "magma"
    """Black, purple, orange, pale yellow; even steps to the eye."""
    INFERNO = "inferno"
    """Black, red, yellow; even steps to the eye."""
    PLASMA = "plasma"
    """Blue, magenta, yellow; even steps to the eye."""
    VIRIDIS = "viridis"
    """Purple, green, yellow; even steps to the eye."""
    COOL = "cool"
    """Cyan to magenta."""
    HOT = "hot"
    """Black, red, yellow, white."""
    COOLWARM = "coolwarm"
    """Blue, grey, red; for values on both sides of a middle."""
    BWR = "bwr"
    """Blue, white, red; for values on both sides of a middle."""
    GIST_EARTH = "gist_earth"
    """The colours of a relief map with sea."""
    TERRAIN = "terrain"
    """The colours of a relief map."""
    CDL = "cdl"
    """The colours of the USDA Cropland Data Layer."""


class ResolutionUnit(StrEnum):
    """Unit of a `Resolution`."""

    METERS = "meters"
    """Metres on the ground."""
    DEGREES = "degrees"
    """Degrees of longitude and latitude."""


class ResampleAlgorithm(StrEnum):
    """How pixel values are found on a grid that is not the file's own."""

    NEAR = "near"
    """The nearest pixel; the only one that never makes a new value."""
    BILINEAR = "bilinear"
    """Weighted mean of 2 x 2 pixels."""
    CUBIC = "cubic"
    """Cubic convolution over 4 x 4 pixels."""
    CUBICSPLINE = "cubicspline"
    """Cubic B-spline over 4 x 4 pixels."""
    LANCZOS = "lanczos"
    """Windowed sinc over 6 x 6 pixels."""
    AVERAGE = "average"
    """Mean of all valid pixels that fall into the new one."""
    MODE = "mode"
    """The value that occurs most often."""
    MAX = "max"
    """The greatest value."""
    MIN = "min"
    """The least value."""
    MEDIAN = "med"
    """The middle value."""
    Q1 = "q1"
    """The first quartile."""
    Q3 = "q3"
    """The third quartile."""


class DownloadFileFormat(StrEnum):
    """Formats in which pixels are written to files."""

    JPEG = "jpg"
    """JPEG: one or three bands of type Byte, with losses."""
    PNG = "png"
    """PNG: one, three or four bands."""
    TIF = "tif"
    """GeoTIFF."""


class OverviewResampler(StrEnum):
    """How the overviews of an uploaded image are computed."""

    NEAREST = "nearest"
    """Every n-th pixel."""
    AVERAGE = "average"
    """Mean of the valid pixels."""
    GAUSS = "gauss"
    """Gaussian kernel."""
    CUBIC = "cubic"
    """Cubic convolution."""
    CUBICSPLINE = "cubicspline"
    """Cubic B-spline."""
    LANCZOS = "lanczos"
    """Windowed sinc."""
    AVERAGE_MP = "average_mp"
    """Mean of magnitude and phase of complex values."""
    AVERAGE_MAGPHASE = "average_magphase"
    """Mean of complex values in magnitude and phase space."""
    MODE = "mode"
    """The value that occurs most often."""


class ImageUploadType(StrEnum):
    """What an upload is made from."""

    NDARRAY = "ndarray"
    """Arrays in memory."""
    FILE = "file"
    """Raster files."""


class ImageUploadStatus(StrEnum):
    """Where an upload stands; the last three are final."""

    TRANSFERRING = "transferring"
    """The data is on its way."""
    PENDING = "pending"
    """The data is here and waits for a worker."""
    RUNNING = "running"
    """A worker is at it."""
    SUCCESS = "success"
    """The image is in the catalog."""
    FAILURE = "failure"
    """It could not be done; the events say why."""
    CANCELED = "canceled"
    """It was called off."""


class ImageUploadEventType(StrEnum):
    """What happened to an upload."""

    QUEUE = "queue"
    """It was put into the queue."""
    CANCEL = "cancel"
    """It was called off."""
    RUN = "run"
    """A worker took it."""
    COMPLETE = "complete"
    """It is done."""
    ERROR = "error"
    """Something went wrong."""
    TIMEOUT = "timeout"
    """It took too long."""
    LOG = "log"
    """A remark of the worker."""
    USAGE = "usage"
    """What it cost in time and memory."""


class ImageUploadEventSeverity(StrEnum):
    """How serious an event of an upload is."""

    CRITICAL = "CRITICAL"
    """The upload and perhaps others cannot go on."""
    ERROR = "ERROR"
    """The upload cannot go on."""
    WARNING = "WARNING"
    """Done, but look at it."""
    INFO = "INFO"
    """For your information."""
    DEBUG = "DEBUG"
    """For developers."""


class Interval(StrEnum):
    """Length of the intervals of `ImageSearch.summary_interval`."""

    YEAR = "year"
    """Calendar years."""
    QUARTER = "quarter"
    """Calendar quarters."""
    MONTH = "month"
    """Calendar months."""
    WEEK = "week"
    """Weeks from Monday."""
    DAY = "day"
    """Days in UTC."""
    HOUR = "hour"
    """Hours."""
    MINUTE = "minute"
    """Minutes."""


class AggregateDateField(StrEnum):
    """The time by which `ImageSearch.summary_interval` sorts images into intervals."""

    ACQUIRED = "acquired"
    """When the sensor took the image."""
    CREATED = "created"
    """When the image was put into the catalog."""
    MODIFIED = "modified"
    """When the image was last changed in the catalog."""
    PUBLISHED = "published"
    """When the provider published the image."""


class TaskState(StrEnum):
    """Where a task of the catalog stands."""

    NEVERRAN = "NONE"
    """No such task was ever started."""
    RUNNING = "RUNNING"
    """It is under way."""
    SUCCEEDED = "SUCCESS"
    """It is done."""
    FAILED = "FAILURE"
    """It could not be done."""
