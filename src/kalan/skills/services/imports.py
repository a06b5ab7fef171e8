"""Questions from a file: a verdict on each, then those that a person chose.

A file is read again each time, never half stored: the same file gives the same verdicts, and what
the bank holds already is recognised by its code.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kalan.base.errors import Refused
from kalan.base.text import fold
from kalan.engine.formats.files import guessed, judged, raw
from kalan.engine.formats.question import Question, UnreadableFileError
from kalan.people.actor import Actor
from kalan.skills.models import FrameworkNode, Item, ItemBank
from kalan.skills.play import markup
from kalan.skills.play.content import (
    BrokenQuestionError,
    Stored,
    UnsupportedQuestionError,
    from_own,
    from_question,
    nearest,
    problems,
    words,
)
from kalan.skills.selectors.items import alike_of
from kalan.skills.services.items import ItemData, create_item, revise_item
from kalan.skills.services.media import Pictures
from kalan.skills.services.writing import act, require

MOST = 500  # questions a page of verdicts can show
_RUNS = re.compile(
    r"<\s*(?:script|iframe|object|embed)\b|<[^>]*\son[a-z]+\s*=|javascript\s*:", re.I
)


@dataclass
class Verdict:
    """What is thought of one question of a file.

    ``state``: "new", "changed" (the bank holds this code with other words), "same", "refused".
    ``number`` counts from 1 in the file; ``notes`` say what was taken away or is to be looked at.
    """

    number: int
    line: int
    code: str
    state: str
    reason: str = ""
    stored: Stored | None = None
    kind: str = ""
    domain: FrameworkNode | None = None
    competency: FrameworkNode | None = None
    difficulty: float = 0.0
    audience: list[str] = field(default_factory=list)
    countries: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    alike: list[tuple[int, Item]] = field(default_factory=list)
    pictures: Pictures | None = None
    item: Item | None = None

    @property
    def kind_label(self) -> str:
        return str(Item.Kind(self.kind).label) if self.kind else ""

    @property
    def text(self) -> str:
        """The question in plain words."""
        return markup.plain(self.stored.content["text"]) if self.stored else ""

    @property
    def usable(self) -> bool:
        return self.state in ("new", "changed")


def check_file(*, bank: ItemBank, path: Path, name: str) -> list[Verdict]:
    """A verdict on each question of a GIFT, Moodle XML, Aiken or TOML file.

    Raises Refused when the file cannot be read at all, or holds more than ``MOST`` questions.
    """
    try:
        format_ = guessed(path, name)
        found = raw(path, format_)
        risky = {one.line for one in found.questions if _RUNS.search(_all_text(one))}
        found = judged(found)
    except UnreadableFileError as wrong:
        raise Refused(str(wrong), field="file") from wrong
    if len(found.questions) + len(found.refused) > MOST:
        raise Refused(
            f"Ce fichier a plus de {MOST} questions.", field="file", remedy="Partagez-le."
        )
    own = _own_by_line(path) if format_ == "kalan" else {}
    desk = _Desk(bank, risky, own)
    verdicts = [desk.judge(one) for one in found.questions]
    verdicts += [
        Verdict(0, one.line, one.name, "refused", reason=one.reason) for one in found.refused
    ]
    verdicts.sort(key=lambda one: (one.line, one.code))
    for number, verdict in enumerate(verdicts, start=1):
        verdict.number = number
    return verdicts


def _all_text(question: Question) -> str:
    parts = [question.text.text, question.general.text]
    parts += [step.text for step in question.steps]
    parts += [pair.left.text for pair in question.pairs]
    for answers in (question.answers, *(gap.answers for gap in question.gaps)):
        for one in answers:
            parts += [one.text.text, one.feedback.text]
    return "\n".join(parts)


def _own_by_line(path: Path) -> dict[str, dict[str, Any]]:
    """Our own questions by code: they say difficulty, audience and countries too."""
    try:
        listed = tomllib.loads(path.read_text(encoding="utf-8")).get("question", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return {}
    return {str(one["code"]): one for one in listed if isinstance(one, dict) and "code" in one}


class _Desk:
    """Judges the questions of one file for one bank."""

    def __init__(self, bank: ItemBank, risky: set[int], own: Mapping[str, dict[str, Any]]) -> None:
        self.bank, self.risky, self.own = bank, risky, own
        nodes = list(
            FrameworkNode.objects.filter(framework=bank.framework_id)
            .exclude(kind="capacity")
            .order_by("rank", "pk")
        )
        self.by_pk = {node.pk: node for node in nodes}
        self.domains = {
            fold(text): node
            for node in nodes
            if node.kind == "domain"
            for text in (node.code, node.name)
        }
        self.competencies = {
            fold(text): node
            for node in nodes
            if node.kind == "competency"
            for text in (node.code, node.name)
        }
        self.known = {
            item.code: item for item in bank.items.select_related("current", "domain", "competency")
        }
        self.others = alike_of(bank)
        self.seen: set[str] = set()

    def judge(self, question: Question) -> Verdict:
        code = self._code(question)
        verdict = Verdict(0, question.line, code, "new")
        if code in self.seen:
            verdict.state = "refused"
            verdict.reason = f"Le code « {code} » est déjà celui d’une question du fichier."
            return verdict
        self.seen.add(code)
        pictures = Pictures(f"{self.bank.code}/{code}")
        try:
            own = self.own.get(code)
            stored = from_own(own, pictures.keep) if own else from_question(question, pictures.keep)
        except (UnsupportedQuestionError, BrokenQuestionError, Refused) as wrong:
            verdict.state, verdict.reason = "refused", str(wrong)
            return verdict
        pictures.measure(stored)
        verdict.stored, verdict.pictures, verdict.kind = stored, pictures, stored.kind
        if faults := problems(stored):
            verdict.state, verdict.reason = "refused", " ".join(one.message for one in faults)
            return verdict
        if question.line in self.risky:
            verdict.notes.append("Du code (script) s’y trouvait : il a été retiré.")
        self._place(verdict, question, own)
        self._compare(verdict)
        return verdict

    def _code(self, question: Question) -> str:
        return (question.id_number or question.name).strip()[:60]

    def _place(self, verdict: Verdict, question: Question, own: dict[str, Any] | None) -> None:
        said = [own["competency"]] if own else list(question.tags)
        for text in said:
            node = self.competencies.get(fold(text))
            if node:
                verdict.competency = node
                while node.parent_id is not None:
                    node = self.by_pk[node.parent_id]
                verdict.domain = node
                break
        for part in reversed(question.category.split("/")):
            if verdict.domain is None:
                verdict.domain = self.domains.get(fold(part))
        if own:
            verdict.difficulty = float(own.get("difficulty", 0))
            verdict.audience = list(own.get("audience", []))
            verdict.countries = list(own.get("countries", []))

    def _compare(self, verdict: Verdict) -> None:
        assert verdict.stored is not None
        item = self.known.get(verdict.code)
        if item and item.current:
            verdict.item, verdict.domain = item, item.domain
            verdict.competency, verdict.difficulty = item.competency, item.difficulty
            verdict.audience, verdict.countries = item.audience, item.countries
            same = item.current.content == verdict.stored.content and _said(
                item.current.key
            ) == _said(dict(verdict.stored.key))
            verdict.state = "same" if same else "changed"
            if not same and item.kind != verdict.kind:
                verdict.state = "refused"
                verdict.reason = (
                    f"La banque a déjà une question « {verdict.code} » d’un autre "
                    "type : donnez-lui un autre code dans le fichier."
                )
            return
        text = fold(words(verdict.stored))
        found = nearest(text, [(one, other) for one, other in self.others], most=3)
        verdict.alike = [(round(100 * likeness), one) for likeness, one in found]


def _said(key: dict[str, Any]) -> dict[str, Any]:
    """A key without what Kalan only gives back: how a file was laid out is no change."""
    return {name: value for name, value in key.items() if name not in ("meta", "origins")}


@dataclass(frozen=True)
class Applied:
    """How many questions an import made, changed, and found as they were."""

    added: int
    changed: int
    same: int


def apply_file(
    *,
    actor: Actor,
    bank: ItemBank,
    path: Path,
    name: str,
    chosen: Mapping[int, FrameworkNode | None],
    now: dt.datetime,
) -> Applied:
    """Bring in the questions whose numbers are in ``chosen``, each under the domain given there
    (None: the one the file says). All or none: raises Refused naming the question.

    The file is read before the transaction, which holds up every other writer.
    """
    require(actor, "items.edit", bank.node)
    verdicts = check_file(bank=bank, path=path, name=name)
    return _applied(actor=actor, bank=bank, verdicts=verdicts, name=name, chosen=chosen, now=now)


@act
def _applied(
    *,
    actor: Actor,
    bank: ItemBank,
    verdicts: list[Verdict],
    name: str,
    chosen: Mapping[int, FrameworkNode | None],
    now: dt.datetime,
) -> Applied:
    added = changed = 0
    for verdict in verdicts:
        if verdict.number not in chosen or not verdict.usable or verdict.stored is None:
            continue
        domain = chosen[verdict.number] or verdict.domain
        if domain is None:
            raise Refused(
                f"Ligne {verdict.line}, « {verdict.code} » : aucun domaine.",
                remedy="Choisissez-en un dans la liste, ou décochez la question.",
            )
        data = _data_of(verdict, verdict.stored, domain, name)
        if verdict.item and verdict.item.current:
            revise_item(
                actor=actor,
                item=verdict.item,
                data=data,
                seen=verdict.item.current.number,
                now=now,
                pictures=verdict.pictures,
            )
            changed += 1
        else:
            create_item(actor=actor, bank=bank, data=data, now=now, pictures=verdict.pictures)
            added += 1
    return Applied(added, changed, sum(1 for one in verdicts if one.state == "same"))


def _data_of(verdict: Verdict, stored: Stored, domain: FrameworkNode, name: str) -> ItemData:
    """The question as it goes into the bank, under ``domain``: a competency of another domain does
    not follow it there."""
    keep = verdict.domain is not None and verdict.domain.pk == domain.pk
    return ItemData(
        code=verdict.code,
        domain=domain,
        competency=verdict.competency if keep else None,
        difficulty=verdict.difficulty,
        stored=stored,
        audience=verdict.audience,
        countries=verdict.countries,
        accessible=verdict.item.accessible if verdict.item else True,
        source=stored.key.get("source", ""),
        note=f"Import de {name}"[:300],
    )
