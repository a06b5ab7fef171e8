"""The jury: proposals with their risk, decisions, two jurors at once, publication, its return."""

from __future__ import annotations

import datetime as dt
import math
from statistics import NormalDist

import pytest

from kalan.assessment.models import Candidate, Exam, FrozenTest, Result, Test
from kalan.assessment.selectors import jury as reads
from kalan.assessment.services import jury
from kalan.base.errors import Refused
from kalan.people.actor import SYSTEM
from kalan.people.models import Role
from tests.factories import exams as make
from tests.factories import people
from tests.factories.people import NOW, Tree

pytestmark = pytest.mark.usefixtures("journal")

AFTER = NOW + dt.timedelta(days=1)


@pytest.fixture
def exam(tree: Tree) -> Exam:
    """Closed: one all right, one all wrong, one absent."""
    made = make.exam(tree.fatick)
    for name, choice in (("Bon", "b"), ("Faible", "a")):
        account = people.account(agent=people.agent(tree.centre_sokone), display_name=name)
        make.finished(make.candidate(made, tree.centre_sokone, account=account), choice)
    account = people.account(agent=people.agent(tree.centre_sokone), display_name="Zéro")
    make.candidate(made, tree.centre_sokone, account=account)
    return make.closed(made)


def of(exam: Exam, name: str) -> Candidate:
    return Candidate.objects.get(exam=exam, account__display_name=name)


def decide(exam: Exam, wanted: dict[str, str], note: str = "", **more: object) -> jury.Decided:
    rows = {name: of(exam, name) for name in wanted}
    seen = more.get("seen") or {str(row.uid): jury.stamp(row) for row in rows.values()}
    return jury.decide(
        actor=more.get("actor", SYSTEM),  # type: ignore[arg-type]
        exam=exam,
        wanted={str(rows[name].uid): decision for name, decision in wanted.items()},
        seen=seen,  # type: ignore[arg-type]
        note=note,
        now=AFTER,
    )


def test_the_risk_is_the_normal_tail_of_both_errors() -> None:
    found = reads.propose(0.3, 0.4, 0.0, 0.3)
    assert found.verdict == "passed"
    assert found.risk == pytest.approx(NormalDist().cdf(-0.3 / math.hypot(0.4, 0.3)), abs=1e-9)
    assert found.near is True
    far = reads.propose(-2.0, 0.4, 0.0, 0.3)
    assert (far.verdict, far.near) == ("failed", False)


def test_the_list_shows_measure_interval_and_proposal(exam: Exam) -> None:
    good, weak, absent = reads.lines(exam, now=AFTER)
    result = Result.objects.get(sitting=good.candidate.sitting)
    assert result.theta is not None
    assert good.score == round(500 + 100 * result.theta)
    assert [x.proposal.verdict if x.proposal else None for x in (good, weak, absent)] == [
        "passed",
        "failed",
        None,
    ]
    assert (good.minutes, absent.sat) == (20, False)


def test_the_list_costs_the_same_for_one_and_for_five(
    exam: Exam, tree: Tree, django_assert_num_queries: object
) -> None:
    for _ in range(2):
        with django_assert_num_queries(3):  # type: ignore[operator]
            reads.lines(exam, now=AFTER)
        for _ in range(4):
            make.candidate(exam, tree.centre_sokone)


def test_proposals_are_followed_at_once_and_published(exam: Exam) -> None:
    said = decide(exam, {"Bon": "proposal", "Faible": "proposal", "Zéro": "proposal"})
    assert said.changed == ["Bon", "Faible"]
    assert said.lacking == ["Zéro (rien à décider)"]
    assert (of(exam, "Bon").decision, of(exam, "Faible").decision) == ("passed", "failed")
    published = jury.publish(actor=SYSTEM, exam=exam, now=AFTER)
    assert (published.state, published.published_at, published.cut) == ("published", AFTER, 0.0)
    again = jury.publish(actor=SYSTEM, exam=exam, now=AFTER + dt.timedelta(days=1))
    assert again.published_at == AFTER
    with pytest.raises(Refused, match="Retirez d’abord la publication"):
        decide(exam, {"Bon": "failed"}, note="x")


def test_against_the_proposal_and_to_reject_a_reason_is_asked(exam: Exam) -> None:
    assert decide(exam, {"Bon": "failed"}).lacking == ["Bon (motif attendu)"]
    assert decide(exam, {"Faible": "rejected"}).lacking == ["Faible (motif attendu)"]
    assert decide(exam, {"Bon": "autre"}).lacking == ["Bon (rien à décider)"]
    assert decide(exam, {"Faible": "rejected"}, note="Aide extérieure").changed == ["Faible"]
    row = of(exam, "Faible")
    assert (row.decision, row.decision_note, row.decided_at) == (
        "rejected",
        "Aide extérieure",
        AFTER,
    )
    assert decide(exam, {"Faible": ""}).changed == ["Faible"]
    assert of(exam, "Faible").decision == ""


def test_two_jurors_deciding_at_once_the_second_is_told(exam: Exam, tree: Tree) -> None:
    seen = {str(of(exam, "Bon").uid): jury.stamp(of(exam, "Bon"))}
    decide(exam, {"Bon": "passed"})
    other = people.actor(Role.PROGRAMME, tree.country)
    said = decide(exam, {"Bon": "cancelled"}, note="Panne", seen=seen, actor=other)
    assert said.conflicts == ["Bon (admis)"]
    assert of(exam, "Bon").decision == "passed"


def test_publication_names_all_that_is_missing(exam: Exam) -> None:
    Test.objects.filter(pk=exam.test_id).update(cut=None)
    with pytest.raises(Refused) as refused:
        jury.publish(actor=SYSTEM, exam=Exam.objects.get(pk=exam.pk), now=AFTER)
    assert "le seuil du test n’est pas fixé" in refused.value.message
    assert "2 candidat(s) sans décision" in refused.value.message
    assert Exam.objects.get(pk=exam.pk).state == "closed"


def test_an_open_exam_is_not_judged(tree: Tree) -> None:
    exam = make.exam(tree.fatick)
    make.finished(make.candidate(exam, tree.centre_sokone))
    with pytest.raises(Refused, match="n’est pas terminé"):
        jury.decide(actor=SYSTEM, exam=exam, wanted={}, seen={}, now=AFTER)


@pytest.mark.parametrize("what", ["provisional", "simulated"])
def test_provisional_or_simulated_items_are_published_in_the_demonstration_alone(
    exam: Exam, what: str, settings: object
) -> None:
    if what == "provisional":
        Result.objects.update(provisional_share=0.2)
    else:
        FrozenTest.objects.update(simulated=True)
    decide(exam, {"Bon": "proposal", "Faible": "proposal"})
    assert reads.simulated(exam) is True
    with pytest.raises(Refused, match="calibrage provisoire ou simulé"):
        jury.publish(actor=SYSTEM, exam=exam, now=AFTER)
    settings.KALAN_DEMO = True  # type: ignore[attr-defined]
    assert jury.publish(actor=SYSTEM, exam=exam, now=AFTER).state == "published"


def test_a_publication_is_taken_back_with_a_reason_that_stays(exam: Exam) -> None:
    from auditlog.models import LogEntry

    decide(exam, {"Bon": "proposal", "Faible": "proposal"})
    jury.publish(actor=SYSTEM, exam=exam, now=AFTER)
    with pytest.raises(Refused, match="pourquoi"):
        jury.unpublish(actor=SYSTEM, exam=exam, reason=" ", now=AFTER)
    back = jury.unpublish(actor=SYSTEM, exam=exam, reason="Erreur de seuil", now=AFTER)
    assert (back.state, back.published_at, back.cut) == ("closed", None, None)
    notes = [entry.additional_data or {} for entry in LogEntry.objects.order_by("pk")]
    assert [note.get("reason") for note in notes if note.get("text")][-1] == "Erreur de seuil"


def test_a_cut_that_changes_later_leaves_what_was_published(exam: Exam) -> None:
    decide(exam, {"Bon": "proposal", "Faible": "proposal"})
    jury.publish(actor=SYSTEM, exam=exam, now=AFTER)
    Test.objects.filter(pk=exam.test_id).update(cut=2.5)
    kept = Exam.objects.select_related("test").get(pk=exam.pk)
    cut = reads.cut_of(kept)
    assert cut is not None
    assert cut.theta == 0.0


def test_only_the_jury_of_the_territory_decides(exam: Exam, tree: Tree) -> None:
    for role, node in ((Role.REGION, tree.fatick), (Role.PROGRAMME, tree.kaolack)):
        with pytest.raises(Refused, match="droit"):
            jury.publish(actor=people.actor(role, node), exam=exam, now=AFTER)
