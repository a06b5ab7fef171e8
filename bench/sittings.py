"""Tests taken over HTTP: 200 people, a burst, and the whole journey, on SQLite and PostgreSQL.

``kalan serve`` as it is installed (gunicorn and worker), on a database of its own that holds the
questions of the packs, is asked by as many browsers as people. Times are the client's, on the same
machine; CPU is that of the server's own processes, read from /proc (PostgreSQL's are told apart).
What people were told is stored is compared with rows and logs. Peers: the incumbents' figures,
measured elsewhere, and the budgets of the product.

``--small``: a few people for a few seconds. ``--sqlite``, ``--postgresql``: that one only.
``--crowd``, ``--journey``: that part only.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.learner import Browser, Page
from bench.result import Result
from bench.served import Served, child, served
from bench.sitters import JOURNEY, PASSWORD, QUESTIONS

THINK = (5.0, 15.0)  # seconds between a question and its answer: ten on average
BUDGET = "budget"
MOODLE = "Moodle 5.1, une question par page (figure de référence, mesurée ailleurs)"
KOLIBRI = "Kolibri 0.19.5 (figure de référence, mesurée ailleurs)"


@dataclass(frozen=True)
class Size:
    """``window``: seconds measured once all have begun; ``alone``: answers one after the other;
    ``busy``: seconds of journeys by ``together`` people who do not think."""

    people: int = 200
    window: float = 60.0
    think: tuple[float, float] = THINK
    alone: int = 400
    journeys: int = 20
    busy: float = 30.0
    together: int = 10


FULL = Size()
SMALL = Size(people=20, window=3.0, think=(0.5, 1.5), alone=30, journeys=3, busy=3.0)


def run(options: Sequence[str] = ()) -> Iterator[Result]:
    size = SMALL if "--small" in options else FULL
    only = {"--sqlite", "--postgresql"} & set(options)
    parts = {"--crowd", "--journey"} & set(options) or {"--crowd", "--journey"}
    if not only or "--sqlite" in only:
        with tempfile.TemporaryDirectory(prefix="kalan-bench-") as home:
            yield from _database("SQLite", Path(home), size, parts, {})
    if only and "--postgresql" not in only:
        return
    from tests.support import postgres

    if postgres.binaries() is None:
        print("PostgreSQL n’est pas installé : mesures sur SQLite seulement.", file=sys.stderr)
        return
    durable = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
    with (
        postgres.cluster(durable) as url,
        tempfile.TemporaryDirectory(prefix="kalan-bench-") as home,
    ):
        more = {"KALAN_DATABASE_URL": url}
        yield from _database("PostgreSQL", Path(home), size, parts, more)


def _database(
    name: str, home: Path, size: Size, parts: set[str], more: dict[str, str]
) -> Iterator[Result]:
    made = child(home, more, "fill", str(size.people))
    with served(home, more) as server:
        asyncio.run(_warm_up(server, made))
        if "--journey" in parts:
            for found in asyncio.run(_journeys(server, made, size)):
                yield _named(name, found)
        if "--crowd" in parts:
            for found in asyncio.run(_crowd(server, made, size)):
                yield _named(name, found)
    (home / "told.json").write_text(json.dumps(server.told))
    kept = child(home, more, "check", str(home / "told.json"))
    told = f"{len(server.told)} réponses dites gardées"
    yield _named(name, Result(f"{told} : sans ligne en base", kept["lost"], "réponses"))
    yield _named(name, Result(f"{told} : lignes jamais annoncées", kept["untold"], "réponses"))
    case = f"{kept['sittings']} passations : journal qui ne dit pas les lignes"
    yield _named(name, Result(case, kept["apart"], "passations"))


def _named(name: str, found: Result) -> Result:
    return Result(**{**found.__dict__, "case": f"{name}, {found.case}"})


# --- What a person does -----------------------------------------------------------------------


async def _answer(browser: Browser, server: Served, address: str, page: Page) -> Page:
    """Answer the question on screen; note what the server says is stored."""
    fields = page.form("u").fields
    number = page.number
    page = await browser.post(address, fields)
    if page.number == number:  # left incomplete: the page asks once
        fields = page.form("u").fields
        page = await browser.post(address, fields)
    assert page.number in (0, number + 1), (number, page.number)
    server.told[fields["u"]] = address.strip("/").split("/")[-1]
    return page


async def _sign_in(browser: Browser, email: str) -> Page:
    page = await browser.get("/connexion/")
    fields = {**page.form("identifier").fields, "identifier": email, "password": PASSWORD}
    fields.pop("shared", None)
    return await browser.post("/connexion/", fields)


async def _journey(browser: Browser, server: Served, email: str) -> list[int]:
    """Sign in → home → test → ten answers → result; bytes of each answer with its next page."""
    home = await _sign_in(browser, email)
    form = home.form(f"/{JOURNEY}/")
    start = await browser.post(form.action, form.fields)
    form = next(one for one in start.forms if "/test/" in one.action)
    address = form.action
    page = await browser.post(address, {**form.fields, "commencer": "1"})
    weights = []
    for number in range(1, QUESTIONS + 1):
        assert page.number == number, page.text[:2000]
        before = browser.bytes
        page = await _answer(browser, server, address, page)
        weights.append(browser.bytes - before)
    assert "votre résultat" in page.text, page.text[:2000]
    return weights


async def _warm_up(server: Served, made: dict[str, Any]) -> None:
    """Let both processes meet the tests and their questions before anything is counted."""
    for email in made["emails"][:6]:
        browser = Browser(server.port)
        await _journey(browser, server, email)
        await browser.close()


# --- The journey ------------------------------------------------------------------------------


async def _journeys(server: Served, made: dict[str, Any], size: Size) -> list[Result]:
    found = [Result("charge de la machine au début du parcours", os.getloadavg()[0], "processus")]
    found += await _bytes(server, made)
    found += await _costs(server, made, size)
    found += await _rate(server, made, size)
    return found


async def _bytes(server: Served, made: dict[str, Any]) -> list[Result]:
    browser, found = Browser(server.port, files=True), []
    weights = await _journey(browser, server, made["emails"][0])
    cold, requests = browser.bytes / 1024, browser.requests
    # Next day: signed out, the files still there.
    browser.cookies.pop("sessionid", None)
    browser.bytes = browser.requests = 0
    weights += await _journey(browser, server, made["emails"][0])
    await browser.close()
    found += _against(
        "parcours, cache vide", cold, "Kio", (MOODLE, 4499), (KOLIBRI, 4784), (BUDGET, 75)
    )
    found += _against(
        "parcours, cache vide", requests, "requêtes", (MOODLE, 75), (KOLIBRI, 93), (BUDGET, 24)
    )
    warm = "parcours, cache chaud"
    found += _against(warm, browser.bytes / 1024, "Kio", (MOODLE, 142), (KOLIBRI, 375))
    found += _against(warm, browser.requests, "requêtes", (MOODLE, 25), (KOLIBRI, 58))
    case = "réponse et question suivante"
    questions = [one for n, one in enumerate(weights, 1) if n % QUESTIONS]  # the last: the result
    found += _against(f"{case}, médiane", statistics.median(questions), "octets")
    found += _against(f"{case}, la plus lourde", max(questions), "octets", (BUDGET, 2048))
    return found


async def _costs(server: Served, made: dict[str, Any], size: Size) -> list[Result]:
    """CPU of journeys one after the other, and of answers alone."""
    emails = made["emails"][: size.journeys]
    before = server.cpu()
    for email in emails:
        browser = Browser(server.port)
        await _journey(browser, server, email)
        await browser.close()
    web, base = ((b - a) / len(emails) for a, b in zip(before, server.cpu(), strict=True))
    bare = web - made["hash"]
    found = _against("parcours, CPU sans l’empreinte du mot de passe", bare, "s", (BUDGET, 0.15))
    peers = (MOODLE, 1.92), (KOLIBRI, 1.39), (BUDGET, 0.20)
    found += _against("parcours, CPU avec l’empreinte du mot de passe", web, "s", *peers)
    found.append(Result("une empreinte de mot de passe, CPU", made["hash"], "s"))
    if server.base:
        found.append(Result("parcours, CPU de PostgreSQL en plus", base, "s"))
    answers, (web, base) = await _alone(server, made, size)
    case = f"une réponse et la page suivante, CPU (moyenne de {answers})"
    found += _against(case, 1000 * web / answers, "ms", (BUDGET, 12))
    if server.base:
        case = "une réponse et la page suivante, CPU de PostgreSQL en plus"
        found.append(Result(case, 1000 * base / answers, "ms"))
    return found


async def _alone(
    server: Served, made: dict[str, Any], size: Size
) -> tuple[int, tuple[float, float]]:
    """Answers one after the other, the last of a sitting (its result) left out."""
    number, spent = 0, [0.0, 0.0]
    for email in made["emails"] * 10:
        browser = Browser(server.port)
        form = (await _sign_in(browser, email)).form(f"/{JOURNEY}/")
        start = await browser.post(form.action, form.fields)
        form = next(one for one in start.forms if "/test/" in one.action)
        page = await browser.post(form.action, {**form.fields, "commencer": "1"})
        before = server.cpu()
        while page.number < QUESTIONS:
            page = await _answer(browser, server, form.action, page)
            number += 1
        for place, (a, b) in enumerate(zip(before, server.cpu(), strict=True)):
            spent[place] += b - a
        await _answer(browser, server, form.action, page)
        await browser.close()
        if number >= size.alone:
            break
    return number, (spent[0], spent[1])


async def _rate(server: Served, made: dict[str, Any], size: Size) -> list[Result]:
    """Journeys a minute with people who do not think; pages only, as for the peers."""
    end, took = time.monotonic() + size.busy, list[float]()

    async def person(email: str) -> None:
        while time.monotonic() < end:
            browser, start = Browser(server.port), time.monotonic()
            await _journey(browser, server, email)
            await browser.close()
            took.append(time.monotonic() - start)

    begun, before = time.monotonic(), server.cpu()
    await asyncio.gather(*(person(email) for email in made["emails"][: size.together]))
    lasted = time.monotonic() - begun
    web = (server.cpu()[0] - before[0]) / len(took)
    case = f"parcours de {size.together} personnes sans temps de réflexion"
    found = _against(
        case, 60 * len(took) / lasted, "par minute", (MOODLE, 52), (KOLIBRI, 48), more=True
    )
    found += _against(f"{case}, médiane", statistics.median(took), "s", (MOODLE, 11.8))
    found += _against(f"{case}, p95", _p95(took), "s", (MOODLE, 13.8), (KOLIBRI, 15.1))
    found += _against(f"{case}, CPU d’un parcours", web, "s", (MOODLE, 1.92), (KOLIBRI, 1.39))
    return found


# --- The crowd --------------------------------------------------------------------------------


async def _crowd(server: Served, made: dict[str, Any], size: Size) -> list[Result]:
    """All at their own pace; then all at once."""
    load, draw = os.getloadavg()[0], random.Random(1)
    took, screens = list[float](), dict[str, Page]()
    browsers = {uid: Browser(server.port) for uid in made["sittings"]}
    ramp = max(size.think)
    begun = time.monotonic()
    opens, closes = begun + ramp, begun + ramp + size.window

    async def person(uid: str, session: str, wait: float) -> None:
        browser, address = browsers[uid], f"/test/{uid}/"
        browser.cookies.update(sessionid=session)
        await asyncio.sleep(wait)
        page = await browser.get(address)
        while page.number:
            await asyncio.sleep(draw.uniform(*size.think))
            if time.monotonic() > closes:
                break
            start = time.monotonic()
            page = await _answer(browser, server, address, page)
            if start >= opens:
                took.append(time.monotonic() - start)
        screens[uid] = page

    spread = {uid: draw.uniform(0, ramp) for uid in browsers}
    before = server.cpu()
    await asyncio.gather(*(person(u, s, spread[u]) for u, s in made["sittings"].items()))
    lasted, spent = time.monotonic() - begun, server.cpu()[0] - before[0]
    case = f"{size.people} personnes qui réfléchissent {sum(size.think) / 2:g} s"
    found = [
        Result("charge de la machine au début de la foule", load, "processus"),
        Result(f"{case}, réponses mesurées", len(took), "réponses"),
        Result(f"{case}, p50 d’une réponse", 1000 * statistics.median(took), "ms"),
        *_against(f"{case}, p95 d’une réponse", 1000 * _p95(took), "ms", (BUDGET, 500)),
        Result(f"{case}, la plus longue", 1000 * max(took), "ms"),
        Result(f"{case}, processeur du serveur", 100 * spent / lasted, "% d’un cœur"),
    ]
    return found + await _burst(server, browsers, screens, draw)


async def _burst(
    server: Served, browsers: dict[str, Browser], screens: dict[str, Page], draw: random.Random
) -> list[Result]:
    """Everybody presses within one second, on connections not yet open."""
    going = {uid: page for uid, page in screens.items() if page.number}
    for browser in browsers.values():
        await browser.close()
    took, told = list[float](), len(server.told)

    async def press(uid: str, wait: float) -> None:
        await asyncio.sleep(wait)
        start = time.monotonic()
        await _answer(browsers[uid], server, f"/test/{uid}/", going[uid])
        took.append(time.monotonic() - start)

    await asyncio.gather(*(press(uid, draw.random()) for uid in going))
    for browser in browsers.values():
        await browser.close()
    case = f"{len(going)} réponses en une seconde"
    return [
        Result(f"{case}, gardées", len(server.told) - told, "réponses"),
        Result(f"{case}, p50", 1000 * statistics.median(took), "ms"),
        Result(f"{case}, p95", 1000 * _p95(took), "ms"),
        *_against(f"{case}, la plus longue", 1000 * max(took), "ms", (BUDGET, 10_000)),
    ]


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[max(0, -(-95 * len(values) // 100) - 1)]


def _against(
    case: str, value: float, unit: str, *peers: tuple[str, float], more: bool = False
) -> list[Result]:
    """One line for each peer, or one without."""
    if not peers:
        return [Result(case, value, unit)]
    return [
        Result(case, value, unit, peer=peer, peer_value=there, more_is_better=more)
        for peer, there in peers
    ]
