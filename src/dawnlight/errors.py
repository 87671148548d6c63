"""Every error that Dawnlight raises, in one tree.

Each class is also the built-in exception that fits it, so code written against plain Python keeps
working (``except ValueError``, ``except FileNotFoundError``). The names in the first branch are those
of the reference platform's HTTP statuses; they carry the same ``status``.

::

    DawnlightError
    ├── ClientError                      the request cannot be carried out as it stands
    │   ├── AuthError
    │   │   └── OauthError
    │   ├── BadRequestError        400   also ValueError
    │   │   ├── ValidationError    422   a document breaks a rule of the catalog
    │   │   └── ConflictError      409   it exists already, was changed meanwhile, or is still needed
    │   ├── UnauthorizedError      401   also PermissionError
    │   ├── ForbiddenError         403   also PermissionError
    │   ├── NotFoundError          404   also LookupError
    │   ├── MethodNotAllowedError  405
    │   ├── ProxyAuthenticationRequiredError 407
    │   ├── GoneError              410   also LookupError
    │   ├── RateLimitError         429   has ``retry_after`` (seconds or None)
    │   ├── RetryWithError         449
    │   └── RequestCancellationError
    ├── ServerError                500   the store could not do its work
    │   └── GatewayTimeoutError    504   also TimeoutError
    ├── ConfigError                      a setting is unknown or cannot be used
    ├── MissingExtraError                also ImportError: an optional package is not installed
    ├── DeletedObjectError               the catalog object was deleted
    ├── UnsavedObjectError               the catalog object was never saved
    ├── ObjectStateError                 also ValueError: the object's state does not allow the operation
    ├── ParameterError                   also ValueError: an argument cannot be used
    │   ├── AttributeValidationError     an attribute of a catalog object
    │   ├── FilterError                  a search expression
    │   │   └── AmbiguousTruthError      also TypeError: ``and``, ``or``, ``not``, ``if`` on an expression
    │   ├── BandError                    a band is unknown or cannot be combined
    │   ├── CRSError                     a coordinate reference system
    │   ├── GeometryError                a geometry
    │   │   └── NoFootprintError         also RuntimeError: a context that covers no known area
    │   ├── GridError                    a context does not resolve to a pixel grid
    │   ├── EmptyCollectionError         no images to load
    │   ├── DuplicatePathError           also RuntimeError: two images would be written to one file
    │   ├── InvalidTileError             a tile key or tile parameters
    │   ├── InvalidLatLonError
    │   ├── InvalidRowColError
    │   └── InvalidShapeError
    ├── ParameterTypeError               also TypeError: an argument of the wrong type
    ├── RasterError                      also OSError: a raster file cannot give the pixels asked for
    │   ├── RasterNotFoundError          also FileNotFoundError
    │   ├── RasterChangedError           the file is not the one that was registered
    │   ├── RasterReadError              the bytes are damaged, or reading failed
    │   ├── RasterWriteError             a raster file could not be written
    │   └── UnsupportedRasterError       also ValueError: sound, but not something Dawnlight loads
    └── CatalogError                     the embedded catalog itself
        ├── CatalogNotFoundError         also FileNotFoundError
        ├── CatalogAccessError           also PermissionError
        ├── CatalogVersionError          written by a newer Dawnlight
        ├── CatalogLockedError           also TimeoutError
        └── CatalogDamagedError
"""

from __future__ import annotations

__all__ = [
    "AmbiguousTruthError",
    "AttributeValidationError",
    "AuthError",
    "BadRequestError",
    "BandError",
    "CRSError",
    "CatalogAccessError",
    "CatalogDamagedError",
    "CatalogError",
    "CatalogLockedError",
    "CatalogNotFoundError",
    "CatalogVersionError",
    "ClientError",
    "ConfigError",
    "ConflictError",
    "DawnlightError",
    "DeletedObjectError",
    "DuplicatePathError",
    "EmptyCollectionError",
    "FilterError",
    "ForbiddenError",
    "GatewayTimeoutError",
    "GeometryError",
    "GoneError",
    "GridError",
    "InvalidLatLonError",
    "InvalidRowColError",
    "InvalidShapeError",
    "InvalidTileError",
    "MethodNotAllowedError",
    "MissingExtraError",
    "NoFootprintError",
    "NotFoundError",
    "OauthError",
    "ObjectStateError",
    "ParameterError",
    "ParameterTypeError",
    "ProxyAuthenticationRequiredError",
    "RasterChangedError",
    "RasterError",
    "RasterNotFoundError",
    "RasterReadError",
    "RasterWriteError",
    "RateLimitError",
    "RequestCancellationError",
    "RetryWithError",
    "ServerError",
    "UnauthorizedError",
    "UnsavedObjectError",
    "UnsupportedRasterError",
    "ValidationError",
]


class DawnlightError(Exception):
    """Root of every error that Dawnlight raises on purpose."""


# -- requests ----------------------------------------------------------------------------------------


class ClientError(DawnlightError):
    """The request cannot be carried out as it stands."""

    status: int | None = None


class AuthError(ClientError):
    """Who is asking could not be established."""


class OauthError(AuthError):
    """The token service refused."""


class BadRequestError(ClientError, ValueError):
    """The request is malformed (400)."""

    status = 400


class ValidationError(BadRequestError):
    """A document breaks a rule of the catalog (422)."""

    status = 422


class ConflictError(BadRequestError):
    """The object exists already, was changed meanwhile, or others still need it (409)."""

    status = 409


class UnauthorizedError(ClientError, PermissionError):
    """No valid credentials (401)."""

    status = 401


class ForbiddenError(ClientError, PermissionError):
    """The credentials do not allow it (403)."""

    status = 403


class NotFoundError(ClientError, LookupError):
    """There is no such object (404)."""

    status = 404


class MethodNotAllowedError(ClientError):
    """The object does not take this operation (405)."""

    status = 405


class ProxyAuthenticationRequiredError(ClientError):
    """A proxy wants credentials (407)."""

    status = 407

    def __init__(self, *args: object, proxy_authenticate: str | None = None) -> None:
        super().__init__(*args)
        self.proxy_authenticate = proxy_authenticate


class GoneError(ClientError, LookupError):
    """The object existed once and is gone for good (410)."""

    status = 410


class RateLimitError(ClientError):
    """Too many requests (429); ``retry_after`` holds the wait in seconds where the service gave one."""

    status = 429

    def __init__(self, *args: object, retry_after: float | None = None) -> None:
        super().__init__(*args)
        self.retry_after = retry_after


class RetryWithError(ClientError):
    """The service asks for the request in another form (449)."""

    status = 449


class RequestCancellationError(ClientError):
    """The request was cancelled before it was answered."""


class ServerError(DawnlightError):
    """The store or service could not do its work (5xx)."""

    status = 500

    def __init__(self, *args: object, original_status: int | None = None) -> None:
        super().__init__(*args)
        self.original_status = original_status


class GatewayTimeoutError(ServerError, TimeoutError):
    """A service behind the service did not answer in time (504)."""

    status = 504


# -- set-up ------------------------------------------------------------------------------------------


class ConfigError(DawnlightError):
    """A setting is unknown or its value cannot be used."""


class MissingExtraError(DawnlightError, ImportError):
    """An optional package is needed and not installed; the message holds the install command."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed. "
            f"Install it with: pip install 'dawnlight[{extra}]'"
        )
        self.package = package
        self.extra = extra
        self.purpose = purpose

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str, str]]:
        return type(self), (self.package, self.extra, self.purpose)


# -- object states -----------------------------------------------------------------------------------


class DeletedObjectError(DawnlightError):
    """The catalog object was deleted and cannot be used."""


class UnsavedObjectError(DawnlightError):
    """The catalog object was never saved, so there is nothing to act on."""


class ObjectStateError(DawnlightError, ValueError):
    """The state of the catalog object (unsaved, modified) does not allow the operation."""


# -- arguments ---------------------------------------------------------------------------------------


class ParameterError(DawnlightError, ValueError):
    """An argument cannot be used."""


class AttributeValidationError(ParameterError):
    """A value cannot be given to this attribute of a catalog object."""


class FilterError(ParameterError):
    """A search expression cannot be read or does not fit the objects searched."""


class AmbiguousTruthError(FilterError, TypeError):
    """An expression was used as if it were true or false, by ``and``, ``or``, ``not`` or ``if``."""


class BandError(ParameterError):
    """A band is unknown, misplaced, or cannot be combined with the others."""


class CRSError(ParameterError):
    """A coordinate reference system cannot be read or does not fit."""


class GeometryError(ParameterError):
    """A geometry cannot be read or lies outside what is allowed."""


class NoFootprintError(GeometryError, RuntimeError):
    """A context has neither a geometry nor bounds, so it covers no known area."""


class GridError(ParameterError):
    """A context does not resolve to a grid of pixels."""


class EmptyCollectionError(ParameterError):
    """There are no images to load."""


class DuplicatePathError(ParameterError, RuntimeError):
    """Two images would be written to the same file."""


class InvalidTileError(ParameterError):
    """A tile key or tile parameters are invalid."""


class InvalidLatLonError(ParameterError):
    """Latitudes and longitudes are invalid or do not pair up."""


class InvalidRowColError(ParameterError):
    """Rows and columns are invalid or do not pair up."""


class InvalidShapeError(ParameterError):
    """A shape cannot be tiled."""


class ParameterTypeError(DawnlightError, TypeError):
    """An argument is of the wrong type."""


# -- raster files ------------------------------------------------------------------------------------


class RasterError(DawnlightError, OSError):
    """A raster file cannot give the pixels asked for."""


class RasterNotFoundError(RasterError, FileNotFoundError):
    """The file is not where it was registered."""


class RasterChangedError(RasterError):
    """The file is not the one that was registered (its size or modification time differs)."""


class RasterReadError(RasterError):
    """The file's bytes are damaged, or reading them failed."""


class RasterWriteError(RasterError):
    """A raster file could not be written; nothing is left under its name but what was there before."""


class UnsupportedRasterError(RasterError, ValueError):
    """The file is sound but not something Dawnlight loads; the message says why."""


# -- the embedded catalog ----------------------------------------------------------------------------


class CatalogError(DawnlightError):
    """The embedded catalog itself cannot be used."""

    uncertain: bool = False
    """Whether a change may have been kept nevertheless: the disk failed while it was made durable."""


class CatalogNotFoundError(CatalogError, FileNotFoundError):
    """There is no catalog at this place."""


class CatalogAccessError(CatalogError, PermissionError):
    """The catalog's folder or file cannot be read or written."""


class CatalogVersionError(CatalogError):
    """The catalog was written by a newer Dawnlight."""


class CatalogLockedError(CatalogError, TimeoutError):
    """Another process kept the catalog's write lock for too long."""


class CatalogDamagedError(CatalogError):
    """The catalog's file is not a sound Dawnlight catalog."""
