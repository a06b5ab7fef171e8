"""Numbers, dates and sizes as French readers expect them, and the parts of the frame."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from django import template
from django.forms import BoundField, CheckboxInput
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.formats import number_format as django_number
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from kalan.web import nav
from kalan.web.sheet import SHEET, SHEET_COOKIE, sheet_text, sheet_version
from kalan.web.text_size import SIZES, TextSize, size_of

register = template.Library()

NBSP = "\u00a0"
Number = int | float | Decimal | str | None


def _decimal(value: Number) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


@register.filter
def number(value: Number, decimals: int | None = None) -> str:
    """1234.5 → « 1 234,5 » (narrow no-break space between thousands); nothing → « – »."""
    found = _decimal(value)
    if found is None:
        return "–"
    if decimals is not None:
        found = found.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    return str(django_number(found, use_l10n=True, force_grouping=True))


@register.filter
def percent(value: Number, decimals: int = 2) -> str:
    """A value already in per cent: 58.7332 → « 58,73 % » (no-break space)."""
    return "–" if _decimal(value) is None else f"{number(value, decimals)}{NBSP}%"


@register.filter
def money(value: Number, currency: str = "XOF") -> str:
    """FCFA (XOF) without decimals, other currencies with two: 12500 → « 12 500 FCFA »."""
    if _decimal(value) is None:
        return "–"
    if currency == "XOF":
        return f"{number(value, 0)}{NBSP}FCFA"
    return f"{number(value, 2)}{NBSP}{'€' if currency == 'EUR' else currency}"


@register.filter
def date_fr(value: dt.date | dt.datetime | None, form: str = "short") -> str:
    """« 17/03/2023 »; form "long": « 17 mars 2023 »; "full": « vendredi 17 mars 2023 »."""
    if value is None:
        return "–"
    if isinstance(value, dt.datetime):
        value = timezone.localtime(value) if timezone.is_aware(value) else value
    forms = {"short": "d/m/Y", "long": "j F Y", "full": "l j F Y"}
    text = str(date_format(value, forms.get(form, form)))
    return f"1er{text[1:]}" if form == "long" and text.startswith("1 ") else text


@register.filter
def period_fr(start: dt.date | None, end: dt.date | None) -> str:
    """« 14 novembre 2022 – 17 mars 2023 », or one date when both are the same day."""
    if start is None or end is None or start == end:
        return date_fr(start or end, "long")
    if start.year == end.year and start.month == end.month:
        first = "1er" if start.day == 1 else str(start.day)
        return f"du {first} au {date_fr(end, 'long')}"
    return f"du {date_fr(start, 'long')} au {date_fr(end, 'long')}"


@register.filter
def filesize(value: int | None) -> str:
    """Bytes as « 812 o », « 48 Ko », « 3,2 Mo » (1 Ko = 1 000 o)."""
    if value is None:
        return "–"
    for unit, step in (("Go", 10**9), ("Mo", 10**6), ("Ko", 10**3)):
        if value >= step:
            scaled = value / step
            return f"{number(scaled, 0 if unit == 'Ko' or scaled >= 100 else 1)}{NBSP}{unit}"
    return f"{value}{NBSP}o"


@register.filter
def s(count: int | float | None) -> str:
    """The French plural begins at two: 0 jour, 1 jour, 1,5 jour, 2 jours."""
    return "s" if count is not None and abs(count) >= 2 else ""


@register.filter
def is_checkbox(field: BoundField) -> bool:
    """A single box to tick: its label stands behind it."""
    return isinstance(field.field.widget, CheckboxInput)


@register.simple_tag(takes_context=True)
def sheet(context: dict[str, Any]) -> SafeString:
    """The style sheet: inlined with the page's nonce the first time, a link afterwards."""
    request = context.get("request")
    if request is None or request.COOKIES.get(SHEET_COOKIE) == sheet_version():
        return format_html('<link rel="stylesheet" href="{}">', static(SHEET))
    request.sheet_inlined = True
    return format_html(
        '<style nonce="{}">{}</style><link rel="prefetch" href="{}">',
        str(request.csp_nonce),
        mark_safe(sheet_text()),  # noqa: S308 - our own file
        static(SHEET),
    )


@register.simple_tag(takes_context=True)
def text_size_control(context: dict[str, Any]) -> SafeString:
    """A− A A+ as plain links: they work without script and bring the reader back here."""
    request = context.get("request")
    if request is None:
        return SafeString("")
    current, here = size_of(request), request.get_full_path()

    def link(size: TextSize, shown: str, said: str) -> tuple[str, str, str]:
        query = urlencode({"taille": size.code, "retour": here})
        return f"/affichage/?{query}", shown, said

    rank = SIZES.index(current)
    links = [
        link(SIZES[max(rank - 1, 0)], "A−", "texte plus petit"),
        link(SIZES[1], "A", "taille normale"),
        link(SIZES[min(rank + 1, len(SIZES) - 1)], "A+", "texte plus grand"),
    ]
    return format_html(
        '<div class="size" role="group" aria-label="Taille du texte">{}</div>',
        format_html_join(
            "",
            '<a href="{}" rel="nofollow">{}<span class="visually-hidden"> : {}</span></a>',
            links,
        ),
    )


@register.simple_tag(takes_context=True)
def staff_nav(context: dict[str, Any]) -> list[nav.Group]:
    """The entries of the staff menu that this person may open."""
    request = context["request"]
    return nav.groups_for(request.actor, request.path)
