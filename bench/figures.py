"""Figures drawn on the server: CPU and bytes (brotli) of each kind, beside vl-convert."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import brotli

from bench.result import Result

REPEAT = 200
PEER = "vl-convert-python 1.9.0, SVG allégé (figure de référence, mesurée ailleurs)"
MONTHS = "nov. déc. janv. févr. mars avr. mai juin juil. août sept. oct."


def run(options: Sequence[str]) -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="kalan-bench-") as home:
        os.environ.update(
            KALAN_HOME=str(Path(home)), DJANGO_SETTINGS_MODULE="kalan.config.settings"
        )
        import django

        django.setup()
        for case, draw, peer_ms, peer_bytes in _cases():
            yield from _figure(case, draw, peer_ms, peer_bytes)


def _cases() -> Iterator[tuple[str, Callable[[], str], float, float]]:
    """Name, drawing, and the middle of the peer's reference figures (ms, bytes)."""
    from kalan.base import figures, shapes

    titles = {"title": "Agents formés", "description": "Par région, au 17 mars 2023."}
    senegal = shapes.country_map("sn").shapes
    names = [shape.name for shape in senegal]
    bars = [figures.Bar(name, (index * 37) % 211 + 3) for index, name in enumerate(names)]
    lines = [
        figures.Line(name, [(index * rank * 13) % 200 for index in range(12)])
        for rank, name in enumerate(("Fatick", "Kaffrine", "Kaolack"), start=1)
    ]
    stacks = [
        figures.Stack(name, [index * 3 % 40 + part * 7 for part in range(4)])
        for index, name in enumerate(names)
    ]
    series = ["25 ans et moins", "26 à 40", "41 à 55", "56 et plus"]
    values = {shape.code: figures.MapValue(index * 13.0) for index, shape in enumerate(senegal)}
    yield "barres, 14", lambda: figures.bar_chart(bars, **titles), 29.5, 998
    yield "courbes, 3 × 12", lambda: figures.line_chart(MONTHS.split(), lines, **titles), 39, 1422
    yield (
        "barres empilées, 14 × 4",
        lambda: figures.stacked_bars(stacks, series=series, **titles),
        35,
        1620,
    )
    yield "carte du Sénégal", lambda: figures.region_map("sn", values, **titles), 17, 2997


def _figure(
    case: str, draw: Callable[[], str], peer_ms: float, peer_bytes: float
) -> Iterator[Result]:
    svg = draw()
    start = time.process_time()
    for _ in range(REPEAT):
        draw()
    took = (time.process_time() - start) * 1000 / REPEAT
    size = len(brotli.compress(svg.encode(), quality=5))
    yield Result(f"{case} : CPU", took, "ms", peer=PEER, peer_value=peer_ms)
    yield Result(f"{case} : octets", size, "octets", peer=PEER, peer_value=peer_bytes)
