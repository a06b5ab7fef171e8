"""What is wrong with data given to the engine."""

from __future__ import annotations


class DataError(ValueError):
    """The data cannot be used; the message names row, column or item, and the remedy (French)."""
