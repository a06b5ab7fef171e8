"""An exam's share in its sittings: where they begin, what is shown at their end, to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse

from kalan.assessment.parts import SittingPart, Step

if TYPE_CHECKING:
    from kalan.assessment.models import Candidate, Sitting
    from kalan.people.actor import Actor

WAITING = "Vos réponses sont enregistrées ; le jury publiera les résultats."


def _candidate(sitting: Sitting) -> Candidate | None:
    from kalan.assessment.models import Candidate  # models load after the app registry

    return Candidate.objects.select_related("exam__node").filter(sitting=sitting).first()


class ExamPart(SittingPart):
    context = "exam"

    def door(self, sitting: Sitting) -> Step | None:
        row = _candidate(sitting)
        if row is None:
            return Step("Entrer le code", reverse("exam-enter"))
        return Step("Reprendre l’examen", reverse("exam-candidate", args=[row.uid]))

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
