"""Writes on agents: who a person of the workforce is. Posts stand in registry_posts."""

from __future__ import annotations

import datetime as dt
import unicodedata
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from kalan.base.errors import Refused
from kalan.base.phones import to_e164
from kalan.base.text import fold
from kalan.people.actor import Actor
from kalan.people.models import Agent, Cadre, OrgNode, Sex
from kalan.people.selectors.core import agents_visible_to
from kalan.people.services.allow import require
from kalan.people.services.history import acting
from kalan.people.services.registry_posts import add_post

YOUNGEST, OLDEST = 14, 100  # years of age of a person at work, generously


@dataclass(frozen=True, kw_only=True)
class AgentData:
    """What is asked of a new agent. ``structure`` and ``post_start`` open a main post there."""

    last_name: str
    first_names: str
    sex: str = ""
    matricule: str | None = None
    birth_year: int | None = None
    phone: str = ""
    email: str = ""
    cadre: Cadre | None = None
    country: str = ""
    structure: OrgNode | None = None
    post_start: dt.date | None = None
    post_title: str = ""
    employer: str = ""
    employment_status: str = ""
    origin: str = "saisie"
    to_reconcile: bool = False


def create_agent(*, actor: Actor, now: dt.datetime, data: AgentData) -> Agent:
    """Create an agent and, when a structure is given, their main post there.

    A trainer may add a person met on the spot (``to_reconcile``), whatever the structure.
    Raises Refused naming the field: matricule taken, impossible year, phone or e-mail…
    """
    with transaction.atomic(), acting(actor):
        walk_in = data.to_reconcile and actor.can(_WALK_IN)
        if not walk_in:
            require(actor, "people.edit", data.structure)
        country = (
            data.country
            or (data.structure.country if data.structure else "")
            or settings.KALAN_COUNTRY
        )
        values = clean_identity(
            {
                "last_name": data.last_name,
                "first_names": data.first_names,
                "sex": data.sex,
                "matricule": data.matricule,
                "birth_year": data.birth_year,
                "phone": data.phone,
                "email": data.email,
                "cadre": data.cadre,
            },
            country=country,
            now=now,
        )
        _refuse_taken_matricule(actor, country, values["matricule"], now)
        agent = Agent.objects.create(
            country=country,
            search=fold(f"{values['last_name']} {values['first_names']}"),
            origin=data.origin,
            to_reconcile=data.to_reconcile,
            created_at=now,
            **values,
        )
        if data.structure is not None:
            add_post(
                actor=actor,
                now=now,
                agent=agent,
                structure=data.structure,
                start=data.post_start or now.date(),
                cadre=data.cadre,
                title=data.post_title,
                employer=data.employer,
                status=data.employment_status,
                walk_in=walk_in,
                new_agent=True,
            )
        return agent


def update_agent(
    *, actor: Actor, now: dt.datetime, agent: Agent, reason: str = "", **changes: Any
) -> Agent:
    """Change identity fields (those of AgentData), ``status`` or ``to_reconcile``.

    Values equal to the present ones change nothing and leave no history entry.
    """
    if unknown := set(changes) - {*_IDENTITY, "status", "to_reconcile"}:
        raise TypeError(f"Not a field of an agent: {sorted(unknown)}")
    with transaction.atomic(), acting(actor, reason=reason):
        scope = agents_visible_to(actor, "people.edit", today=now.date())
        agent = scope.select_for_update(of=("self",)).get(pk=agent.pk)
        identity = {name: changes.get(name, getattr(agent, name)) for name in _IDENTITY}
        values = clean_identity(identity, country=agent.country, now=now)
        if values["matricule"] != agent.matricule:
            _refuse_taken_matricule(actor, agent.country, values["matricule"], now)
        values["search"] = fold(f"{values['last_name']} {values['first_names']}")
        if "status" in changes:
            if changes["status"] not in (Agent.Status.ACTIVE, Agent.Status.LEFT):
                raise TypeError("Only « active » and « left » are set by hand.")
            values["status"] = changes["status"]
        if "to_reconcile" in changes:
            values["to_reconcile"] = changes["to_reconcile"]
        changed = [name for name, value in values.items() if getattr(agent, name) != value]
        for name in changed:
            setattr(agent, name, values[name])
        if changed:
            agent.save(update_fields=changed)
        return agent


def confirm_agent(*, actor: Actor, now: dt.datetime, agent: Agent) -> Agent:
    """Say that a person added on the spot is indeed a new agent, not one already known."""
    return update_agent(actor=actor, now=now, agent=agent, to_reconcile=False)


_IDENTITY = (
    "last_name",
    "first_names",
    "sex",
    "matricule",
    "birth_year",
    "phone",
    "email",
    "cadre",
)
_WALK_IN = frozenset({"trainer", "programme", "region", "structure", "admin"})


def clean_identity(values: dict[str, Any], *, country: str, now: dt.datetime) -> dict[str, Any]:
    """Return the identity fields as they are stored. Raises Refused naming the field.

    Open to the import of staff, so that a form and a file say the same.
    """
    clean = dict(values)
    clean["last_name"] = _person_name(values["last_name"], "last_name", "nom")
    clean["first_names"] = _person_name(values["first_names"], "first_names", "prénom")
    if values["sex"] not in Sex.values:
        raise Refused(
            f"« {values['sex']} » n’est pas un sexe connu.",
            field="sex",
            remedy="Écrivez F, M, ou laissez vide.",
        )
    clean["matricule"] = clean_matricule(values["matricule"])
    _check_birth_year(values["birth_year"], now)
    clean["phone"] = to_e164(values["phone"] or "", country=country)
    clean["email"] = _email(values["email"] or "")
    cadre = values["cadre"]
    if cadre is not None and cadre.country != country:
        raise Refused(
            f"« {cadre.title} » est un cadre d’un autre pays.",
            field="cadre",
            remedy="Choisissez un cadre de la liste du pays.",
        )
    return clean


def clean_matricule(raw: str | None) -> str | None:
    """Capitals, single spaces; nothing at all is no matricule."""
    text = " ".join((raw or "").split()).upper()
    if len(text) > 40:
        raise Refused(
            "Le matricule dépasse 40 caractères.", field="matricule", remedy="Vérifiez-le."
        )
    return text or None


def _person_name(raw: str, field: str, label: str) -> str:
    """Any script is welcome (apostrophes, N’Ko…); a name holds at least one letter."""
    text = " ".join(raw.split())
    if not any(c.isalpha() for c in text):
        raise Refused(f"Le {label} manque.", field=field, remedy=f"Écrivez le {label}.")
    if any(unicodedata.category(c) == "Cc" for c in text) or "<" in text or ">" in text:
        raise Refused(
            f"Le {label} contient un caractère qui n’est pas une lettre.",
            field=field,
            remedy="Retirez-le.",
        )
    if len(text) > 100:
        raise Refused(
            f"Le {label} dépasse 100 caractères.", field=field, remedy="Raccourcissez-le."
        )
    return text


def _check_birth_year(year: int | None, now: dt.datetime) -> None:
    if year is not None and not now.year - OLDEST <= year <= now.year - YOUNGEST:
        raise Refused(
            f"L’année de naissance {year} n’est pas plausible.",
            field="birth_year",
            remedy=f"Indiquez une année entre {now.year - OLDEST} et {now.year - YOUNGEST}.",
        )


def _email(raw: str) -> str:
    text = raw.strip().lower()
    if text:
        try:
            validate_email(text)
        except ValidationError:
            raise Refused(
                f"« {raw.strip()} » n’est pas une adresse e-mail.",
                field="email",
                remedy="Écrivez-la comme prenom.nom@exemple.sn.",
            ) from None
    return text


def _refuse_taken_matricule(
    actor: Actor, country: str, matricule: str | None, now: dt.datetime
) -> None:
    """Name the holder only to those who may see them."""
    if matricule is None:
        return
    holder = Agent.objects.filter(country=country, matricule=matricule).first()
    if holder is None:
        return
    seen = agents_visible_to(actor, today=now.date()).filter(pk=holder.pk).exists()
    whom = f"à {holder.full_name}" if seen else "à un autre agent"
    raise Refused(
        f"Le matricule {matricule} est déjà attribué {whom}.",
        field="matricule",
        remedy="Vérifiez le matricule, ou ouvrez la fiche existante.",
        code="matricule-taken",
    )
