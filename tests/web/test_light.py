"""Sheets and scripts as sent: without comments and indentation, and saying the same."""

from __future__ import annotations

import subprocess
from importlib.resources import files
from pathlib import Path

import brotli
import pytest
from django.core.management import call_command

from kalan.web.light import light_css, light_js

STATIC = files("kalan.web") / "static" / "web"
SCRIPTS = sorted(one.name for one in STATIC.iterdir() if one.name.endswith(".js"))


def test_a_script_loses_what_only_its_readers_need() -> None:
    text = (
        '/* Head.\n   More. */\n"use strict";\n// A line.\n  const a = "http://x";  // why\n\n'
        "    f(a);\n"
    )
    assert light_js(text) == '"use strict";\nconst a = "http://x";\nf(a);\n'


def test_a_sheet_loses_what_only_its_readers_need() -> None:
    assert light_css("/* why */\na > b,\np { color: red;\n  margin: 0 1px; }\n") == (
        "a>b,p{color:red;margin:0 1px}"
    )


@pytest.mark.parametrize("name", SCRIPTS)
def test_our_scripts_are_written_so_that_this_is_safe(name: str, tmp_path: Path) -> None:
    text = (STATIC / name).read_text()
    assert [line for line in text.splitlines() if line.count("`") % 2] == []
    light = tmp_path / name
    light.write_text(light_js(text))
    subprocess.run(["node", "--check", str(light)], check=True, timeout=200)
    assert "/*" not in light.read_text().replace("catch { /*", "")
    assert "  //" not in light.read_text()


def test_collected_files_are_the_light_ones(settings: object, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path  # type: ignore[attr-defined]
    settings.STORAGES = {  # type: ignore[attr-defined]
        "staticfiles": {"BACKEND": "kalan.web.light.LightStaticFilesStorage"}
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    for name, light in (("outbox.js", light_js), ("kalan.css", light_css)):
        stem, ending = name.split(".")
        (hashed,) = tmp_path.glob(f"web/{stem}.*.{ending}")
        expected = light((STATIC / name).read_text()).encode()
        assert hashed.read_bytes() == expected
        assert brotli.decompress(Path(f"{hashed}.br").read_bytes()) == expected
