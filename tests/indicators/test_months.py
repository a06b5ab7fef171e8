"""The months of a chart: short gaps are drawn, years without a session are folded."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from kalan.indicators.selectors.counts import spans_between
from tests.factories import indicators as made
from tests.factories import people, training
from tests.support.signin import sign_in


@pytest.mark.parametrize(
    ("keys", "spans"),
    [
        ([], []),
        (["2023-03"], [("2023-03", "2023-03")]),
        (["2022-12", "2023-02"], [(m, m) for m in ("2022-12", "2023-01", "2023-02")]),
        (
            ["2023-01", "2023-05"],
            [(m, m) for m in ("2023-01", "2023-02", "2023-03", "2023-04", "2023-05")],
        ),
        (
            ["2023-01", "2023-02", "2026-11"],
            [
                ("2023-01", "2023-01"),
                ("2023-02", "2023-02"),
                ("2023-03", "2026-10"),
                ("2026-11", "2026-11"),
            ],
        ),
    ],
)
def test_long_gaps_are_one_point(keys: list[str], spans: list[tuple[str, str]]) -> None:
    assert spans_between(keys) == spans


@pytest.mark.django_db
def test_the_dashboard_folds_the_years_between(tree: people.Tree, client: Client) -> None:
    programme = training.programme(tree.country)
    for year in (2019, 2023):
        made.held(
            tree.sokone,
            programme,
            {people.agent(tree.centre_sokone): 4},
            start=dt.date(year, 3, 6),
        )
    made.count_now()
    sign_in(client, people.account("programme", tree.country))
    charts = client.get("/gestion/indicateurs/").context["charts"]
    months = next(chart for chart in charts if chart.title.endswith("par mois"))
    assert [(row.label, list(row.cells)) for row in months.rows] == [
        ("03/2019", ["1", "1"]),
        ("04/2019 à 02/2023", ["aucun", "aucune"]),
        ("03/2023", ["1", "1"]),
    ]
    assert months.description.endswith("Les longues périodes sans session sont repliées (…).")
