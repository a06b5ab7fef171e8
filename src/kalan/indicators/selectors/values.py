"""The figures of a board as exact numbers, by code: what targets, freezes and exports use."""

from __future__ import annotations

from decimal import Decimal

from kalan.indicators.selectors.board import Board


def values(board: Board) -> dict[str, Decimal | None]:
    """Return {code: number}; None where nothing can be said (too few answers, no denominator)."""
    total, accounts = board.people.total, board.accounts
    sessions = board.sessions
    whole = {
        "sessions": sessions.held,
        "agents_formes": total.trained,
        "femmes": total.women,
        "sexe_inconnu": total.unknown,
        "structures": total.structures,
        "structures_beneficiaires": board.targeted,
        "formateurs": board.trainer_total,
        "autres_participants": total.others,
        "anonymes": sessions.anonymous,
        "inscriptions": total.registrations,
        "plateformes": accounts.platforms,
        "comptes": accounts.created,
        "comptes_actives": accounts.activated,
        "comptes_actifs": accounts.active,
        "feuilles": sessions.with_sheet,
        "doublons": board.duplicates,
    }
    exact: dict[str, Decimal | None] = {code: Decimal(value) for code, value in whole.items()}
    return exact | {
        "part_femmes": total.share.exact,
        "journees_stagiaires": total.trainee_days,
        "achevement": total.completion,
        "couverture": board.coverage.share,
        "satisfaction": sessions.satisfaction,
        "cout_par_personne": board.cost_per_person,
    }
