"""Merkle trees as in RFC 6962 §2.1: one hash stands for a list, a short proof for one member.

A leaf is hashed with 0x00 before it, a node with 0x01, so that no node passes for a leaf.
Hashes are SHA-256, 32 bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over ``leaves`` in their order; of none, the hash of nothing (RFC 6962 §2.1)."""
    if not leaves:
        return sha256().digest()
    return _levels(leaves)[-1][0]


def proof(leaves: Sequence[bytes], n: int) -> list[bytes]:
    """The audit path of leaf ``n`` from the leaf up (RFC 6962 §2.1.1); IndexError outside."""
    if not 0 <= n < len(leaves):
        raise IndexError(n)
    path = []
    for level in _levels(leaves)[:-1]:
        if (n ^ 1) < len(level):
            path.append(level[n ^ 1])
        n >>= 1
    return path


def holds(leaf: bytes, n: int, size: int, path: Sequence[bytes], wanted: bytes) -> bool:
    """Whether ``leaf`` is number ``n`` of the ``size`` leaves under the root ``wanted``.

    RFC 9162 §2.1.3.2; a path too short or too long does not hold.
    """
    if not 0 <= n < size:
        return False
    last, value = size - 1, leaf_hash(leaf)
    for sibling in path:
        if last == 0:
            return False
        if n & 1 or n == last:
            value = node_hash(sibling, value)
            # A node without a right neighbour went up as it was.
            while not n & 1 and n:
                n, last = n >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        n, last = n >> 1, last >> 1
    return last == 0 and value == wanted


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """Every level from the leaves' hashes to the root; a node left alone goes up as it is.

    This pairs the same nodes as the split at the largest power of two of RFC 6962.
    """
    levels = [[leaf_hash(leaf) for leaf in leaves]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        above = [node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)]
        levels.append(above + below[len(above) * 2 :])
    return levels
