"""Faults on purpose, for the tests that show that nothing is lost.

``KALAN_FAULTS`` names a file; its words say what goes wrong: "500" (nothing stored), "401",
"slow:3" (seconds before storing), "drop" (stored, then the answer is lost on the way). Read only
with ``KALAN_DEBUG``: a production server has no such switch.
"""

from __future__ import annotations

import time
from pathlib import Path

from django.conf import settings
from django.http import HttpResponse, JsonResponse


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


def after() -> HttpResponse | None:
    if "drop" not in _words():
        return None
    # Shorter than announced: the browser sees the connection end in the middle of the answer.
    response = HttpResponse("{", content_type="application/json")
    response["Content-Length"] = "9999"
    return response
