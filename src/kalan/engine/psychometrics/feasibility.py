"""Whether a bank can carry a blueprint, said before use: what is missing, and where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kalan.engine.psychometrics.blueprint import Blueprint, Quota
from kalan.engine.psychometrics.data import Bank, Floats
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.models import information

CHECKED = (-2.0, -1.0, 0.0, 1.0, 2.0)  # abilities at which a precision target is tried


@dataclass(frozen=True)
class Lack:
    """What a bank lacks for a blueprint: ``where`` (area, θ or "") and what (French)."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where} : {self.what}" if self.where else self.what


def check(bank: Bank, blueprint: Blueprint) -> list[Lack]:
    """What is missing and where, before the test is used; empty when the bank can carry it."""
    lacks = _quota_lacks(blueprint) + _area_lacks(bank, blueprint) + _cap_lacks(bank, blueprint)
    if bank.n_items < blueprint.maximum:
        lacks.append(
            Lack("", f"{blueprint.maximum} questions demandées, la banque en a {bank.n_items}.")
        )
    if not lacks:
        lacks = _precision_lacks(bank, blueprint)
    return lacks


def refuse(bank: Bank, blueprint: Blueprint) -> None:
    """Raise DataError with everything that ``check`` found."""
    lacks = check(bank, blueprint)
    if lacks:
        raise DataError(
            "La banque ne peut pas porter ce test. " + " ".join(str(lack) for lack in lacks)
        )


def _counts(bank: Bank) -> dict[str, int]:
    return {area: bank.area.count(area) for area in sorted(set(bank.area))}


def _quota_lacks(blueprint: Blueprint) -> list[Lack]:
    least = sum(quota.minimum for quota in blueprint.quotas.values())
    if least > blueprint.maximum:
        return [
            Lack(
                "",
                f"les minima des domaines font {least} questions pour une longueur de "
                f"{blueprint.maximum}. Baissez des minima ou allongez le test.",
            )
        ]
    return []


def _area_lacks(bank: Bank, blueprint: Blueprint) -> list[Lack]:
    counts, lacks = _counts(bank), []
    for area, quota in blueprint.quotas.items():
        there = counts.get(area, 0)
        if there < quota.minimum:
            lacks.append(
                Lack(
                    f"Domaine « {area} »",
                    f"{quota.minimum} questions demandées, {there} dans la banque. Il en manque "
                    f"{quota.minimum - there}.",
                )
            )
    room = sum(
        min(there, blueprint.quotas[area].maximum if area in blueprint.quotas else there)
        for area, there in counts.items()
    )
    if room < blueprint.maximum <= bank.n_items and not lacks:
        lacks.append(
            Lack(
                "",
                f"les maxima des domaines laissent {room} questions pour une longueur de "
                f"{blueprint.maximum}. Relevez des maxima.",
            )
        )
    return lacks


def _cap_lacks(bank: Bank, blueprint: Blueprint) -> list[Lack]:
    """Σ rates of an area = its items per test: r_max times its items must reach the minimum."""
    cap = blueprint.cap
    if cap is None:
        return []
    lacks, room, counts = [], 0.0, _counts(bank)
    for area, there in counts.items():
        quota = blueprint.quotas.get(area)
        room += min(cap * there, quota.maximum if quota else np.inf)
        if quota and cap * there < quota.minimum - 1e-9 and there >= quota.minimum:
            needed = int(np.ceil(quota.minimum / cap - 1e-9))
            lacks.append(
                Lack(
                    f"Domaine « {area} »",
                    f"avec une exposition d’au plus {cap:g}, {quota.minimum} questions par test "
                    f"demandent {needed} questions ; il y en a {there}. Ajoutez-en "
                    f"{needed - there} ou relevez « r_max ».",
                )
            )
    if not lacks and room < blueprint.minimum - 1e-9:
        lacks.append(
            Lack(
                "",
                f"Une exposition d’au plus {cap:g} ne permet que {room:.4g} questions par test ; "
                f"{blueprint.minimum} sont demandées. Ajoutez des questions ou relevez « r_max ».",
            )
        )
    return lacks


def best_information(bank: Bank, blueprint: Blueprint, theta: Floats) -> Floats:
    """(Q) information of the best test that the length and the quotas allow at each θ."""
    info, total = information(bank, theta), np.zeros(theta.size)
    area = np.array(bank.area)
    for q in range(theta.size):
        order = np.argsort(-info[:, q], kind="stable")
        free, taken = [], 0
        for name in sorted(set(bank.area)):
            mine = order[area[order] == name]
            quota = blueprint.quotas.get(name, Quota(0, blueprint.maximum))
            total[q] += info[mine[: quota.minimum], q].sum()
            taken += min(quota.minimum, mine.size)
            free.append(info[mine[quota.minimum : quota.maximum], q])
        rest = np.sort(np.concatenate(free))[::-1]
        total[q] += rest[: max(blueprint.maximum - taken, 0)].sum()
    return total


def _precision_lacks(bank: Bank, blueprint: Blueprint) -> list[Lack]:
    target = blueprint.stop.se
    if target is None:
        return []
    theta = np.array(CHECKED) * blueprint.sd + blueprint.mean
    se = 1 / np.sqrt(best_information(bank, blueprint, theta) + blueprint.sd**-2)
    return [
        Lack(
            f"θ = {point:+.1f}",
            f"l’erreur type ne descend pas sous {error:.3f} en {blueprint.maximum} questions, "
            f"l’objectif est {target:g}. Ajoutez des questions de difficulté proche ou relevez "
            "« stop.se ».",
        )
        for point, error in zip(theta, se, strict=True)
        if error > target
    ]
