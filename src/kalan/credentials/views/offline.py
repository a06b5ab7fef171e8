"""Checking without a network: the page, its worker, and what it carries. All public."""

from __future__ import annotations

import json
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.credentials.selectors.offline import published_keys
from kalan.credentials.services import offline as services
from kalan.engine.signing import published

_HERE = Path(__file__).parent.parent
_WORKER = _HERE / "static" / "credentials" / "verifier-sw.js"
_PAGE = _HERE / "templates" / "credentials" / "hors_ligne.html"
_BLANK = 'const FILES = [], EDITION = "";'
# What the page needs beside itself, the reader of pictures included: there may be no line later.
KEPT = (
    "credentials/verifier.js",
    "credentials/verifier-offline.js",
    "credentials/verifier.css",
    "credentials/verifier.webmanifest",
    "credentials/vendor/qr-reader.js",
    "web/kalan.css",
    "web/icon.svg",
)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The page that checks on the visitor's own device."""
    return render(request, "credentials/hors_ligne.html")


@lru_cache(maxsize=1)
def worker_text() -> str:
    """The worker with this version's files; another page or another file makes another worker."""
    files = json.dumps([static(name) for name in KEPT])
    edition = sha256(_PAGE.read_bytes()).hexdigest()[:16]
    source = _WORKER.read_text()
    assert _BLANK in source
    return source.replace(_BLANK, f'const FILES = {files}, EDITION = "{edition}";')


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """Served under /verifier/, so that it may serve the pages there and no others."""
    return _public(HttpResponse(worker_text(), content_type="text/javascript; charset=utf-8"))


@require_safe
def keys(request: HttpRequest) -> HttpResponse:
    """The issuer's keys as a JWK set, for this page and for anybody's software."""
    return _public(JsonResponse(published.jwks(published_keys())))


@require_safe
def did(request: HttpRequest) -> HttpResponse:
    """The did:web document that badges name as their issuer."""
    return _public(
        JsonResponse(
            published.did_document(settings.KALAN_BASE_URL, published_keys()),
            content_type="application/did+json",
        )
    )


@require_safe
def revoked(request: HttpRequest) -> HttpResponse:
    """The signed list of revoked acts (docs/format-qr.md)."""
    try:
        return _public(JsonResponse(services.revocations(now=clock.now())))
    except Refused as refused:
        return _public(JsonResponse({"error": refused.message}, status=503))


def _public(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "public, no-cache"
    response["Access-Control-Allow-Origin"] = "*"  # other people's verifiers run in browsers too
    return response
