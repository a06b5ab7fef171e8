"""Acts of a whole programme: those of each session, or one attestation a person for all."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db.models import Count

from kalan.base.errors import Refused
from kalan.credentials.models import ActTemplate
from kalan.credentials.services.sources import sessions
from kalan.credentials.services.sources.common import Found, Planned, Request, holder, nobody
from kalan.credentials.services.sources.registrations import about_person
from kalan.training.models import Programme, Registration, Session, SessionTrainer
from kalan.training.selectors.counting import completed
from kalan.training.selectors.registrations import by_name
from kalan.training.selectors.sessions import countable_sessions

_K = ActTemplate.Kind
_PER_PERSON = (_K.TRAINING, _K.TRAINER)


def find(request: Request) -> Found:
    """``options["per"]``: "session" (default), or "person" (attestations of training and of
    trainer): one act that lists the sessions and their themes."""
    programme: Programme = request.ref
    found = Found(node=programme.node, simulated=programme.is_demo)
    if request.options.get("per", "session") == "person":
        if request.kind not in _PER_PERSON:
            raise Refused(
                "Un acte par personne pour tout le programme n’existe que pour les attestations "
                "de formation et de formateur.",
                remedy="Choisissez « un par session ».",
                field="per",
            )
        trainers = request.kind == _K.TRAINER
        found.acts = _trainers(programme) if trainers else _trained(programme)
    else:
        for session in _sessions(programme):
            found.acts += sessions.acts_of(session, request.kind, request.options)
    if not found.acts:
        raise nobody(
            "Ce programme ne donne encore aucun acte de ce modèle.",
            "Vérifiez que ses sessions sont clôturées et que les présences y sont saisies.",
        )
    return found


def _sessions(programme: Programme) -> list[Any]:
    rows = Session.objects.filter(programme=programme)
    rows = rows.select_related("theme", "programme", "node", "organiser")
    return list(rows.annotate(held=Count("half_days")).order_by("start", "pk"))


def _trained(programme: Programme) -> list[Planned]:
    """One act a person: the sessions in which they met the rule, and their themes."""
    held = {row.pk: row for row in _sessions(programme)}
    facts = {key: sessions.training_facts(row, row.held) for key, row in held.items()}
    done = completed(Registration.objects.filter(session__programme=programme))
    people: dict[tuple[int | None, int | None], list[Any]] = defaultdict(list)
    for row in by_name(done.select_related("agent__cadre", "outsider", "structure")):
        people[(row.agent_id, row.outsider_id)].append(row)
    made = []
    for rows in people.values():
        mine = sorted({row.session_id for row in rows}, key=lambda key: facts[key]["starts_on"])
        data = {
            "training": _span(programme, [facts[key] for key in mine]),
            "rule": sessions.rule_in_words(programme.completion_percent),
            "themes": list(dict.fromkeys(held[key].theme.name for key in mine)),
        }
        about = f"programme:{programme.uid}"
        made.append(about_person(_K.TRAINING, about, rows[-1], data))
    return made


def _trainers(programme: Programme) -> list[Planned]:
    """One act a trainer: the sessions of the programme that they led."""
    held = {row.pk: row for row in _sessions(programme)}
    facts = {key: sessions.training_facts(row, row.held) for key, row in held.items()}
    rows = (
        SessionTrainer.objects.filter(
            session__programme=programme, session__in=countable_sessions()
        )
        .select_related("agent__cadre")
        .annotate(led=Count("half_days"))
        .order_by("session__start", "pk")
    )
    people: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        people[f"agent:{row.agent.uid}" if row.agent else f"name:{row.name}"].append(row)
    return [_leader(programme, who, mine, facts) for who, mine in sorted(people.items())]


def _leader(
    programme: Programme, who: str, rows: list[Any], facts: dict[int, dict[str, Any]]
) -> Planned:
    agent, name = rows[-1].agent, rows[-1].name
    lines = [sessions.led_line(facts[row.session_id], row.led, float(row.hours)) for row in rows]
    return Planned(
        record=f"{_K.TRAINER}:programme:{programme.uid}:{who}"[:120],
        name=name,
        agent_id=agent.pk if agent else None,
        email=agent.email if agent else "",
        phone=agent.phone if agent else "",
        data={
            "kind": _K.TRAINER,
            "holder": holder(agent, name=name),
            "training": _span(programme, [facts[row.session_id] for row in rows]),
            "led": {
                "half_days": sum(row.led for row in rows),
                "hours": float(sum(row.hours for row in rows)),
                "sessions": lines,
            },
        },
    )


def _span(programme: Programme, held: list[dict[str, Any]]) -> dict[str, Any]:
    """The sessions that one person followed, told as one training."""
    places = list(dict.fromkeys(one["place"] for one in held))
    return {
        **held[0],
        "title": programme.name,
        "programme": programme.name,
        "code": programme.code,
        "ends_on": max(one["ends_on"] for one in held),
        "place": places[0] if len(places) == 1 else f"{len(places)} lieux",
        "half_days": sum(one["half_days"] for one in held),
        "hours": sum(one["hours"] for one in held),
    }
