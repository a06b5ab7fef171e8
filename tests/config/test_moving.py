"""SQLite to PostgreSQL: the demonstration moves whole, its figures with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.server import Server, copy_home, python

pytestmark = pytest.mark.process

FIGURES = """
import django; django.setup()
from django.test import Client
from django.db import connection
print(connection.vendor, Client().get("/chiffres.json").content.decode())
"""


def _manage(house: Server, *words: str) -> str:
    more = {**house.settings, "KALAN_DEMO": "1"}
    return python(house.home, "-m", "django", *words, "--settings", "kalan.config.settings", **more)


def _figures(house: Server) -> tuple[str, object]:
    out = python(house.home, "-c", FIGURES, **{**house.settings, "KALAN_DEMO": "1"})
    vendor, text = out.strip().splitlines()[-1].split(" ", 1)
    return vendor, json.loads(text)


def test_the_demonstration_moves_whole(
    demo_home: Path, tmp_path: Path, offline_postgresql: Server
) -> None:
    offline = Server(copy_home(demo_home, tmp_path / "home"))
    file = str(offline.home / "kalan.sqlite3")
    out = _manage(offline_postgresql, "bring_sqlite", file)
    assert out.strip().splitlines()[-1].endswith("lignes copiées et comparées.")
    before, after = _figures(offline), _figures(offline_postgresql)
    assert (before[0], after[0]) == ("sqlite", "postgresql")
    assert before[1] == after[1]
    assert after[1]["programmes"][0]["agents_formes"] == 521  # type: ignore[index]
    # A second run finds data and touches nothing; new rows get new keys.
    with pytest.raises(AssertionError, match="contient déjà des données"):
        _manage(offline_postgresql, "bring_sqlite", file)
    _manage(offline_postgresql, "load_pack", "ml")


def test_it_refuses_to_move_into_sqlite(offline: Server, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="n’est pas PostgreSQL"):
        _manage(offline, "bring_sqlite", str(tmp_path / "rien.sqlite3"))
