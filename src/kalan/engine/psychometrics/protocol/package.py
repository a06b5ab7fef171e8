"""What a phone needs to give a test without a network, in whole numbers.

ECMAScript does not fix the last bits of exp and log, and numpy has its own: two machines that each
compute them may part at a tie. Here both read the same integer tables, and use only additions,
comparisons, table reads, IEEE divisions and one square root, which are the same everywhere. The
JavaScript twin of this folder is ``replay.mjs``.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.data import Bank, Floats
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.models import information, log_probabilities

FORMAT = "kalan-protocol-1"
LOG_UNIT = 1 << 20  # ln P is kept in units of 2⁻²⁰
EXP_STEP = 256  # one entry of the exp table every 256 units, that is 2⁻¹²
EXP_ENTRIES = 20 * 4096
EXP_UNIT = 1 << 30
LEAST_LOG = -40.0  # below, an answer is as good as impossible
ALWAYS = 1 << 16  # eligibility of an item that is never held back
ORDER = 100  # items kept in the order of a grid row

Ints32 = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Package:
    """Everything a sitting is computed from.

    ``log_p`` (n, K, Q) ln P in LOG_UNIT; ``prior`` (Q) in LOG_UNIT; ``exp`` (EXP_ENTRIES) of
    2³⁰·e⁻ˣ; ``order`` (Q, row) items by information less price, best
    first; ``area`` (n); ``least``, ``most`` (areas) quotas; ``eligible`` (n) of ALWAYS;
    ``shortest``, ``longest`` items;
    ``sd_target`` thousandths of a grid step (0: none); ``first`` the first item is drawn among so
    many.
    """

    items: tuple[str, ...]
    top: Ints32
    log_p: Ints32
    prior: Ints32
    exp: Ints32
    order: Ints32
    area: Ints32
    least: Ints32
    most: Ints32
    eligible: Ints32
    shortest: int
    longest: int
    sd_target: int
    first: int
    low: float
    high: float

    @property
    def points(self) -> int:
        return int(self.prior.size)

    @cached_property
    def areas(self) -> list[int]:
        """``area`` as plain numbers: what a sitting reads one by one."""
        return list(map(int, self.area))

    @cached_property
    def bounds(self) -> list[tuple[int, int]]:
        """(least, most) of each area, as plain numbers."""
        return list(zip(map(int, self.least), map(int, self.most), strict=True))

    @cached_property
    def tops(self) -> list[int]:
        return list(map(int, self.top))

    @cached_property
    def rows(self) -> list[list[int] | None]:
        """The rows of ``order`` that sittings have asked for, as plain numbers."""
        return [None] * self.points

    def row(self, number: int) -> list[int]:
        """A row of ``order``."""
        found = self.rows[number]
        if found is None:
            found = self.rows[number] = self.order[number].tolist()
        return found

    @property
    def step(self) -> float:
        """Grid step on the θ scale."""
        return (self.high - self.low) / (self.points - 1)

    def theta(self, estimate: int) -> float:
        """θ of an estimate in thousandths of a grid step."""
        return self.low + estimate / 1000 * self.step

    @property
    def version(self) -> str:
        """SHA-256 of all that decides a sitting: an answer log names it."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """One line; arrays as base64 of little-endian 32-bit integers."""
        body: dict[str, Any] = {"format": FORMAT, "items": list(self.items)}
        body |= {"low": self.low, "high": self.high, "points": self.points}
        body |= {"categories": int(self.log_p.shape[1]), "row": int(self.order.shape[1])}
        body |= {"shortest": self.shortest, "longest": self.longest}
        body |= {"sd_target": self.sd_target, "first": self.first}
        for name in ARRAYS:
            body[name] = _text(getattr(self, name))
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        body = json.loads(text)
        if body.get("format") != FORMAT:
            raise DataError(f"Paquet de test : format « {FORMAT} » attendu. Refaites le paquet.")
        array = {name: _numbers(body[name]) for name in ARRAYS}
        n, q = len(body["items"]), body["points"]
        array["log_p"] = array["log_p"].reshape(n, body["categories"], q)
        array["order"] = array["order"].reshape(q, body["row"])
        return cls(
            items=tuple(body["items"]),
            shortest=body["shortest"],
            longest=body["longest"],
            sd_target=body["sd_target"],
            first=body["first"],
            low=body["low"],
            high=body["high"],
            **array,
        )


ARRAYS = ("top", "log_p", "prior", "exp", "order", "area", "least", "most", "eligible")


def _text(values: Ints32) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype="<i4").tobytes()).decode()


def _numbers(text: str) -> Ints32:
    return np.frombuffer(base64.b64decode(text), dtype="<i4").astype(np.int32)


def package(
    bank: Bank,
    *,
    shortest: int,
    longest: int,
    quotas: dict[str, tuple[int, int]] | None = None,
    price: Floats | None = None,
    eligible: Floats | None = None,
    sd_target: float = 0.0,
    first: int = 20,
    points: int = 121,
    limit: float = 5.0,
    mean: float = 0.0,
    sd: float = 1.0,
    row: int = ORDER,
) -> Package:
    """The tables of a bank and its rules.

    ``quotas`` area → (least, most); ``price`` (n) in units of information; ``eligible`` (n)
    probabilities; ``sd_target`` on the θ scale; prior N(mean, sd²); ``row`` items kept in order.
    """
    areas = tuple(sorted(set(bank.area)))
    bounds = dict.fromkeys(areas, (0, longest)) | (quotas or {})
    _check(bank, areas, bounds, shortest, longest)
    theta = np.linspace(-limit, limit, points)
    log_p = np.maximum(log_probabilities(bank, theta), LEAST_LOG)
    value = information(bank, theta) - (0.0 if price is None else np.asarray(price)[:, None])
    order = np.argsort(-value.T, axis=1, kind="stable")[:, :row]
    chance = np.ones(bank.n_items) if eligible is None else np.asarray(eligible)
    return Package(
        items=bank.items,
        top=bank.top.astype(np.int32),
        log_p=np.rint(log_p * LOG_UNIT).astype(np.int32),
        prior=np.rint(-0.5 * ((theta - mean) / sd) ** 2 * LOG_UNIT).astype(np.int32),
        exp=np.rint(EXP_UNIT * np.exp(-np.arange(EXP_ENTRIES) / 4096)).astype(np.int32),
        order=order.astype(np.int32),
        area=np.array([areas.index(area) for area in bank.area], np.int32),
        least=np.array([bounds[area][0] for area in areas], np.int32),
        most=np.array([bounds[area][1] for area in areas], np.int32),
        eligible=np.rint(np.clip(chance, 0, 1) * ALWAYS).astype(np.int32),
        shortest=shortest,
        longest=longest,
        sd_target=int(sd_target / (2 * limit / (points - 1)) * 1000),
        first=first,
        low=-limit,
        high=limit,
    )


def _check(
    bank: Bank,
    areas: tuple[str, ...],
    bounds: dict[str, tuple[int, int]],
    shortest: int,
    longest: int,
) -> None:
    if not 1 <= shortest <= longest <= bank.n_items:
        raise DataError(
            f"Longueur du test : de {shortest} à {longest} questions demandées, la banque en a "
            f"{bank.n_items}. Il faut 1 ≤ la plus courte ≤ la plus longue ≤ la banque."
        )
    for area, (least, most) in bounds.items():
        if area not in areas:
            raise DataError(f"Quota « {area} » : aucune question de la banque n’a ce domaine.")
        there = bank.area.count(area)
        if not 0 <= least <= most or least > there:
            raise DataError(
                f"Quota « {area} » : {least} à {most} demandées, la banque en a {there}."
            )
    lowest, highest = (sum(bound[k] for bound in bounds.values()) for k in (0, 1))
    reachable = sum(min(most, bank.area.count(area)) for area, (_, most) in bounds.items())
    if lowest > shortest or min(highest, reachable) < longest:
        raise DataError(
            f"Quotas : ils demandent au moins {lowest} questions et en permettent au plus "
            f"{min(highest, reachable)}, pour un test de {shortest} à {longest}."
        )
