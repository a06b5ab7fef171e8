"""A JPEG without what a camera or a program wrote beside the picture.

Its bytes stand in every act as they are (typst embeds JPEG files whole): the place where a photo
was taken, the name of its owner, and whatever was appended after its end would go with it.
"""

from __future__ import annotations

START, END, SCAN = 0xD8, 0xD9, 0xDA
# Of the segments for applications, those that say how colours are read: JFIF, ICC, Adobe.
_OF_COLOURS = {0xE0, 0xE2, 0xEE}
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD8)}


def bare_jpeg(data: bytes) -> bytes:
    """``data`` without comments, camera data and what follows its end (ITU-T T.81, annex B).

    What cannot be followed is given back as it is: whoever lays it out refuses it.
    """
    try:
        return _bare(data)
    except IndexError:
        return data


def _bare(data: bytes) -> bytes:
    kept, at = [data[:2]], 2
    while True:
        if data[at] != 0xFF:
            raise IndexError
        marker = data[at + 1]
        if marker == END:
            return b"".join([*kept, b"\xff\xd9"])
        if marker == 0xFF:  # filling
            at += 1
            continue
        end = at + 2
        if marker not in _WITHOUT_LENGTH:
            end += int.from_bytes((data[at + 2], data[at + 3]))
        if marker == SCAN:
            end = _after_scan(data, end)
        others = 0xE0 <= marker <= 0xEF and marker not in _OF_COLOURS
        if not others and marker != 0xFE:
            kept.append(data[at:end])
        at = end


def _after_scan(data: bytes, at: int) -> int:
    """Where the marker is that ends the coded picture: neither a stuffed byte nor a restart."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0:
            raise IndexError
        after = data[at + 1]
        if after and after not in _WITHOUT_LENGTH and after != 0xFF:
            return at
        at += 2 if after != 0xFF else 1
