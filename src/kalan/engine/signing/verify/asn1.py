"""A strict reader of DER (ITU-T X.690), for what is checked here without a library: definite
lengths in their shortest form, nothing after the value, nothing deeper than what is asked for.

It shares no code with the writer in ``signing.der``: a fault there must not hide itself here.
"""

from __future__ import annotations

from typing import NamedTuple

DEEPEST = 40  # levels; a time-stamped signature has some twenty


class Value(NamedTuple):
    """One value: its tag, its contents, and its whole encoding."""

    tag: int
    body: bytes
    whole: bytes


def value(data: bytes, tag: int | None = None) -> Value:
    """Read the only value of ``data``; ValueError when there is anything else."""
    found, end = read(data, 0)
    if end != len(data) or (tag is not None and found.tag != tag):
        raise ValueError("DER: another value was expected")
    return found


def read(data: bytes, at: int) -> tuple[Value, int]:
    """Read the value that begins at ``at``; return it and where it ends."""
    end = length(data, at)
    size = data[at + 1]
    start = at + 2 + (size & 0x7F if size & 0x80 else 0)
    return Value(data[at], data[start:end], data[at:end]), end


def length(data: bytes, at: int = 0) -> int:
    """Return where the value that begins at ``at`` ends."""
    if at + 2 > len(data) or data[at] & 0x1F == 0x1F:  # no tags of several bytes in what we read
        raise ValueError("DER: cut short, or a long tag")
    size, start = data[at + 1], at + 2
    if size & 0x80:
        octets = size & 0x7F
        number = data[start : start + octets]
        size, start = int.from_bytes(number, "big"), start + octets
        if not 1 <= octets <= 4 or len(number) < octets or number[0] == 0 or size < 0x80:
            raise ValueError("DER: a length that is not in its shortest form")
    if start + size > len(data):
        raise ValueError("DER: cut short")
    return start + size


def parts(body: bytes) -> list[Value]:
    """Return the values that follow one another in a body."""
    found, at = [], 0
    while at < len(body):
        one, at = read(body, at)
        found.append(one)
    return found


def walk(data: bytes) -> None:
    """Check the DER of a value to its leaves: everywhere a definite length in its shortest form,
    filled exactly, and no tag 0, which is what padding would look like."""
    waiting = [(value(data), 0)]
    while waiting:
        one, depth = waiting.pop()
        if one.tag == 0 or depth > DEEPEST:
            raise ValueError("DER: padding, or too deep")
        if one.tag & 0x20:
            waiting += [(part, depth + 1) for part in parts(one.body)]
