"""The simulator's verdict in plain French, as pictures, each with its table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kalan.base.figures import Bar, Chart, ChartRow, Line, bar_chart, line_chart, series_legend
from kalan.base.figures import number as fr
from kalan.engine.testing.outcome import Z95

POINTS = 100  # of the score told to people, for one unit of θ


def sentences(verdict: Mapping[str, Any]) -> list[str]:
    """What the simulation found, one idea a sentence."""
    overall, length, exposure = verdict["overall"], verdict["length"], verdict["exposure"]
    found = [
        "Le test s’adapte à chaque personne : la banque le porte."
        if verdict["use"] == "adaptive"
        else "Le test est donné en formes fixes parallèles."
    ]
    if verdict.get("instead"):
        found.append("Le test adaptatif a été écarté : " + " ; ".join(verdict["instead"]))
    if length["min"] == length["max"]:
        found.append(f"{length['min']} questions pour chaque personne.")
    else:
        mean = fr(round(length["mean"], 1))
        found.append(
            f"{mean} questions en moyenne, de {length['min']} à {length['max']} selon la personne."
        )
    margin = round(Z95 * overall["claimed"] * POINTS)
    found.append(
        f"Le score d’ensemble est connu à {margin} points près, 19 fois sur 20 (la moyenne est "
        "à 500)."
    )
    if overall["reliability"] is not None:
        found.append(
            f"Si l’on repassait le test, {_percent(overall['reliability'])} des écarts entre "
            "personnes se retrouveraient (fidélité)."
        )
    shown = f"La question la plus montrée va à {_percent(exposure['max'])} des personnes"
    if exposure["cap"] is not None:
        shown += f" (plafond : {_percent(exposure['cap'])})"
    found.append(
        f"{shown} ; {exposure['never']} question(s) sur {verdict['items']} ne servent pas."
    )
    return found


def charts(verdict: Mapping[str, Any]) -> list[Chart]:
    """Error by level, length, exposure."""
    return [_error(verdict), _length(verdict), _exposure(verdict)]


def _error(verdict: Mapping[str, Any]) -> Chart:
    title = "Erreur attendue selon le niveau"
    levels = verdict.get("by_level", [])
    names = [level["name"] for level in levels]
    series = ["annoncée", "vraie"]
    lines = [
        Line(label, [_points(level[key]) for level in levels])
        for label, key in zip(series, ("claimed", "rmse"), strict=True)
    ]
    said = "Erreur-type du score d’ensemble en points, pour les personnes de chaque niveau."
    short = [name if len(name) <= 12 else f"{name[:11]}…" for name in names]
    return Chart(
        title=title,
        svg=line_chart(short, lines, title=title, description=said),
        headers=["Niveau", "Personnes simulées", "Erreur annoncée", "Erreur vraie", "Questions"],
        rows=[
            ChartRow(
                level["name"],
                [
                    fr(level["persons"]),
                    _or_dash(_points(level["claimed"])),
                    _or_dash(_points(level["rmse"])),
                    _or_dash(level["length"]),
                ],
            )
            for level in levels
        ],
        description=said,
        legend=series_legend(series),
    )


def _length(verdict: Mapping[str, Any]) -> Chart:
    title = "Nombre de questions posées"
    counts = verdict["length"].get("counts", [])
    total = sum(count for _, count in counts) or 1
    rows = [(f"{n} questions", count / total) for n, count in counts]
    said = "Part des personnes simulées à qui l’on pose ce nombre de questions."
    return _shares(title, said, "Longueur", "Personnes", rows)


def _exposure(verdict: Mapping[str, Any]) -> Chart:
    title = "Combien de personnes voient une question"
    tenths = verdict["exposure"].get("tenths", [])
    last = max((n for n, count in enumerate(tenths) if count), default=0)
    names = ["jamais", "jusqu’à 10 %", *(f"{10 * n - 10} à {10 * n} %" for n in range(2, 11))]
    total = sum(tenths) or 1
    rows = [(names[n], tenths[n] / total) for n in range(last + 1)] if tenths else []
    said = "Part des questions de la banque, selon la part des personnes qui les verraient."
    return _shares(title, said, "Vue par", "Questions", rows)


def _shares(title: str, said: str, head: str, counted: str, rows: list[tuple[str, float]]) -> Chart:
    bars = [Bar(name, share, text=_percent(share)) for name, share in rows]
    return Chart(
        title=title,
        svg=bar_chart(bars, title=title, description=said),
        headers=[head, counted],
        rows=[ChartRow(name, [_percent(share)]) for name, share in rows],
        description=said,
    )


def domains(verdict: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """A line for each domain: questions, questions asked, error, right level, near level."""
    return [
        (
            one["name"],
            [
                fr(one["items"]),
                fr(round(one["length"], 1)),
                _or_dash(_points(one["claimed"])),
                _percent(one["level_right"]),
                _percent(one["to_confirm"]),
            ],
        )
        for one in verdict["domains"]
    ]


def _points(value: float | None) -> float | None:
    return None if value is None else round(POINTS * value)


def _or_dash(value: float | None) -> str:
    return "–" if value is None else fr(round(value, 1))


def _percent(share: float) -> str:
    return f"{fr(round(100 * share))} %"
