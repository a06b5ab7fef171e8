"""Many at once, on both databases: the stored set is the union of what was sent."""

from __future__ import annotations

import json

import pytest

from tests.support.server import Server, python
from tests.training.crowd import ROUNDS, THREADS


@pytest.mark.process
@pytest.mark.parametrize(
    ("fixture", "vendor"), [("offline", "sqlite"), ("offline_postgresql", "postgresql")]
)
def test_eight_people_at_once(fixture: str, vendor: str, request: pytest.FixtureRequest) -> None:
    server: Server = request.getfixturevalue(fixture)
    said = json.loads(python(server.home, "-m", "tests.training.crowd", **server.settings))
    assert (said["vendor"], said["errors"]) == (vendor, [])
    assert said["sent"] == said["stored"] == THREADS * ROUNDS * 3
    assert said["present"] == said["expected"]
