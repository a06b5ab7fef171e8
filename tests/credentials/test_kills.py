"""The real worker killed while it signs: every act exactly once, the register whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.kill import killed

from tests.support.server import copy_home


@pytest.mark.process
@pytest.mark.one_database
@pytest.mark.timeout(600)
def test_a_hundred_acts_outlive_ten_kills(blank_home: Path, tmp_path: Path) -> None:
    home = copy_home(blank_home, tmp_path / "home")
    found = killed(home, acts=100, kills=10, seed=20260320, sample="3")
    assert found.kills == 10
    assert found.mid >= 2
    assert found.verdict == {
        "state": "signed", "acts": 100, "signed": 100, "numbers": 100, "codes": 100, "files": 100,
        "places": 100, "entries": 1, "problems": [], "orphans": found.verdict["orphans"],
        "judged": 3, "pyhanko": 3, "pdfsig": 3,
    }  # fmt: skip
