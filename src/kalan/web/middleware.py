"""What every page gets on its way out: its freshness, its tag, its compression.

Static-file servers compress files only, so pages are compressed here.

BREACH (2013) guesses a secret of a page from the length of its compressed form when the attacker
can put text of their choice beside that secret. Three things stand against it: Django masks the
CSRF token anew on each page; HTML sent to a browser that holds a session ends with a comment of
random length; and other answers (JSON, CSV) to such a browser are not compressed at all.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import secrets
from collections.abc import Callable

import brotli
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags

from kalan.web.sheet import SHEET_COOKIE, sheet_version

# Shorter bodies fit in one segment anyway, and brotli's gain would not pay its header.
MIN_LENGTH = 300
BROTLI_QUALITY = 5
# A question of a test must fit in 2 KB with its headers: a page that nearly fills them is squeezed
# once more, 7 % smaller for 2 ms. What is far from the limit, on either side, is not worth it.
SQUEEZED, SQUEEZE_QUALITY = range(1_180, 1_700), 10
PADDING_MAX = 48
COMPRESSIBLE = (
    "text/",
    "application/json",
    "application/javascript",
    "application/manifest+json",
    "image/svg+xml",
)
PERMISSIONS = "camera=(self), geolocation=(), microphone=(), payment=(), usb=()"
_NONCE = re.compile(rb' nonce="[^"]*"')


class PageMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        private = _is_private(request, response)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        if "Cache-Control" not in response:
            response["Cache-Control"] = "no-store" if private else "no-cache"
        if getattr(request, "sheet_inlined", False):
            # From now on this browser has the sheet in its cache: later pages only link to it.
            response.set_cookie(
                SHEET_COOKIE, sheet_version(), max_age=30 * 24 * 3600, httponly=True, samesite="Lax"
            )
        if not private:
            not_modified = _tag(request, response)
            if not_modified:
                return not_modified
        return _compress(request, response, private=private)


def _is_private(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether this answer may hold something that only one browser should see.

    A view whose answer is the same for all says so with ``Cache-Control: public``.
    """
    if "public" in response.get("Cache-Control", ""):
        return False
    return settings.SESSION_COOKIE_NAME in request.COOKIES or bool(response.cookies)


def _tag(request: HttpRequest, response: HttpResponse) -> HttpResponse | None:
    """Tag a public answer; return a 304 when the browser already has it.

    The nonce changes on each answer and is left out of the tag. The 304 carries no policy, so the
    browser keeps the page together with the policy (and nonce) it came with.
    """
    if request.method != "GET" or response.status_code != 200 or response.streaming:
        return None
    if "no-store" in response["Cache-Control"]:
        return None
    digest = hashlib.sha256(_NONCE.sub(b"", response.content)).hexdigest()[:16]
    # Weak: the same page compressed and not is one and the same page.
    response.headers.setdefault("ETag", f'W/"{digest}"')
    if response["ETag"] not in parse_etags(request.headers.get("If-None-Match", "")):
        return None
    not_modified = HttpResponseNotModified()
    for name in ("Cache-Control", "ETag", "Vary"):
        if name in response:
            not_modified[name] = response[name]
    return not_modified


def _compress(request: HttpRequest, response: HttpResponse, *, private: bool) -> HttpResponse:
    kind = response.get("Content-Type", "")
    if (
        response.streaming
        or "Content-Encoding" in response
        or not kind.startswith(COMPRESSIBLE)
        or len(response.content) < MIN_LENGTH
    ):
        return response
    html = kind.startswith("text/html")
    if private and not html:
        return response
    patch_vary_headers(response, ["Accept-Encoding"])
    accepted = _accepted(request.headers.get("Accept-Encoding", ""))
    if not accepted & {"br", "gzip"}:
        return response
    body = response.content + _padding() if private else response.content
    if "br" in accepted:
        made = _brotli(body, BROTLI_QUALITY)
        response.content = _brotli(body, SQUEEZE_QUALITY) if len(made) in SQUEEZED else made
        response["Content-Encoding"] = "br"
    else:
        response.content = gzip.compress(body, compresslevel=6, mtime=0)
        response["Content-Encoding"] = "gzip"
    response["Content-Length"] = str(len(response.content))
    return response


def _brotli(body: bytes, quality: int) -> bytes:
    made: bytes = brotli.compress(body, mode=brotli.MODE_TEXT, quality=quality, lgwin=18)
    return made


def _accepted(header: str) -> set[str]:
    """Return the codings that the browser takes ("br;q=0" refuses one; RFC 9110 §12.5.3)."""
    taken = set()
    for part in header.lower().split(","):
        name, _, weight = part.strip().partition(";")
        if weight.strip() not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}:
            taken.add(name.strip())
    return taken


def _padding() -> bytes:
    """A comment of 0 to PADDING_MAX random characters, which no compressor can shrink to one."""
    text = secrets.token_urlsafe(PADDING_MAX)[: secrets.randbelow(PADDING_MAX + 1)]
    return f"<!--{text.replace('-', '_')}-->".encode()
