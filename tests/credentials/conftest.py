"""Fixtures of the tests of acts."""

from __future__ import annotations

import pytest

from kalan.engine.signing import keyfiles


@pytest.fixture(autouse=True)
def _keys_made_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key derivation that does not take its time: each key a test makes or opens asks for one.

    How many rounds there are outside the tests is held by tests/engine/signing/test_keys.py.
    """
    monkeypatch.setattr(keyfiles, "ROUNDS", 1000)
