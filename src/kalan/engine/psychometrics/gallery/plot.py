"""Small standalone SVG plots: axes with ticks, lines, points, interval bars, bars, legends.

Drawn 480 units wide in letters of 15: at 360 pixels they are 11 high, and still sharp at 1200. Text
is dark on white. Series differ by colour (Okabe & Ito 2008, safe for colour-blind readers) and by
dash or shape as well, so that grey prints say the same. No script, no style sheet, no font file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from kalan.engine.psychometrics.gallery.french import tick

WIDTH, LETTER = 480.0, 15.0
INK, PALE = "#1a1a1a", "#d0d0d0"
BLUE, ORANGE, GREEN, PURPLE = "#0072b2", "#c84e00", "#00795a", "#93417f"
Shape = Literal["disc", "ring", "square", "diamond", "cross", "bar"]


@dataclass(frozen=True)
class Style:
    """How a series looks: ``dash`` of its line, ``shape`` of its points."""

    colour: str = BLUE
    dash: str = ""
    shape: Shape = "disc"
    size: float = 4.0
    width: float = 2.5


@dataclass(frozen=True)
class Axis:
    """``low`` … ``high`` in units of the data, marks at ``ticks`` (words: ``names`` instead)."""

    low: float
    high: float
    ticks: Sequence[float]
    label: str = ""
    names: Sequence[str] = ()

    def words(self) -> list[str]:
        return list(self.names) or [tick(value) for value in self.ticks]


def _xy(x: ArrayLike, y: ArrayLike) -> list[tuple[float, float]]:
    one, two = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64))
    return list(zip(one.ravel().tolist(), two.ravel().tolist(), strict=True))


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


@dataclass
class Plot:
    """A picture; ``title`` and ``description`` are what a screen reader says."""

    title: str
    description: str
    height: float = 340.0
    parts: list[str] = field(default_factory=list)

    def panel(self, box: tuple[float, float, float, float], x: Axis, y: Axis) -> Panel:
        """Axes in the box (left, top, right, bottom): the frame, without marks and labels."""
        found = Panel(self, box, x, y)
        found.frame()
        return found

    def text(
        self, x: float, y: float, words: str, anchor: str = "start", *, bold: bool = False
    ) -> None:
        weight = ' font-weight="bold"' if bold else ""
        self.parts.append(
            f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}"{weight}>{escape(words)}</text>'
        )

    def legend(
        self, top: float, entries: Sequence[tuple[str, Style, str]], left: float = 8
    ) -> None:
        """One entry a line: words, style, and what is drawn of it (``line``, ``points``)."""
        for row, (words, style, kind) in enumerate(entries):
            y = top + row * (LETTER + 5)
            if kind == "line":
                self.stroke([(left, y - 5), (left + 30, y - 5)], style)
            else:
                self.mark(left + 15, y - 5, style)
            self.text(left + 38, y, words)

    def stroke(self, points: Sequence[tuple[float, float]], style: Style) -> None:
        """A line through points of the picture."""
        path = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        dash = f' stroke-dasharray="{style.dash}"' if style.dash else ""
        self.parts.append(
            f'<polyline points="{path}" fill="none" stroke="{style.colour}" '
            f'stroke-width="{_n(style.width)}"{dash}/>'
        )

    def mark(self, x: float, y: float, style: Style) -> None:
        """A point of the picture."""
        s, colour = style.size, style.colour
        edge = f'fill="#ffffff" stroke="{colour}" stroke-width="2"'
        drawn = {
            "disc": f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(s)}" fill="{colour}"/>',
            "ring": f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(s)}" {edge}/>',
            "square": f'<rect x="{_n(x - s)}" y="{_n(y - s)}" width="{_n(2 * s)}" '
            f'height="{_n(2 * s)}" fill="{colour}"/>',
            "diamond": f'<path d="M{_n(x)} {_n(y - 1.4 * s)}l{_n(1.4 * s)} {_n(1.4 * s)}'
            f'l{_n(-1.4 * s)} {_n(1.4 * s)}l{_n(-1.4 * s)} {_n(-1.4 * s)}z" {edge}/>',
            "cross": f'<path d="M{_n(x - s)} {_n(y - s)}l{_n(2 * s)} {_n(2 * s)}m0 {_n(-2 * s)}'
            f'l{_n(-2 * s)} {_n(2 * s)}" stroke="{colour}" stroke-width="2.5"/>',
            "bar": f'<path d="M{_n(x)} {_n(y - 2 * s)}v{_n(4 * s)}" stroke="{colour}" '
            'stroke-width="3"/>',
        }
        self.parts.append(drawn[style.shape])

    def svg(self) -> str:
        """The whole file."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(WIDTH)} {_n(self.height)}" '
            'role="img" aria-labelledby="t d" font-family="DejaVu Sans, Verdana, Arial, '
            f'sans-serif" font-size="{_n(LETTER)}" fill="{INK}">\n'
            f'<title id="t">{escape(self.title)}</title>\n'
            f'<desc id="d">{escape(self.description)}</desc>\n'
            f'<rect width="{_n(WIDTH)}" height="{_n(self.height)}" fill="#ffffff"/>\n'
        )
        return head + "\n".join(self.parts) + "\n</svg>\n"


@dataclass
class Panel:
    """One pair of axes of a plot; coordinates are the data's."""

    plot: Plot
    box: tuple[float, float, float, float]
    x: Axis
    y: Axis

    def at(self, x: float, y: float) -> tuple[float, float]:
        left, top, right, bottom = self.box
        across = (x - self.x.low) / (self.x.high - self.x.low)
        up = (y - self.y.low) / (self.y.high - self.y.low)
        return left + across * (right - left), bottom - up * (bottom - top)

    def inside(self, x: float, y: float) -> bool:
        slack_x, slack_y = (1e-9 * (axis.high - axis.low) for axis in (self.x, self.y))
        return (
            self.x.low - slack_x <= x <= self.x.high + slack_x
            and self.y.low - slack_y <= y <= self.y.high + slack_y
        )

    def frame(self) -> None:
        """Grid, axes, marks and labels."""
        left, top, right, bottom = self.box
        thin = Style(PALE, width=1)
        for value, word in zip(self.x.ticks, self.x.words(), strict=True):
            x = self.at(value, self.y.low)[0]
            self.plot.stroke([(x, top), (x, bottom)], thin)
            self.plot.text(x, bottom + LETTER + 4, word, "middle")
        for value, word in zip(self.y.ticks, self.y.words(), strict=True):
            y = self.at(self.x.low, value)[1]
            self.plot.stroke([(left, y), (right, y)], thin)
            self.plot.text(left - 6, y + LETTER / 3, word, "end")
        self.plot.stroke([(left, top), (left, bottom), (right, bottom)], Style(INK, width=1.5))
        if self.x.label:
            self.plot.text((left + right) / 2, bottom + 2 * LETTER + 9, self.x.label, "middle")
        if self.y.label:  # above the axis: a reader need not turn their head
            self.plot.text(8, top - 14, self.y.label)

    def line(self, x: ArrayLike, y: ArrayLike, style: Style) -> None:
        """A line; what is not finite breaks it, what leaves the box is held at its edge."""
        run: list[tuple[float, float]] = []
        for one, two in [*_xy(x, y), (np.nan, np.nan)]:
            if np.isfinite(one) and np.isfinite(two):
                run.append(self.at(one, min(max(two, self.y.low), self.y.high)))
            elif run:
                self.plot.stroke(run, style)
                run = []

    def points(self, x: ArrayLike, y: ArrayLike, style: Style) -> None:
        """Points inside the box."""
        for one, two in _xy(x, y):
            if self.inside(one, two):
                self.plot.mark(*self.at(one, two), style)

    def intervals(
        self, x: ArrayLike, low: ArrayLike, high: ArrayLike, style: Style, *, across: bool = False
    ) -> None:
        """A bar from low to high at each x, cut at the box; ``across``: x is a height instead."""
        axis = self.x if across else self.y
        for (one, down), (_, up) in zip(_xy(x, low), _xy(x, high), strict=True):
            ends = [min(max(value, axis.low), axis.high) for value in (down, up)]
            if np.isfinite(ends).all() and ends[0] < ends[1]:
                place = [self.at(e, one) if across else self.at(one, e) for e in ends]
                self.plot.stroke(place, style)

    def bars(self, edges: ArrayLike, heights: ArrayLike, style: Style) -> None:
        """A histogram: ``edges`` one more than ``heights``."""
        edge = np.asarray(edges, np.float64)
        for low, high, tall in zip(edge[:-1], edge[1:], np.asarray(heights), strict=True):
            left, top = self.at(float(low), float(tall))
            right, bottom = self.at(float(high), max(self.y.low, 0.0))
            self.plot.parts.append(
                f'<rect x="{_n(left)}" y="{_n(top)}" width="{_n(right - left)}" '
                f'height="{_n(bottom - top)}" fill="{style.colour}" stroke="#ffffff"/>'
            )

    def word(self, x: float, y: float, words: str, anchor: str = "middle") -> None:
        self.plot.text(*self.at(x, y), words, anchor)
