"""Figures drawn as SVG on the server: pure functions from typed data to markup.

No style attribute and no script: colours come from classes of kalan.css, so a strict policy
accepts them. Every figure has a <title> and a <desc>; beside it stands a table that says the same
(templates/web/_chart.html), and where rows have addresses each mark opens the records behind it.
A figure with links is a group, not an image: what an image contains cannot be reached by keyboard.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.html import escape
from django.utils.safestring import SafeString

from kalan.base.shapes import country_map

# Units of the drawing. A card on a 360 px phone is about 300 px wide: text of 12 units stays read.
WIDTH = 320
TEXT = 7.2  # width of a character at 12 units, wide enough for "Tambacounda"
CLASSES = 5
TINY = 1e-9  # less than this is drawn as nothing


@dataclass(frozen=True)
class Bar:
    """One bar. ``text`` is the value as printed (default: the number in French form)."""

    label: str
    value: float
    url: str = ""
    text: str = ""


@dataclass(frozen=True)
class Stack:
    """One bar made of parts, in the order of the series."""

    label: str
    values: Sequence[float]
    url: str = ""


@dataclass(frozen=True)
class Line:
    """One curve; None is a gap (no data), which is not zero."""

    label: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class Dumbbell:
    """Two values of one row; without ``strong`` the line between them is dotted."""

    label: str
    before: float
    after: float
    strong: bool = True


@dataclass(frozen=True)
class Dot:
    """One point of a scatter; ``text`` is read when it is pointed at, ``rank`` its colour."""

    x: float
    y: float
    text: str
    rank: int = 1


@dataclass(frozen=True)
class MapValue:
    """What a region shows. ``value`` None: no data, or hidden because too few people."""

    value: float | None
    text: str = ""
    url: str = ""


@dataclass(frozen=True)
class ChartRow:
    label: str
    cells: Sequence[str]
    url: str = ""


@dataclass(frozen=True)
class Chart:
    """A figure with its table twin, for templates/web/_chart.html."""

    title: str
    svg: SafeString
    headers: Sequence[str]
    rows: Sequence[ChartRow]
    description: str = ""
    legend: Sequence[tuple[str, str]] = field(default=())


def number(value: float) -> str:
    """1234.5 → « 1 234,5 » (narrow no-break space), at most two decimals."""
    text = f"{value:,.2f}".rstrip("0").rstrip(".")
    return text.replace(",", "\u202f").replace(".", ",")


def bar_chart(rows: Sequence[Bar], *, title: str, description: str) -> SafeString:
    """Horizontal bars from zero. Labels stand left of the bars, or above them when long."""
    longest = max((len(row.label) for row in rows), default=0)
    beside = longest <= 16
    left = round(longest * TEXT) + 8 if beside else 0
    step = 24 if beside else 40
    texts = [row.text or number(row.value) for row in rows]
    room = WIDTH - left - max((len(text) for text in texts), default=0) * 7 - 8
    top = max((row.value for row in rows), default=0) or 1
    parts = []
    for index, (row, text) in enumerate(zip(rows, texts, strict=True)):
        y = index * step
        width = max(room * row.value / top, 0)
        line, bar = (y + 16, y + 3) if beside else (y + 14, y + 19)
        at = f'x="{left - 6}" class="e"' if beside else 'x="0"'
        mark = f'<rect class="f1" x="{left}" y="{bar}" width="{_n(width)}" height="18"/>'
        mark += f'<text {at} y="{line}">{escape(row.label)}</text>'
        mark += f'<text x="{_n(left + width + 5)}" y="{bar + 13}">{escape(text)}</text>'
        parts.append(_linked(mark, row.url))
    return _svg(parts, len(rows) * step, title, description, linked=any(row.url for row in rows))


def stacked_bars(
    rows: Sequence[Stack], *, series: Sequence[str], title: str, description: str
) -> SafeString:
    """Horizontal bars cut into parts coloured f1…f5 in the order of ``series`` (see legend)."""
    top = max((sum(row.values) for row in rows), default=0) or 1
    room = WIDTH - max((len(number(sum(row.values))) for row in rows), default=0) * 7 - 8
    parts = []
    for index, row in enumerate(rows):
        y, x = index * 40, 0.0
        mark = f'<text y="{y + 14}">{escape(row.label)}</text>'
        for rank, (name, value) in enumerate(zip(series, row.values, strict=True), start=1):
            width = room * value / top
            if width > 0:
                mark += (
                    f'<rect class="f{rank}" x="{_n(x)}" y="{y + 19}" '
                    f'width="{_n(width)}" height="18">'
                    f"<title>{escape(name)} : {number(value)}</title></rect>"
                )
            x += width
        mark += f'<text x="{_n(x + 5)}" y="{y + 32}">{number(sum(row.values))}</text>'
        parts.append(_linked(mark, row.url))
    return _svg(parts, len(rows) * 40, title, description, linked=any(row.url for row in rows))


def dumbbells(rows: Sequence[Dumbbell], *, title: str, description: str) -> SafeString:
    """Before (f2) and after (f1) as two dots on a line a row, the label above them."""
    values = [value for row in rows for value in (row.before, row.after)]
    low, high = min(values, default=0), max(values, default=1)
    room, left = WIDTH - 84, 42
    span = (high - low) or 1

    def at(value: float) -> str:
        return _n(left + room * (value - low) / span)

    parts = []
    for index, row in enumerate(rows):
        y = index * 34
        first, second = at(row.before), at(row.after)
        ends = sorted([(float(first), row.before), (float(second), row.after)])
        dashes = "" if row.strong else ' stroke-dasharray="2 4"'
        parts.append(
            f'<text y="{y + 12}">{escape(row.label)}</text>'
            f'<path class="ax" d="M{left} {y + 23}H{left + room}"/>'
            f'<path class="l1"{dashes} d="M{first} {y + 23}H{second}"/>'
            f'<circle class="f2" cx="{first}" cy="{y + 23}" r="5"/>'
            f'<circle class="f1" cx="{second}" cy="{y + 23}" r="5"/>'
            f'<text class="s e" x="{_n(ends[0][0] - 8)}" y="{y + 27}">{number(ends[0][1])}</text>'
            f'<text class="s" x="{_n(ends[1][0] + 8)}" y="{y + 27}">{number(ends[1][1])}</text>'
        )
    return _svg(parts, len(rows) * 34 + 4, title, description, linked=False)


def series_legend(series: Sequence[str]) -> list[tuple[str, str]]:
    """The legend of stacked bars and curves: (class, label)."""
    return [(f"f{rank}", label) for rank, label in enumerate(series, start=1)]


def line_chart(
    points: Sequence[str], lines: Sequence[Line], *, title: str, description: str
) -> SafeString:
    """Curves over ``points`` (labels of the horizontal axis), from zero, at most four of them."""
    known = [value for line in lines for value in line.values if value is not None]
    ticks = nice_ticks(max(known, default=0))
    left, bottom, height = max(len(number(tick)) for tick in ticks) * 7 + 6, 150, 140
    across = (WIDTH - left - 8) / max(len(points) - 1, 1)

    def place(index: int, value: float) -> tuple[str, str]:
        return _n(left + index * across), _n(bottom - height * value / ticks[-1])

    parts = []
    for tick in ticks:
        y = _n(bottom - height * tick / ticks[-1])
        parts.append(f'<path class="ax" d="M{left} {y}H{WIDTH}"/>')
        parts.append(
            f'<text class="s e" x="{left - 5}" y="{_n(float(y) + 4)}">{number(tick)}</text>'
        )
    # The first label begins at its point and the others stand around theirs: room for one and a
    # half, so that they never touch.
    room = max(map(len, points), default=1) * 7 * 1.5 + 6
    for index in range(0, len(points), max(1, math.ceil(room / across))):
        anchor = "s m" if index < len(points) - 1 else "s e"
        parts.append(
            f'<text class="{anchor if index else "s"}" x="{place(index, 0)[0]}" y="168">'
            f"{escape(points[index])}</text>"
        )
    for rank, line in enumerate(lines, start=1):
        parts.append(f'<path class="l{rank}" d="{_curve(line.values, place)}"/>')
        for index, value in enumerate(line.values):
            if value is not None:
                x, y = place(index, value)
                said = f"{line.label}, {points[index]} : {number(value)}"
                parts.append(
                    f'<circle class="f{rank}" cx="{x}" cy="{y}" r="3">'
                    f"<title>{escape(said)}</title></circle>"
                )
    return _svg(parts, 174, title, description, linked=False)


def scatter(
    dots: Sequence[Dot], *, title: str, description: str, across: str, up: str
) -> SafeString:
    """Points on two axes of one scale, with the line on which both values are equal."""
    known = [value for dot in dots for value in (dot.x, dot.y)]
    low, high = math.floor(min(known, default=-3)), math.ceil(max(known, default=3))
    side, left, bottom = 260, 34, 276
    step = max(1, math.ceil((high - low) / 8))

    def at(value: float) -> float:
        return side * (value - low) / ((high - low) or 1)

    parts = []
    for tick in range(low, high + 1, step):
        x, y = _n(left + at(tick)), _n(bottom - at(tick))
        parts.append(f'<path class="ax" d="M{left} {y}H{left + side}"/>')
        parts.append(
            f'<text class="s e" x="{left - 5}" y="{_n(float(y) + 4)}">{number(tick)}</text>'
        )
        parts.append(f'<text class="s m" x="{x}" y="{bottom + 16}">{number(tick)}</text>')
    parts.append(f'<path class="ax" d="M{left} {bottom}L{left + side} {bottom - side}"/>')
    for dot in sorted(dots, key=lambda one: one.rank):
        x, y = _n(left + at(dot.x)), _n(bottom - at(dot.y))
        mark = f'<circle class="f{dot.rank}" cx="{x}" cy="{y}" r="3.5">'
        parts.append(f"{mark}<title>{escape(dot.text)}</title></circle>")
    parts.append(f'<text class="s e" x="{left + side}" y="{bottom + 32}">{escape(across)} →</text>')
    parts.append(f'<text class="s" x="{left + 5}" y="10">↑ {escape(up)}</text>')
    return _svg(parts, bottom + 38, title, description, linked=False)


def region_map(
    country: str, values: Mapping[str, MapValue], *, title: str, description: str
) -> SafeString:
    """The regions of ``country`` shaded by value; a region without value stays grey.

    ``values`` is keyed by the region's code (SN-FK). Raises FileNotFoundError for a country
    without shapes.
    """
    drawn = country_map(country)
    breaks = map_breaks([v.value for v in values.values() if v.value is not None])
    parts = []
    for shape in drawn.shapes:
        found = values.get(shape.code, MapValue(None))
        rank = _rank(found.value, breaks)
        css = f"q q{rank}" if rank else "q"
        text = found.text or ("pas de donnée" if found.value is None else number(found.value))
        said = f"{shape.name} : {text}"
        mark = f'<path class="{css}" d="{shape.path}"><title>{escape(said)}</title></path>'
        parts.append(_linked(mark, found.url, said))
    return _svg(
        parts,
        drawn.height,
        title,
        description,
        linked=any(value.url for value in values.values()),
        width=drawn.width,
    )


def map_breaks(values: Sequence[float]) -> list[float]:
    """Upper bounds of the five classes: equal steps of a round number, the last ≥ the maximum."""
    top = max(values, default=0)
    step = _nice(top / CLASSES) if top >= TINY else 1
    return [step * rank for rank in range(1, CLASSES + 1)]


def map_legend(values: Mapping[str, MapValue], *, unit: str = "") -> list[tuple[str, str]]:
    """The legend of ``region_map``: (class, « 1 à 20 »)."""
    known = [value.value for value in values.values() if value.value is not None]
    legend: list[tuple[str, str]] = [("q", "pas de donnée")]
    breaks = map_breaks(known)
    whole = 1 if all(float(value).is_integer() for value in [*known, *breaks]) else 0
    for rank, high in enumerate(breaks, start=1):
        low = breaks[rank - 2] + whole if rank > 1 else 0
        legend.append((f"q{rank}", f"{number(low)} à {number(high)}{unit}"))
        if high >= max(known, default=0):
            break
    return legend


def nice_ticks(top: float, count: int = 4) -> list[float]:
    """Round values from zero to at least ``top``; whole numbers when ``top`` is at least 4."""
    if top < TINY:
        return [0, 1]
    step = _nice(top / count)
    if top >= count:
        step = max(1, math.ceil(step))
    return [step * rank for rank in range(math.ceil(top / step) + 1)]


def _nice(value: float) -> float:
    """The least of 1, 2, 2.5, 5, 10 × 10ⁿ that is at least ``value``."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value * (1 - 1e-9))


def _rank(value: float | None, breaks: Sequence[float]) -> int:
    if value is None:
        return 0
    return next((rank for rank, high in enumerate(breaks, start=1) if value <= high), CLASSES)


def _curve(values: Sequence[float | None], place: Callable[[int, float], tuple[str, str]]) -> str:
    path, pen = "", "M"
    for index, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        x, y = place(index, value)
        path += f"{pen}{x} {y}"
        pen = "L"
    return path


def _n(value: float) -> str:
    """A coordinate with one decimal at most."""
    return f"{value:.1f}".removesuffix(".0")


def _linked(mark: str, url: str, said: str = "") -> str:
    """``mark`` as a link when there is an address; ``said`` names what carries no text."""
    if not url:
        return mark
    label = f' aria-label="{escape(said)}"' if said else ""
    return f'<a href="{escape(url)}"{label}>{mark}</a>'


def _svg(
    parts: Sequence[str],
    height: float,
    title: str,
    description: str,
    *,
    linked: bool,
    width: float = WIDTH,
) -> SafeString:
    role = "group" if linked else "img"
    return SafeString(
        f'<svg class="chart" viewBox="0 0 {_n(width)} {_n(max(height, 1))}" role="{role}">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{''.join(parts)}</svg>"
    )
