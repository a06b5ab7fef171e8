"""The two checkers of pages: axe-core (WCAG) in the page, the Nu checker (HTML) beside it."""

from __future__ import annotations

import json
import subprocess
import time
from functools import cache
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from playwright.sync_api import BrowserContext, Page, expect

from kalan.config.supervise import die_with_parent
from tests.support.ports import free_port

MODULES = Path(__file__).resolve().parents[2] / "node_modules"
# WCAG 2.2, levels A and AA, with everything that earlier versions already asked.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@cache
def _axe_source() -> str:
    return (MODULES / "axe-core" / "axe.min.js").read_text()


def bring_axe(context: BrowserContext) -> None:
    """Let every page of ``context`` find axe there.

    To send it to each page instead costs 87 ms of processor a page; to have it there, 39.
    """
    context.add_init_script(_axe_source())


def axe(page: Page) -> list[str]:
    """Return one line per violation on the page as it stands."""
    if not page.evaluate("!!self.axe"):
        page.evaluate(_axe_source())
    result: dict[str, Any] = page.evaluate(
        "tags => axe.run(document, "
        "{runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})",
        TAGS,
    )
    return [
        f"{violation['id']}: {node['html'][:200]} ({node.get('failureSummary', '')[:300]})"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]


def sound(page: Page, nu: Nu | None = None) -> list[str]:
    """Return what axe, the Nu checker and the width say against the page, once it has loaded."""
    page.wait_for_load_state()
    expect(page.locator("body")).to_be_attached()
    return [
        *(f"axe {line}" for line in axe(page)),
        *(f"nu {line}" for line in (nu.errors(page.content()) if nu else [])),
        *overflow(page),
    ]


def overflow(page: Page) -> list[str]:
    """Return one line if the page has to be moved sideways to be read."""
    wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return [f"the page is {wider} px wider than the screen"] if wider > 0 else []


class Nu:
    """One checker process for the run: starting Java for each page would take 2 s a page."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [
                "java",
                "-Xmx256m",
                "-Xss16m",  # its schemas are read by deep recursion
                # For a minute's work the second compiler costs more than it gives.
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Dnu.validator.servlet.bind-address=127.0.0.1",
                "-cp",
                str(MODULES / "vnu-jar" / "build" / "dist" / "vnu.jar"),
                "nu.validator.servlet.Main",
                str(self.port),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
        )

    def wait(self) -> None:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.errors("<!DOCTYPE html><html lang=fr><title>a</title>")
            except OSError:
                time.sleep(0.2)
            else:
                return
        raise AssertionError("the Nu checker did not start")

    def errors(self, html: str) -> list[str]:
        """Return one line per error, with the piece of HTML it is about."""
        request = Request(
            f"http://127.0.0.1:{self.port}/?out=json",
            data=html.encode(),
            headers={"Content-Type": "text/html; charset=utf-8"},
        )
        with urlopen(request, timeout=300) as answer:
            messages = json.load(answer)["messages"]
        return [
            f"line {message.get('lastLine')}: {message['message']} «{message.get('extract', '')}»"
            for message in messages
            if message["type"] != "info"
        ]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)
