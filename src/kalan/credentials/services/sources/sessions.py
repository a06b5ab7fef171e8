"""Acts of one session: who was present, who met the rule, who led, and the session's papers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from kalan.base.dates import long_date, short_day, week_date
from kalan.credentials.models import ActTemplate
from kalan.credentials.services.sources.common import Found, Planned, Request, holder, nobody
from kalan.training.models import HalfDay, Presence, Registration, Session, SessionTrainer
from kalan.training.selectors.counting import completed, with_presence
from kalan.training.selectors.registrations import by_name
from kalan.training.selectors.sessions import countable_sessions, trainers_of

_K = ActTemplate.Kind
# Acts about what has taken place: only once the session is closed.
_AFTER = frozenset({_K.ATTENDANCE, _K.TRAINING, _K.TRAINER, _K.SHEET, _K.REPORT})
_EXPECTED = (
    Registration.State.DESIGNATED,
    Registration.State.APPROVED,
    Registration.State.CONVOKED,
)
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
        return [_attendance(facts, row) for row in _named(with_presence(counted)) if row.present]
    if kind == _K.TRAINING:
        return [_training(facts, row) for row in _named(completed(rows))]
    if kind == _K.TRAINER:
        return [_trainer(facts, row) for row in trainers_of(session)]
    if kind in (_K.CONVOCATION, _K.MISSION):
        meeting = _meeting(session, halves, options)
        expected = _named(rows.filter(state__in=_EXPECTED))
        return [_sent(kind, facts, row, meeting, options) for row in expected]
    return [_paper(session, kind, facts, halves, options)]


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


def record_key(kind: str, about: str, row: Any) -> str:
    """Names one proof about one person, so that it is not given twice by mistake."""
    who = f"agent:{row.agent.uid}" if row.agent else f"outsider:{row.outsider.uid}"
    return f"{kind}:{about}:{who}"


def about_person(kind: str, about: str, row: Any, data: dict[str, Any]) -> Planned:
    """One act about the person of a registration."""
    who = row.agent or row.outsider
    name = who.full_name
    return Planned(
        record=record_key(kind, about, row),
        name=name,
        agent_id=row.agent_id,
        outsider_id=row.outsider_id,
        structure_id=row.structure_id,
        email=row.agent.email if row.agent else "",
        phone=who.phone,
        data={
            "kind": kind,
            "holder": holder(row.agent, name=name, structure=row.came_from),
            **data,
        },
    )


def _named(rows: Any) -> Iterable[Any]:
    """Registrations with their people, in the order of a printed list."""
    return by_name(rows.select_related("agent__cadre", "outsider", "structure", "session__theme"))


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
    if halves:
        first = halves[0]
        starts = f"{week_date(first.date)}, {HalfDay.Part(first.part).label}"
    else:
        starts = week_date(session.start)
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


# --- papers of the whole session -------------------------------------------------------------


def _paper(
    session: Session,
    kind: str,
    facts: dict[str, Any],
    halves: list[HalfDay],
    options: dict[str, Any],
) -> Planned:
    data: dict[str, Any] = {"kind": kind, "training": facts}
    if kind == _K.SHEET:
        data |= _sheet(session, halves)
    elif kind == _K.REPORT:
        data |= _report(session, halves)
    else:
        rows = Registration.objects.filter(session=session, state__in=_EXPECTED)
        data["considering"] = list(options.get("considering") or [])
        data["people"] = [
            {"matricule": "", "cadre": "", "structure": ""}
            | holder(row.agent, name=row.person, structure=row.came_from)
            for row in _named(rows)
        ]
    return Planned(record=f"{kind}:session:{session.uid}", data=data)


def _lines(session: Session) -> list[Any]:
    rows = Registration.objects.filter(session=session, state__in=Registration.COUNTED)
    return list(_named(with_presence(rows)))


def _sheet(session: Session, halves: list[HalfDay]) -> dict[str, Any]:
    came = set(
        Presence.objects.filter(registration__session=session).values_list(
            "registration", "half_day"
        )
    )
    closed = session.closed_at or session.validated_at
    return {
        "columns": [
            {"day": short_day(half.date), "part": HalfDay.Part(half.part).label} for half in halves
        ],
        "lines": [
            {
                "name": row.person,
                "cadre": str(row.agent.cadre or "") if row.agent else "",
                "structure": row.came_from,
                "marks": ["P" if (row.pk, half.pk) in came else "A" for half in halves],
            }
            for row in _lines(session)
        ],
        "trainers": [
            {"name": row.name, "half_days": str(len(row.half_days.all()))}
            for row in trainers_of(session)
        ],
        "closed_on": (timezone.localdate(closed) if closed else session.end).isoformat(),
    }


def _report(session: Session, halves: list[HalfDay]) -> dict[str, Any]:
    rows = _lines(session)
    done = set(completed(Registration.objects.filter(session=session)).values_list("pk", flat=True))
    present = Counter(
        Presence.objects.filter(registration__session=session).values_list("half_day", flat=True)
    )
    came = [row for row in rows if row.present]
    women = sum(1 for row in came if (row.agent or row.outsider).sex == "F")
    people = [["Nom", "Structure", "Présences", "Formé"]]
    people += [
        [
            row.person,
            row.came_from,
            f"{row.present} / {row.held}",
            "oui" if row.pk in done else "non",
        ]
        for row in rows
    ]
    days = [["Demi-journée", "Présents"]]
    days += [
        [f"{week_date(half.date)}, {HalfDay.Part(half.part).label}", str(present[half.pk])]
        for half in halves
    ]
    return {
        "facts": [
            ["Session", session.code],
            ["Thème", session.theme.name],
            ["Mode", session.get_mode_display()],
            ["Présidence", session.president],
            ["Clôture", long_date(timezone.localdate(session.closed_at))]
            if session.closed_at
            else ["Clôture", "–"],
        ],
        "sections": [
            {
                "heading": "Chiffres",
                "text": [],
                "table": [
                    ["Indicateur", "Nombre"],
                    ["Inscrits", str(len(rows))],
                    ["Présents au moins une demi-journée", str(len(came))],
                    ["dont femmes", str(women)],
                    ["Formés (règle du programme remplie)", str(len(done))],
                ],
                "align": "lr",
            },
            {"heading": "Demi-journées", "text": [], "table": days, "align": "lr"},
            {"heading": "Participants", "text": [], "table": people, "align": "llrl"},
        ],
    }


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
