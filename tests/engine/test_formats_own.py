"""Kalan's own questions leave as Moodle XML and come back."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from kalan.engine.formats.files import judged, read
from kalan.engine.formats.gift_read import read_gift
from kalan.engine.formats.gift_write import write_gift
from kalan.engine.formats.program import run
from kalan.engine.formats.question import Refusal
from kalan.engine.formats.xml_read import read_xml
from kalan.engine.formats.xml_write import write_xml

PACKS = sorted((Path(__file__).parents[2] / "packs" / "questions").glob("*/*.toml"))


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.stem)
def test_a_pack_comes_back_from_moodle_xml(path: Path) -> None:
    own = read(path)
    assert not own.refused
    assert len(own.questions) == path.read_text(encoding="utf-8").count("[[question]]")
    back = judged(read_xml("".join(write_xml(own.questions, pytest.fail))))
    assert back.refused == []
    assert back.questions == own.questions
    assert back.categories == own.categories


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.stem)
def test_a_pack_comes_back_from_gift_but_for_its_gaps(path: Path) -> None:
    own = read(path)
    left: list[Refusal] = []
    back = judged(read_gift("".join(write_gift(own.questions, left.append))))
    assert back.refused == []
    kept = [one for one in own.questions if one.kind != "multianswer"]
    assert [one.name for one in back.questions] == [one.name for one in kept]
    assert [one.kind for one in back.questions] == [one.kind for one in kept]
    assert [one.tags for one in back.questions] == [one.tags for one in kept]
    assert len(left) == Counter(one.kind for one in own.questions)["multianswer"]


def test_a_multiple_choice_gives_nothing_to_who_ticks_everything() -> None:
    several = [one for path in PACKS for one in read(path).questions if not one.single]
    assert several
    for one in several:
        shares = [answer.fraction for answer in one.answers]
        assert abs(sum(shares)) < 0.001
        assert abs(sum(share for share in shares if share > 0) - 100) < 0.001


def test_a_broken_pack_names_the_question_and_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = tmp_path / "one.toml"
    head = 'domain = "cyber"\n\n[[question]]\ncode = "X-1"\ntype = "short"\ncompetency = "c"\n'
    pack.write_text(head + 'text = "Quoi ?"\n', encoding="utf-8")
    assert run(["convert", str(pack), "--to", "gift"]) == 1
    assert "Ligne 3 « X-1 »" in capsys.readouterr().err.replace("\u00a0", " ")
    pack.write_text("domain =", encoding="utf-8")
    assert run(["check", str(pack)]) == 1
    assert "TOML" in capsys.readouterr().out
