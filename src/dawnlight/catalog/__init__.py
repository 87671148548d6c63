"""What users hold: products, bands, images, collections of them, searches, and the catalog they live in."""

from dawnlight.catalog._auth import AuthCatalogObject
from dawnlight.catalog._bands import Band, ClassBand, GenericBand, MaskBand, MicrowaveBand, SpectralBand
from dawnlight.catalog._base import CatalogObject, CatalogObjectBase
from dawnlight.catalog._client import CatalogClient

# Not in __all__: a star import must not hide Python's own open().
from dawnlight.catalog._client import open as open
from dawnlight.catalog._collection import Collection
from dawnlight.catalog._eacher import Eacher
from dawnlight.catalog._enums import (
    AggregateDateField,
    BandType,
    Colormap,
    DataType,
    DocumentState,
    DownloadFileFormat,
    ImageUploadEventSeverity,
    ImageUploadEventType,
    ImageUploadStatus,
    ImageUploadType,
    Interval,
    OverviewResampler,
    ResampleAlgorithm,
    ResolutionUnit,
    StorageState,
    TaskState,
)
from dawnlight.catalog._image import Image
from dawnlight.catalog._image_collection import ImageCollection
from dawnlight.catalog._image_search import ImageSearch, ImageSummaryResult
from dawnlight.catalog._mappings import (
    DerivedParamsAttribute,
    File,
    ImageUploadEvent,
    ImageUploadOptions,
    ProcessingStepAttribute,
    Resolution,
)
from dawnlight.catalog._named import NamedCatalogObject
from dawnlight.catalog._product import Product
from dawnlight.catalog._search import GeoSearch, Search
from dawnlight.catalog._tasks import DeletionTaskStatus, TaskStatus
from dawnlight.catalog._typed_collections import BandCollection, ProductCollection
from dawnlight.catalog._upload import ImageUpload
from dawnlight.errors import AttributeValidationError, DeletedObjectError, UnsavedObjectError
from dawnlight.search import Expression, Properties

__all__ = [
    "AggregateDateField",
    "AttributeValidationError",
    "AuthCatalogObject",
    "Band",
    "BandCollection",
    "BandType",
    "CatalogClient",
    "CatalogObject",
    "CatalogObjectBase",
    "ClassBand",
    "Collection",
    "Colormap",
    "DataType",
    "DeletedObjectError",
    "DeletionTaskStatus",
    "DerivedParamsAttribute",
    "DocumentState",
    "DownloadFileFormat",
    "Eacher",
    "Expression",
    "File",
    "GenericBand",
    "GeoSearch",
    "Image",
    "ImageCollection",
    "ImageSearch",
    "ImageSummaryResult",
    "ImageUpload",
    "ImageUploadEvent",
    "ImageUploadEventSeverity",
    "ImageUploadEventType",
    "ImageUploadOptions",
    "ImageUploadStatus",
    "ImageUploadType",
    "Interval",
    "MaskBand",
    "MicrowaveBand",
    "NamedCatalogObject",
    "OverviewResampler",
    "ProcessingStepAttribute",
    "Product",
    "ProductCollection",
    "Properties",
    "ResampleAlgorithm",
    "Resolution",
    "ResolutionUnit",
    "Search",
    "SpectralBand",
    "StorageState",
    "TaskState",
    "TaskStatus",
    "UnsavedObjectError",
    "properties",
]

properties = Properties()
"""Makes search conditions: ``properties.cloud_fraction < 0.5``."""
