"""Panels: the sheet, ratings keyed and imported, agreement, what keeps a cut from being adopted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kalan.assessment.models import CutPanel, CutRating, Test
from kalan.assessment.selectors.frozen import frozen_of
from kalan.assessment.selectors.panels import agreement, sheet
from kalan.assessment.services import panels
from kalan.base.errors import Refused
from kalan.engine.psychometrics.models import expected_score
from kalan.engine.testing.items import bank_of
from kalan.people.actor import SYSTEM
from tests.factories import exams as make
from tests.factories.people import NOW, Tree

JUDGES = ("Awa Sow", "Moussa Ba", "Fatou Fall")


@pytest.fixture
def test(tree: Tree) -> Test:
    return make.certification(tree.country, cut=None)


@pytest.fixture
def panel(test: Test) -> CutPanel:
    return panels.create(actor=SYSTEM, test=test, name="Panel", judges=JUDGES, count=8, now=NOW)


def fill(panel: CutPanel, *values: float) -> None:
    """Judge n says ``values[n]`` of every item."""
    panels.rate(
        actor=SYSTEM,
        panel=panel,
        ratings={
            (judge, item): value
            for judge, value in enumerate(values, start=1)
            for item in range(1, len(panel.numbers) + 1)
        },
        now=NOW,
    )


def test_the_sheet_takes_each_domain_from_easy_to_hard(panel: CutPanel) -> None:
    items = [frozen_of(panel.frozen_id).items[number] for number in panel.numbers]
    assert [item.domain for item in items] == ["d1"] * 4 + ["d2"] * 4
    places = [item.place for item in items[:4]]
    assert places == sorted(places)
    assert places[0] < -1
    assert places[-1] > 1


def test_only_published_certification_tests_have_a_panel(test: Test, tree: Tree) -> None:
    from tests.factories import assessment

    with pytest.raises(Refused, match="Seul un test de certification"):
        panels.create(
            actor=SYSTEM, test=assessment.published(tree.country), name="x", judges=["A"], now=NOW
        )
    given = {"actor": SYSTEM, "test": test, "name": "x", "now": NOW}
    with pytest.raises(Refused, match="Aucun juge"):
        panels.create(**given, judges=[" "])
    with pytest.raises(Refused, match="même nom"):
        panels.create(**given, judges=["Awa Sow", "awa  sow"])
    assert CutPanel.objects.count() == 0


def test_what_is_missing_is_named_and_nothing_adopted(panel: CutPanel, test: Test) -> None:
    with pytest.raises(Refused, match="Awa Sow\u00a0: aucun avis"):
        panels.adopt(actor=SYSTEM, panel=panel, now=NOW)
    fill(panel, 0.6, 0.6, 0.6)
    panels.rate(actor=SYSTEM, panel=panel, ratings={(2, 3): None}, now=NOW)
    with pytest.raises(Refused, match=r"Moussa Ba\u00a0: 1 avis manquant\(s\) \(questions 3\)"):
        panels.adopt(actor=SYSTEM, panel=panel, now=NOW)
    two = panels.create(actor=SYSTEM, test=test, name="x", judges=["A", "B"], count=8, now=NOW)
    fill(two, 0.6, 0.7)
    with pytest.raises(Refused, match=r"2 juge.* au moins 3"):
        panels.adopt(actor=SYSTEM, panel=two, now=NOW)
    assert Test.objects.get(pk=test.pk).cut is None


def test_the_cut_is_where_the_expected_sum_is_the_mean_of_the_judges(
    panel: CutPanel, test: Test
) -> None:
    fill(panel, 0.5, 0.6, 0.7)
    found = sheet(panel)
    assert found.cut is not None
    items = [frozen_of(panel.frozen_id).items[number] for number in panel.numbers]
    expected = expected_score(bank_of(items), np.array([found.cut.theta])).sum()
    assert expected == pytest.approx(0.6 * 8)
    assert found.cut.raw_se == pytest.approx(8 * 0.1 / np.sqrt(3))
    assert [(row.mean, row.sd) for row in found.rows] == [
        (pytest.approx(60), pytest.approx(10))
    ] * 8
    assert [column.total for column in found.columns] == [
        pytest.approx(4), pytest.approx(4.8), pytest.approx(5.6)
    ]  # fmt: skip
    adopted = panels.adopt(actor=SYSTEM, panel=panel, now=NOW)
    kept = Test.objects.get(pk=test.pk)
    assert (kept.cut, kept.cut_se) == (adopted.theta, adopted.theta_se) == (
        found.cut.theta, found.cut.theta_se
    )  # fmt: skip
    with pytest.raises(Refused, match="ne changent plus"):
        fill(panel, 0.1, 0.1, 0.1)


def test_a_cut_outside_the_scale_is_refused(panel: CutPanel, test: Test) -> None:
    fill(panel, 1.0, 1.0, 1.0)
    with pytest.raises(Refused, match="Revoyez les avis") as refused:
        panels.adopt(actor=SYSTEM, panel=panel, now=NOW)
    assert refused.value.code == "scale"
    assert Test.objects.get(pk=test.pk).cut is None


def test_agreement_is_the_intraclass_correlation_of_shrout_and_fleiss() -> None:
    # Their table 2: 6 targets, 4 judges; ICC(2,1) = 0.29.
    table = np.array(
        [[9, 6, 8, 7, 10, 6], [2, 1, 4, 1, 5, 2], [5, 3, 6, 2, 6, 4], [8, 2, 8, 6, 9, 7]], float
    )
    assert agreement(table) == pytest.approx(0.2898, abs=5e-5)
    table[0, 0] = np.nan
    assert agreement(table) is None


@pytest.mark.parametrize(
    ("words", "value"), [("60", 0.6), ("60 %", 0.6), ("62,5", 0.625), ("", None), ("0", 0.0)]
)
def test_a_cell_is_read_in_per_cent(words: str, value: float | None) -> None:
    assert panels.percent(words, "ici") == value


@pytest.mark.parametrize("words", ["140", "-1", "beaucoup", "0,6", "nan", "1e3"])
def test_a_cell_that_cannot_be_is_named(words: str) -> None:
    with pytest.raises(Refused, match="ici"):
        panels.percent(words, "ici")


def test_a_file_is_imported_whole_or_not_at_all(panel: CutPanel, tmp_path: Path) -> None:
    path = tmp_path / "avis.csv"
    path.write_text("Question;awa sow;Moussa Ba\n1;60;55\n2;70 %;\nMoyenne;65;55\n", "utf-8")
    ratings = panels.read_file(panel=panel, path=path)
    assert ratings == {(1, 1): 0.6, (2, 1): 0.55, (1, 2): 0.7}
    assert panels.rate(actor=SYSTEM, panel=panel, ratings=ratings, now=NOW) == 3
    assert panels.rate(actor=SYSTEM, panel=panel, ratings=ratings, now=NOW) == 0
    path.write_text("Question;Awa Sow\n1;60\n2;160\n99;50\n", "utf-8")
    with pytest.raises(Refused, match="ligne 3, colonne «\u00a0Awa Sow\u00a0»") as refused:
        panels.read_file(panel=panel, path=path)
    assert "ligne 4, colonne «\u00a0Question\u00a0»" in refused.value.message
    path.write_text("Truc;Machin\n1;60\n", "utf-8")
    with pytest.raises(Refused, match="Partez de la feuille exportée"):
        panels.read_file(panel=panel, path=path)
    assert CutRating.objects.count() == 3


def test_the_sheet_costs_the_same_however_many_judges(
    panel: CutPanel, django_assert_num_queries: object
) -> None:
    sheet(panel)
    with django_assert_num_queries(2):  # type: ignore[operator]
        sheet(panel)
    panels.add_judge(actor=SYSTEM, panel=panel, name="Aïda Ly", now=NOW)
    fill(panel, 0.4, 0.5, 0.6, 0.7)
    with django_assert_num_queries(2):  # type: ignore[operator]
        sheet(panel)
