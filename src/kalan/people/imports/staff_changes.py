"""What a line of a staff list changes in an agent and their post, as shown and as stored."""

from __future__ import annotations

import datetime as dt
from typing import Any

from kalan.base.imports.matching import Resolver
from kalan.base.imports.registry import Row
from kalan.base.imports.values import plain
from kalan.base.text import fold
from kalan.people.models import Agent, Employer, EmploymentStatus, Sex
from kalan.people.selectors.agent_matching import Known, KnownPost
from kalan.people.selectors.places import Places

_AGENT_LABELS = {
    "matricule": "Matricule",
    "last_name": "Nom",
    "first_names": "Prénoms",
    "sex": "Sexe",
    "birth_year": "Année de naissance",
    "phone": "Téléphone",
    "email": "E-mail",
    "cadre": "Cadre",
    "status": "Situation",
}
_POST_LABELS = {
    "cadre": "Cadre du poste",
    "title": "Fonction",
    "employer": "Employeur",
    "status": "Statut",
    "start": "Début du poste",
}
_CHOICES: dict[tuple[str, str], dict[str, str]] = {
    ("agent", "sex"): dict(Sex.choices),
    ("agent", "status"): dict(Agent.Status.choices),
    ("post", "employer"): dict(Employer.choices),
    ("post", "status"): dict(EmploymentStatus.choices),
}


class StaffChanges:
    """Compares lines with what is known. ``effective_on``: the day given for the whole file."""

    def __init__(self, places: Places, cadres: Resolver, effective_on: dt.date | None) -> None:
        self.places, self.cadres, self.effective_on = places, cadres, effective_on

    def between(self, row: Row, agent: Known) -> tuple[list[list[str]], dict[str, Any]] | None:
        """Return (changes field by field, plan); None when the row is refused."""
        values = row.values
        before = {
            "matricule": agent.matricule,
            "last_name": agent.last_name,
            "first_names": agent.first_names,
            "sex": agent.sex,
            "birth_year": agent.birth_year,
            "phone": agent.phone,
            "email": agent.email,
            "cadre": agent.cadre,
            "status": agent.status,
        }
        after = dict(before)
        for name in (
            "matricule",
            "last_name",
            "first_names",
            "sex",
            "birth_year",
            "phone",
            "email",
        ):
            if name in values and not _alike(values[name], before[name]):
                after[name] = values[name]
        if values.get("cadre_id"):
            after["cadre"] = values["cadre_id"]
        after["status"] = Agent.Status.ACTIVE.value
        changes = self._named("agent", _AGENT_LABELS, before, after)
        after["search"] = fold(f"{after['last_name']} {after['first_names']}")[:210]
        plan: dict[str, Any] = {"agent": after, "before": before}
        if not self._post_difference(row, agent, changes, plan):
            return None
        plan["log"] = {name: [old or "None", new] for name, old, new in changes}
        return changes, plan

    def _named(
        self, of: str, labels: dict[str, str], before: dict[str, Any], after: dict[str, Any]
    ) -> list[list[str]]:
        return [
            [label, self.show(of, name, before[name]), self.show(of, name, after[name])]
            for name, label in labels.items()
            if before[name] != after[name]
        ]

    def show(self, of: str, name: str, value: Any) -> str:
        if value in ("", None):
            return ""
        if name == "cadre":
            return self.cadres.entries[value].name if value in self.cadres.entries else ""
        if name == "start":
            return dt.date.fromisoformat(value).strftime("%d/%m/%Y")
        return _CHOICES.get((of, name), {}).get(value, str(value))

    def _post_difference(
        self, row: Row, agent: Known, changes: list[list[str]], plan: dict[str, Any]
    ) -> bool:
        """Complete ``changes`` and ``plan`` with the post; False when the row is refused."""
        current = agent.open_post
        plan["open_post"] = current.id if current else None
        if current is not None and current.structure == row.values["place"]:
            return self._same_place(row, agent, current, changes, plan)
        return self._new_place(row, agent, current, changes, plan)

    def _same_place(
        self,
        row: Row,
        agent: Known,
        current: KnownPost,
        changes: list[list[str]],
        plan: dict[str, Any],
    ) -> bool:
        values = row.values
        before = {
            "cadre": current.cadre,
            "title": current.title,
            "employer": current.employer,
            "status": current.status,
            "start": current.start.isoformat(),
        }
        after = dict(before)
        for name in ("title", "employer", "status"):
            if name in values and not _alike(values[name], before[name]):
                after[name] = values[name]
        if values.get("cadre_id"):
            after["cadre"] = values["cadre_id"]
        start = values.get("start")
        # The file may still give the date of an earlier post of the same agent.
        if start and start not in {post.start for post in agent.posts}:
            if not self._starts_clear(row, agent, current, start):
                return False
            after["start"] = start.isoformat()
        found = self._named("post", _POST_LABELS, before, after)
        if found:
            # One cadre in the file is one change to read, though agent and post both bear it.
            if any(change[0] == "Cadre" for change in changes):
                found = [change for change in found if change[0] != _POST_LABELS["cadre"]]
            changes += found
            plan["post"] = {"id": current.id, **after}
            plan["post_before"] = before
        return True

    @staticmethod
    def _starts_clear(row: Row, agent: Known, current: KnownPost, start: dt.date) -> bool:
        """Whether no other post of the agent still runs on that day."""
        clash = [p for p in agent.posts if p is not current and (p.end or p.start) >= start]
        if clash:
            row.refuse("start", f"Un autre poste de cet agent court jusqu’au "
                       f"{(clash[-1].end or clash[-1].start):%d/%m/%Y} : les deux se "
                       "chevauchent.", "Corrigez la date de prise de service.")  # fmt: skip
            return False
        return True

    def _new_place(
        self,
        row: Row,
        agent: Known,
        current: KnownPost | None,
        changes: list[list[str]],
        plan: dict[str, Any],
    ) -> bool:
        busy_until = max(
            (p.start if p.end is None else p.end for p in agent.posts), default=dt.date.min
        )
        given = row.values.get("start")
        start = given if given and given > busy_until else self.effective_on
        where = self.places.name_of.get(current.structure, "") if current else ""
        if start is None:
            row.refuse(
                "start",
                f"L’agent change de structure (de « {where} ») sans date d’effet."
                if current
                else "L’agent reprend un poste sans date de prise de service nouvelle.",
                "Donnez une date d’effet avec les colonnes, ou corrigez la date de la ligne.",
            )
            return False
        if start <= busy_until:
            row.refuse(
                "start",
                f"La date d’effet ({start:%d/%m/%Y}) n’est pas après le "
                f"{busy_until:%d/%m/%Y} : les postes se chevaucheraient.",
                "Corrigez la date d’effet.",
            )
            return False
        plan["new_post"] = post_of(row.values, start)
        changes.append(["Structure", where, self.places.name_of[row.values["place"]]])
        changes.append(["Début du poste", "", f"{start:%d/%m/%Y}"])
        if current is not None:
            plan["close_on"] = (start - dt.timedelta(days=1)).isoformat()
        return True


def post_of(values: dict[str, Any], start: dt.date) -> dict[str, Any]:
    return {
        "structure": values["place"],
        "cadre": values.get("cadre_id"),
        "title": values.get("title", ""),
        "employer": values.get("employer", ""),
        "status": values.get("status", ""),
        "start": start.isoformat(),
    }


def _alike(left: Any, right: Any) -> bool:
    """Equal, or the same text but for capitals: a list in capitals does not rewrite names."""
    if left == right:
        return True
    if isinstance(left, str) and isinstance(right, str):
        return plain(left).casefold() == plain(right).casefold()
    return False
