"""What every template may ask."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:
    return {"demo_mode": settings.KALAN_DEMO, "base_url": settings.KALAN_BASE_URL}
