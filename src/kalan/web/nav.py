"""The staff menu: one table. A screen is listed to those whose role opens it.

To add a screen, add a line. A line whose address does not exist yet is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

from kalan.base import clock
from kalan.credentials.selectors.listing import in_tray
from kalan.people.actor import Actor
from kalan.people.models import Role

T, S, R, P, A, X, G = (
    Role.TRAINER,
    Role.STRUCTURE,
    Role.REGION,
    Role.PROGRAMME,
    Role.AUDITOR,
    Role.ADMIN,
    Role.SIGNATORY,
)
ALL = frozenset(Role.values)
STAFF = frozenset({S, R, P, A, X})
MAKERS = frozenset({Role.AUTHOR, P, X})
HISTORY_READERS = frozenset({R, P, A, X})


@dataclass(frozen=True)
class Line:
    group: str
    label: str
    url_name: str
    roles: frozenset[str]
    args: tuple[str, ...] = ()
    # How many things wait there for this person; asked only of those whom the line is shown to.
    waiting: Callable[[Actor], int] | None = None


@dataclass(frozen=True)
class Item:
    label: str
    url: str
    current: bool
    waiting: int = 0


@dataclass(frozen=True)
class Group:
    label: str
    items: tuple[Item, ...]


def _tray(actor: Actor) -> int:
    """Batches to sign, and clicks that still run or have stopped."""
    return in_tray(actor, today=clock.today())


LINES: tuple[Line, ...] = (
    Line("", "Accueil", "staff-home", ALL),
    Line("Formation", "Sessions", "session-list", STAFF | {T}),
    Line("Formation", "Observations au poste", "observation-due", frozenset({S, R, X})),
    Line("Formation", "Programmes", "programme-list", STAFF),
    Line("Formation", "Messages", "message-list", frozenset({R, P, A, X})),
    Line("Formation", "Ressources", "resource-list", ALL),
    Line("Personnel", "Agents", "agent-list", STAFF),
    Line("Personnel", "À rapprocher", "agent-reconcile-list", STAFF),
    Line("Personnel", "Structures", "structure-list", STAFF | {T}),
    Line("Personnel", "Cadres", "cadre-list", STAFF | {T}),
    Line("Personnel", "Doublons", "duplicates", frozenset({R, X}), args=("agents",)),
    Line("Personnel", "Fusions", "merges", frozenset({R, X})),
    Line("Personnel", "Imports", "import-list", frozenset({R, P, X})),
    Line("Compétences", "Référentiels", "framework-list", ALL - {Role.SIGNATORY}),
    Line("Compétences", "Banques de questions", "item-banks", MAKERS),
    Line("Compétences", "Questions", "item-list", MAKERS),
    Line("Compétences", "Tests", "tests-list", ALL - {Role.SIGNATORY}),
    Line("Compétences", "Campagnes", "campaign-list", STAFF),
    Line("Compétences", "Examens", "exam-list", frozenset({T, R, P, A, X})),
    Line("Compétences", "Calibrages", "calibration-list", MAKERS | {A}),
    Line("Actes", "Parapheur", "signing-tray", frozenset({G}), waiting=_tray),
    Line("Actes", "Attestations et actes", "act-batch-list", frozenset({S, R, P, A, X, G})),
    Line("Actes", "À renouveler", "act-renewals", frozenset({S, R, P, A, X, G})),
    Line("Actes", "Modèles d’actes", "act-template-list", STAFF | {G}),
    Line("Actes", "Actes en chiffres", "act-statistics", frozenset({S, R, P, A, X, G})),
    Line("Actes", "Registre des actes", "act-register", frozenset({P, A, X, G})),
    Line("Actes", "Fonctions qui signent", "office-list", frozenset({P, A, X, G})),
    Line("Actes", "Clés de signature", "signing-key-list", frozenset({A, X})),
    Line("Chiffres", "Tableau de bord", "dashboard", STAFF),
    Line("Chiffres", "Compétences", "indicator-competences", STAFF),
    Line("Administration", "Comptes et rôles", "account-list", frozenset({S, R, X})),
    Line("Administration", "Historique", "history", HISTORY_READERS),
    Line("Administration", "Données personnelles", "data-requests", frozenset({X})),
    Line("Administration", "Registre des traitements", "processing-register", frozenset({X})),
    Line("Administration", "État du service", "health", frozenset({X})),
)


def groups_for(actor: Actor, path: str) -> list[Group]:
    """Return the groups, in the order of LINES, with what ``actor`` may open.

    The entry with the longest address that begins ``path`` is the current one.
    """
    roles = actor.roles
    shown: list[tuple[Line, str]] = []
    for line in LINES:
        if not actor.system and not roles & line.roles:
            continue
        try:
            shown.append((line, reverse(line.url_name, args=line.args)))
        except NoReverseMatch:
            continue
    here = max((url for _, url in shown if path.startswith(url)), key=len, default="")
    groups: dict[str, list[Item]] = {}
    for line, url in shown:
        groups.setdefault(line.group, []).append(
            Item(line.label, url, url == here, line.waiting(actor) if line.waiting else 0)
        )
    return [Group(label, tuple(items)) for label, items in groups.items()]
