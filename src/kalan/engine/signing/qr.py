"""Drawing QR codes: level M, by zxing-cpp.

The data mask is fixed. Choosing the best of eight costs seven times the rest of the work (0.9 ms
against 0.12 ms) and gains nothing here: what a credential carries already looks random. Without
numpy: to load it costs each signing process more than drawing five hundred codes.
"""

from __future__ import annotations

from typing import Any

LEVEL = "M"  # a code still reads with 15 % of it stained
_MASK = 3


def qr_pixels(text: str, scale: int = 1) -> tuple[int, bytes]:
    """The side of the code of ``text`` in pixels, and its pixels row by row: 0 black, 255 white.

    ``scale``: pixels a module. The quiet zone (four modules of white, ISO/IEC 18004 §9.1) is for
    the page to leave. Runs of capitals and digits are packed tighter by the encoder itself.
    ValueError when the text is more than a QR code holds.
    """
    import zxingcpp

    code = zxingcpp.create_barcode(
        text, zxingcpp.BarcodeFormat.QRCode, ec_level=LEVEL, data_mask=_MASK
    )
    # Made larger here: zxing-cpp takes longer for it than for all the rest.
    image: Any = code.to_image(scale=1, add_quiet_zones=False)
    wide = bytes(image).replace(b"\0", bytes(scale)).replace(b"\xff", b"\xff" * scale)
    side = image.shape[0] * scale
    return side, b"".join(wide[at : at + side] * scale for at in range(0, len(wide), side))


def version(side: int) -> int:
    """The version of a code of ``side`` modules, 1 to 40: four modules more a side each."""
    return (side - 17) // 4
