"""Charts of a campaign, each with its table."""

from __future__ import annotations

from kalan.base import figures
from kalan.base.figures import Chart, ChartRow, Line, Stack
from kalan.campaigns.selectors.follow import FollowUp
from kalan.campaigns.selectors.results import Distribution, Level, Mean
from kalan.engine.testing.outcome import scaled

_LONGEST = 44  # characters across the drawing
_PROGRESS = ("terminé", "commencé", "pas commencé")


def structures_chart(follow: FollowUp) -> Chart:
    """How far each structure is, by numbers of people."""
    title = "Avancement par structure"
    description = "Nombre de personnes de la liste."
    rows = [
        (row.name, (row.counts.finished, row.counts.under_way, row.counts.waiting))
        for row in follow.structures
    ]
    return Chart(
        title=title,
        description=description,
        svg=figures.stacked_bars(
            [Stack(_short(name), values) for name, values in rows],
            series=_PROGRESS,
            title=title,
            description=description,
        ),
        headers=("Structure", *(name.capitalize() for name in _PROGRESS)),
        rows=[ChartRow(name, [figures.number(v) for v in values]) for name, values in rows],
        legend=figures.series_legend(_PROGRESS),
    )


def _short(name: str) -> str:
    """What fits above a bar; the table has the whole name."""
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1].rstrip() + "…"


def days_chart(follow: FollowUp) -> Chart:
    """Beginnings and endings by day."""
    title, description = "Jour par jour", "Personnes qui ont commencé, et qui ont terminé."
    labels = [f"{row.day:%d/%m}" for row in follow.days]
    lines = [
        Line("ont commencé", [row.started for row in follow.days]),
        Line("ont terminé", [row.finished for row in follow.days]),
    ]
    return Chart(
        title=title,
        description=description,
        svg=figures.line_chart(labels, lines, title=title, description=description),
        headers=("Jour", "Ont commencé", "Ont terminé"),
        rows=[
            ChartRow(f"{row.day:%d/%m/%Y}", [str(row.started), str(row.finished)])
            for row in follow.days
        ],
        legend=[("f1", "ont commencé"), ("f2", "ont terminé")],
    )


def levels_chart(domains: list[Distribution], levels: list[Level], title: str) -> Chart:
    """How many people stand at each level, domain by domain."""
    names = [level.name for level in levels]
    if any(one.other for one in domains):
        names.append("sans niveau")
    description = "Nombre de personnes à chaque niveau, et niveau moyen avec son intervalle à 95 %."

    def values(one: Distribution) -> list[int]:
        return [*one.counts, one.other][: len(names)]

    return Chart(
        title=title,
        description=description,
        svg=figures.stacked_bars(
            [Stack(one.name, values(one)) for one in domains],
            series=names,
            title=title,
            description=description,
        ),
        headers=("Domaine", *names, "À confirmer", "Moyenne", "Intervalle à 95 %"),
        rows=[
            ChartRow(
                one.name,
                [*map(str, values(one)), str(one.to_confirm), *_mean_cells(one.mean)],
            )
            for one in domains
        ],
        legend=figures.series_legend(names),
    )


def _mean_cells(mean: Mean | None) -> list[str]:
    if mean is None:
        return ["–", "–"]
    return [str(scaled(mean.mean)), f"{scaled(mean.low)} à {scaled(mean.high)}"]
