"""QR codes as SVG, to inline in a page (the strict CSP allows SVG without style)."""

from __future__ import annotations

import re

import zxingcpp
from django.utils.safestring import SafeString, mark_safe

_SIZE = re.compile(r'<svg width="(\d+)"')
_PATH = re.compile(r'<path d="([^"]+)"')


def qr_svg(text: str) -> SafeString:
    """Return the QR code of ``text`` (error correction M), hidden from screen readers.

    The page says the same address in words beside it. No id: a sheet may hold eight.
    """
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    svg = zxingcpp.write_barcode_to_svg(code, add_quiet_zones=True)
    size, path = _SIZE.search(svg), _PATH.search(svg)
    assert size is not None
    assert path is not None
    side = size.group(1)
    return mark_safe(  # noqa: S308 - digits and path commands of our own drawing
        f'<svg class="qr" viewBox="0 0 {side} {side}" aria-hidden="true" '
        f'xmlns="http://www.w3.org/2000/svg"><path fill="#fff" d="M0 0h{side}v{side}H0z"/>'
        f'<path d="{path.group(1)}"/></svg>'
    )
