"""What a candidate does: the code, the start, another device, a call, a replacement, focus."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Literal

from django.db.models import Q
from django.utils import timezone

from kalan.assessment.models import Candidate, Exam, Sitting, SittingEvent
from kalan.assessment.selectors.exams import ALERT_TIMEOUT, number_asked, own_candidacies
from kalan.assessment.selectors.sittings import person, seen_items
from kalan.assessment.services import answering, events, sittings
from kalan.assessment.services.exams import of_candidate
from kalan.assessment.services.writing import act
from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.people.services import limits

TRIES = 8  # wrong codes of one account in a quarter of an hour


def _own(actor: Actor, uid: uuid.UUID) -> Candidate:
    """The actor's own enrolment under lock; DoesNotExist for anybody else's."""
    found = own_candidacies(actor).values("pk").get(uid=uid)
    return of_candidate(Candidate.objects.filter(pk=found["pk"]))


def enter(*, actor: Actor, code: str, now: dt.datetime) -> Candidate:
    """The enrolment that ``code`` opens today for the actor.

    Raises Refused: a wrong code (8 tries in 15 minutes), a room that is not open or was closed,
    another day, not enrolled. Misses are counted outside the transaction that is refused.
    """
    if actor.account is None:
        raise Refused("Connectez-vous pour passer un examen.", code="forbidden")
    held = [limits.limit("exam-code", actor.account.pk, TRIES)]
    limits.check(held, now=now)
    typed = "".join(code.split()).replace("-", "").upper()
    row = (
        own_candidacies(actor).filter(exam__code=typed).order_by("-exam__date", "-pk").first()
        if typed
        else None
    )
    if row is None:
        limits.miss(held, now=now)
        raise Refused(_unknown(typed, now), field="code", remedy=_REMEDY)
    _door(row.exam, now)
    limits.forgive(held)
    return _entered(actor=actor, uid=row.uid, now=now)


_REMEDY = "Relisez-le sur le tableau, ou demandez au surveillant."


def _unknown(typed: str, now: dt.datetime) -> str:
    if not typed:
        return "Écrivez le code donné par le surveillant."
    today = Exam.objects.filter(
        code=typed, date=timezone.localdate(now), state=Exam.State.OPEN
    ).exists()
    if today:
        return "Vous n’êtes pas inscrit à cet examen."
    return f"Le code « {typed[:12]} » n’ouvre aucun examen."


def _door(exam: Exam, now: dt.datetime) -> None:
    today = timezone.localdate(now)
    if exam.state in (Exam.State.CLOSED, Exam.State.PUBLISHED):
        raise Refused("Cet examen est terminé.", field="code", code="closed")
    if exam.date != today:
        raise Refused(
            f"Ce code est celui de l’examen du {exam.date:%d/%m/%Y}.",
            field="code",
            remedy="Il ne sert que ce jour-là.",
            code="closed",
        )
    if exam.state != Exam.State.OPEN:
        raise Refused(
            "La salle n’est pas encore ouverte.",
            field="code",
            remedy="Attendez que le surveillant l’ouvre, puis recommencez.",
            code="closed",
        )


@act
def _entered(*, actor: Actor, uid: uuid.UUID, now: dt.datetime) -> Candidate:
    row = _own(actor, uid)
    if row.entered_at is None:
        row.entered_at = now
        row.save(update_fields=["entered_at"])
    return row


@act
def begin(*, actor: Actor, uid: uuid.UUID, device: str, now: dt.datetime) -> Candidate:
    """Start the sitting on ``device`` (a secret of the browser's session).

    Pressed twice: the same sitting. On another device: refused (``take_over``). Raises Refused
    unless the code was entered and the invigilator has allowed the start.
    """
    row = _own(actor, uid)
    if row.sitting_id:
        if row.device != device:
            raise Refused(
                "Vous avez commencé sur un autre appareil.",
                remedy="Demandez au surveillant d’autoriser la reprise ici.",
                code="device",
            )
        return row
    _door(row.exam, now)
    if row.entered_at is None:
        raise Refused("Entrez d’abord le code de la salle.", code="code")
    if row.allowed_at is None:
        raise Refused(
            "Le surveillant n’a pas encore autorisé votre départ.",
            remedy="Attendez son signal, puis appuyez de nouveau.",
            code="wait",
        )
    test = row.exam.test
    sitting = sittings.start(
        actor=actor,
        test=test,
        now=now,
        context="exam",
        account=row.account,
        accessible_only=row.accessible_only,
        extra_percent=row.extra_percent,
        without=seen_items(person(row.account, row.account.agent_id), test),
        simulated=row.exam.simulated,
    )
    row.sitting, row.device = sittings.begin(sitting=sitting, now=now), device
    row.save(update_fields=["sitting", "device"])
    return row


@act
def take_over(*, actor: Actor, uid: uuid.UUID, device: str, now: dt.datetime) -> Candidate:
    """Go on with this device, once the invigilator has allowed it; the old one is shut out."""
    row = _own(actor, uid)
    if row.device == device or row.sitting is None:
        return row
    if not row.resume_allowed:
        raise Refused(
            "Le surveillant n’a pas encore autorisé la reprise sur cet appareil.",
            remedy="Appelez-le, puis appuyez de nouveau.",
            code="wait",
        )
    row.device, row.resume_allowed = device, False
    row.save(update_fields=["device", "resume_allowed"])
    events.note(
        sitting=row.sitting,
        kind=SittingEvent.Kind.RESUMED,
        now=now,
        number=number_asked(row.sitting),
        text="Reprise sur un autre appareil",
        by=actor.account,
    )
    return row


# --- During the test --------------------------------------------------------------------------


def _on_screen(row: Candidate, device: str, now: dt.datetime) -> Sitting:
    sitting = row.sitting
    if sitting is None or sitting.state != Sitting.State.RUNNING or sitting.asked is None:
        raise Refused("Aucune question n’est à l’écran.", code="over")
    if sitting.deadline is not None and now > sitting.deadline:
        raise Refused("Le temps est écoulé.", code="over")
    if row.device != device:
        raise Refused("Vous avez repris l’examen sur un autre appareil.", code="device")
    return sitting


@act
def call(
    *, actor: Actor, uid: uuid.UUID, device: str, number: int, text: str, now: dt.datetime
) -> Candidate:
    """Call the invigilator about question ``number``; a second call changes nothing."""
    row = _own(actor, uid)
    sitting = _on_screen(row, device, now)
    _still(sitting, number)
    if row.alert_at is not None and row.alert_number == number:
        return row
    row.alert_at, row.alert_number, row.alert_text = now, number, text.strip()[:300]
    row.save(update_fields=["alert_at", "alert_number", "alert_text"])
    events.note(
        sitting=sitting,
        kind=SittingEvent.Kind.ALERT,
        now=now,
        number=number,
        text=row.alert_text,
        by=actor.account,
    )
    return row


def _still(sitting: Sitting, number: int) -> None:
    if number_asked(sitting) != number:
        raise Refused(
            f"La question {number} n’est plus à l’écran.",
            remedy="Revenez à la question en cours.",
            code="moved",
        )


@dataclass(frozen=True)
class Replacement:
    """Whether the candidate may replace the question themselves: ``state`` "call" (call first),
    "wait" (the call is fresh), "may", "none" (all used); ``left`` replacements."""

    state: Literal["call", "wait", "may", "none"]
    left: int
    waits_until: dt.datetime | None = None


def replacement(row: Candidate, *, now: dt.datetime) -> Replacement:
    """The rule: call, and when nobody has answered after three minutes, replace (bounded)."""
    used = 0
    if row.sitting_id:
        # What the invigilator gave does not count.
        mine = Q(by=row.account_id) & Q(kind=SittingEvent.Kind.REPLACED)
        used = SittingEvent.objects.filter(mine, sitting=row.sitting_id).count()
    left = max(0, row.exam.replacements - used)
    asked = None if row.sitting is None else number_asked(row.sitting)
    if left == 0:
        return Replacement("none", 0)
    if row.alert_at is None or row.alert_number != asked:
        return Replacement("call", left)
    until = row.alert_at + ALERT_TIMEOUT
    return Replacement("may" if now >= until else "wait", left, until)


@act
def replace(
    *, actor: Actor, uid: uuid.UUID, device: str, number: int, now: dt.datetime
) -> Candidate:
    """Replace question ``number``, which then counts for nothing, neither for nor against.

    After a call that nobody has answered for three minutes, and so many times in an exam.
    Sent twice: the second is refused, for the question is no longer the same.
    """
    row = _own(actor, uid)
    sitting = _on_screen(row, device, now)
    _still(sitting, number)
    rule = replacement(row, now=now)
    if rule.state == "none":
        raise Refused(
            f"Vous avez déjà remplacé {row.exam.replacements} question(s) : c’est le maximum.",
            remedy="Appelez le surveillant, ou répondez au mieux.",
            code="bound",
        )
    if rule.state != "may":
        raise Refused(
            "Appelez d’abord le surveillant.",
            remedy="S’il ne répond pas en 3 minutes, vous pourrez remplacer la question.",
            code="wait",
        )
    answering.replace(sitting=sitting, now=now, by=actor.account)
    row.alert_at, row.alert_number, row.alert_text = None, None, ""
    row.save(update_fields=["alert_at", "alert_number", "alert_text"])
    return row


def watches(row: Candidate) -> bool:
    """Whether leaving the page is recorded: by the test's rule, never with assistive technology."""
    return row.exam.test.watch_focus and not row.assistive
