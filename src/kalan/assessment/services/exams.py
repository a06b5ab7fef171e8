"""Exams planned: the room, the day, who is enrolled and with which accommodations."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from kalan.assessment.models import Candidate, Exam, Test
from kalan.assessment.models.exams import start_code
from kalan.assessment.selectors.exams import (
    accounts_to_enrol,
    enrolled_matricules,
    retakes,
)
from kalan.assessment.services.writing import act, require
from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.people.models import Account, OrgNode
from kalan.people.services import history

MAX_EXTRA = 100  # per cent more time
MAX_CANDIDATES = 300
_BETWEEN = re.compile(r"[\s,;]+")


def new_code(day: dt.date) -> str:
    """A code that no other room of that day has."""
    while True:
        code = start_code()
        if not Exam.objects.filter(code=code, date=day).exists():
            return code


@act
def plan(
    *,
    actor: Actor,
    test: Test,
    node: OrgNode,
    title: str,
    date: dt.date,
    now: dt.datetime,
    place: str = "",
    invigilator: Account | None = None,
    replacements: int = 3,
    simulated: bool = False,
) -> Exam:
    """Plan an exam. Raises Refused unless ``test`` is a published certification test."""
    require(actor, "exams.plan", node)
    _usable(test)
    if date < timezone.localdate(now) and not simulated:
        raise Refused(
            f"Le {date:%d/%m/%Y} est passé.", field="date", remedy="Choisissez un jour à venir."
        )
    return Exam.objects.create(
        test=test,
        node=node,
        title=title.strip(),
        place=place.strip(),
        date=date,
        code=new_code(date),
        invigilator=invigilator,
        replacements=replacements,
        simulated=simulated,
        created_at=now,
        created_by=actor.account,
    )


def _usable(test: Test) -> None:
    if test.purpose != Test.Purpose.CERTIFICATION:
        raise Refused(
            "Ce test n’est pas un examen de certification.",
            field="test",
            remedy="Choisissez un test de certification.",
        )
    if test.state != Test.State.PUBLISHED:
        raise Refused(
            f"Le test « {test.title} » n’est pas publié.",
            field="test",
            remedy="Publiez-le avant de planifier l’examen.",
        )


def locked(actor: Actor, exam: Exam, capability: str) -> Exam:
    """The exam under its row lock. Raises Refused without the capability on its node."""
    row = (
        Exam.objects.select_for_update(of=("self",)).select_related("node", "test").get(pk=exam.pk)
    )
    is_invigilator = (
        capability == "exams.invigilate"
        and actor.account is not None
        and row.invigilator_id == actor.account.pk
    )
    if not is_invigilator:
        require(actor, capability, row.node)
    return row


@act
def edit(*, actor: Actor, exam: Exam, now: dt.datetime, **fields: Any) -> Exam:
    """Change a planned exam; once it is open, only place, title and invigilator."""
    row = locked(actor, exam, "exams.plan")
    if row.state in (Exam.State.CLOSED, Exam.State.PUBLISHED):
        raise Refused("Cet examen est terminé : il ne change plus.")
    free = {"title", "place", "invigilator"}
    if row.state == Exam.State.OPEN:
        changed = [n for n, v in fields.items() if n not in free and getattr(row, n) != v]
        if changed:
            raise Refused(
                "La salle est ouverte : seuls le titre, le lieu et le surveillant changent.",
                field=changed[0],
            )
    if "test" in fields:
        _usable(fields["test"])
    if "node" in fields:
        require(actor, "exams.plan", fields["node"])
    if fields.get("date", row.date) != row.date:
        if fields["date"] < timezone.localdate(now):
            raise Refused("Ce jour est passé.", field="date", remedy="Choisissez un jour à venir.")
        row.code = new_code(fields["date"])
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()
    return row


@act
def delete(*, actor: Actor, exam: Exam, now: dt.datetime) -> None:
    """Give up an exam that nobody has started."""
    row = locked(actor, exam, "exams.plan")
    if row.candidates.filter(sitting__isnull=False).exists():
        raise Refused("Des candidats ont commencé : cet examen ne se supprime plus.")
    row.delete()


# --- Candidates -------------------------------------------------------------------------------


@dataclass
class Enrolment:
    """``added`` candidates; ``already`` enrolled; ``unknown`` matricules as typed; ``without``
    account (names of agents); ``waiting``: (name, why) by the retake rules, not enrolled."""

    added: list[Candidate] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    waiting: list[tuple[str, str]] = field(default_factory=list)


@act
def enrol(
    *,
    actor: Actor,
    exam: Exam,
    accounts: Iterable[Account],
    now: dt.datetime,
    despite: str = "",
) -> Enrolment:
    """Enrol accounts in the actor's territory. A constant number of queries.

    Whom the retake rules hold back on the day of the exam is not enrolled but listed in
    ``waiting``, unless ``despite`` says why they sit all the same (kept in the history).
    """
    row = locked(actor, exam, "exams.plan")
    if row.state not in (Exam.State.PLANNED, Exam.State.OPEN):
        raise Refused("Cet examen est terminé : on n’y inscrit plus personne.")
    wanted = {account.pk for account in accounts}
    found = list(accounts_to_enrol(actor, row).filter(pk__in=wanted).order_by("pk"))
    return _enrol(actor, row, found, Enrolment(), despite)


@act
def enrol_matricules(
    *, actor: Actor, exam: Exam, text: str, now: dt.datetime, despite: str = ""
) -> Enrolment:
    """Enrol by a list of matricules (one a line, or separated by spaces, commas, semicolons)."""
    row = locked(actor, exam, "exams.plan")
    if row.state not in (Exam.State.PLANNED, Exam.State.OPEN):
        raise Refused("Cet examen est terminé : on n’y inscrit plus personne.")
    typed = list(
        dict.fromkeys(w.strip(",;") for w in text.replace(",", " ").replace(";", " ").split())
    )
    if not typed:
        raise Refused("Aucun matricule.", field="matricules", remedy="Collez-en un par ligne.")
    if len(typed) > MAX_CANDIDATES:
        raise Refused(
            f"{len(typed)} matricules : {MAX_CANDIDATES} au plus à la fois.", field="matricules"
        )
    said = Enrolment()
    accounts, said.without, said.unknown = enrolled_matricules(actor, row, typed)
    return _enrol(actor, row, accounts, said, despite)


def _enrol(
    actor: Actor, exam: Exam, accounts: Sequence[Account], said: Enrolment, despite: str
) -> Enrolment:
    there = set(exam.candidates.values_list("account_id", flat=True))
    if len(there) + len(accounts) > MAX_CANDIDATES:
        raise Refused(f"{MAX_CANDIDATES} candidats au plus dans un examen.")
    rules = retakes(exam.test, [account.pk for account in accounts], day=exam.date)
    rows, forced = [], []
    for account in accounts:
        name = str(account)
        if account.pk in there:
            said.already.append(name)
        elif (why := rules.get(account.pk)) and not despite.strip():
            said.waiting.append((name, why))
        else:
            if why:
                forced.append(name)
            rows.append(Candidate(exam=exam, account=account))
    said.added = Candidate.objects.bulk_create(rows)
    if rows:
        history.note(
            actor=actor,
            subject=exam,
            text=f"Candidats inscrits : {len(rows)}",
            reason=despite.strip() if forced else "",
            data={"candidats": [str(row.account) for row in rows], "malgré la règle": forced},
        )
    return said


def locked_candidate(actor: Actor, candidate: Candidate, capability: str) -> Candidate:
    """The candidate under lock, with exam, account and sitting; see ``locked``."""
    locked(actor, Exam(pk=candidate.exam_id), capability)
    return of_candidate(Candidate.objects.filter(pk=candidate.pk))


def of_candidate(rows: QuerySet[Candidate]) -> Candidate:
    """One candidate under its row lock."""
    return (
        rows.select_for_update(of=("self",))
        .select_related("exam__test", "exam__node", "account", "sitting")
        .get()
    )


@act
def accommodate(
    *,
    actor: Actor,
    candidate: Candidate,
    extra_percent: int,
    accessible_only: bool,
    assistive: bool,
    now: dt.datetime,
) -> Candidate:
    """Set extra time (per cent), accessible questions only, assistive technology (focus is then
    not watched). Before the start only: rules are frozen with the sitting."""
    row = locked_candidate(actor, candidate, "exams.plan")
    if not 0 <= extra_percent <= MAX_EXTRA:
        raise Refused(
            f"Temps en plus : {extra_percent} %. Un nombre de 0 à {MAX_EXTRA} est attendu.",
            field="extra_percent",
        )
    if row.sitting_id:
        raise Refused("Ce candidat a commencé : ses aménagements ne changent plus.")
    row.extra_percent, row.accessible_only, row.assistive = (
        extra_percent,
        accessible_only,
        assistive,
    )
    row.save(update_fields=["extra_percent", "accessible_only", "assistive"])
    return row


@act
def withdraw(*, actor: Actor, candidate: Candidate, now: dt.datetime) -> None:
    """Take somebody off the list; not once they have started."""
    row = locked_candidate(actor, candidate, "exams.plan")
    if row.sitting_id:
        raise Refused("Ce candidat a commencé : il reste sur la liste.")
    row.delete()
