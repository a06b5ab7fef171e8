"""Faults on purpose, for the tests that show that nothing is lost.

``KALAN_FAULTS`` names a file; its words say what goes wrong: "500" (nothing stored), "401",
"slow:3" (seconds before storing), "drop" (stored, then the answer is lost on the way). Read only
with ``KALAN_DEBUG``: a production server has no such switch.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse


def _words() -> list[str]:
    if not (settings.DEBUG and settings.KALAN_FAULTS):
        return []
    path = Path(settings.KALAN_FAULTS)
    return path.read_text().split() if path.exists() else []


def before() -> HttpResponse | None:
    for word in _words():
        if word.startswith("slow:"):
            time.sleep(float(word.removeprefix("slow:")))
        if word in ("500", "401"):
            return JsonResponse({"error": "fault"}, status=int(word))
    return None


def after() -> StreamingHttpResponse | None:
    return StreamingHttpResponse(_cut()) if "drop" in _words() else None


def _cut() -> Iterator[bytes]:
    """The beginning of an answer, then the connection ends."""
    yield b"{"
    raise ConnectionResetError("fault asked for")
