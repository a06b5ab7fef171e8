"""The reader's text size, kept in a cookie; the class goes on <html>."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

COOKIE = "taille"


@dataclass(frozen=True)
class TextSize:
    code: str
    css: str


SIZES = (
    TextSize("petit", "t0"),
    TextSize("normal", ""),
    TextSize("grand", "t2"),
    TextSize("tres-grand", "t3"),
)
_BY_CODE = {size.code: size for size in SIZES}


def size_named(code: str) -> TextSize:
    """The size called ``code``; an unknown one gives the normal size."""
    return _BY_CODE.get(code, SIZES[1])


def size_of(request: HttpRequest) -> TextSize:
    return size_named(request.COOKIES.get(COOKIE, ""))
