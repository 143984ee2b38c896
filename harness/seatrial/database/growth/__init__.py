"""Rows that grow: copies of rows that are there, which keep every constraint by construction, and their removal."""

from seatrial.database.growth.catalog import Catalog, Key
from seatrial.database.growth.grower import Grower, Seen, Way

__all__ = ["Catalog", "Grower", "Key", "Seen", "Way"]
