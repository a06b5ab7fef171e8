"""What every template may ask."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from kalan.people.actor import ANONYMOUS
from kalan.web.text_size import size_of


def site(request: HttpRequest) -> dict[str, object]:
    """``actor`` stays lazy: a public page seen without a session costs no query."""
    return {
        "demo_mode": settings.KALAN_DEMO,
        "base_url": settings.KALAN_BASE_URL,
        "actor": getattr(request, "actor", ANONYMOUS),
        "text_size": size_of(request).css,
    }
