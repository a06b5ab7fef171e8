"""Figures of the dashboard as charts: numbers in, drawings with links and table twins out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.urls import reverse

from kalan.base import figures
from kalan.base.figures import Bar, Chart, ChartRow, Line, MapValue, Stack
from kalan.indicators.forms import FiltersForm
from kalan.indicators.selectors.board import Board
from kalan.indicators.selectors.counts import Counts, spans_between
from kalan.people.models import Employer, OrgNode, OrgNodeCode

_SERIES = ("femmes", "hommes", "sexe non renseigné")
_AGES = ("<25", "25-34", "35-44", "45-54", "55+", "")
_TOP = 12  # lines drawn; the rest stands in one line


def records_url(code: str, query: str) -> str:
    return reverse("indicator-records", args=[code]) + (f"?{query}" if query else "")


def percent_text(value: Decimal | None) -> str:
    """58.73 → « 58,73 % » with a no-break space."""
    return "–" if value is None else f"{value}".replace(".", ",") + "\u00a0%"


@dataclass(frozen=True)
class _Row:
    label: str
    counts: Counts
    url: str = ""


def charts(board: Board, form: FiltersForm) -> list[Chart]:
    """The charts of the dashboard; the map first, when regions are looked at."""
    territories = _territories(board, form)
    drawn = [
        _stacked("Agents formés par territoire", territories, board.people.total),
        _months(board, form),
        _stacked("Agents formés par cadre", _cadres(board, form), board.people.total),
        _stacked("Agents formés par tranche d’âge", _ages(board, form), board.people.total),
        _stacked("Agents formés par thème", _themes(board, form), board.people.total),
        _employers(board),
    ]
    found = _map(board, form)
    return [found, *drawn] if found else drawn


def _territories(board: Board, form: FiltersForm) -> list[_Row]:
    nodes = OrgNode.objects.in_bulk([pk for pk in board.people.territory if pk])
    rows = [
        _Row(
            nodes[pk].name,
            counts,
            records_url("agents_formes", form.query(territoire=str(nodes[pk].uid))),
        )
        for pk, counts in board.people.territory.items()
        if pk in nodes and counts.trained
    ]
    unknown = board.people.territory.get(0)
    return [
        *sorted(rows, key=lambda row: (-row.counts.trained, row.label)),
        *([_Row("non renseigné", unknown)] if unknown and unknown.trained else []),
    ]


def _cadres(board: Board, form: FiltersForm) -> list[_Row]:
    cadres = {str(cadre.pk): (code, cadre) for code, cadre in form.cadres.items()}
    rows = []
    for key, counts in board.people.cadre.items():
        code, cadre = cadres.get(key, ("", None))
        url = records_url("agents_formes", form.query(cadre=code)) if code else ""
        rows.append(_Row(cadre.title if cadre else "non renseigné", counts, url))
    return sorted(rows, key=lambda row: (-row.counts.trained, row.label))


def _themes(board: Board, form: FiltersForm) -> list[_Row]:
    themes = {str(theme.pk): theme for theme in form.themes.values()}
    return sorted(
        (
            _Row(
                themes[key].name,
                counts,
                records_url("agents_formes", form.query(theme=themes[key].code)),
            )
            for key, counts in board.people.theme.items()
            if key in themes
        ),
        key=lambda row: (-row.counts.trained, row.label),
    )


def _ages(board: Board, form: FiltersForm) -> list[_Row]:
    return [
        _Row(
            f"{age} ans" if age else "non renseigné",
            board.people.age[age],
            records_url("agents_formes", form.query(age=age or "U")),
        )
        for age in _AGES
        if age in board.people.age
    ]


def _stacked(title: str, rows: Iterable[_Row], total: Counts) -> Chart:
    shown = [row for row in rows if row.counts.trained]
    several = sum(row.counts.trained for row in shown) > total.trained
    note = "Une personne peut figurer sur plusieurs lignes. " if several else ""
    description = f"{note}Personnes formées, femmes et hommes."
    drawn, rest = shown[:_TOP], len(shown) - _TOP
    if rest > 0:
        description += f" Les {_TOP} premières lignes sont dessinées, le tableau les a toutes."
    return Chart(
        title=title,
        svg=figures.stacked_bars(
            [
                Stack(row.label, (row.counts.women, row.counts.men, row.counts.unknown), row.url)
                for row in drawn
            ],
            series=_SERIES,
            title=title,
            description=description,
        ),
        headers=("", "Formés", "Femmes", "Hommes", "Sans sexe", "Part des femmes"),
        rows=[
            ChartRow(
                row.label,
                (
                    figures.number(row.counts.trained),
                    figures.number(row.counts.women),
                    figures.number(row.counts.men),
                    figures.number(row.counts.unknown),
                    share_text(row.counts),
                ),
                row.url,
            )
            for row in shown
        ],
        description=description,
        legend=figures.series_legend(_SERIES if total.unknown else _SERIES[:2]),
    )


def share_text(counts: Counts) -> str:
    """The share of women, or the honest range above 5 % of unknown."""
    share = counts.share
    if share.doubtful and counts.trained:
        return f"{percent_text(share.low)} à {percent_text(share.high)}"
    return percent_text(share.exact)


def _months(board: Board, form: FiltersForm) -> Chart:
    title = "Agents formés et inscriptions par mois"
    spans = spans_between(board.people.month)
    counts = [
        board.people.month.get(first, Counts()) if first == last else None for first, last in spans
    ]
    labels = [f"{first[5:]}/{first[2:4]}" if first == last else "…" for first, last in spans]
    description = "Une personne formée deux mois différents compte dans chacun."
    if None in counts:
        description += " Les longues périodes sans session sont repliées (…)."
    series = ("agents formés", "inscriptions")
    return Chart(
        title=title,
        svg=figures.line_chart(
            labels,
            [
                Line(series[0], [one.trained if one else None for one in counts]),
                Line(series[1], [one.registrations if one else None for one in counts]),
            ],
            title=title,
            description=description,
        ),
        headers=("Mois", "Agents formés", "Inscriptions"),
        rows=[_month_row(*span, one, form) for span, one in zip(spans, counts, strict=True)],
        description=description,
        legend=figures.series_legend(series),
    )


def _month_row(first: str, last: str, counts: Counts | None, form: FiltersForm) -> ChartRow:
    label = f"{first[5:]}/{first[:4]}"
    if counts is None:
        return ChartRow(f"{label} à {last[5:]}/{last[:4]}", ("aucun", "aucune"))
    return ChartRow(
        label,
        (figures.number(counts.trained), figures.number(counts.registrations)),
        records_url("agents_formes", form.month_query(first)),
    )


def _employers(board: Board) -> Chart:
    title = "Formateurs mobilisés par employeur"
    labels = dict(Employer.choices)
    rows = sorted(board.trainers.items(), key=lambda item: (-item[1], item[0]))
    names = [(labels.get(code, "employeur non renseigné"), n) for code, n in rows]
    return Chart(
        title=title,
        svg=figures.bar_chart(
            [Bar(label, n) for label, n in names], title=title, description="Personnes."
        ),
        headers=("Employeur", "Formateurs"),
        rows=[ChartRow(label, (figures.number(n),)) for label, n in names],
    )


def _map(board: Board, form: FiltersForm) -> Chart | None:
    """The regions shaded by people trained, when everything is looked at."""
    if not board.reach.everything:
        return None
    ids = [pk for pk in board.people.territory if pk]
    nodes = OrgNode.objects.in_bulk(ids)
    codes = dict(
        OrgNodeCode.objects.filter(node_id__in=ids, system__contains="3166").values_list(
            "node_id", "value"
        )
    )
    programme = board.reach.filters.programme
    country = programme.node.country if programme else settings.KALAN_COUNTRY
    rows = [
        (nodes[pk].name, codes[pk], counts, str(nodes[pk].uid))
        for pk, counts in board.people.territory.items()
        if pk in codes and pk in nodes
    ]
    values = {
        code: MapValue(
            counts.trained,
            f"{figures.number(counts.trained)} agents formés",
            records_url("agents_formes", form.query(territoire=uid)),
        )
        for _, code, counts, uid in rows
    }
    title = "Agents formés par région"
    description = "Personnes, à la date de chaque session. Gris : aucune donnée."
    try:
        svg = figures.region_map(country, values, title=title, description=description)
    except (FileNotFoundError, LookupError):
        return None
    return Chart(
        title=title,
        svg=svg,
        headers=("Région", "Agents formés", "Femmes", "Part des femmes"),
        rows=[
            ChartRow(
                name,
                (figures.number(c.trained), figures.number(c.women), share_text(c)),
                records_url("agents_formes", form.query(territoire=uid)),
            )
            for name, _, c, uid in sorted(rows)
        ],
        description=description,
        legend=figures.map_legend(values),
    )
