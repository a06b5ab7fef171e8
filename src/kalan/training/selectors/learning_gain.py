"""The stored gain of a session, in words, as a picture and as a table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kalan.base.figures import Chart, ChartRow, Dumbbell, dumbbells
from kalan.training.models import Registration, Session
from kalan.training.selectors.attendance import on_list
from kalan.training.selectors.learning import freshness, gain_of

MIN_PAIRS = 10


@dataclass(frozen=True)
class Line:
    """One person before and after. Scores on the 500 scale, None where not measured."""

    person: str
    structure: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    change: int | None = None
    low: int | None = None
    high: int | None = None
    real: bool | None = None

    @property
    def verdict(self) -> str:
        if self.real is None or self.change is None:
            return "un seul test" if self.before or self.after else ""
        if not self.real:
            return "pas de changement certain"
        return "progrès certain" if self.change > 0 else "recul certain"


@dataclass(frozen=True)
class Gain:
    """``group`` None: too few pairs. ``waiting``: results that came since it was computed."""

    computed_at: dt.datetime | None
    pairs: int
    taken: Mapping[str, int]
    group: Mapping[str, Any] | None
    provisional: int
    items: int
    simulated: bool
    simulated_calibration: bool
    waiting: int
    lines: Sequence[Line] = ()

    @property
    def any(self) -> bool:
        return bool(self.taken.get("before") or self.taken.get("after"))

    @property
    def certain(self) -> bool:
        return self.group is not None and (self.group["low"] > 0 or self.group["high"] < 0)

    @property
    def sentence(self) -> str:
        """What one may say of the group, in words."""
        if self.group is None and self.pairs >= MIN_PAIRS:
            return (
                "Le gain du groupe ne peut être estimé : à l’un des deux tests, presque toutes les "
                "réponses sont justes, ou presque toutes fausses."
            )
        if self.group is None:
            return (
                f"Trop peu de paires : {self.pairs}, il en faut {MIN_PAIRS} pour parler du groupe."
            )
        g = self.group
        span = f"intervalle à 95 % : de {signed(g['low'])} à {signed(g['high'])}"
        on = f"sur {self.pairs} personnes qui ont passé les deux tests"
        if not self.certain:
            return (
                f"On ne peut pas dire si le groupe a changé : {signed(g['gain'])} points ({span}), "
                f"{on}."
            )
        verb = "a progressé" if g["gain"] > 0 else "a reculé"
        return f"Le groupe {verb} de {abs(g['gain'])} points ({span}), {on}."

    @property
    def cautions(self) -> list[str]:
        """What a reader must know beside the figures."""
        found = []
        if self.simulated:
            found.append("Réponses simulées de la démonstration.")
        if self.simulated_calibration:
            found.append("Calibrage simulé.")
        if self.provisional:
            found.append(
                f"{self.provisional} questions sur {self.items} sont provisoires (moins de 500 "
                "réponses) : leur difficulté est celle d’experts, l’intervalle en tient compte."
            )
        if self.group is not None and not self.group["clusters"]:
            found.append(
                "L’intervalle vaut entre les personnes de la session ; il ne dit rien d’autres "
                "structures."
            )
        return found


def signed(value: int) -> str:
    """62 → « +62 », -5 → « −5 »."""
    return f"+{value}" if value > 0 else str(value).replace("-", "\u2212")


def gain_page(session: Session, *, people: bool) -> Gain:
    """The stored gain (two queries, three with ``people``); nothing is computed here."""
    stored, stand = gain_of(session), freshness(session)
    body = stored.body if stored else {}
    waiting = max(0, stand.results - (stored.results if stored else 0))
    if not waiting and stored and (stored.newest != stand.newest):
        waiting = 1
    lines: list[Line] = []
    if people and body:
        lines = [_line(row, body["people"].get(str(row.pk))) for row in on_list(session)]
    return Gain(
        computed_at=stored.computed_at if stored else None,
        pairs=body.get("pairs", 0),
        taken=body.get("taken", {}),
        group=body.get("group"),
        provisional=body.get("provisional", 0),
        items=body.get("items", 0),
        simulated=body.get("simulated", False),
        simulated_calibration=body.get("simulated_calibration", False),
        waiting=waiting,
        lines=lines,
    )


def _line(row: Registration, found: Mapping[str, Any] | None) -> Line:
    found = found or {}
    return Line(
        person=row.person,
        structure=row.came_from,
        before=found.get("before"),
        after=found.get("after"),
        change=found.get("change"),
        low=found.get("low"),
        high=found.get("high"),
        real=found.get("real"),
    )


def chart(gain: Gain) -> Chart | None:
    """Each person's score before and after as a pair of dots, and the same as a table."""
    pairs = [line for line in gain.lines if line.before and line.after and line.change is not None]
    if not pairs:
        return None
    ordered = sorted(pairs, key=lambda line: (-(line.change or 0), line.person))
    rows = [
        Dumbbell(line.person, line.before["score"], line.after["score"], bool(line.real))
        for line in ordered
        if line.before and line.after
    ]
    title = "Score avant et après, personne par personne"
    description = (
        "Les plus grands progrès d’abord. Trait plein : changement certain à 95 % ; pointillé : "
        "le changement peut venir du hasard des questions."
    )
    return Chart(
        title=title,
        description=description,
        svg=dumbbells(rows, title=title, description=description),
        headers=("Personne", "Avant", "Après", "Changement", "Intervalle à 95 %", "Lecture"),
        rows=tuple(
            ChartRow(
                line.person,
                (
                    str(line.before["score"]) if line.before else "–",
                    str(line.after["score"]) if line.after else "–",
                    signed(line.change or 0),
                    f"de {signed(line.low or 0)} à {signed(line.high or 0)}",
                    line.verdict,
                ),
            )
            for line in ordered
        ),
        legend=(("f2", "avant"), ("f1", "après")),
    )


HEADERS = [
    "Personne", "Structure", "Avant (% de points)", "Après (% de points)", "Score avant",
    "Score après", "Changement", "Borne basse (95 %)", "Borne haute (95 %)", "Lecture", "Données",
]  # fmt: skip


def export_rows(gain: Gain) -> list[list[Any]]:
    """One line a person, as HEADERS says."""
    rows: list[list[Any]] = []
    for line in gain.lines:
        one, two = line.before or {}, line.after or {}
        rows.append(
            [line.person, line.structure, one.get("percent"), two.get("percent"), one.get("score"),
             two.get("score"), line.change, line.low, line.high, line.verdict,
             "simulé" if gain.simulated else ""]
        )  # fmt: skip
    return rows
