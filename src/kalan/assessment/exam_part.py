"""An exam's share in its sittings: where they begin, what is shown at their end, to whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.urls import reverse

from kalan.assessment.parts import SittingPart, Step

if TYPE_CHECKING:
    from kalan.assessment.models import Candidate, Sitting
    from kalan.people.actor import Actor

DEVICE = "exam_device"  # in the session: a secret that tells one browser from another
WAITING = "Vos réponses sont enregistrées ; le jury publiera les résultats."


def _candidate(sitting: Sitting) -> Candidate | None:
    from kalan.assessment.models import Candidate, Sitting  # models load after the app registry

    if Sitting.candidate.is_cached(sitting):  # a list has read them all at once
        return getattr(sitting, "candidate", None)
    return Candidate.objects.select_related("exam__node").filter(sitting=sitting).first()


class ExamPart(SittingPart):
    context = "exam"

    def door(self, sitting: Sitting) -> Step | None:
        row = _candidate(sitting)
        if row is None:
            return Step("Entrer le code", reverse("exam-enter"))
        return Step("Reprendre l’examen", reverse("exam-candidate", args=[row.uid]))

    def only_here(self, session: Mapping[str, Any]) -> Q:
        """An exam is answered in the browser that started it, or was allowed to take over."""
        here = session.get(DEVICE) or "-"
        return ~Q(context=self.context) | Q(candidate__device=here)

    def help(self, sitting: Sitting) -> Step | None:
        row = _candidate(sitting)
        if row is None:
            return None
        return Step("Signaler un problème", reverse("exam-call", args=[row.uid]))

    def watches_focus(self, sitting: Sitting) -> bool:
        """By the test's rule, never with assistive technology."""
        row = _candidate(sitting)
        return row is not None and sitting.test.watch_focus and not row.assistive

    def after(self, sitting: Sitting) -> Step | None:
        row = _candidate(sitting)
        if row is None:
            return None
        return Step("Page de l’examen", reverse("exam-candidate", args=[row.uid]))

    def may_see(self, actor: Actor, sitting: Sitting) -> bool:
        from kalan.assessment.selectors.exams import may

        row = _candidate(sitting)
        return row is not None and may(actor, "exams.jury", row.exam)

    def withheld(self, sitting: Sitting) -> str:
        """Before publication nothing; after it the decision stands on the exam's own page."""
        row = _candidate(sitting)
        if row is None or row.exam.state != row.exam.State.PUBLISHED:
            return WAITING
        if row.decision in (row.Decision.CANCELLED, row.Decision.REJECTED):
            return "Le jury n’a pas retenu cette passation : voyez la page de l’examen."
        return ""
