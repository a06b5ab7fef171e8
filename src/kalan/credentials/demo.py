"""The acts of the demonstration: some signed, one set waiting for the signatory's click.

The authority is made for the demonstration ("essai ou usage interne"), the people are invented,
and every act says so. What is signed here was signed by the ordinary road.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from kalan.assessment.models import Exam
from kalan.base import jobs
from kalan.credentials.models import ActTemplate, Batch, Office, SigningRun, TemplateVersion
from kalan.credentials.models.offices import OfficeHolder
from kalan.credentials.services import keys, offices, ordering, preparing, visa
from kalan.credentials.services.second_factor import Factor
from kalan.credentials.services.templates import load_templates
from kalan.people.actor import SYSTEM, Actor
from kalan.people.models import Account, OrgNode
from kalan.people.selectors.core import actor_for
from kalan.training.models import Programme, Session

MINISTRY = "Ministère de la Santé (démonstration)"
BODY = "Direction de la formation (démonstration)"
SIGNATORY = "Dr Rokhaya DIÈYE"
# The structure of the account "structure", and another.
SIGNED, WAITING = "Centre de santé de Sokone", "Hôpital régional de Fatick"
ENDS_IN = (12, 25, 50, 80, 140)  # days: one or two in each window of « À renouveler »
OUTSIDE = "hors du registre des agents : attestation demandée à part"
KIND = ActTemplate.Kind
SOURCE = Batch.Source


class _World:
    """The accounts of the demonstration as they act on a day."""

    def __init__(self, accounts: dict[str, Account], now: dt.datetime) -> None:
        self.now, self.accounts = now, accounts
        self.today = timezone.localdate(now)
        self._versions = {
            version.template.kind: version
            for version in TemplateVersion.objects.filter(current=True)
            .select_related("template")
            .order_by("template__pk")
        }

    def __getitem__(self, name: str) -> Actor:
        return actor_for(self.accounts[name], today=self.today)

    def prepare(
        self, who: str, kind: str, office: Office, source: str, ref: Any, **kw: Any
    ) -> Batch:
        return preparing.prepare(
            actor=self[who],
            version=self._versions[kind],
            office=office,
            source=source,
            ref=ref,
            now=self.now,
            **kw,
        )


def build_acts(
    *,
    country: OrgNode,
    accounts: dict[str, Account],
    programme: Programme,
    exam: Exam | None,
    now: dt.datetime,
) -> SigningRun:
    """Templates, keys, an office and its batches; returns the click whose job ``sign`` runs.

    The attestations of one session are signed already, those of another wait for a visa, and the
    programme's own wait for the signatory.
    """
    sessions = _sessions(programme)
    load_templates(actor=SYSTEM, country=country.country, node=country, now=now)
    office = _office(country, accounts["signataire"], now)
    world = _World(accounts, now)
    done = [world.prepare("structure", KIND.ATTENDANCE, office, SOURCE.SESSION, sessions[SIGNED])]
    if exam is not None:
        certified = world.prepare("admin", KIND.COMPETENCE, office, SOURCE.EXAM, exam)
        _end_soon(certified, world.today)
        done.append(certified)
    _approve(world, done, "programme")
    everyone = _everyone(world, programme, office)
    _approve(world, [everyone], "admin")
    asked = world.prepare("admin", KIND.ATTENDANCE, office, SOURCE.SESSION, sessions[WAITING])
    visa.hand_over(actor=world["admin"], batch=asked, now=now)
    world.prepare(
        "programme", KIND.TRAINER, office, SOURCE.PROGRAMME, programme, options={"per": "person"}
    )
    signatory = accounts["signataire"]
    factor = Factor(account_id=signatory.pk, kind="totp", at=now)
    return ordering.order(actor=world["signataire"], batches=done, factor=factor, now=now)


def _sessions(programme: Programme) -> dict[str, Session]:
    """The first session of each place."""
    rows = Session.objects.filter(programme=programme).select_related("node", "theme", "programme")
    return {row.node.name: row for row in rows.order_by("-start", "-pk")}


def _everyone(world: _World, programme: Programme, office: Office) -> Batch:
    """One attestation a person for the whole programme; visitors are set aside."""
    everyone = world.prepare(
        "programme",
        KIND.TRAINING,
        office,
        SOURCE.PROGRAMME,
        programme,
        options={"per": "person"},
        title=f"Attestations de formation · {programme.name}",
    )
    for visitor in everyone.acts.filter(outsider__isnull=False).order_by("rank"):
        preparing.exclude(actor=world["programme"], act=visitor, reason=OUTSIDE, now=world.now)
    return everyone


def sign(run: SigningRun) -> None:
    """Run the job of the click, as the worker would."""
    if run.job is not None:
        jobs.execute(run.job.uid)


def _end_soon(batch: Batch, today: dt.date) -> None:
    """Give the first certificates an end that is near, so that « À renouveler » shows some.

    Before the visa: what is printed and registered is what the register will say.
    """
    for rank, days in enumerate(ENDS_IN, start=1):
        batch.acts.filter(rank=rank).update(valid_until=today + dt.timedelta(days=days))


def _office(country: OrgNode, signatory: Account, now: dt.datetime) -> Office:
    document = keys.create(
        actor=SYSTEM,
        now=now,
        name=MINISTRY,
        signer=f"{SIGNATORY} (personne fictive)",
        passphrase=secrets.token_urlsafe(24),
        country=country.country.upper(),
    )[0]
    office = offices.open_office(
        actor=SYSTEM,
        node=country,
        title="La Directrice de la formation",
        body=BODY,
        place="Dakar",
        key=document,
        now=now,
    )
    offices.appoint(
        actor=SYSTEM,
        office=office,
        account=signatory,
        capacity=OfficeHolder.Capacity.TITLE,
        name=SIGNATORY,
        title="Directrice de la formation",
        reference="Arrêté de démonstration n° 1",
        start=timezone.localdate(now) - dt.timedelta(days=300),
        now=now,
    )
    return office


def _approve(world: _World, batches: Sequence[Batch], who: str) -> None:
    for batch in batches:
        preparer = next(
            name for name, one in world.accounts.items() if one.pk == batch.prepared_by_id
        )
        visa.hand_over(actor=world[preparer], batch=batch, now=world.now)
        visa.approve(actor=world[who], batch=batch, now=world.now)
        batch.refresh_from_db()
