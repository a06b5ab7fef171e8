"""What people can do, by domain: levels, shares, gains, down to the sittings behind them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kalan.base import figures
from kalan.base.exports import Cell, table_response
from kalan.base.figures import Chart, ChartRow, Stack
from kalan.base.lists import paginate
from kalan.base.small_groups import MIN_GROUP
from kalan.indicators.definitions import SKILLS
from kalan.indicators.forms import CompetenceForm
from kalan.indicators.selectors import competences as reads
from kalan.indicators.selectors.competences import Competences, Group
from kalan.indicators.views.board import READERS, reach_or_404
from kalan.people.http import ActorRequest, staff

SMALL = "groupe trop petit"
KEPT_BACK = "non montré"


@require_safe
@staff(READERS)
def competence_page(request: ActorRequest) -> HttpResponse:
    form = CompetenceForm(request.GET, actor=request.actor)
    reach = reach_or_404(request.actor, form.filters())
    wanted = form.wanted()
    context: dict[str, Any] = {"filters": form, "query": form.query(), "definitions": SKILLS}
    if wanted is not None:
        found = reads.competences(reach, wanted)
        if (fmt := request.GET.get("format", "")) in ("xlsx", "csv"):
            return table_response("competences", _headers(found), _lines(found), fmt)
        context |= {
            "found": found,
            "chart": _chart(found),
            "tables": [
                (part.label, [(label, _cells(groups, found)) for label, groups in part.rows])
                for part in found.parts
            ],
            "all": _cells(found.everyone, found),
            "level": dict(found.levels).get(found.reached[0] if found.reached else "", ""),
            "least": MIN_GROUP,
        }
    context["gains"] = reads.gains(reach)
    return render(request, "indicators/competences.html", context)


@require_safe
@staff(READERS)
def competence_sittings(request: ActorRequest) -> HttpResponse:
    """The sittings counted: when, which test, where. Nobody's level, nobody's name."""
    form = CompetenceForm(request.GET, actor=request.actor)
    reach = reach_or_404(request.actor, form.filters())
    wanted = form.wanted()
    rows = reads.sittings(reach, wanted)
    headers = ["Terminé le", "Test", "Structure", "Cadre", "Réponses simulées"]
    if (fmt := request.GET.get("format", "")) in ("xlsx", "csv"):
        every = rows.order_by("-finished_at", "-pk").iterator(chunk_size=1000)
        return table_response("passations", headers, map(reads.sitting_cells, every), fmt)
    page = paginate(rows, request, order=("-finished_at", "-pk"))
    context = {
        "filters": form,
        "query": form.query(),
        "headers": headers,
        "lines": [reads.sitting_cells(row) for row in page.rows],
        "page": page,
        "count": rows.count(),
    }
    return render(request, "indicators/competence_sittings.html", context)


def _cells(groups: dict[str, Group], found: Competences) -> list[tuple[str, str]]:
    """(share with its interval, how many) by domain."""
    return [_cell(groups.get(code), found) for code, _ in found.domains]


def _cell(group: Group | None, found: Competences) -> tuple[str, str]:
    if group is None or not group.n:
        return "", ""
    if group.hidden:
        return _unsaid(group), ""
    share, low, high = (figures.number(round(one)) for one in group.share(found.reached))
    return f"{share}\u00a0%", f"{low} à {high}\u00a0%, {figures.number(group.n)} pers."


def _unsaid(group: Group) -> str:
    return SMALL if group.n < MIN_GROUP else KEPT_BACK


def _headers(found: Competences) -> list[str]:
    return ["Découpage", "Groupe", "Domaine", "Personnes", "Niveau moyen (θ)", "De", "À",
            "Part au niveau demandé ou plus (%)", "De", "À",
            *(f"Niveau {name}" for _, name in found.levels),
            "Réponses simulées"]  # fmt: skip


def _lines(found: Competences) -> Iterable[list[Cell]]:
    parts = [("Ensemble", [("Ensemble", found.everyone)])]
    parts += [(part.label, list(part.rows)) for part in found.parts]
    for cut, rows in parts:
        for label, groups in rows:
            for code, domain in found.domains:
                if (group := groups.get(code)) is not None:
                    yield [cut, label, domain, *_numbers(group, found), found.simulated]


def _numbers(group: Group, found: Competences) -> list[Cell]:
    if group.hidden:
        return [_unsaid(group), *[None] * (6 + len(found.levels))]
    shown = [round(value, 3) for value in group.mean()]
    share = [round(value, 1) for value in group.share(found.reached)]
    return [group.n, *shown, *share, *(group.levels.get(code, 0) for code, _ in found.levels)]


def _chart(found: Competences) -> Chart:
    """Where people stand in each domain, from the lowest level to the highest."""
    title = "Niveaux par domaine"
    names = [name for _, name in found.levels][:5]
    told = [
        (name, found.everyone[code])
        for code, name in found.domains
        if code in found.everyone and not found.everyone[code].hidden
    ]
    counts = [
        (name, [group.levels.get(code, 0) for code, _ in found.levels][:5]) for name, group in told
    ]
    return Chart(
        title,
        figures.stacked_bars(
            [Stack(name, numbers) for name, numbers in counts],
            series=names,
            title=title,
            description="Personnes à chaque niveau, le plus bas d’abord.",
        ),
        ("Domaine", *names),
        [ChartRow(name, [figures.number(one) for one in numbers]) for name, numbers in counts],
        "Dernier test de positionnement de chaque personne, dans les filtres choisis.",
        legend=figures.series_legend(names),
    )
