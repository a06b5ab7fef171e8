"""The jury: decides, publishes, takes back. Nobody learns a result before it is published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings

from kalan.assessment.models import Candidate, Exam
from kalan.assessment.selectors import jury as reads
from kalan.assessment.services.exams import locked
from kalan.assessment.services.writing import act
from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.people.services import history

D = Candidate.Decision
NEEDS_REASON = frozenset({D.CANCELLED, D.REJECTED})


@dataclass
class Decided:
    """Names: ``changed`` now; ``conflicts``: another juror has decided since the page was shown;
    ``lacking``: a reason is needed, or there is no answer to decide on."""

    changed: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)


def stamp(candidate: Candidate) -> str:
    """What the page shows of a decision: sent back with a new one, to see what came between."""
    return candidate.decided_at.isoformat() if candidate.decided_at else "-"


@act
def decide(
    *,
    actor: Actor,
    exam: Exam,
    wanted: Mapping[str, str],
    seen: Mapping[str, str],
    now: dt.datetime,
    note: str = "",
) -> Decided:
    """Decide on candidates: {uid: decision, "" to take it back, "proposal" for the proposed one}.

    ``seen``: {uid: stamp} of the page that decided; one decided since then is left alone and
    named. ``note`` is asked to cancel, to reject, and to go against the proposal.
    """
    row = _closed(actor, exam)
    said = Decided()
    note = note.strip()[:2000]
    for line in reads.lines(row, now=now):
        candidate, uid = line.candidate, str(line.candidate.uid)
        if uid not in wanted:
            continue
        decision = wanted[uid]
        if decision == "proposal":
            decision = line.proposal.verdict if line.proposal else "none"
        name = str(candidate.account)
        if decision not in D.values or (decision and not line.sat):
            said.lacking.append(f"{name} (rien à décider)")
        elif seen.get(uid, "") != stamp(candidate):
            said.conflicts.append(f"{name} ({candidate.get_decision_display()})")
        elif not note and _needs_reason(decision, line):
            said.lacking.append(f"{name} (motif attendu)")
        elif decision != candidate.decision or (note and note != candidate.decision_note):
            _write(actor, candidate, decision, note, now)
            said.changed.append(name)
    return said


def _needs_reason(decision: str, line: reads.Line) -> bool:
    if decision in NEEDS_REASON:
        return True
    return bool(decision and line.proposal and decision != line.proposal.verdict)


def _write(actor: Actor, candidate: Candidate, decision: str, note: str, now: dt.datetime) -> None:
    candidate.decision, candidate.decision_note = decision, note
    candidate.decided_at, candidate.decided_by = now, actor.account
    candidate.save(update_fields=["decision", "decision_note", "decided_at", "decided_by"])


def _closed(actor: Actor, exam: Exam) -> Exam:
    row = locked(actor, exam, "exams.jury")
    if row.state == Exam.State.PUBLISHED:
        raise Refused(
            "Les résultats sont publiés : les décisions ne changent plus.",
            remedy="Retirez d’abord la publication, avec un motif.",
        )
    if row.state != Exam.State.CLOSED:
        raise Refused("L’examen n’est pas terminé.", remedy="Attendez que la salle soit fermée.")
    return row


def missing(exam: Exam, lines: list[reads.Line]) -> list[str]:
    """What keeps the results from being published, in French; empty: nothing."""
    found = []
    if exam.state != Exam.State.CLOSED:
        found.append("la salle n’est pas fermée")
    if reads.cut_of(exam) is None:
        found.append("le seuil du test n’est pas fixé par un panel")
    sat = [line for line in lines if line.sat]
    if not sat:
        found.append("personne n’a passé l’examen")
    open_ones = [str(line.candidate.account) for line in sat if not line.candidate.decision]
    if open_ones:
        some = ", ".join(open_ones[:5]) + ("…" if len(open_ones) > 5 else "")
        found.append(f"{len(open_ones)} candidat(s) sans décision : {some}")
    if reads.simulated(exam) and not settings.KALAN_DEMO:
        found.append(
            "des questions ont un calibrage provisoire ou simulé : un résultat fondé sur elles "
            "ne se publie pas"
        )
    return found


@act
def publish(*, actor: Actor, exam: Exam, now: dt.datetime) -> Exam:
    """Show every candidate their result. A second time changes nothing.

    Raises Refused, naming all that is missing: decisions, the cut, the room still open, or
    provisional items (published in the demonstration alone, under « calibrage simulé »).
    """
    row = locked(actor, exam, "exams.jury")
    if row.state == Exam.State.PUBLISHED:
        return row
    lacks = missing(row, reads.lines(row, now=now))
    if lacks:
        raise Refused(
            "Les résultats ne peuvent pas être publiés : " + " ; ".join(lacks) + ".",
            code="lacking",
        )
    row.state, row.published_at = Exam.State.PUBLISHED, now
    row.cut, row.cut_se = row.test.cut, row.test.cut_se
    row.save(update_fields=["state", "published_at", "cut", "cut_se"])
    return row


@act
def unpublish(*, actor: Actor, exam: Exam, reason: str, now: dt.datetime) -> Exam:
    """Take results back, with a reason that stays in the history; decisions may then change."""
    row = locked(actor, exam, "exams.jury")
    if not reason.strip():
        raise Refused("Dites pourquoi la publication est retirée.", field="reason")
    if row.state != Exam.State.PUBLISHED:
        return row
    row.state, row.published_at, row.cut, row.cut_se = Exam.State.CLOSED, None, None, None
    row.save(update_fields=["state", "published_at", "cut", "cut_se"])
    history.note(
        actor=actor, subject=row, text="Publication des résultats retirée", reason=reason.strip()
    )
    return row
