"""Eight threads at one sitting, on both databases: each question is answered once."""

from __future__ import annotations

import json

import pytest

from tests.assessment.crowd import ROUNDS, THREADS
from tests.support.server import Server, python


@pytest.mark.process
@pytest.mark.parametrize(
    ("fixture", "vendor"), [("offline", "sqlite"), ("offline_postgresql", "postgresql")]
)
def test_eight_threads_at_one_sitting(
    fixture: str, vendor: str, request: pytest.FixtureRequest
) -> None:
    server: Server = request.getfixturevalue(fixture)
    said = json.loads(python(server.home, "-m", "tests.assessment.crowd", **server.settings))
    assert (said["vendor"], said["errors"]) == (vendor, [])
    # A thread that was told "stored" finds its answer; of all others none counts.
    assert said["stored"] == said["told"]
    assert said["outcomes"] == {"stored": ROUNDS, "already": ROUNDS * (THREADS - 1)}
    assert (said["state"], said["log"], said["results"]) == ("finished", ROUNDS, 1)
    assert (said["events"], said["started"]) == (0, 1)
