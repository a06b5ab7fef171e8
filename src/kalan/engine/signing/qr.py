"""Drawing QR codes: level M, by zxing-cpp, as SVG (print) or PNG.

The data mask is fixed. Choosing the best of eight costs seven times the rest of the work (0.9 ms
against 0.12 ms) and gains nothing here: what a credential carries already looks random.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt

QUIET = 4  # modules of white around the code, ISO/IEC 18004 §9.1
LEVEL = "M"  # a code still reads with 15 % of it stained
_MASK = 3

Modules = npt.NDArray[np.bool_]


def qr_modules(text: str) -> Modules:
    """The modules of the code of ``text``, side x side, True = black, without the quiet zone.

    Runs of capitals and digits are packed tighter by the encoder itself. ValueError when the text
    is more than a QR code holds.
    """
    import zxingcpp

    code = zxingcpp.create_barcode(
        text, zxingcpp.BarcodeFormat.QRCode, ec_level=LEVEL, data_mask=_MASK
    )
    picture: npt.NDArray[np.uint8] = np.asarray(code.to_image(scale=1, add_quiet_zones=False))
    return np.equal(picture, 0)


def version(modules: Modules) -> int:
    """The version of a code, 1 to 40: four modules more a side each."""
    return (len(modules) - 17) // 4


def qr_path(modules: Modules) -> str:
    """The black modules as an SVG path, a bar a run; units of a module, quiet zone included."""
    edges = np.diff(np.pad(modules, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    widths = np.nonzero(edges == -1)[1] - starts
    down, across = np.diff(rows, prepend=0), np.diff(starts, prepend=0)
    bars = ((down << 9) + across + 256 << 8) + widths
    return f"M{QUIET} {QUIET}" + "".join(map(_BARS.__getitem__, bars.tolist()))


def qr_svg(text: str) -> bytes:
    """The code of ``text`` as an SVG picture with its quiet zone, one unit a module."""
    modules = qr_modules(text)
    side = modules.shape[0] + 2 * QUIET
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}"'
        f' width="{side}" height="{side}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{side}v{side}H0z"/><path d="{qr_path(modules)}"/></svg>'
    ).encode()


def qr_png(text: str, scale: int = 1) -> bytes:
    """The code of ``text`` as a PNG picture of one bit a pixel, ``scale`` pixels a module."""
    modules = np.pad(qr_modules(text), QUIET).repeat(scale, axis=0).repeat(scale, axis=1)
    side = modules.shape[0]
    lines = np.packbits(~modules, axis=1)
    raw = np.pad(lines, ((0, 0), (1, 0))).tobytes()  # filter 0 before each line
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(raw, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


class _Bars(dict[int, str]):
    """Bars as SVG, by the step from the bar before and their width: written when first needed."""

    def __missing__(self, key: int) -> str:
        step, width = divmod(key, 256)
        down, across = divmod(step, 512)
        text = self[key] = f"m{across - 256} {down}h{width}v1h-{width}z"
        return text


_BARS = _Bars()
