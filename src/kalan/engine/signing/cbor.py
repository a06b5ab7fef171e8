"""The part of CBOR (RFC 8949) that credentials use, in its one deterministic form (§4.2.1).

Whole numbers, byte strings, text, lists, maps with whole-number keys: shortest lengths, keys in
the order of their bytes, nothing of indefinite length. What can be written in two ways is refused,
so that a credential has exactly one text. The page that checks offline does the same in
``credentials/static/credentials/verifier.js``; tests hold the two to each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Value = int | bytes | str | list["Value"] | dict[int, "Value"]
DEEPEST = 4
_LARGEST = 2**53 - 1  # what JavaScript counts without error


class CborError(ValueError):
    """``code``: truncated, trailing_bytes, not_canonical, duplicate_key, bad_utf8, malformed."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def encode(value: object) -> bytes:
    """``value`` in its deterministic form; TypeError for what credentials do not use."""
    if isinstance(value, int) and not isinstance(value, bool):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return _head(3, len(text)) + text
    if isinstance(value, Mapping):
        pairs = sorted((encode(key), encode(item)) for key, item in value.items())
        return _head(5, len(pairs)) + b"".join(key + item for key, item in pairs)
    if isinstance(value, Sequence):
        return _head(4, len(value)) + b"".join(map(encode, value))
    raise TypeError(type(value).__name__)


def decode(data: bytes) -> Value:
    """The one value that ``data`` holds; CborError when it holds anything else."""
    reader = _Reader(data)
    value = reader.value(0)
    if reader.at != len(data):
        raise CborError("trailing_bytes")
    return value


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes((major << 5 | number,))
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            return bytes((major << 5 | info,)) + number.to_bytes(size)
    raise TypeError("a number of more than 64 bits")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        if self.at + size > len(self.data):
            raise CborError("truncated")
        self.at += size
        return self.data[self.at - size : self.at]

    def head(self) -> tuple[int, int]:
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if major > 5:  # tags, true and false, floats
            raise CborError("malformed")
        if info < 24:
            return major, info
        if info > 27:
            # 31 is an indefinite length: another way to write what has one already.
            raise CborError("not_canonical" if info == 31 and major > 1 else "malformed")
        size = 1 << info - 24
        number = int.from_bytes(self.take(size))
        if number < (24 if size == 1 else 1 << 4 * size):
            raise CborError("not_canonical")
        if number > _LARGEST:
            raise CborError("malformed")
        return major, number

    def value(self, depth: int) -> Value:
        if depth > DEEPEST:
            raise CborError("malformed")
        major, number = self.head()
        match major:
            case 0:
                return number
            case 1:
                return -1 - number
            case 2:
                return self.take(number)
            case 3:
                try:
                    return self.take(number).decode()
                except UnicodeDecodeError:
                    raise CborError("bad_utf8") from None
            case 4:
                return [self.value(depth + 1) for _ in range(number)]
            case _:
                return self.map(number, depth)

    def map(self, size: int, depth: int) -> dict[int, Value]:
        found: dict[int, Value] = {}
        before = b""
        for _ in range(size):
            start = self.at
            key = self.value(depth + 1)
            written = self.data[start : self.at]
            if not isinstance(key, int):
                raise CborError("malformed")
            if key in found:
                raise CborError("duplicate_key")
            if written < before:
                raise CborError("not_canonical")
            found[key], before = self.value(depth + 1), written
        return found
