"""Frozen tests and their questions, kept ready in the process: neither ever changes.

A page of a sitting then costs no query for the test, its items or what they say.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from kalan.assessment.models import FrozenItem, FrozenTest
from kalan.engine.testing.frozen import Frozen, cached
from kalan.skills.models import ItemVersion
from kalan.skills.play.shape import Stored

KEPT_TESTS = 8
KEPT_VERSIONS = 1000  # about 3 KB each

_tests: OrderedDict[int, tuple[str, dict[int, int]]] = OrderedDict()
_stored: OrderedDict[int, Stored] = OrderedDict()
_lock = Lock()


def frozen_of(frozen_id: int) -> Frozen:
    """The test that ``frozen_id`` froze."""
    version, _ = _of(frozen_id)
    return cached(version, lambda: _body(frozen_id))


def version_id(frozen_id: int, number: int) -> int:
    """Key of the item version that is number ``number`` in the frozen test."""
    return _of(frozen_id)[1][number]


def version_ids(frozen_id: int) -> dict[int, int]:
    """{number in the frozen test: key of its item version}."""
    return _of(frozen_id)[1]


def stored_of(version: int) -> Stored:
    """What an item version says, and its key."""
    with _lock:
        found = _stored.get(version)
        if found is not None:
            _stored.move_to_end(version)
            return found
    row = ItemVersion.objects.values_list("content", "key").get(pk=version)
    made = Stored(*row)
    with _lock:
        _stored[version] = made
        while len(_stored) > KEPT_VERSIONS:
            _stored.popitem(last=False)
    return made


def forget() -> None:
    """Empty what this process keeps (tests use one process for many databases)."""
    with _lock:
        _tests.clear()
        _stored.clear()


def _body(frozen_id: int) -> str:
    return str(FrozenTest.objects.values_list("body", flat=True).get(pk=frozen_id))


def _of(frozen_id: int) -> tuple[str, dict[int, int]]:
    with _lock:
        found = _tests.get(frozen_id)
        if found is not None:
            _tests.move_to_end(frozen_id)
            return found
    version = str(FrozenTest.objects.values_list("version", flat=True).get(pk=frozen_id))
    numbers = dict(FrozenItem.objects.filter(frozen=frozen_id).values_list("number", "version_id"))
    with _lock:
        _tests[frozen_id] = (version, numbers)
        while len(_tests) > KEPT_TESTS:
            _tests.popitem(last=False)
    return version, numbers
