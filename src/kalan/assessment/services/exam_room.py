"""The room: opened, watched and ended by the invigilator. Nothing here punishes; it is recorded."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from kalan.assessment.models import Candidate, Exam, Sitting, SittingEvent
from kalan.assessment.selectors.exams import number_asked
from kalan.assessment.selectors.frozen import version_id
from kalan.assessment.selectors.screens import log_of
from kalan.assessment.services import answering, endings, events
from kalan.assessment.services.exams import locked, locked_candidate, new_code
from kalan.assessment.services.writing import act
from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.people.services import history

# Categories of an incident, tied to the question on screen; as in the reports of Pix Certif.
INCIDENTS = {
    "question": "Question fautive ou mal affichée",
    "image": "Image ou fichier absent",
    "access": "Question non accessible",
    "network": "Coupure de réseau ou de courant",
    "device": "Panne du téléphone ou de l’ordinateur",
    "focus": "Page quittée involontairement",
    "late": "Retard ou départ anticipé",
    "help": "Aide extérieure ou document",
    "health": "Malaise",
    "other": "Autre",
}


@act
def open_room(*, actor: Actor, exam: Exam, now: dt.datetime) -> Exam:
    """Let the code work, on the day of the exam. A second time changes nothing."""
    row = locked(actor, exam, "exams.invigilate")
    if row.state == Exam.State.OPEN:
        return row
    if row.state != Exam.State.PLANNED:
        raise Refused("Cet examen est terminé : la salle ne s’ouvre plus.")
    if row.date != timezone.localdate(now):
        raise Refused(
            f"Cet examen est prévu le {row.date:%d/%m/%Y} : la salle s’ouvre ce jour-là.",
            remedy="Pour un autre jour, changez la date de l’examen.",
        )
    row.state, row.opened_at = Exam.State.OPEN, now
    row.save(update_fields=["state", "opened_at"])
    return row


@act
def renew_code(*, actor: Actor, exam: Exam, now: dt.datetime) -> Exam:
    """Another code; the old one no longer opens anything. Who is in stays in."""
    row = locked(actor, exam, "exams.invigilate")
    _going(row)
    row.code = new_code(row.date)
    row.save(update_fields=["code"])
    return row


def _going(exam: Exam) -> None:
    if exam.state != Exam.State.OPEN:
        raise Refused("La salle n’est pas ouverte.", remedy="Ouvrez-la, ou rechargez la page.")


@act
def mark_arrived(
    *, actor: Actor, candidate: Candidate, arrived: bool, now: dt.datetime
) -> Candidate:
    """Say that somebody is there, identity checked; or take it back before the start."""
    row = locked_candidate(actor, candidate, "exams.invigilate")
    _going(row.exam)
    if row.sitting_id:
        raise Refused("Ce candidat a déjà commencé.")
    row.arrived_at = (row.arrived_at or now) if arrived else None
    if not arrived:
        row.allowed_at = None
    row.save(update_fields=["arrived_at", "allowed_at"])
    return row


@act
def allow_start(*, actor: Actor, candidate: Candidate, now: dt.datetime) -> Candidate:
    """Let one person start; their identity counts as checked."""
    row = locked_candidate(actor, candidate, "exams.invigilate")
    _going(row.exam)
    row.arrived_at, row.allowed_at = row.arrived_at or now, row.allowed_at or now
    row.save(update_fields=["arrived_at", "allowed_at"])
    return row


@act
def allow_all(*, actor: Actor, exam: Exam, now: dt.datetime) -> int:
    """Let everybody start whose identity was checked; return how many."""
    row = locked(actor, exam, "exams.invigilate")
    _going(row)
    waiting = row.candidates.filter(arrived_at__isnull=False, allowed_at__isnull=True)
    number = waiting.update(allowed_at=now)
    if number:
        history.note(actor=actor, subject=row, text=f"Départ autorisé à {number} candidat(s)")
    return number


@act
def allow_resume(*, actor: Actor, candidate: Candidate, now: dt.datetime) -> Candidate:
    """Let somebody who has started go on with another device."""
    row = locked_candidate(actor, candidate, "exams.invigilate")
    _running(row, now)
    row.resume_allowed = True
    row.save(update_fields=["resume_allowed"])
    return row


def _running(row: Candidate, now: dt.datetime) -> Sitting:
    """The candidate's sitting, under way; what is over is refused."""
    sitting = row.sitting
    over = sitting is not None and sitting.deadline is not None and now > sitting.deadline
    if sitting is None or sitting.state != Sitting.State.RUNNING or over:
        raise Refused("Ce candidat n’a pas de question à l’écran.", remedy="Rechargez la page.")
    return sitting


@act
def replace(*, actor: Actor, candidate: Candidate, number: int, now: dt.datetime) -> Candidate:
    """Replace the question ``number`` that the candidate complained of; it counts for nothing.

    Refused when they have gone on to another question meanwhile.
    """
    row = locked_candidate(actor, candidate, "exams.invigilate")
    sitting = _running(row, now)
    if number_asked(sitting) != number:
        raise Refused(
            f"Le candidat a quitté la question {number} : elle n’est plus remplaçable.",
            remedy="Notez un incident si besoin.",
        )
    answering.replace(sitting=sitting, now=now, by=actor.account)
    return _heard(actor, row, "question remplacée", now)


@act
def dismiss_alert(*, actor: Actor, candidate: Candidate, now: dt.datetime) -> Candidate:
    """Answer a call without replacing the question."""
    row = locked_candidate(actor, candidate, "exams.invigilate")
    return _heard(actor, row, "vu, la question reste", now)


def _heard(actor: Actor, row: Candidate, text: str, now: dt.datetime) -> Candidate:
    if row.alert_at is None:
        return row
    assert row.sitting is not None
    events.note(
        sitting=row.sitting,
        kind=SittingEvent.Kind.HEARD,
        now=now,
        number=row.alert_number,
        text=text,
        by=actor.account,
    )
    row.alert_at, row.alert_number, row.alert_text = None, None, ""
    row.save(update_fields=["alert_at", "alert_number", "alert_text"])
    return row


@act
def incident(
    *,
    actor: Actor,
    candidate: Candidate,
    category: str,
    text: str,
    now: dt.datetime,
    number: int | None = None,
) -> SittingEvent | None:
    """Record an incident on question ``number`` (None: the one on screen, if any)."""
    row = locked_candidate(actor, candidate, "exams.invigilate")
    if category not in INCIDENTS:
        raise Refused("Choisissez une catégorie dans la liste.", field="category")
    if category == "other" and not text.strip():
        raise Refused("Décrivez l’incident.", field="text")
    if row.sitting is None:
        raise Refused(
            "Ce candidat n’a pas commencé.",
            remedy="Un incident d’avant le départ se note sur le procès-verbal.",
        )
    if row.exam.state == Exam.State.PUBLISHED:
        raise Refused("Les résultats sont publiés.", remedy="Adressez-vous au jury.")
    seen = asked_versions(row.sitting)
    if number is None and row.sitting.state == Sitting.State.RUNNING:
        number = number_asked(row.sitting)
    if number is not None and number not in seen:
        raise Refused(
            f"Question {number} : ce candidat ne l’a pas vue.",
            field="number",
            remedy=f"Un numéro de 1 à {max(seen, default=1)} est attendu.",
        )
    return events.note(
        sitting=row.sitting,
        kind=SittingEvent.Kind.INCIDENT,
        now=now,
        number=number,
        version=seen.get(number) if number else None,
        category=category,
        text=text.strip()[:2000],
        by=actor.account,
    )


def asked_versions(sitting: Sitting) -> dict[int, int]:
    """{number of the question: key of its item version}, the one on screen included."""
    entries = [entry for entry in log_of(sitting) if entry[0] in "ar"]
    items = [int(entry[1]) for entry in entries]
    if sitting.asked is not None:
        items.append(sitting.asked)
    return {n: version_id(sitting.frozen_id, item) for n, item in enumerate(items, start=1)}


@act
def stop(*, actor: Actor, candidate: Candidate, reason: str, now: dt.datetime) -> Candidate:
    """End somebody's sitting where it is; its answers count. ``reason`` is asked for."""
    row = locked_candidate(actor, candidate, "exams.invigilate")
    sitting = _running(row, now)
    if not reason.strip():
        raise Refused("Dites pourquoi.", field="reason")
    _stop(actor, row, sitting, reason.strip(), now)
    return row


def _stop(actor: Actor, row: Candidate, sitting: Sitting, why: str, now: dt.datetime) -> None:
    events.note(
        sitting=sitting,
        kind=SittingEvent.Kind.STOPPED,
        now=now,
        number=number_asked(sitting),
        text=why[:2000],
        by=actor.account,
    )
    endings.end(sitting=sitting, state=Sitting.State.STOPPED, now=now)
    # Nobody stays blocked by a call that came before the end.
    row.alert_at, row.alert_number, row.alert_text = None, None, ""
    row.save(update_fields=["alert_at", "alert_number", "alert_text"])


@act
def end_exam(*, actor: Actor, exam: Exam, now: dt.datetime) -> Exam:
    """Close the room: sittings under way end, their answers count. A second time: nothing."""
    row = locked(actor, exam, "exams.invigilate")
    if row.state in (Exam.State.CLOSED, Exam.State.PUBLISHED):
        return row
    _going(row)
    going = row.candidates.filter(sitting__state__in=[Sitting.State.READY, Sitting.State.RUNNING])
    for one in going.select_related("sitting").order_by("pk"):
        assert one.sitting is not None
        if one.sitting.deadline is not None and now > one.sitting.deadline:
            endings.expire(sitting=one.sitting, now=now)
        else:
            _stop(actor, one, one.sitting, "Fin de l’examen", now)
    row.candidates.filter(alert_at__isnull=False).update(
        alert_at=None, alert_number=None, alert_text=""
    )
    row.state, row.closed_at = Exam.State.CLOSED, now
    row.save(update_fields=["state", "closed_at"])
    return row
