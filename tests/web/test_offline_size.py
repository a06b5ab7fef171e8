"""Budget: service worker, outbox and helpers, compressed, in 6 KB; and what they promise."""

from __future__ import annotations

from pathlib import Path

import brotli
import pytest
from django.test import Client

from kalan.web.light import light_js
from kalan.web.views import offline

FOLDER = Path(offline.__file__).parents[1] / "static" / "web"
LIMIT = 6 * 1024


def test_worker_outbox_and_helper_fit_in_six_kilobytes(client: Client) -> None:
    sizes = [len(brotli.compress(client.get("/sw.js").content))]
    sizes.append(len(brotli.compress(light_js((FOLDER / "outbox.js").read_text()).encode())))
    assert sum(sizes) <= LIMIT, sizes


def test_the_worker_names_the_files_it_keeps(client: Client) -> None:
    answer = client.get("/sw.js")
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer["Cache-Control"] == "public, no-cache"
    first = answer.content.decode().splitlines()[1]
    assert first == (
        'const FILES = ["/static/web/kalan.css", "/static/web/outbox.js", '
        '"/static/web/icon.svg"], OUTBOX = "/static/web/outbox.js";'
    )


@pytest.mark.django_db
def test_no_page_of_strangers_carries_the_outbox(client: Client) -> None:
    assert "outbox" not in client.get("/").content.decode()
