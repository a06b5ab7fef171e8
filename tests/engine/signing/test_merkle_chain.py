"""Merkle trees and the register's chain: what holds, and that nothing else does."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalan.engine.signing import chain, merkle

LEAVES = st.lists(st.binary(max_size=6), min_size=1, max_size=40)
# The tree of eight leaves and its roots, from the test data of RFC 6962's reference implementation.
KNOWN = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def test_known_roots() -> None:
    assert {n: merkle.root(KNOWN[:n]).hex() for n in range(9)} == ROOTS


def _by_the_book(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1 word for word: split at the largest power of two below the size."""
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\1" + _by_the_book(leaves[:k]) + _by_the_book(leaves[k:])).digest()


@settings(max_examples=60)
@given(LEAVES, st.integers(0))
def test_every_member_is_proved_and_nobody_else(leaves: list[bytes], n: int) -> None:
    n, root = n % len(leaves), merkle.root(leaves)
    path, size = merkle.proof(leaves, n), len(leaves)
    assert root == _by_the_book(leaves)
    assert merkle.holds(leaves[n], n, size, path, root)
    assert not merkle.holds(leaves[n] + b"x", n, size, path, root)
    assert not merkle.holds(leaves[n], n, size, [*path, bytes(32)], root)
    assert not merkle.holds(leaves[n], n, size, path, bytes(32))
    assert not merkle.holds(leaves[n], size, size, path, root)
    if path:
        assert not merkle.holds(leaves[n], n, size, path[:-1], root)
    for other, leaf in enumerate(leaves):
        if leaf != leaves[n]:
            assert not merkle.holds(leaves[n], other, size, path, root)


def test_a_node_does_not_pass_for_a_leaf() -> None:
    leaves = [b"a", b"b", b"c", b"d"]
    inner = merkle.leaf_hash(b"a") + merkle.leaf_hash(b"b")
    assert not merkle.holds(inner, 0, 2, merkle.proof(leaves, 0)[1:], merkle.root(leaves))


def test_there_is_no_proof_for_nobody() -> None:
    for n in (-1, 1):
        with pytest.raises(IndexError):
            merkle.proof([b"a"], n)


BODY = st.dictionaries(
    st.text(max_size=4),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=6,
    ),
    max_size=4,
)


def _chain(bodies: list[dict[str, Any]]) -> list[chain.Entry]:
    entries, previous = [], chain.START
    for seq, body in enumerate(bodies, 1):
        own = chain.entry_hash(previous, body)
        entries.append(chain.Entry(seq, body, previous, own))
        previous = own
    return entries


@settings(max_examples=60)
@given(st.lists(BODY, min_size=1, max_size=6), st.integers(0))
def test_the_first_entry_touched_is_named(bodies: list[dict[str, Any]], at: int) -> None:
    entries = _chain(bodies)
    at %= len(entries)
    seq, entry = at + 1, entries[at]
    assert chain.verify_chain(entries) is None
    assert chain.verify_chain(entries[at:], first=seq, previous=entry.previous) is None

    def touched(**changed: Any) -> int | None:
        return chain.verify_chain([*entries[:at], replace(entry, **changed), *entries[seq:]])

    assert touched(body={**entry.body, "ajout": 1}) == seq
    assert touched(hash=bytes(32)) == seq
    assert touched(previous=b"\1" * 32) == seq
    assert touched(seq=seq + 1) == seq
    # Put back together with hashes of its own, the chain breaks at the next entry.
    body = {**entry.body, "ajout": 1}
    rehashed = touched(body=body, hash=chain.entry_hash(entry.previous, body))
    assert rehashed == (seq + 1 if seq < len(entries) else None)
    assert chain.verify_chain(entries[:at] + entries[seq:]) == (
        None if seq == len(entries) else seq
    )


@settings(max_examples=60)
@given(BODY)
def test_the_canonical_form_is_the_same_for_the_same_thing(body: dict[str, Any]) -> None:
    text = chain.canonical(body)
    assert json.loads(text) == body
    assert chain.canonical(dict(reversed(body.items()))) == text


def test_the_canonical_form_is_that_of_rfc_8785() -> None:
    """The example of §3.2.3 (order by UTF-16) and the escapes of §3.2.2.2."""
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    order = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(chain.canonical(dict.fromkeys(names)))) == order
    assert chain.canonical({"b": '€$\x0f\nA\'B"\\"/', "a": [True, 0]}) == (
        '{"a":[true,0],"b":"€$\\u000f\\nA\'B\\"\\\\\\"/"}'.encode()
    )


@pytest.mark.parametrize(
    "bad", [1.5, float("nan"), 2**53, {1: "x"}, b"x", "\ud800", {"\ud800": 1}, {"a": {1.0}}]
)
def test_what_has_no_certain_form_is_refused(bad: object) -> None:
    with pytest.raises(ValueError):
        chain.canonical({"a": bad})
    entry = chain.Entry(1, {"a": bad}, chain.START, bytes(32))
    assert chain.verify_chain([entry]) == 1


def test_the_hash_before_has_its_length() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        chain.entry_hash(b"", {})
