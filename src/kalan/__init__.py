"""Kalan: builds, proves and reports the digital-health skills of a health workforce."""

__version__ = "0.1.0"
