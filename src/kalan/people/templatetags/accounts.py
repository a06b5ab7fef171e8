"""Words for the pages of accounts."""

from __future__ import annotations

from django import template
from django.conf import settings

from kalan.base.phones import display

register = template.Library()

# Looked for in this order: Edge and Chrome on Android say "Chrome" too.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)


@register.filter
def device(user_agent: str) -> str:
    """« Chrome sur Android » from what the browser says of itself; « Appareil » when unknown."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return f"{browser} sur {system}"
    return browser or system or "Appareil"


@register.filter
def phone(e164: str) -> str:
    """« 77 123 45 67 » for a number of the installation's country, else +33 6 12…"""
    return display(e164, country=settings.KALAN_COUNTRY) if e164 else ""
