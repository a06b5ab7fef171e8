"""The service worker, at the root so that it may serve every page."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from kalan.web.light import light_js

_SOURCE = Path(__file__).parent.parent / "static" / "web" / "sw.js"
# What a page kept on the phone needs beside itself.
KEPT = ("web/kalan.css", "web/outbox.js", "web/icon.svg")


@lru_cache(maxsize=1)
def worker_text() -> str:
    """The worker with the hashed addresses of this version's files."""
    files = json.dumps([static(name) for name in KEPT])
    filled = f"const FILES = {files}, OUTBOX = {json.dumps(static('web/outbox.js'))};"
    source = _SOURCE.read_text()
    assert 'const FILES = [], OUTBOX = "";' in source
    return light_js(source.replace('const FILES = [], OUTBOX = "";', filled))


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(worker_text(), content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "public, no-cache"  # the same for all, asked again each time
    return response
