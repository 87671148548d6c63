"""The same classes as `dawnlight.errors`, under the name that the reference platform has for them."""

from dawnlight.errors import *  # noqa: F403 - the alias is meant to be complete
from dawnlight.errors import __all__ as __all__
