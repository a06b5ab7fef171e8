"""Figures of the dashboard as printed: value, which count it is, target, link to the records."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from kalan.base.figures import number
from kalan.indicators.definitions import BY_CODE, Definition
from kalan.indicators.forms import FiltersForm
from kalan.indicators.selectors.board import Board
from kalan.indicators.selectors.values import values
from kalan.indicators.views.charts import percent_text, records_url, share_text


@dataclass(frozen=True)
class Tile:
    definition: Definition
    text: str
    url: str
    note: str = ""
    target: str = ""
    done: int = 0  # per cent of the target, at most 100 (for the meter)
    done_text: str = ""


def _text(definition: Definition, value: Decimal | None, board: Board) -> str:
    if definition.code == "part_femmes":
        return share_text(board.people.total)
    if value is None:
        return "–"
    if definition.unit == "%":
        return percent_text(value)
    if definition.unit == "/5":
        return f"{number(float(value))}\u00a0/\u00a05"
    return number(float(value))


def _note(code: str, board: Board) -> str:
    people, sessions, accounts = board.people.total, board.sessions, board.accounts
    if code == "part_femmes" and people.trained:
        return f"{number(people.unknown)} sans sexe renseigné"
    if code == "agents_formes" and board.duplicates:
        return f"dont {number(board.duplicates)} doublon(s) possible(s) non résolu(s)"
    if code == "structures" and board.targeted and board.targeted != people.structures:
        return f"sur {number(board.targeted)} bénéficiaires"
    if code == "anonymes" and sessions.approximate:
        return "approximatif"
    if code == "couverture":
        return f"{number(board.coverage.trained)} sur {number(board.coverage.in_post)} en poste"
    if code == "feuilles":
        return f"sur {number(sessions.held)} sessions"
    if code == "satisfaction":
        return (
            f"{number(sessions.answers)} réponses"
            if sessions.satisfaction is not None
            else "moins de 5 réponses : rien n’est montré"
        )
    if code == "comptes":
        return f"{number(accounts.matched)} rapprochés d’un agent"
    if code == "cout_par_personne":
        if len(sessions.currencies) != 1:
            return "plusieurs monnaies : pas de total"
        currency = "FCFA" if sessions.currencies[0] == "XOF" else sessions.currencies[0]
        partial = "; des lignes dans une autre monnaie ne sont pas comptées"
        return currency + (f" {partial}" if sessions.other_currency else "")
    return ""


def tiles(board: Board, form: FiltersForm, *, money: bool) -> list[Tile]:
    """Every figure that has something to say for these filters, in the order of definitions."""
    exact = values(board)
    found = []
    for code, definition in BY_CODE.items():
        value = exact[code]
        if (definition.money and not money) or (code in _QUIET and not value):
            continue
        target = board.targets.get(code)
        done = int(value * 100 / target) if target and value is not None else 0
        found.append(
            Tile(
                definition=definition,
                text=_text(definition, value, board),
                url=records_url(code, form.query()),
                note=_note(code, board),
                target=number(float(target)) if target else "",
                done=min(done, 100),
                done_text=f"{done}\u00a0%" if target else "",
            )
        )
    return found


# Not shown at zero: nothing to say.
_QUIET = {
    "sexe_inconnu",
    "structures_beneficiaires",
    "autres_participants",
    "anonymes",
    "plateformes",
    "comptes",
    "comptes_actives",
    "comptes_actifs",
    "cout_par_personne",
    "doublons",
}
