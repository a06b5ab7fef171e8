"""The style sheet of public and learner pages: inlined once, linked from then on.

On a slow line one more request before the first paint costs 1 to 20 s (measured at 50 to 400
kbit/s), so the first page carries its CSS and asks for the cached file in idle time; a cookie says
that it has it.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from kalan.web.light import light_css

SHEET_COOKIE = "feuille"
SHEET = "web/kalan.css"
_PATH = Path(__file__).parent / "static" / SHEET


@lru_cache(maxsize=1)
def sheet_version() -> str:
    return hashlib.sha256(_PATH.read_bytes()).hexdigest()[:8]


@lru_cache(maxsize=1)
def sheet_text() -> str:
    return light_css(_PATH.read_text())
