"""Acts of one session: about who was present, met the rule, led it or is expected there."""

from __future__ import annotations

from typing import Any

from kalan.base.dates import week_date
from kalan.credentials.models import ActTemplate
from kalan.credentials.services.sources.common import Found, Planned, Request, holder, nobody
from kalan.credentials.services.sources.registrations import EXPECTED, about_person, named
from kalan.credentials.services.sources.session_papers import half_day_in_words, paper
from kalan.training.models import HalfDay, Registration, Session, SessionTrainer
from kalan.training.selectors.counting import completed, with_presence
from kalan.training.selectors.sessions import countable_sessions, trainers_of

_K = ActTemplate.Kind
# Acts about what has taken place: only once the session is closed.
_AFTER = frozenset({_K.ATTENDANCE, _K.TRAINING, _K.TRAINER, _K.SHEET, _K.REPORT})
HOURS = 4  # in a half-day, as for the hours of trainers
NBSP = "\u00a0"


def find(request: Request) -> Found:
    """The acts of the session ``request.ref``, of the kind that the template has."""
    session: Session = request.ref
    found = Found(node=session.node, simulated=is_simulated(session))
    found.acts = acts_of(session, request.kind, request.options)
    if not found.acts:
        raise nobody(*_why_nobody(request.kind))
    return found


def acts_of(session: Session, kind: str, options: dict[str, Any]) -> list[Planned]:
    """Every act of ``kind`` that ``session`` gives (a constant number of queries)."""
    if kind in _AFTER and not countable_sessions().filter(pk=session.pk).exists():
        return []
    halves = list(HalfDay.objects.filter(session=session).order_by("date", "part", "pk"))
    facts = training_facts(session, len(halves))
    rows = Registration.objects.filter(session=session)
    counted = rows.filter(state__in=Registration.COUNTED)
    if kind == _K.ATTENDANCE:
        return [_attendance(facts, row) for row in named(with_presence(counted)) if row.present]
    if kind == _K.TRAINING:
        return [_training(facts, row) for row in named(completed(rows))]
    if kind == _K.TRAINER:
        return [_trainer(facts, row) for row in trainers_of(session)]
    if kind in (_K.CONVOCATION, _K.MISSION):
        meeting = _meeting(session, halves, options)
        expected = named(rows.filter(state__in=EXPECTED))
        return [_sent(kind, facts, row, meeting, options) for row in expected]
    return [paper(session, kind, facts, halves, options)]


def is_simulated(session: Session) -> bool:
    return bool(session.programme and session.programme.is_demo)


def training_facts(session: Session, half_days: int) -> dict[str, Any]:
    """What acts say of the session (``documents.contract.Training``); dates in ISO form."""
    programme = session.programme
    return {
        "title": session.title,
        "programme": programme.name if programme else "",
        "code": session.code,
        "nature": "action de formation",
        "mode": session.get_mode_display(),
        "starts_on": session.start.isoformat(),
        "ends_on": session.end.isoformat(),
        "place": session.where,
        "half_days": half_days,
        "hours": HOURS * half_days,
        "objectives": programme.objectives if programme else "",
        "organiser": session.organiser.name if session.organiser else "",
    }


def rule_in_words(percent: int) -> str:
    return f"présence à au moins {percent}{NBSP}% des demi-journées de chaque session"


def _attendance(facts: dict[str, Any], row: Any) -> Planned:
    attended = {"half_days": row.present, "of": row.held, "hours": HOURS * row.present}
    data = {"training": facts, "attended": attended}
    return about_person(_K.ATTENDANCE, f"session:{row.session.uid}", row, data)


def _training(facts: dict[str, Any], row: Any) -> Planned:
    data = {
        "training": facts,
        "rule": rule_in_words(row.percent_needed),
        "themes": [row.session.theme.name],
    }
    return about_person(_K.TRAINING, f"session:{row.session.uid}", row, data)


def led_line(facts: dict[str, Any], half_days: int, hours: float) -> dict[str, str]:
    """A session led, as an attestation of trainer prints it."""
    days = (facts["starts_on"], facts["ends_on"])
    return {
        "title": facts["title"],
        "dates": " – ".join(dict.fromkeys(f"{d[8:]}/{d[5:7]}/{d[:4]}" for d in days)),
        "place": facts["place"],
        "half_days": str(half_days),
        "hours": f"{hours:g}".replace(".", ","),
    }


def _trainer(facts: dict[str, Any], row: SessionTrainer) -> Planned:
    half_days, hours = len(row.half_days.all()), float(row.hours)
    who = f"agent:{row.agent.uid}" if row.agent else f"name:{row.pk}"
    return Planned(
        record=f"{_K.TRAINER}:session:{row.session.uid}:{who}",
        name=row.name,
        agent_id=row.agent_id,
        email=row.agent.email if row.agent else "",
        phone=row.agent.phone if row.agent else "",
        data={
            "kind": _K.TRAINER,
            "holder": holder(row.agent, name=row.name),
            "training": facts,
            "led": {
                "half_days": half_days,
                "hours": hours,
                "sessions": [led_line(facts, half_days, hours)],
            },
        },
    )


def _meeting(session: Session, halves: list[HalfDay], options: dict[str, Any]) -> dict[str, str]:
    """When and where people are expected; the preparer may say the hour and whom to call."""
    starts = half_day_in_words(halves[0]) if halves else week_date(session.start)
    said = {"starts": options.get("starts") or starts, "place": session.where}
    return {**said, "contact": str(options.get("contact") or "")}


def _sent(
    kind: str, facts: dict[str, Any], row: Any, meeting: dict[str, str], options: dict[str, Any]
) -> Planned:
    data: dict[str, Any] = {"training": facts}
    if kind == _K.CONVOCATION:
        data["meeting"] = meeting
    else:
        data["mission"] = {
            "purpose": options.get("purpose") or f"Formation : {facts['title']}",
            "destination": facts["place"],
            "departs_on": options.get("departs_on") or facts["starts_on"],
            "returns_on": options.get("returns_on") or facts["ends_on"],
            "transport": str(options.get("transport") or ""),
            "funding": str(options.get("funding") or ""),
        }
    return about_person(kind, f"session:{row.session.uid}", row, data)


def _why_nobody(kind: str) -> tuple[str, str]:
    if kind in _AFTER:
        return (
            "Cette session ne donne aucun acte de ce modèle.",
            "Vérifiez qu’elle est clôturée et que les présences y sont saisies.",
        )
    return (
        "Cette session n’a encore personne sur sa liste.",
        "Désignez d’abord des participants.",
    )
