"""The commands that look into a catalog and tend it; `dawnlight.cli` puts them together."""
