"""Home of `dawnlight.common.geo`, the seed API's name for the contexts."""
