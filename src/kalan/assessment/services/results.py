"""From a log to a result, stored beside the sitting; scoring again adds a row."""

from __future__ import annotations

import datetime as dt

from kalan.assessment.models import Candidate, DomainResult, Exam, FrozenTest, Result, Sitting
from kalan.assessment.selectors.frozen import frozen_of
from kalan.assessment.selectors.screens import log_of
from kalan.assessment.services.writing import act, require
from kalan.base.errors import Refused
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.testing import outcome as scoring
from kalan.engine.testing.frozen import Frozen
from kalan.engine.testing.outcome import Outcome
from kalan.people.actor import Actor

# Fewer answers than this, overall or in a domain, give no level: the page says so.
LEAST_ANSWERS = 5
LEAST_IN_DOMAIN = 2


def outcome_of(sitting: Sitting) -> Outcome:
    """What the sitting measures by the parameters it began with."""
    return scoring.outcome(frozen_of(sitting.frozen_id), log_of(sitting))


def rows_of(
    sitting: Sitting, frozen: Frozen, found: Outcome, *, number: int, now: dt.datetime
) -> tuple[Result, list[DomainResult]]:
    """The rows of an outcome, not stored."""
    told = found.answered >= LEAST_ANSWERS
    result = Result(
        sitting=sitting,
        number=number,
        frozen_version=frozen.version,
        answers=found.answered,
        theta=found.theta,
        se=found.se,
        level=(found.level or "") if told else "",
        level_probability=found.probability if told else None,
        percent=None if found.share is None else 100 * found.share,
        provisional_share=found.provisional,
        simulated=sitting.simulated,
        computed_at=now,
    )
    domains = [
        DomainResult(
            result=result,
            domain=one.code,
            answers=one.answered,
            theta=one.theta,
            sd=one.sd,
            level=(one.level or "") if one.answered >= LEAST_IN_DOMAIN else "",
            level_probability=one.probability if one.answered >= LEAST_IN_DOMAIN else None,
            to_confirm=one.to_confirm,
        )
        for one in found.domains
    ]
    return result, domains


def store(sitting: Sitting, *, now: dt.datetime) -> Result:
    """Compute and store the first result of a sitting that is over; the stored one if there is."""
    kept = Result.objects.filter(sitting=sitting, current=True).first()
    if kept is not None:
        return kept
    frozen = frozen_of(sitting.frozen_id)
    result, domains = rows_of(sitting, frozen, outcome_of(sitting), number=1, now=now)
    result.save()
    DomainResult.objects.bulk_create(domains)
    return result


@act
def rescore(*, actor: Actor, sitting: Sitting, frozen: FrozenTest, now: dt.datetime) -> Result:
    """Score a sitting that is over by the parameters of another frozen form of its test.

    A further result becomes the current one; earlier ones stay. Raises Refused when a question
    of the sitting is not in ``frozen``, when the sitting still goes on, or when it was decided on
    in an exam whose results are published.
    """
    row = (
        Sitting.objects.select_for_update(of=("self",))
        .select_related("test__node")
        .get(pk=sitting.pk)
    )
    require(actor, "calibration.adopt", row.test.node)
    if row.state not in Sitting.OVER:
        raise Refused("Cette passation n’est pas terminée.", remedy="Attendez sa fin.")
    decided = Candidate.objects.filter(sitting=row, exam__state=Exam.State.PUBLISHED)
    if decided.exists():
        raise Refused(
            "Les résultats de cet examen sont publiés : ils ne changent plus.",
            remedy="Si le jury doit les revoir, qu’il retire d’abord la publication.",
            code="published",
        )
    if frozen.test_id != row.test_id:
        raise Refused("Ce n’est pas une version du même test.")
    target = frozen_of(frozen.pk)
    answers = scoring.by_uid(frozen_of(row.frozen_id), log_of(row))
    try:
        found = scoring.rescore(target, answers)
    except DataError as error:
        raise Refused(str(error), code="lacking") from error
    earlier = Result.objects.filter(sitting=row)
    last = earlier.order_by("-number").first()
    if last is not None and last.current and last.frozen_version == target.version:
        return last
    earlier.update(current=False)
    number = last.number + 1 if last else 1
    result, domains = rows_of(row, target, found, number=number, now=now)
    result.save()
    DomainResult.objects.bulk_create(domains)
    return result
