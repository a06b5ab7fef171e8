"""Panels: judges named, ratings keyed in or imported, the cut adopted for the test."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from kalan.assessment.models import CutJudge, CutPanel, CutRating, FrozenTest, Test
from kalan.assessment.selectors import panels as reads
from kalan.assessment.selectors.frozen import frozen_of, version_ids
from kalan.assessment.services.writing import act, require
from kalan.base.errors import Refused
from kalan.base.imports import reader
from kalan.base.imports.values import text_of
from kalan.base.text import fold, whole
from kalan.engine.testing.frozen import Frozen
from kalan.people.actor import Actor
from kalan.people.services import history

SHEET_LENGTH = 30
MOST_JUDGES = 20
_NUMBER_HEADS = frozenset({"question", "numero", "n"})
Ratings = Mapping[tuple[int, int], float | None]  # (rank of the judge, rank of the item): 0 … 1


def choose(frozen: Frozen, count: int) -> list[int]:
    """Items for a sheet: each domain in proportion, spread from easy to hard."""
    by_domain: dict[str, list[int]] = {}
    for number, item in enumerate(frozen.items):
        by_domain.setdefault(item.domain, []).append(number)
    total = len(frozen.items)
    if count >= total:
        return list(range(total))
    chosen: list[int] = []
    for numbers in by_domain.values():
        share = max(1, round(count * len(numbers) / total))
        order = sorted(numbers, key=lambda n: (frozen.items[n].place, n))
        step = len(order) / share
        chosen += [order[int(k * step + step / 2)] for k in range(share)]
    return sorted(chosen)


@act
def create(
    *,
    actor: Actor,
    test: Test,
    name: str,
    judges: Sequence[str],
    now: dt.datetime,
    count: int = SHEET_LENGTH,
) -> CutPanel:
    """Open a sheet for ``judges`` on ``count`` items of the published test.

    Raises Refused for a test that is not a published certification test, or two judges of one
    name. Fewer than 3 judges may be named now: they are missed when the cut is adopted.
    """
    require(actor, "panels.edit", test.node)
    if test.purpose != Test.Purpose.CERTIFICATION:
        raise Refused("Seul un test de certification a un seuil fixé par un panel.")
    frozen = FrozenTest.objects.defer("body").filter(test=test, current=True, form="").first()
    if test.state != Test.State.PUBLISHED or frozen is None:
        raise Refused("Ce test n’est pas publié.", remedy="Publiez-le, puis réunissez le panel.")
    names = _names(judges)
    made = CutPanel.objects.create(
        test=test,
        name=name.strip() or f"Panel du {now:%d/%m/%Y}",
        frozen=frozen,
        numbers=choose(frozen_of(frozen.pk), max(count, 1)),
        created_at=now,
        created_by=actor.account,
    )
    CutJudge.objects.bulk_create(
        CutJudge(panel=made, name=one, rank=rank) for rank, one in enumerate(names, start=1)
    )
    return made


def _names(judges: Sequence[str]) -> list[str]:
    names = [" ".join(one.split())[:200] for one in judges if one.strip()]
    if not names:
        raise Refused("Aucun juge.", field="judges", remedy="Écrivez un nom par ligne.")
    if len(names) > MOST_JUDGES:
        raise Refused(f"{MOST_JUDGES} juges au plus.", field="judges")
    if len({fold(one) for one in names}) < len(names):
        raise Refused("Deux juges portent le même nom.", field="judges")
    return names


@act
def add_judge(*, actor: Actor, panel: CutPanel, name: str, now: dt.datetime) -> CutJudge:
    """Name one more judge."""
    row = _open(actor, panel)
    there = list(row.judges.order_by("rank"))
    names = _names([*(judge.name for judge in there), name])
    if len(names) == len(there):
        raise Refused("Écrivez le nom du juge.", field="name")
    rank = there[-1].rank + 1 if there else 1
    return CutJudge.objects.create(panel=row, name=names[-1], rank=rank)


def _open(actor: Actor, panel: CutPanel) -> CutPanel:
    row = (
        CutPanel.objects.select_for_update(of=("self",))
        .select_related("test__node")
        .get(pk=panel.pk)
    )
    require(actor, "panels.edit", row.test.node)
    if row.adopted_at is not None:
        raise Refused(
            "Le seuil de ce panel est adopté : ses avis ne changent plus.",
            remedy="Ouvrez un autre panel.",
        )
    return row


def percent(words: str, where: str) -> float | None:
    """ "60", "60 %", "62,5" → 0 … 1; "" → None. Refused names ``where``."""
    plain = "".join(words.split()).rstrip("%").replace(",", ".")
    if not plain:
        return None
    try:
        value = float(plain)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 100:
        raise Refused(
            f"{where} : « {words.strip()[:20]} ».", remedy="Un nombre de 0 à 100 est attendu."
        )
    if 0 < value < 1:
        raise Refused(
            f"{where} : « {words.strip()[:20]} ».", remedy="Écrivez en pour cent : 60 pour 60 %."
        )
    return value / 100


@act
def rate(*, actor: Actor, panel: CutPanel, ratings: Ratings, now: dt.datetime) -> int:
    """Store ratings, None takes one away; return how many changed. All or nothing."""
    row = _open(actor, panel)
    judges = {judge.rank: judge for judge in row.judges.order_by("rank")}
    versions = version_ids(row.frozen_id)
    there = {
        (rating.judge_id, rating.version_id): rating
        for rating in CutRating.objects.filter(judge__panel=row)
    }
    make, change, drop = [], [], []
    for (judge_rank, item_rank), value in ratings.items():
        if judge_rank not in judges or not 1 <= item_rank <= len(row.numbers):
            raise Refused(f"Juge {judge_rank}, question {item_rank} : hors de la feuille.")
        judge, version = judges[judge_rank], versions[row.numbers[item_rank - 1]]
        kept = there.get((judge.pk, version))
        if value is None:
            if kept:
                drop.append(kept.pk)
        elif kept is None:
            make.append(CutRating(judge=judge, version_id=version, value=value))
        elif kept.value != value:
            kept.value = value
            change.append(kept)
    CutRating.objects.bulk_create(make)
    CutRating.objects.bulk_update(change, ["value"])
    CutRating.objects.filter(pk__in=drop).delete()
    number = len(make) + len(change) + len(drop)
    if number:
        history.note(actor=actor, subject=row, text=f"Avis de juges : {number} modifié(s)")
    return number


def read_file(*, panel: CutPanel, path: Path, name: str = "") -> dict[tuple[int, int], float]:
    """Ratings of an XLSX or CSV: a column "Question" (its number on the sheet) and one for each
    judge, headed by the name. Raises Refused naming every row and column that cannot be read."""
    judges = {fold(judge.name): judge.rank for judge in panel.judges.order_by("rank")}

    def score(titles: list[str]) -> float:
        heads = {fold(title) for title in titles}
        return len(heads & (judges.keys() | _NUMBER_HEADS))

    seen = reader.inspect(path, score=score, name=name)
    number_at, columns = _columns(seen.headers, judges)
    found: dict[tuple[int, int], float] = {}
    faults: list[str] = []
    for line, cells in reader.read_rows(path, seen.source)[1]:
        texts = [text_of(cell) for cell in cells]
        rank = texts[number_at].strip().removesuffix(".0") if number_at < len(texts) else ""
        asked = whole(rank)
        if asked is None or not 1 <= asked <= len(panel.numbers):
            if rank and not rank.isdigit():
                continue  # totals, means and the notice of the demonstration stand under the sheet
            faults.append(f"ligne {line}, colonne « Question » : « {rank} »")
            continue
        for column, judge in columns.items():
            words = texts[column] if column < len(texts) else ""
            try:
                value = percent(words, f"ligne {line}, colonne « {seen.headers[column]} »")
            except Refused as wrong:
                faults.append(wrong.message.rstrip("."))
                continue
            if value is not None:
                found[judge, asked] = value
    if faults:
        raise Refused(
            "Rien n’a été importé : " + " ; ".join(faults[:10]) + ".",
            field="file",
            remedy="Un nombre de 0 à 100 est attendu dans chaque case.",
        )
    return found


def _columns(headers: Sequence[str], judges: Mapping[str, int]) -> tuple[int, dict[int, int]]:
    """(position of the question's number, {position: rank of the judge whose column it is})."""
    heads = [fold(title) for title in headers]
    number_at = next(
        (n for n, head in enumerate(heads) if head in ("question", "numero", "n")), None
    )
    columns = {n: judges[head] for n, head in enumerate(heads) if head in judges}
    if number_at is None or not columns:
        raise Refused(
            "Ce fichier n’a pas de colonne « Question », ou aucune au nom d’un juge du panel.",
            field="file",
            remedy="Partez de la feuille exportée de cette page.",
        )
    return number_at, columns


@act
def adopt(*, actor: Actor, panel: CutPanel, now: dt.datetime) -> CutPanel:
    """Make the panel's cut that of the test. A second time changes nothing.

    Raises Refused, naming what is missing: 3 judges, every rating, a cut within the scale.
    """
    require(actor, "exams.jury", panel.test.node)
    kept = CutPanel.objects.get(pk=panel.pk)
    if kept.adopted_at is not None:
        return kept
    row = _open(actor, panel)
    found = reads.sheet(row)
    if found.missing:
        raise Refused(
            "Le seuil ne peut pas être adopté : " + " ; ".join(found.missing) + ".",
            code="lacking",
        )
    if found.cut is None:
        raise Refused(found.error, code="scale")
    cut = found.cut
    row.theta, row.theta_se, row.raw, row.raw_se = cut.theta, cut.theta_se, cut.raw, cut.raw_se
    row.adopted_at, row.adopted_by = now, actor.account
    row.save()
    test = Test.objects.select_for_update().get(pk=row.test_id)
    test.cut, test.cut_se = cut.theta, cut.theta_se
    test.save(update_fields=["cut", "cut_se"])
    return row
