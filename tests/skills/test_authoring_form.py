"""Every question that is delivered opens in the form and comes back as it was."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from kalan.skills.forms.authoring import initial_of, own_of
from kalan.skills.models import Item
from kalan.skills.play.content import from_own

FILES = sorted((Path(settings.PACKS_DIR) / "questions" / "fr").glob("*.toml"))
_USUAL: dict[str, Any] = {"fixed": False, "typos": False, "case": False, "accents": False}
_EMPTY: dict[str, Any] = {"feedback": "", "weight": None, "typos": False, "left": ""}


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_the_form_gives_back_what_it_was_given(file: Path) -> None:
    for one in tomllib.loads(file.read_text())["question"]:
        before = from_own(one)
        item = Item(code=one["code"], difficulty=one["difficulty"])
        values, rows = initial_of(item, before)
        own = own_of(before.kind, {**_USUAL, **_form(values)}, [{**_EMPTY, **row} for row in rows])
        after = from_own({**own, "code": one["code"]})
        for stored in (before, after):
            stored.key.pop("meta", None)
        assert after == before, one["code"]


def _form(values: dict[str, Any]) -> dict[str, Any]:
    """What a browser sends: texts without spaces around, numbers as numbers."""
    return {
        name: value.strip() if isinstance(value, str) else value for name, value in values.items()
    }
