"""From answers to parameters that may be adopted: calibrated, put on the scale, looked at.

**Model.** One run over all items: a partial-credit item of two categories is a 2PL item, so GPCM
for all is 2PL for yes/no questions. With ``guessing`` the choices with enough answers are then
estimated in 3PL, the other yes/no questions held fixed.

**Scale.** The items that carry an adopted calibration on ``GATE`` answers say where the scale
stands: the run is linked to them by their curves (Haebara 1980), those that drifted being left out
one by one (Huynh & Meyer 2010). Before there are enough of them the unit is the standard deviation
of those who answered, and the origin is where the items are as hard on the whole as their authors
said. See decision 0015.

**Looked at.** Misfit: RMSD between the curve seen and the curve of the model, over those who
answered (OECD, PISA 2015 technical report, chapter 9: 0.12). DIF by Mantel–Haenszel among people
of equal θ; partial credit counts as right from half of its points.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.calibrate.marginal import calibrate
from kalan.engine.psychometrics.calibrate.priors import PRODUCT_PRIORS
from kalan.engine.psychometrics.calibrate.result import Calibration
from kalan.engine.psychometrics.data import Floats, Responses
from kalan.engine.psychometrics.dif import mantel_haenszel
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.link import link, transformed
from kalan.engine.psychometrics.models import expected_score
from kalan.engine.psychometrics.quadrature import normal_grid
from kalan.engine.psychometrics.reliability import drift
from kalan.engine.psychometrics.scoring import posterior
from kalan.engine.psychometrics.tails import benjamini_hochberg
from kalan.engine.testing.items import GATE, GUESSED, Item, bank_of

LEAST = 30  # answers below which an item is left out
GUESSING = 1000  # answers from which a guessing parameter is looked for
ANCHORS = 5  # common items from which a scale is linked
LOW_SLOPE = 0.4  # logistic metric
MISFIT = 0.12
DIF_GROUP = 50  # people of each group, below which nothing is said
BANDS = 10
NODES, LIMIT = 41, 5.0
BLOCK = 20_000  # sittings at a time
GATED = frozenset({"few", "low_slope", "misfit", "dif", "collapsed", "unsure"})
BARRED = frozenset({"collapsed", "unsure"})  # never adopted

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Subject:
    """An item to calibrate. ``expert``: the author's guess; ``adopted``: its parameters of today,
    None when there are none. ``uid`` of the version."""

    expert: Item
    adopted: Item | None = None

    @property
    def uid(self) -> str:
        return self.expert.uid

    @property
    def code(self) -> str:
        return self.expert.code


@dataclass(frozen=True, eq=False)
class Answers:
    """(A) each: ``sitting`` from 0, ``item`` row of the subjects, ``category``; ``focal`` (S) 1,
    0 or −1 (unknown) by sitting."""

    sitting: NDArray[np.int64]
    item: NDArray[np.int64]
    category: NDArray[np.int64]
    focal: NDArray[np.int8]


@dataclass(frozen=True)
class Line:
    """What was found for an item. ``mapping``: category asked → category counted, when some were
    never seen; ``dif``: {"class", "delta", "p"}."""

    item: Item
    model: str
    flags: tuple[str, ...]
    rmsd: float | None = None
    dif: Mapping[str, float | str] = field(default_factory=dict)
    mapping: Mapping[int, int] = field(default_factory=dict)
    steps: tuple[float | None, ...] = ()  # standard errors of b, in its order

    @property
    def adoptable(self) -> bool:
        return not BARRED & set(self.flags)

    @property
    def past_gate(self) -> bool:
        return not GATED & set(self.flags)


@dataclass(frozen=True)
class LeftOut:
    code: str
    answers: int
    reason: str


@dataclass(frozen=True)
class Scale:
    """θ of the scale = ``slope``·θ of the run + ``origin``. ``by``: "anchors", "expert"."""

    by: str
    slope: float
    origin: float
    anchors: tuple[str, ...] = ()
    drifted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Study:
    lines: tuple[Line, ...]
    left_out: tuple[LeftOut, ...]
    scale: Scale
    warnings: tuple[str, ...]
    sittings: int
    answers: int


@dataclass(frozen=True)
class _Prepared:
    responses: Responses
    subjects: tuple[Subject, ...]
    mapping: tuple[Mapping[int, int], ...]
    focal: NDArray[np.int8]


def study(
    subjects: Sequence[Subject],
    answers: Answers,
    *,
    guessing: bool = False,
    progress: Progress = lambda share: None,
) -> Study:
    """Calibrate ``subjects``; ``progress`` is told per cents and may raise to stop.

    Raises DataError when nothing can be calibrated.
    """
    prepared, left_out = _prepare(subjects, answers)
    progress(5)
    found, warnings = _free(prepared)
    progress(55)
    if guessing:
        found, more = _with_guessing(prepared, found)
        warnings += more
    progress(70)
    scale, more = _scale(prepared, [one.item for one in found])
    lines = [_moved_to(one, scale) for one in found]
    progress(75)
    lines = _looked_at(prepared, lines, scale, progress)
    return Study(
        tuple(lines),
        tuple(left_out),
        scale,
        tuple(warnings + more),
        prepared.responses.n_persons,
        int(prepared.responses.item.size),
    )


# --- What goes in -----------------------------------------------------------------------------


def _prepare(subjects: Sequence[Subject], answers: Answers) -> tuple[_Prepared, list[LeftOut]]:
    width = max((one.expert.top for one in subjects), default=1) + 1
    category = np.minimum(answers.category, width - 1)
    counts = np.bincount(answers.item * width + category, minlength=len(subjects) * width)
    counts = counts.reshape(-1, width)
    kept, left_out, mappings = [], [], []
    for row, one in enumerate(subjects):
        number, used = int(counts[row].sum()), np.flatnonzero(counts[row])
        reason = ""
        if number == 0:
            reason = "aucune réponse"
        elif number < LEAST:
            reason = f"moins de {LEAST} réponses"
        elif used.size < 2:
            reason = "toutes les réponses ont la même note : rien ne s’y mesure"
        if reason:
            left_out.append(LeftOut(one.code, number, reason))
            continue
        kept.append(row)
        whole = used.size == one.expert.top + 1
        mappings.append({} if whole else {int(old): new for new, old in enumerate(used.tolist())})
    if not kept:
        raise DataError(
            f"Aucune question n’a {LEAST} réponses qui diffèrent entre elles : rien ne peut être "
            "calibré. Attendez d’autres passations."
        )
    place = np.full(len(subjects), -1)
    place[kept] = np.arange(len(kept))
    recode = np.tile(np.arange(width), (len(subjects), 1))
    for row, mapping in zip(kept, mappings, strict=True):
        for old, new in mapping.items():
            recode[row, old] = new
    there = place[answers.item] >= 0
    who, sitting = np.unique(answers.sitting[there], return_inverse=True)
    responses = Responses.from_triples(
        sitting,
        place[answers.item[there]],
        recode[answers.item[there], category[there]],
        items=[subjects[row].uid for row in kept],
        persons=int(who.size),
    )
    chosen = tuple(subjects[row] for row in kept)
    return _Prepared(responses, chosen, tuple(mappings), answers.focal[who]), left_out


# --- Parameters -------------------------------------------------------------------------------


def _free(prepared: _Prepared) -> tuple[list[Line], list[str]]:
    model = "GPCM" if int(prepared.responses.category.max()) > 1 else "2PL"
    found = calibrate(prepared.responses, model, nodes=NODES, limit=LIMIT, priors=PRODUCT_PRIORS)
    lines = [
        _line(one, found, row, prepared.mapping[row]) for row, one in enumerate(prepared.subjects)
    ]
    warnings = []
    if not found.converged:
        warnings.append("Le calcul n’a pas convergé : ne l’adoptez pas, prévenez l’administrateur.")
    return lines, warnings


def _line(
    one: Subject, found: Calibration, row: int, mapping: Mapping[int, int], model: str = ""
) -> Line:
    top = int(found.parameters.top[row])
    se = found.se[row]
    # The place of an item is the mean of its steps; so is what is not known of it.
    place = found.covariance[row, 1 : 1 + top, 1 : 1 + top].mean()
    se_a, se_b = _known(se[0]), _known(math.sqrt(place) if place >= 0 else math.nan)
    item = replace(
        one.expert,
        top=top,
        model="gpcm" if top > 1 else "logistic",
        a=float(found.parameters.a[row]),
        b=tuple(float(b) for b in found.parameters.b[row, :top]),
        c=float(found.parameters.c[row]),
        se_a=se_a,
        se_b=se_b,
        n=int(found.answers[row]),
    )
    flags = []
    if mapping:
        flags.append("collapsed")
    if se_a is None or se_b is None or item.a <= 0:
        flags.append("unsure")
    named = model or ("GPCM" if top > 1 else "2PL")
    steps = tuple(_known(value) for value in se[1 : 1 + top])
    return Line(item, named, tuple(flags), mapping=dict(mapping), steps=steps)


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _with_guessing(prepared: _Prepared, lines: list[Line]) -> tuple[list[Line], list[str]]:
    """Choices with enough answers in 3PL, on the scale that the other yes/no questions hold."""
    wanted = {
        line.item.uid
        for line in lines
        if line.item.kind in GUESSED and line.item.top == 1 and line.item.n >= GUESSING
    }
    if not wanted:
        return lines, [
            f"Aucune question à choix n’a {GUESSING} réponses : le modèle 3PL n’a servi à aucune."
        ]
    dichotomous = np.array([line.item.top == 1 for line in lines])
    responses = _only(prepared.responses, dichotomous)
    held = [line.item for line in lines if line.item.top == 1 and line.item.uid not in wanted]
    # c of 1e-6 and not 0, whose logit no prior can weigh.
    anchors = bank_of([replace(one, c=1e-6) for one in held if one.a > 0], prudent=False)
    # A step of the search may try c = 0, where the prior has no density: it is turned back.
    with np.errstate(divide="ignore", invalid="ignore"):
        found = calibrate(
            responses,
            "3PL",
            nodes=NODES,
            limit=LIMIT,
            priors=PRODUCT_PRIORS,
            anchors=anchors if held else None,
        )
    place = {uid: row for row, uid in enumerate(found.items)}
    out = [
        _line(one, found, place[one.uid], {}, "3PL") if one.uid in wanted else line
        for one, line in zip(prepared.subjects, lines, strict=True)
    ]
    return out, []


def _only(responses: Responses, kept: NDArray[np.bool_]) -> Responses:
    there = kept[responses.item]
    number = np.cumsum(kept) - 1
    person = responses.person[there]
    return Responses.from_triples(
        person,
        number[responses.item[there]],
        responses.category[there],
        items=[name for name, one in zip(responses.items, kept, strict=True) if one],
        persons=responses.n_persons,
    )


# --- The scale --------------------------------------------------------------------------------


def _scale(prepared: _Prepared, items: list[Item]) -> tuple[Scale, list[str]]:
    """Where the run stands on the scale, from adopted items, else from the experts."""
    pairs = [
        (new, one.adopted)
        for one, new, mapping in zip(prepared.subjects, items, prepared.mapping, strict=True)
        if one.adopted is not None and not mapping and new.a > 0 and new.top == one.adopted.top
    ]
    firm = [pair for pair in pairs if pair[1].n >= GATE]
    if len(firm) >= ANCHORS:
        return _linked(firm), []
    if len(pairs) >= ANCHORS:
        return _linked(pairs), [
            f"Moins de {ANCHORS} questions déjà calibrées sur {GATE} réponses : l’échelle est "
            "tenue par des calibrages provisoires."
        ]
    told = [(new, one.expert) for one, new, mapping
            in zip(prepared.subjects, items, prepared.mapping, strict=True)
            if not mapping and new.a > 0]  # fmt: skip
    if not told:
        return Scale("expert", 1.0, 0.0), ["Rien ne fixe l’origine de l’échelle."]
    text = (
        "Premier calibrage : l’origine de l’échelle vient des difficultés données par les auteurs."
    )
    return Scale("expert", 1.0, _origin(told)), [text]


def _linked(pairs: Sequence[tuple[Item, Item]]) -> Scale:
    source = bank_of([new for new, _ in pairs], prudent=False)
    target = bank_of([old for _, old in pairs], prudent=False)
    codes = {new.uid: new.code for new, _ in pairs}
    kept, drifted = list(source.items), []
    least = max(ANCHORS, math.ceil(len(pairs) / 2))
    while True:
        found = link(source.aligned(kept), target.aligned(kept), "haebara")
        moved = transformed(source.aligned(kept), found.slope, found.intercept)
        beyond = [one for one in drift(target.aligned(kept), moved) if one.flag]
        if not beyond or len(kept) <= least:
            break
        worst = max(beyond, key=lambda one: one.distance).item
        kept.remove(worst)
        drifted.append(codes[worst])
    anchors = tuple(codes[uid] for uid in kept)
    return Scale("anchors", found.slope, found.intercept, anchors, tuple(sorted(drifted)))


def _origin(pairs: Sequence[tuple[Item, Item]]) -> float:
    """The shift by which all items together are as hard for N(0, 1) as the experts said."""
    grid = normal_grid()
    found = bank_of([new for new, _ in pairs], prudent=False)
    told = bank_of([old for _, old in pairs], prudent=False)
    top = found.top[:, None]
    aim = float(((expected_score(told, grid.theta) / top) @ grid.weight).sum())
    low, high = -10.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        moved = transformed(found, 1.0, middle)
        if float(((expected_score(moved, grid.theta) / top) @ grid.weight).sum()) > aim:
            low = middle  # too easy: harder
        else:
            high = middle
    return (low + high) / 2


def _moved_to(line: Line, scale: Scale) -> Line:
    def times(value: float | None, by: float) -> float | None:
        return None if value is None else value * by

    item = line.item
    moved = replace(
        item,
        a=item.a / scale.slope,
        b=tuple(scale.slope * b + scale.origin for b in item.b),
        se_a=times(item.se_a, 1 / scale.slope),
        se_b=times(item.se_b, scale.slope),
    )
    steps = tuple(times(value, scale.slope) for value in line.steps)
    return replace(line, item=moved, steps=steps)


# --- Looked at --------------------------------------------------------------------------------


def _looked_at(
    prepared: _Prepared, lines: list[Line], scale: Scale, progress: Progress
) -> list[Line]:
    usable = [line.item.a > 0 for line in lines]
    theta = np.full(prepared.responses.n_persons, np.nan)
    rmsd: list[float | None] = [None] * len(lines)
    if all(usable):
        rmsd, theta = _fit(prepared.responses, [line.item for line in lines], scale, progress)
    progress(90)
    dif = _dif(prepared, lines, theta)
    out = []
    for one, line, off, group in zip(prepared.subjects, lines, rmsd, dif, strict=True):
        flags = [*line.flags]
        if line.item.n < GATE:
            flags.append("few")
        if line.item.a < LOW_SLOPE:
            flags.append("low_slope")
        if off is not None and off > MISFIT:
            flags.append("misfit")
        if group.get("class") == "C":
            flags.append("dif")
        if one.adopted is not None and _moved(one.adopted, line):
            flags.append("moved")
        out.append(replace(line, flags=tuple(flags), rmsd=off, dif=group))
    return out


def _fit(
    responses: Responses, items: list[Item], scale: Scale, progress: Progress
) -> tuple[list[float | None], Floats]:
    """RMSD of each item and the mean of θ of each sitting, block by block."""
    bank = bank_of(items, prudent=False)
    grid = normal_grid(NODES, LIMIT + 1, mean=scale.origin, sd=scale.slope)
    theta = np.zeros(responses.n_persons)
    seen, right = np.zeros((2, len(items), grid.size))
    for low in range(0, responses.n_persons, BLOCK):
        part = responses.keep(np.arange(low, min(low + BLOCK, responses.n_persons)))
        weight = posterior(bank, part, grid)
        theta[low : low + BLOCK] = weight @ grid.theta
        order = np.argsort(part.item, kind="stable")
        item = part.item[order]
        first = np.flatnonzero(np.diff(item, prepend=-1))
        share = part.category[order] / bank.top[item]
        spread = weight[part.person[order]]
        seen[item[first]] += np.add.reduceat(spread, first)
        right[item[first]] += np.add.reduceat(spread * share[:, None], first)
        progress(75 + 15 * min(low + BLOCK, responses.n_persons) // responses.n_persons)
    return _distances(seen, right, expected_score(bank, grid.theta) / bank.top[:, None]), theta


def _distances(seen: Floats, right: Floats, model: Floats) -> list[float | None]:
    number = seen.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = np.where(seen > 0, right / seen, model)
        found = np.sqrt((seen / number * (observed - model) ** 2).sum(axis=1))
    return [_known(value) for value in found]


def _dif(prepared: _Prepared, lines: list[Line], theta: Floats) -> list[dict[str, float | str]]:
    """Mantel–Haenszel of each item between the focal sittings and the others, at equal θ."""
    responses, focal = prepared.responses, prepared.focal
    if not np.isfinite(theta).all():
        return [{} for _ in lines]
    edges = np.quantile(theta, np.linspace(0, 1, BANDS + 1)[1:-1])
    band = np.searchsorted(edges, theta).astype(np.int64)
    person, order = responses.person, np.argsort(responses.item, kind="stable")
    ends = np.searchsorted(responses.item[order], np.arange(len(lines) + 1))
    out: list[dict[str, float | str]] = []
    for row, line in enumerate(lines):
        rows = order[ends[row] : ends[row + 1]]
        rows = rows[focal[person[rows]] >= 0]
        who = person[rows]
        right = (2 * responses.category[rows] >= line.item.top).astype(np.int64)
        out.append(_one_dif(who, right, focal, band))
    adjusted = benjamini_hochberg([_p(one) for one in out])
    for one, p in zip(out, adjusted, strict=True):
        if p is not None:
            one["p"] = p
            if p >= 0.05:
                one["class"] = "A"
    return out


def _p(one: Mapping[str, float | str]) -> float | None:
    return float(one["p"]) if "p" in one else None


def _one_dif(
    who: NDArray[np.int64],
    right: NDArray[np.int64],
    focal: NDArray[np.int8],
    band: NDArray[np.int64],
) -> dict[str, float | str]:
    groups = focal[who] == 1
    if groups.sum() < DIF_GROUP or (~groups).sum() < DIF_GROUP:
        return {}
    one = Responses.from_dense(right[:, None], items=["q"])
    found = mantel_haenszel(one, groups, match=band[who])[0]
    if found.klass is None or found.delta is None or found.p is None:
        return {}
    return {"class": found.klass, "delta": found.delta, "p": found.p}


def _moved(before: Item, line: Line) -> bool:
    """Whether a parameter went further than two standard errors of the difference."""
    after = line.item
    if before.top != after.top or (before.c > 0) != (after.c > 0):
        return False  # another model: its parameters say another thing
    pairs = (
        (after.place - before.place, before.se_b, after.se_b),
        (after.a - before.a, before.se_a, after.se_a),
    )
    return any(
        abs(gap) > 2 * math.hypot(one, two)
        for gap, one, two in pairs
        if one is not None and two is not None
    )
