"""What the three homes show: the public one, the learner's, and the one of staff."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse

from kalan.assessment.selectors.mine import OwnTests, own_tests
from kalan.base import figures
from kalan.base.figures import Chart, ChartRow, MapValue
from kalan.base.shapes import country_map
from kalan.campaigns.selectors.mine import MyCampaign, my_campaigns
from kalan.credentials.selectors.signing import awaiting_signature, awaiting_visa
from kalan.indicators.selectors.public import ProgrammeFigures
from kalan.indicators.services.public import current_public_figures
from kalan.people.actor import Actor
from kalan.people.models import DataRequest, Role
from kalan.people.selectors.core import agents_visible_to
from kalan.people.selectors.merging import pairs_visible_to
from kalan.people.selectors.privacy import requests_visible_to
from kalan.training.models import Registration, Session
from kalan.training.selectors import duties, learning_observations
from kalan.training.selectors.attendance import markable_sessions
from kalan.training.selectors.learning import MyTests, my_tests
from kalan.training.selectors.registrations import my_registrations
from kalan.training.selectors.satisfaction import is_open

SHOWN = 50


@dataclass(frozen=True)
class PublicHome:
    programme: ProgrammeFigures | None
    chart: Chart | None


def public_home(*, now: dt.datetime) -> PublicHome:
    """The latest public programme with a counted session (else the latest), and its map."""
    found = current_public_figures(now=now)
    programme = next((one for one in found if one.sessions), found[0] if found else None)
    return PublicHome(programme, _map(programme) if programme else None)


def _map(programme: ProgrammeFigures) -> Chart | None:
    values = {
        row.code: MapValue(row.agents_formes, "" if row.agents_formes is not None else "non publié")
        for row in programme.territoires
    }
    try:
        known = {shape.code for shape in country_map(programme.country).shapes}
    except FileNotFoundError:
        return None
    if not known & values.keys():
        return None
    title = "Agents formés par région"
    description = f"{programme.nom}. Une personne compte dans la région de son poste."
    return Chart(
        title=title,
        description=description,
        svg=figures.region_map(programme.country, values, title=title, description=description),
        headers=("Région", "Agents formés"),
        rows=tuple(
            ChartRow(
                row.nom,
                ("n.p." if row.agents_formes is None else figures.number(row.agents_formes),),
            )
            for row in programme.territoires
        ),
        legend=figures.map_legend(values),
    )


@dataclass(frozen=True)
class MySession:
    """``opinion_code`` opens the questionnaire; "" while it is not open, or not for this person."""

    row: Registration
    opinion_code: str
    tests: MyTests
    observed: bool

    @property
    def has_results(self) -> bool:
        """Whether a page of one's own results is worth opening."""
        return bool(self.tests.done) or self.observed


@dataclass(frozen=True)
class MySpace:
    coming: list[MySession]
    past: list[MySession]
    more: bool  # older ones are not shown
    to_lead: list[Session]
    tests: OwnTests
    campaigns: list[MyCampaign]


def my_space(actor: Actor, *, today: dt.date, now: dt.datetime) -> MySpace:
    """The sessions of the signed-in person: those to follow, followed, and to lead."""
    # One query for both lists: latest first, so that those to come are always among them.
    mine = list(my_registrations(actor)[: SHOWN + 1])
    tests = my_tests(mine)
    observed = learning_observations.observed_lines(actor)

    def one(row: Registration) -> MySession:
        asked = row.state in Registration.COUNTED and is_open(row.session, today)
        code = row.session.link_code if asked else ""
        return MySession(row, code, tests[row.pk], row.pk in observed)

    coming = [one(row) for row in reversed(mine) if row.session.end >= today]
    past = [one(row) for row in mine[:SHOWN] if row.session.end < today]
    to_lead: list[Session] = []
    if Role.TRAINER in actor.roles and actor.agent_id is not None:
        led = markable_sessions(actor).filter(trainers__agent_id=actor.agent_id)
        to_lead = list(
            led.filter(end__gte=today - duties.SOON, state__in=duties.OPEN)
            .select_related("node")
            .order_by("start", "pk")[:SHOWN]
        )
    own = own_tests(actor, now=now, shown=10)
    campaigns = my_campaigns(actor, today=today)
    return MySpace(coming, past, len(mine) > SHOWN, to_lead, own, campaigns)


@dataclass(frozen=True)
class Duty:
    """Something that waits for a person of these roles; a new one is a new line of DUTIES."""

    one: str
    many: str
    url_name: str
    query: str
    roles: frozenset[str]
    rows: Callable[[Actor, dt.date], QuerySet[Any]]
    args: tuple[str, ...] = ()
    urgent: bool = False


@dataclass(frozen=True)
class Todo:
    count: int
    label: str
    url: str
    urgent: bool


def _to_reconcile(actor: Actor, today: dt.date) -> QuerySet[Any]:
    return agents_visible_to(actor, "people.edit", today=today).filter(to_reconcile=True)


def _doubles(actor: Actor, today: dt.date) -> QuerySet[Any]:
    return pairs_visible_to(actor, "agent", today=today)


def _requests(actor: Actor, today: dt.date) -> QuerySet[Any]:
    return requests_visible_to(actor).filter(state=DataRequest.State.OPEN)


_T, _R, _P, _X = Role.TRAINER, Role.REGION, Role.PROGRAMME, Role.ADMIN
_STRUCTURE = Role.STRUCTURE

DUTIES: tuple[Duty, ...] = (
    Duty(
        "session a lieu aujourd’hui",
        "sessions ont lieu aujourd’hui",
        "session-list",
        "a_faire=aujourdhui",
        frozenset({_T, _R, _P, _X}),
        duties.today_s,
        urgent=True,
    ),
    Duty(
        "session terminée reste à clôturer",
        "sessions terminées restent à clôturer",
        "session-list",
        "a_faire=cloturer",
        frozenset({_T, _R, _P, _X}),
        duties.to_close,
        urgent=True,
    ),
    Duty(
        "session clôturée reste à valider",
        "sessions clôturées restent à valider",
        "session-list",
        "a_faire=valider",
        frozenset({_R, _X}),
        duties.to_validate,
    ),
    Duty(
        "désignation attend une décision",
        "désignations attendent une décision",
        "session-list",
        "a_faire=decider",
        frozenset({_R, _P, _X}),
        duties.designations,
    ),
    Duty(
        "session commence dans les 14 jours",
        "sessions commencent dans les 14 jours",
        "session-list",
        "a_faire=bientot",
        frozenset({_T, _STRUCTURE, _R, _P, _X}),
        duties.coming,
    ),
    Duty(
        "personne est à observer au poste",
        "personnes sont à observer au poste",
        "observation-due",
        "",
        frozenset({_STRUCTURE, _R, _X}),
        learning_observations.due,
    ),
    Duty(
        "personne ajoutée sur place est à rapprocher",
        "personnes ajoutées sur place sont à rapprocher",
        "agent-reconcile-list",
        "",
        frozenset({_STRUCTURE, _R, _X}),
        _to_reconcile,
    ),
    Duty(
        "doublon possible à examiner",
        "doublons possibles à examiner",
        "duplicates",
        "",
        frozenset({_R, _X}),
        _doubles,
        args=("agents",),
    ),
    Duty(
        "lot d’actes à signer",
        "lots d’actes à signer",
        "signing-tray",
        "",
        frozenset({Role.SIGNATORY}),
        lambda actor, today: awaiting_signature(actor, today=today),
    ),
    Duty(
        "lot d’actes à viser",
        "lots d’actes à viser",
        "act-batch-list",
        "state=checked",
        frozenset({_R, _P, _X}),
        lambda actor, today: awaiting_visa(actor),
    ),
    Duty(
        "demande sur des données personnelles à traiter",
        "demandes sur des données personnelles à traiter",
        "data-requests",
        "",
        frozenset({_X}),
        _requests,
    ),
)


def todos(actor: Actor, *, today: dt.date) -> list[Todo]:
    """What waits for ``actor``, by DUTIES' order; nothing for what is at zero.

    One query per duty of the actor's roles, however much there is to do.
    """
    found = []
    for duty in DUTIES:
        if not actor.can(duty.roles):
            continue
        count = duty.rows(actor, today).count()
        if count:
            label = duty.one if count == 1 else duty.many
            found.append(Todo(count, label, _address(duty), duty.urgent))
    return found


def _address(duty: Duty) -> str:
    try:
        url = reverse(duty.url_name, args=duty.args)
    except NoReverseMatch:
        return ""
    return f"{url}?{duty.query}" if duty.query else url
