"""The demonstration: counted from its records, the same twice, once, never among real data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, F
from django.test import Client, override_settings
from django.utils import timezone

from kalan.base.errors import Refused
from kalan.config import demo
from kalan.indicators.models import Participation
from kalan.people.models import Account, Agent, DuplicatePair, Post
from kalan.people.selectors.core import actor_for
from kalan.training.models import AnonymousCount, Presence, Registration, Session
from kalan.training.selectors.sessions import sessions_visible_to
from kalan.training.services.attendance import set_presences
from tests.support.server import Server, copy_home

Content = list[tuple[object, ...]]


@dataclass
class Loaded:
    """What a load invented, and the moment it was told."""

    now: dt.datetime
    content: Content


@pytest.fixture(scope="module")
def copied(
    demo_home: Path, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any
) -> Iterator[tuple[Server, Loaded]]:
    """A copy of the demonstration that ``kalan demo`` has loaded into SQLite for the whole run."""
    server = Server(copy_home(demo_home, tmp_path_factory.mktemp("demo") / "home"))
    with django_db_blocker.unblock():
        with server.database():
            found = Loaded(Agent.objects.latest("created_at").created_at, _content())
        yield server, found


@pytest.fixture(scope="module")
def loaded(
    request: pytest.FixtureRequest, copied: tuple[Server, Loaded], django_db_setup: None
) -> Iterator[Loaded]:
    """The demonstration; it stands while this module's tests run.

    On SQLite the copy, elsewhere a load of our own at the same moment.
    """
    server, found = copied
    if connection.vendor == "sqlite":
        with _demo_mode(), server.database():
            yield found
    else:
        with _load(found.now, request.getfixturevalue("plain_settings")) as content:
            yield Loaded(found.now, content)


@pytest.fixture(scope="module")
def again(
    request: pytest.FixtureRequest, copied: tuple[Server, Loaded], django_db_setup: None
) -> Content:
    """What a load of our own invented, whatever the database."""
    if connection.vendor != "sqlite":
        return cast(Loaded, request.getfixturevalue("loaded")).content
    with _load(copied[1].now, request.getfixturevalue("plain_settings")) as content:
        return content


@contextmanager
def _load(now: dt.datetime, plain_settings: dict[str, Any]) -> Iterator[Content]:
    """The demonstration in the test's own database; nothing of it stays."""
    with _demo_mode(), transaction.atomic():
        with override_settings(**plain_settings):
            demo.load(now=now)
        yield _content()
        transaction.set_rollback(True)


@contextmanager
def _demo_mode() -> Iterator[None]:
    was, settings.KALAN_DEMO = settings.KALAN_DEMO, True
    try:
        yield
    finally:  # a load that fails must not leave the other tests in a demonstration
        settings.KALAN_DEMO = was


def _content() -> Content:
    """All that was invented, without keys and random identifiers."""
    agents = Agent.objects.order_by("pk").values_list(
        "last_name", "first_names", "sex", "matricule", "birth_year", "phone", "cadre__code"
    )
    posts = Post.objects.order_by("pk").values_list("agent__search", "structure__name", "start")
    marks = Presence.objects.order_by(
        "registration__session__code", "registration__agent__search", "half_day__date", "pk"
    ).values_list("registration__session__code", "registration__agent__search", "half_day__date")
    return [*agents, *posts, *sorted(marks, key=str)]


# The first of the module: on SQLite it needs an empty house, which ``loaded`` takes the place of.
@pytest.mark.heavy_on_sqlite
@pytest.mark.usefixtures("db")
def test_two_runs_give_the_same_data(copied: tuple[Server, Loaded], again: Loaded) -> None:
    assert copied[1].content == again
    assert len(again) > 4000


@pytest.mark.usefixtures("loaded", "db")
def test_the_figures_of_the_source_come_out_of_the_counting(client: Client) -> None:
    direcct = client.get("/chiffres.json").json()["programmes"][0]
    counted = {
        name: direcct[name]
        for name in (
            *("code", "sessions", "structures", "agents_formes", "femmes", "part_femmes"),
            *("sexe_inconnu", "formateurs", "plateformes", "comptes", "arrete_le"),
        )
    }
    assert counted == {
        "code": "direcct",
        "sessions": 19,
        "structures": 15,
        "agents_formes": 521,
        "femmes": 306,
        "part_femmes": 58.73,
        "sexe_inconnu": 0,
        "formateurs": 13,
        "plateformes": 1,
        "comptes": 610,
        "arrete_le": None,
    }
    assert [row["code"] for row in direcct["territoires"]] == ["SN-FK", "SN-KA", "SN-KL"]
    for address in ("/", "/chiffres/"):
        page = client.get(address).content.decode()
        assert "58,73" in page, address
        assert "521" in page, address


@pytest.mark.usefixtures("db")
def test_one_half_day_less_for_a_woman_at_the_threshold_is_one_woman_less(
    loaded: Loaded, client: Client
) -> None:
    """The regional manager corrects one mark of a validated session, giving the reason."""
    region = actor_for(Account.objects.get(email="region@demo.kalan"), today=loaded.now.date())
    once = [
        row["agent_id"]
        for row in Participation.objects.filter(completed=True, programme_id__isnull=False)
        .values("agent_id")
        .annotate(n=Count("pk"))
        .filter(n=1)
    ]
    at_threshold = Participation.objects.annotate(
        reached=F("present") * 100, needed=F("half_days") * 80
    ).filter(sex="F", agent_id__in=once, reached__gte=F("needed"), reached__lt=F("needed") + 100)
    mine = sessions_visible_to(region, "sessions.correct").filter(programme__code="direcct")
    fact = at_threshold.filter(session_id__in=mine.values("pk")).order_by("pk")[0]
    present = Presence.objects.filter(registration=fact.registration_id).order_by("pk")
    left = list(present.values_list("half_day", flat=True))[1:]
    set_presences(
        actor=region,
        now=loaded.now,
        session=Session.objects.get(pk=fact.session_id),
        grid={fact.registration_id: left},
        source="screen",
        reason="feuille relue : absente ce matin-là",
    )
    direcct = client.get("/chiffres.json").json()["programmes"][0]
    counted = [direcct[name] for name in ("agents_formes", "femmes", "part_femmes", "sessions")]
    assert counted == [520, 305, 58.65, 19]
    for address in ("/", "/chiffres/"):
        page = client.get(address).content.decode()
        assert ("58,65" in page, "520" in page, "58,73" in page) == (True, True, False), address


@pytest.mark.usefixtures("loaded", "db")
def test_the_records_hold_what_reality_holds() -> None:
    held = Session.objects.filter(programme__code="direcct")
    bounds = held.order_by("start").first(), held.order_by("-end").first()
    assert [s and s.start for s in bounds[:1]] == [dt.date(2022, 11, 14)]
    assert [s and s.end for s in bounds[1:]] == [dt.date(2023, 3, 17)]
    regs = Registration.objects.filter(session__in=held, state__in=Registration.COUNTED)
    seen = [a for a in regs.values_list("agent_id", flat=True) if a is not None]
    twice = {a for a in seen if seen.count(a) > 1}
    assert len(twice) >= 40
    assert regs.filter(outsider__isnull=False).count() == 10
    assert AnonymousCount.objects.filter(session__in=held).count() == 1
    never = regs.filter(presences__isnull=True, agent__isnull=False).count()
    assert never == 19
    assert Account.objects.filter(agent__isnull=True).count() >= 5
    assert Agent.objects.filter(account__isnull=True, platform_accounts__isnull=True).exists()
    assert DuplicatePair.objects.filter(state="open").count() == 2
    names = [s.node.name for s in held.select_related("node")]
    assert len(set(names)) == 15


@pytest.mark.usefixtures("db")
def test_it_is_loaded_once(loaded: Loaded, settings: Any) -> None:
    settings.KALAN_DEMO = True
    before = Agent.objects.count()
    assert demo.load(now=loaded.now) is False
    assert Agent.objects.count() == before


@pytest.mark.usefixtures("db")
def test_formateur_has_a_session_today(loaded: Loaded) -> None:
    trainer = Account.objects.get(email="formateur@demo.kalan")
    session = Session.objects.get(start=loaded.now.date(), trainers__agent=trainer.agent_id)
    assert session.registrations.count() == 18


def test_refused_outside_demo_mode(db: None, settings: Any) -> None:
    settings.KALAN_DEMO = False
    with pytest.raises(Refused, match="mode démonstration"):
        demo.load(now=timezone.now())
