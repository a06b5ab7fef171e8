"""People met in the field: an agent added on the spot by whoever runs a session."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import phonenumbers
from django.db import transaction

from kalan.base.errors import Refused
from kalan.base.text import fold
from kalan.people import policy
from kalan.people.actor import Actor
from kalan.people.models import Agent, DuplicatePair, OrgNode, Post

ORIGIN = "terrain"


@dataclass(frozen=True)
class FieldAgent:
    """The agent, and those of the register who may be the same person."""

    agent: Agent
    same: list[Agent]


def add_field_agent(
    *,
    actor: Actor,
    now: dt.datetime,
    country: str,
    last_name: str,
    first_names: str,
    sex: str,
    phone: str,
    structure: OrgNode | None,
    day: dt.date,
) -> FieldAgent:
    """Add somebody who came to a session without being known, to be reconciled later.

    Never refused for what it contains: a phone number that cannot be read is kept as typed. With
    a structure, a main post there begins on ``day``. Likely duplicates (same name at the same
    structure, or same name and phone) are noted for a manager and returned; nothing is merged.
    """
    if not (actor.system or actor.can(policy.CAPABILITIES["people.field"])):
        raise Refused("Vous ne pouvez pas ajouter de personne.", code="forbidden")
    with transaction.atomic():
        agent = Agent.objects.create(
            country=country,
            last_name=last_name.strip()[:100],
            first_names=first_names.strip()[:100],
            search=fold(f"{last_name} {first_names}")[:210],
            sex=sex if sex in ("F", "M") else "",
            phone=readable_phone(phone, country),
            to_reconcile=True,
            origin=ORIGIN,
            created_at=now,
        )
        if structure:
            Post.objects.create(agent=agent, structure=structure, start=day)
        same = _same_person(agent, structure)
        for other in same:
            _note_pair(agent, other, structure)
    return FieldAgent(agent=agent, same=same)


def readable_phone(raw: str, country: str) -> str:
    """``raw`` in international form (E.164); what cannot be read is kept, cut to 20 characters."""
    try:
        number = phonenumbers.parse(raw, country.upper())
    except phonenumbers.NumberParseException:
        return raw.strip()[:20]
    if not phonenumbers.is_possible_number(number):
        return raw.strip()[:20]
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _same_person(agent: Agent, structure: OrgNode | None) -> list[Agent]:
    alike = Agent.objects.filter(
        country=agent.country,
        search=agent.search,
        status__in=[Agent.Status.ACTIVE, Agent.Status.LEFT],
    ).exclude(pk=agent.pk)
    found = list(alike.filter(posts__structure=structure).distinct()) if structure else []
    if agent.phone:
        known = {other.pk for other in found}
        found += [a for a in alike.filter(phone=agent.phone) if a.pk not in known]
    return sorted(found, key=lambda other: other.pk)[:5]


def _note_pair(agent: Agent, other: Agent, structure: OrgNode | None) -> None:
    first, second = sorted([agent.pk, other.pk])
    DuplicatePair.objects.get_or_create(
        kind="agent",
        first_id=first,
        second_id=second,
        defaults={
            "node": structure,
            "score": 1.0,
            "reasons": ["même nom", "ajout sur place lors d’une session"],
        },
    )
