"""The gallery: every picture is written, well formed, light, and its figures are the engine's."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from kalan.engine.psychometrics.blueprint import Blueprint
from kalan.engine.psychometrics.gallery import capacity, exposure, information, recovery
from kalan.engine.psychometrics.gallery.french import MINUS, listed, number, percent, tick
from kalan.engine.psychometrics.gallery.index import DRAWN, page, pictures, write
from kalan.engine.psychometrics.gallery.picture import SEED, Picture, Size, standard_bank
from kalan.engine.psychometrics.gallery.plot import Axis, Plot, Style
from kalan.engine.psychometrics.models import information as item_information
from kalan.engine.psychometrics.prices import prepare
from kalan.engine.psychometrics.simulate import simulate

SMALL = Size(persons=300, programmes=3, group=60, items=8, bank=50, rounds=3, tuning=200)
NAMES = [
    "information",
    "exposition",
    "etalonnage",
    "erreur-annoncee",
    "gain",
    "domaines",
    "capacite",
]
SVG = "{http://www.w3.org/2000/svg}"
DOCS = Path(__file__).parents[2] / "docs" / "psychometrie"


@pytest.fixture(scope="module")
def small() -> list[Picture]:
    return pictures(SMALL)


def test_every_picture_and_the_page_are_written(small: list[Picture], tmp_path: Path) -> None:
    files = write(tmp_path / "new" / "folder", small)
    assert files == [*(f"{name}.svg" for name in NAMES), "README.md"]
    assert sorted(p.name for p in (tmp_path / "new" / "folder").iterdir()) == sorted(files)
    text = (tmp_path / "new" / "folder" / "README.md").read_text(encoding="utf-8")
    for one in small:
        assert f"![{one.title}]({one.name}.svg)" in text
        assert one.caption in text
        assert one.reading in text


@pytest.mark.parametrize("place", range(len(NAMES)))
def test_pictures_are_well_formed_and_speak(small: list[Picture], place: int) -> None:
    one = small[place]
    root = ElementTree.fromstring(one.svg)
    assert root.tag == f"{SVG}svg"
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert title.text == one.title
    assert len(description.text or "") > 60
    assert "nan" not in one.svg
    assert len(one.svg.encode()) < 60_000
    tags = {node.tag.removeprefix(SVG) for node in root.iter()}
    assert tags <= {"svg", "title", "desc", "rect", "circle", "path", "polyline", "text"}


@pytest.mark.parametrize("place", range(len(NAMES)))
def test_what_is_drawn_stays_inside_the_picture(small: list[Picture], place: int) -> None:
    root = ElementTree.fromstring(small[place].svg)
    width, height = (float(x) for x in root.attrib["viewBox"].split()[2:])
    for node in root.iter(f"{SVG}text"):
        x, y, words = float(node.attrib["x"]), float(node.attrib["y"]), node.text or ""
        reach = 8.7 * len(words)  # no letter of the fonts named is wider on average
        left = {"start": x, "middle": x - reach / 2, "end": x - reach}[node.attrib["text-anchor"]]
        assert left > -3
        assert left + reach < width + 6, words
        assert 12 <= y <= height - 3, words
    for node in root.iter(f"{SVG}polyline"):
        for pair in node.attrib["points"].split():
            x, y = (float(part) for part in pair.split(","))
            assert 0 <= x <= width
            assert 0 <= y <= height


@pytest.mark.parametrize("place", range(len(NAMES)))
def test_captions_are_typeset_in_french(small: list[Picture], place: int) -> None:
    words = small[place].caption + small[place].reading + small[place].title
    words += "".join(ElementTree.fromstring(small[place].svg).itertext())
    assert not re.search(r" [:;?!%»]|« |'|\d\.\d|\d-\d| -\d", words)


def test_the_caption_tells_the_exposure_that_the_engine_measures(small: list[Picture]) -> None:
    theta = np.random.default_rng(SEED + 100).normal(0, 1, SMALL.persons)
    plan, _ = prepare(standard_bank(), Blueprint(30, 30, spread=1, spread_until=0))
    run = simulate(plan, theta, np.random.default_rng(SEED + 102))
    rates = np.bincount(run.item.ravel(), minlength=500) / SMALL.persons
    error = float(np.sqrt(np.mean((run.theta - theta) ** 2)))
    shared = np.mean(
        [np.isin(run.item[i], run.item[i + 1]).mean() for i in range(SMALL.persons - 1)]
    )
    caption = small[1].caption
    assert f"exposition maximale {number(rates.max())}," in caption
    assert f"{percent((rates == 0).mean())} de questions jamais posées" in caption
    assert f"RMSE {number(error, 3)}." in caption
    assert small[1].figures["overlap_before"] == pytest.approx(shared, abs=0.03)
    assert small[1].figures["max_after"] < small[1].figures["max_before"]
    assert small[1].figures["overlap_after"] < small[1].figures["overlap_before"]


def test_the_caption_tells_the_information_of_the_bank(small: list[Picture]) -> None:
    bank = standard_bank()
    own = bank.take(np.array(bank.area) == "Conduite")
    assert own.n_items == 40
    info = item_information(own, np.array([0.0, -2.0])).sum(axis=0)
    assert f"{number(info[0], 1)} (Conduite)" in small[0].caption
    assert f"à {number(1 / np.sqrt(info[0] + 1))} ;" in small[0].caption.replace("\u00a0", " ")
    assert f"est de {number(1 / np.sqrt(info[1] + 1))}." in small[0].caption


@pytest.mark.parametrize(
    "place", [place for place in range(len(NAMES)) if DRAWN[place] is not capacity.draw]
)
def test_every_figure_of_a_caption_can_be_found_among_the_figures(
    small: list[Picture], place: int
) -> None:
    one = small[place]
    told = {number(value, digits) for value in one.figures.values() for digits in (0, 1, 2, 3)}
    told |= {percent(value) for value in one.figures.values()}
    told_by_size = {number(getattr(SMALL, name), 0) for name in vars(SMALL)}
    for word in re.findall(r"\d+,\d+", one.caption):
        constant = word in {"0,70", "1,5", "0,20"}  # correlation, distance and cap that are set
        assert constant or word in told | told_by_size, word


def test_the_same_seed_draws_the_same_pictures_and_another_does_not() -> None:
    for draw in (recovery.draw, information.draw):
        assert draw(SMALL, 5) == draw(SMALL, 5)
    assert recovery.draw(SMALL, 5).caption != recovery.draw(SMALL, 6).caption


def test_recovery_gets_better_with_answers() -> None:
    figures = recovery.draw(Size(), 11).figures
    for name in ("rmse_a", "rmse_b", "wide_a"):
        assert figures[f"{name}_100"] > figures[f"{name}_500"] > figures[f"{name}_2000"]
    assert figures["cover_2000"] > 0.85


def test_overlap_is_the_share_of_common_items() -> None:
    plan, _ = prepare(standard_bank(60), Blueprint(10, 10))
    run = simulate(plan, np.zeros(80), np.random.default_rng(1))
    pairs = [
        np.isin(run.item[i], run.item[j]).mean() for i in range(80) for j in range(80) if i != j
    ]
    # The rates count each person against themselves too: 1/80 of the pairs, all in common.
    found = exposure.measures(run, 60)["overlap"]
    assert found == pytest.approx((np.mean(pairs) * 79 + 1) / 80, abs=1e-12)


def test_a_file_in_the_place_of_the_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from kalan.engine.psychometrics.commands import gallery, program

    monkeypatch.setattr(gallery, "pictures", lambda seed: [])
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert program.run(["gallery", str(tmp_path / "file")]) == 1
    found = capsys.readouterr()
    assert found.out == ""
    assert "nommez un dossier" in found.err
    assert program.run(["gallery", str(tmp_path / "there")]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == ["README.md"]


@pytest.mark.slow
def test_the_committed_page_is_what_the_command_writes() -> None:
    """When this fails: script/kalan psychometrics gallery docs/psychometrie. Last digits may differ
    between processors, so numbers are compared within 0.03, words exactly."""

    def parts(text: str) -> tuple[str, list[float]]:
        text = text.replace("\u202f", "").replace(MINUS, "-")
        figure = r"-?\d+(?:,\d+)?"
        found = [float(word.replace(",", ".")) for word in re.findall(figure, text)]
        return re.sub(figure, "#", text), found

    words, figures = parts(page(pictures()))
    committed, known = parts((DOCS / "README.md").read_text(encoding="utf-8"))
    assert committed == words
    assert known == pytest.approx(figures, rel=0.02, abs=0.03)


def test_the_committed_page_shows_every_picture() -> None:
    text = (DOCS / "README.md").read_text(encoding="utf-8")
    for name in NAMES:
        assert f"]({name}.svg)" in text
        ElementTree.fromstring((DOCS / f"{name}.svg").read_text(encoding="utf-8"))


def test_numbers_are_french() -> None:
    assert number(-1234.5) == f"{MINUS}1\u202f234,50"
    assert number(-0.001) == "0,00"
    assert percent(0.074) == "7\u00a0%"
    assert [tick(x) for x in (1.0, 0.5, -0.25, 0.125)] == ["1", "0,5", f"{MINUS}0,25", "0,125"]
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b et c"


def test_lines_break_at_what_is_unknown_and_stay_in_the_box() -> None:
    plot = Plot("t & u", "d", 100)
    panel = plot.panel((10, 10, 110, 60), Axis(0, 1, (0, 1)), Axis(0, 1, (0, 1)))
    before = len(plot.parts)
    panel.line([0, 0.5, np.nan, 0.75, 1], [0, 9, 0.5, 0.5, 0.5], Style())
    assert [part.split('"')[1] for part in plot.parts[before:]] == ["10,60 60,10", "85,35 110,35"]
    before = len(plot.parts)
    panel.points([0.5, 2.0], [0.5, 0.5], Style())
    panel.intervals([0.5, 0.5], [-3, 2], [0.5, 3], Style())
    assert len(plot.parts) == before + 2  # what lies outside leaves no mark
    assert plot.parts[-1].split('"')[1] == "60,60 60,35"
    panel.bars([0, 0.5, 1], [0.5, 1.0], Style())
    assert 'width="50" height="25"' in plot.parts[-2]
    assert "t &amp; u" in plot.svg()


def test_the_formulas_name_tests_and_functions_that_exist() -> None:
    """Every test that formules.md names stands in this folder."""
    text = (DOCS / "formules.md").read_text(encoding="utf-8")
    here = Path(__file__).parent
    known = {
        name
        for file in here.glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.M)
    } | {file.stem for file in here.glob("test_*.py")}
    named = set(re.findall(r"test_\w+", text))
    assert len(named) > 50
    assert named - known == set()
