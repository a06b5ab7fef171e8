"""Pages of the demonstration: server CPU, queries and bytes (brotli, headers included).

Each page is asked for through the whole stack of middleware, as a signed-in person of the role
that uses it; the first asking warms caches, the median of the next ones counts. Peers are the
incumbents' measured figures: a dashboard of a signed-in learner, over HTTP, on another run.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.result import Result

REPEAT = 15
MOODLE = "Moodle 5.1, tableau de bord connecté (figure de référence, mesurée ailleurs)"
MOODLE_CPU_MS = 96.0  # 88 to 104 ms per request
MOODLE_WARM_LOGIN = "Moodle 5.1, page de connexion, cache chaud (figure de référence)"
MOODLE_LOGIN_BYTES = 5.8 * 1024
MOODLE_COLD_LOGIN = "Moodle 5.1, page de connexion, cache vide, tout compris (référence)"
MOODLE_COLD_BYTES = 1151.9 * 1024
MOODLE_WARM_DASHBOARD = "Moodle 5.1, connexion → tableau de bord, cache chaud (référence)"
MOODLE_DASHBOARD_BYTES = 24 * 1024

# (who, address, peer of CPU, peer of bytes)
Peer = tuple[str, float] | None
CPU: Peer = (MOODLE, MOODLE_CPU_MS)
PAGES: tuple[tuple[str, str, Peer, Peer], ...] = (
    ("", "/", None, None),
    ("", "/chiffres/", None, None),
    ("", "/chiffres.json", None, None),
    ("", "/connexion/", None, (MOODLE_WARM_LOGIN, MOODLE_LOGIN_BYTES)),
    ("agent", "/mon-espace/", CPU, (MOODLE_WARM_DASHBOARD, MOODLE_DASHBOARD_BYTES)),
    ("agent", "/mes-donnees/", None, None),
    ("formateur", "/mon-espace/", CPU, None),
    ("formateur", "/gestion/sessions/{today}/presence/", None, None),
    ("region", "/gestion/", CPU, None),
    ("region", "/gestion/agents/", None, None),
    ("region", "/gestion/structures/", None, None),
    ("region", "/gestion/sessions/", None, None),
    ("programme", "/gestion/indicateurs/", CPU, None),
    ("admin", "/sante/", None, None),
)


def run(options: Sequence[str]) -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="kalan-bench-") as home:
        _start(Path(home))
        yield from _first_page()
        for who, address, cpu_peer, bytes_peer in PAGES:
            yield from _page(who, address, cpu_peer, bytes_peer)


def _start(home: Path) -> None:
    """A demonstration of its own."""
    os.environ.update(
        KALAN_HOME=str(home), KALAN_DEMO="1", DJANGO_SETTINGS_MODULE="kalan.config.settings"
    )
    import django

    django.setup()
    import logging

    from django.test.utils import setup_test_environment

    from kalan.base import clock
    from kalan.config import demo, supervise

    setup_test_environment()
    logging.disable(logging.CRITICAL)
    supervise.prepare()
    demo.load(now=clock.now())


def _client(who: str) -> Any:
    from django.test import Client

    from kalan.people.models import Account

    client = Client(headers={"accept-encoding": "br"})
    if who:
        client.force_login(Account.objects.get(email=f"{who}@demo.kalan"))
    return client


def _session_of_today() -> str:
    """The demonstration has one, so that its trainer has work."""
    from kalan.base import clock
    from kalan.training.models import Session

    today = clock.today()
    return str(Session.objects.filter(start__lte=today, end__gte=today).earliest("pk").uid)


def weight(response: Any) -> int:
    """Bytes of an answer as HTTP/1.1 writes it: status line, headers, body."""
    lines = [f"HTTP/1.1 {response.status_code} {response.reason_phrase}"]
    lines += [f"{name}: {value}" for name, value in response.items()]
    lines += [f"Set-Cookie: {cookie.OutputString()}" for cookie in response.cookies.values()]
    body = response.getvalue() if response.streaming else response.content
    return sum(len(line.encode()) + 2 for line in lines) + 2 + len(body)


def _page(who: str, address: str, cpu_peer: Peer, bytes_peer: Peer) -> Iterator[Result]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = _client(who)
    case = f"{who or 'anonyme'} {address}"
    address = address.format(today=_session_of_today())
    first = client.get(address)
    if first.status_code != 200:
        yield Result(f"{case} : statut", first.status_code, "HTTP")
        return
    with CaptureQueriesContext(connection) as queries:
        response = client.get(address)
    number = len(queries)  # now: the next request empties the log
    took = []
    for _ in range(REPEAT):
        start = time.process_time()
        client.get(address)
        took.append((time.process_time() - start) * 1000)
    yield _result(f"{case} : CPU", statistics.median(took), "ms", cpu_peer)
    yield _result(f"{case} : requêtes SQL", number, "requêtes", None)
    yield _result(f"{case} : octets", weight(response), "octets", bytes_peer)


def _first_page() -> Iterator[Result]:
    """What a new phone loads for the sign-in page: page, sheet, icon, manifest."""
    from django.contrib.staticfiles.storage import staticfiles_storage

    client = _client("")
    total = weight(client.get("/connexion/"))
    for name in ("web/kalan.css", "web/icon.svg", "web/manifest.webmanifest"):
        total += weight(client.get(staticfiles_storage.url(name)))
    peer = (MOODLE_COLD_LOGIN, MOODLE_COLD_BYTES)
    yield _result("première page, tout compris : octets", total, "octets", peer)


def _result(case: str, value: float, unit: str, peer: Peer) -> Result:
    if peer is None:
        return Result(case, value, unit)
    return Result(case, value, unit, peer=peer[0], peer_value=peer[1])
