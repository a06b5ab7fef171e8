"""The little of DER (ITU-T X.690) that a signature needs: written and read without a library.

A batch writes one structure a thousand times; asn1crypto takes some twenty milliseconds for each.
"""

from __future__ import annotations

from functools import lru_cache

SEQUENCE, SET, OCTETS, NULL, OID = 0x30, 0x31, 0x04, b"\x05\x00", 0x06


def tlv(tag: int, *parts: bytes) -> bytes:
    """Return tag, length and the joined parts."""
    body = b"".join(parts)
    return head(tag, len(body)) + body


def head(tag: int, length: int) -> bytes:
    """Return tag and length, for a body that follows elsewhere."""
    if length < 128:
        return bytes((tag, length))
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size


def integer(value: int) -> bytes:
    """Return a non-negative INTEGER."""
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


@lru_cache(maxsize=64)
def oid(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER from its dotted form."""
    first, second, *rest = map(int, dotted.split("."))
    body = b"".join(_base128(number) for number in [40 * first + second, *rest])
    return tlv(OID, body)


def _base128(number: int) -> bytes:
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(0x80 | number & 0x7F)
    return bytes(reversed(digits))


def set_of(*members: bytes) -> bytes:
    """Return the members in the order that DER asks of a SET OF, without tag."""
    return b"".join(sorted(members))


def children(value: bytes) -> list[bytes]:
    """Return the encodings inside one constructed value; ValueError when it is cut short."""
    start, end = span(value, 0)
    found = []
    while start < end:
        _, after = span(value, start)
        found.append(value[start:after])
        start = after
    return found


def span(data: bytes, at: int) -> tuple[int, int]:
    """Return where the body of the value at ``at`` begins, and where it ends."""
    try:
        length, start = data[at + 1], at + 2
    except IndexError:
        raise ValueError("DER: cut short") from None
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(data[start : start + size], "big"), start + size
    if start + length > len(data):
        raise ValueError("DER: cut short")
    return start, start + length
