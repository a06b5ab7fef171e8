"""A sitting replayed from its log: what to ask next, when to pause, when it is over.

The log is a list of steps: ``["a", item, category]`` answered, ``["r", item]`` replaced (the item
is spent and not scored, another one is given in its stead), ``["s"]`` the pause between two stages
passed. ``item`` is the number of the item in the frozen test. Nothing else is kept: the same
frozen test, seed, log and options give the same next question everywhere, so a reload, a second
tab or another device cannot part from the first.

Items seen in earlier sittings (``exclude``) come again only when the quotas leave nothing else;
``Ask.seen`` says so. Items kept for assistive technology (``accessible_only``) are never relaxed:
the stage ends, reason « exhausted », and ``lacks`` says it beforehand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.protocol.sitting import Sitting, seed_of
from kalan.engine.testing.frozen import Frozen, Stage

Entry = Sequence[Any]
Reason = Literal["complete", "precision", "exhausted"]


@dataclass(frozen=True)
class Ask:
    """Give ``item`` (number in the frozen test): question ``number`` of at most ``of`` in
    ``stage``. ``seen``: met in an earlier sitting, nothing else was left."""

    item: int
    number: int
    of: int
    stage: str
    seen: bool = False


@dataclass(frozen=True)
class Pause:
    """Stage ``done`` is over for ``reason``; ``["s"]`` opens stage ``next``."""

    done: str
    next: str
    reason: Reason


@dataclass(frozen=True)
class End:
    """The sitting is over: all questions given, precision reached, or no question left."""

    reason: Reason


@dataclass(frozen=True)
class Progress:
    """``answered`` of at most ``of`` questions in all (stages over count what they took);
    ``stage`` from 1 of ``stages``; ``replaced`` questions."""

    answered: int
    of: int
    stage: int
    stages: int
    replaced: int


class _Course(Protocol):
    """One stage under way; items are numbers in the frozen test."""

    answered: int

    def next(self) -> int | None: ...
    def answer(self, item: int, category: int) -> None: ...
    def spend(self, item: int) -> None: ...
    def reason(self) -> Reason: ...


class _Adaptive:
    """A stage by the integer protocol."""

    def __init__(
        self, stage: Stage, seed: int, barred: AbstractSet[int], seen: AbstractSet[int]
    ) -> None:
        if stage.package is None:
            raise DataError(f"Étape « {stage.code} » : tables absentes. Publiez de nouveau.")
        self.stage, self.answered = stage, 0
        self.sitting = Sitting(stage.package, seed)
        self.kept = set[int]()  # seen before, not given in this sitting
        for number, item in enumerate(stage.items):
            if item in barred or item in seen:
                self.sitting.used[number] = 1
            if item in seen and item not in barred:
                self.kept.add(number)

    def next(self) -> int | None:
        found = self.sitting.next_item()
        if found is None and self.kept and not self.sitting.finished:
            for number in self.kept:
                self.sitting.used[number] = 0
            found = self.sitting.next_item()
            for number in self.kept:
                self.sitting.used[number] = 1
        return None if found is None else self.stage.items[found]

    def _open(self, item: int) -> int:
        number = self.stage.place[item]
        if number in self.kept:
            self.kept.remove(number)
            self.sitting.used[number] = 0
        return number

    def answer(self, item: int, category: int) -> None:
        self.sitting.answer(self._open(item), category)
        self.answered += 1

    def spend(self, item: int) -> None:
        self.sitting.used[self._open(item)] = 1

    def reason(self) -> Reason:
        if self.answered >= self.sitting.package.longest:
            return "complete"
        return "precision" if self.sitting.finished else "exhausted"


class _Fixed:
    """A stage whose questions are a list; the reserve stands in for what is replaced."""

    def __init__(
        self,
        frozen: Frozen,
        stage: Stage,
        form: int,
        barred: AbstractSet[int],
        seen: AbstractSet[int],
    ) -> None:
        self.frozen, self.answered, self.seen = frozen, 0, seen
        in_forms = {item for one in stage.forms for item in one}
        self.reserve = {item for item in stage.items if item not in in_forms and item not in barred}
        self.short = False
        self.queue: list[int] = []
        for item in stage.forms[form]:
            given = self._instead(item) if item in barred else item
            if given is not None:
                self.queue.append(given)

    def _instead(self, item: int) -> int | None:
        """The reserve's item of the same domain nearest in difficulty, unseen ones first."""
        items = self.frozen.items
        lost = items[item]
        near = [n for n in self.reserve if items[n].domain == lost.domain]
        if not near:
            self.short = True
            return None
        found = min(near, key=lambda n: (n in self.seen, abs(items[n].place - lost.place), n))
        self.reserve.remove(found)
        return found

    def next(self) -> int | None:
        return self.queue[0] if self.queue else None

    def answer(self, item: int, category: int) -> None:
        self.queue.remove(item)
        self.answered += 1

    def spend(self, item: int) -> None:
        place = self.queue.index(item)
        other = self._instead(item)
        self.queue[place : place + 1] = [] if other is None else [other]

    def reason(self) -> Reason:
        return "exhausted" if self.short else "complete"


class Walk:
    """A sitting as far as its log goes.

    ``exclude``: uids or codes of items seen before; ``form``: number of the fixed form, by default
    the one with the fewest items seen, ties by the seed. ``check``: hold every entry of the log
    against the path (a log that was touched is a ``DataError``); without it entries need only fit.
    """

    def __init__(
        self,
        frozen: Frozen,
        seed: int | str,
        log: Iterable[Entry] = (),
        *,
        accessible_only: bool = False,
        exclude: AbstractSet[str] = frozenset(),
        form: int | None = None,
        check: bool = True,
    ) -> None:
        self.frozen, self.seed, self._check = frozen, seed, check
        items = frozen.items
        self._barred = _inaccessible(frozen) if accessible_only else frozenset[int]()
        self._seen = {n for n, x in enumerate(items) if x.uid in exclude or x.code in exclude}
        self._form = form
        self.stage = 0
        self.replaced = 0
        self.answers: list[tuple[int, int]] = []
        self._taken = [0] * len(frozen.stages)
        self._course = self._enter(0)
        self._pending: int | None = None
        self._known = False  # whether _pending is up to date
        for place, entry in enumerate(log):
            self._take(entry, place)

    def _enter(self, number: int) -> _Course:
        stage = self.frozen.stages[number]
        if stage.mode == "adaptive":
            return _Adaptive(stage, seed_of(f"{self.seed}/{number}"), self._barred, self._seen)
        form = form_for(self.frozen, self.seed, self._seen) if self._form is None else self._form
        if not 0 <= form < len(stage.forms):
            raise DataError(
                f"Forme {form + 1} : ce test a {len(stage.forms)} forme(s). Choisissez-en une."
            )
        return _Fixed(self.frozen, stage, form, self._barred, self._seen)

    def _next(self) -> int | None:
        if not self._known:
            self._pending, self._known = self._course.next(), True
        return self._pending

    @property
    def _now(self) -> Stage:
        return self.frozen.stages[self.stage]

    def next(self) -> Ask | Pause | End:
        """What the person does now."""
        item, stage = self._next(), self._now
        if item is not None:
            number = self._course.answered + 1
            return Ask(item, number, stage.longest, stage.code, item in self._seen)
        reason = self._course.reason()
        if self.stage + 1 < len(self.frozen.stages):
            return Pause(stage.code, self.frozen.stages[self.stage + 1].code, reason)
        return End(reason)

    def progress(self) -> Progress:
        """How far the sitting is."""
        stages = self.frozen.stages
        ahead = sum(stage.longest for stage in stages[self.stage + 1 :])
        over = self._next() is None
        here = self._course.answered if over else self._now.longest
        before = sum(self._taken[: self.stage])
        return Progress(
            len(self.answers), before + here + ahead, self.stage + 1, len(stages), self.replaced
        )

    def answer(self, item: int, category: int) -> list[Any]:
        """Take the answer to the item asked; returns the entry to add to the log."""
        self._must_be_asked(item)
        return self._record(["a", item, category])

    def replace(self, item: int) -> list[Any]:
        """Spend the item asked, unscored; returns the entry to add to the log."""
        self._must_be_asked(item)
        return self._record(["r", item])

    def proceed(self) -> list[Any]:
        """Pass the pause; returns the entry to add to the log."""
        return self._record(["s"])

    def _record(self, entry: list[Any]) -> list[Any]:
        self._take(entry, len(self.answers) + self.replaced + self.stage)
        return entry

    def _must_be_asked(self, item: int) -> None:
        if item != self._next():
            raise DataError(f"Question {item} : ce n’est pas la question posée. Rechargez la page.")

    def _take(self, entry: Entry, place: int) -> None:
        match list(entry):
            case ["a", int(item), int(category)]:
                self._fits(item, category, place)
                self._course.answer(item, category)
                self.answers.append((item, category))
                self._taken[self.stage] += 1
            case ["r", int(item)]:
                self._fits(item, 0, place)
                self._course.spend(item)
                self.replaced += 1
            case ["s"]:
                if self._next() is not None or self.stage + 1 >= len(self.frozen.stages):
                    raise DataError(f"Étape {place + 1} du journal : il n’y a pas de pause ici.")
                self.stage += 1
                self._course = self._enter(self.stage)
            case _:
                raise DataError(f"Étape {place + 1} du journal : {entry!r} n’existe pas.")
        self._known = False

    def _fits(self, item: int, category: int, place: int) -> None:
        """Refuse what cannot be: an unknown item, one not asked or given before, a category it
        does not have."""
        where = f"Étape {place + 1} du journal"
        items = self.frozen.items
        if not 0 <= item < len(items):
            raise DataError(f"{where} : la question {item} n’est pas dans ce test.")
        name = f"{where}, question « {items[item].code} »"
        if not 0 <= category <= items[item].top:
            raise DataError(
                f"{name} : réponse {category} hors des catégories 0 à {items[item].top}."
            )
        if self._check and item != self._next():
            raise DataError(f"{name} : elle n’a pas été posée à ce moment.")
        if not self._check and not self._free(item):
            raise DataError(f"{name} : déjà donnée, ou d’une autre étape.")

    def _free(self, item: int) -> bool:
        course = self._course
        if isinstance(course, _Adaptive):
            number = course.stage.place.get(item)
            return number is not None and (number in course.kept or not course.sitting.used[number])
        return isinstance(course, _Fixed) and item in course.queue


def form_for(frozen: Frozen, seed: int | str, seen: AbstractSet[int] = frozenset()) -> int:
    """The form of a fixed test with the fewest items ``seen`` (numbers), ties by the seed."""
    forms = next((stage.forms for stage in frozen.stages if stage.forms), ())
    if not forms:
        raise DataError("Ce test n’a pas de formes fixes.")
    shift = seed_of(f"{seed}/forme") % len(forms)
    return min(
        range(len(forms)),
        key=lambda n: (len(seen & set(forms[n])), (n - shift) % len(forms)),
    )


def _inaccessible(frozen: Frozen) -> frozenset[int]:
    return frozenset(n for n, item in enumerate(frozen.items) if not item.accessible)


def lacks(
    frozen: Frozen, *, accessible_only: bool = False, exclude: AbstractSet[str] = frozenset()
) -> list[str]:
    """What a person with these options would miss, in French, before the start; empty: nothing.

    With ``exclude``, the questions named would come again; with ``accessible_only`` the test would
    be shorter.
    """
    barred = _inaccessible(frozen) if accessible_only else frozenset[int]()
    names = {domain.code: domain.name for domain in frozen.domains}
    found = []
    for stage in frozen.stages:
        if stage.package is None:
            continue
        least = _least(frozen, stage)
        open_items = [n for n in stage.items if n not in barred]
        fresh = [n for n in open_items if not exclude & {frozen.items[n].uid, frozen.items[n].code}]
        for code, wanted in least.items():
            for kept, what, effect in (
                (open_items, "accessible(s)", "le test sera plus court."),
                (fresh, "jamais vue(s)", "des questions déjà vues reviendront."),
            ):
                there = sum(frozen.items[n].domain == code for n in kept)
                if there < wanted:
                    found.append(
                        f"Il manque {wanted - there} question(s) {what} du domaine "
                        f"« {names[code]} » : {effect}"
                    )
                    break
    return found


def _least(frozen: Frozen, stage: Stage) -> dict[str, int]:
    """Domain code → least items of the stage (a stage of one domain: its longest)."""
    if stage.package is None:
        return {}
    codes = sorted({frozen.items[n].domain for n in stage.items})
    if len(codes) == 1:
        return {codes[0]: stage.package.longest}
    return {code: least for code, (least, _) in zip(codes, stage.package.bounds, strict=True)}
