"""Each line of a staff list judged: who is new, who changed, who may be known already.

A matricule decides. Without one, likeness of name, structure and phone only ever makes a
*possible duplicate*, for a person to decide; a row that would change nothing is "unchanged".
An empty cell never erases anything.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from kalan.base.imports.matching import Entry, Resolver
from kalan.base.imports.registry import Row
from kalan.base.models import ImportRun
from kalan.base.text import fold
from kalan.people.imports.staff_changes import StaffChanges, post_of
from kalan.people.models import Agent, Cadre
from kalan.people.selectors.agent_matching import AgentMatcher, Known, Seen
from kalan.people.selectors.import_columns import name_in_two
from kalan.people.selectors.places import Places


class StaffChecker:
    def __init__(self, run: ImportRun) -> None:
        self.country = run.country
        self.places = Places(country=run.country, scope=run.scope, answers=run.answers)
        self.cadres = Resolver(
            field="cadre",
            category="cadre",
            country=run.country,
            entries=[
                Entry(pk, title)
                for pk, title in Cadre.objects.filter(country=run.country)
                .order_by("rank", "pk")
                .values_list("pk", "title")
            ],
            codes=dict(Cadre.objects.filter(country=run.country).values_list("code", "pk")),
            answers=run.answers.get("cadre", {}),
            strict=False,
        )
        self.matcher = AgentMatcher(country=run.country, scope=run.scope)
        given = run.options.get("effective_on")
        self.effective_on = dt.date.fromisoformat(given) if given else None
        self.changes = StaffChanges(self.places, self.cadres, self.effective_on)
        self._matricules: dict[str, int] = {}  # → row number, as are the two below
        self._people: dict[int, tuple[int, str]] = {}
        self._targets: dict[int, int] = {}

    # --- one chunk ---

    def check(self, rows: list[Row]) -> None:
        kept = [row for row in rows if self._prepare(row)]
        known = self.matcher.by_matricule(
            {row.values["matricule"] for row in kept if "matricule" in row.values}
        )
        others: list[tuple[Row, Seen]] = []
        for row in kept:
            match = known.get(row.values.get("matricule", ""))
            if match is not None:
                self._known(row, match)
            else:
                others.append((row, self._seen(row)))
        self._unmatched(others)

    def questions(self) -> list[dict[str, Any]]:
        return [*self.places.questions(), *self.cadres.questions()]

    def _prepare(self, row: Row) -> bool:
        """Names, structure and cadre; whether the row can still be matched."""
        values = row.values
        name_in_two(row)
        if "structure" not in values and "structure_code" not in values:
            row.refuse("structure", "La case est vide.", "Indiquez la structure de l’agent.")
        else:
            values["place"] = self.places.structure(row)
        if "cadre" in values:
            values["cadre_id"] = self.cadres.resolve(values["cadre"])
            if values["cadre_id"] is None:
                near = self.cadres.nearest_label(values["cadre"])
                row.refuse(
                    "cadre",
                    f"« {values['cadre']} » n’est pas un cadre connu"
                    + (f" ; est-ce « {near} » ?" if near else "."),
                    "Répondez dans « Noms à confirmer », ou corrigez le cadre dans le fichier.",
                )
        self._once(row)
        if values.get("place"):
            place = self.places.name_of[values["place"]]
            row.label = f"{values.get('first_names', '')} {values.get('last_name', '').upper()} · "
            row.label += place
        return not row.problems

    def _once(self, row: Row) -> None:
        """Refuse a matricule, or a very same person, already seen higher up in the file."""
        matricule = row.values.get("matricule")
        if matricule:
            first = self._matricules.setdefault(matricule, row.number)
            if first != row.number:
                row.refuse("matricule", f"Ce matricule est déjà à la ligne {first}.",
                           "Gardez une seule ligne par agent.")  # fmt: skip
            return
        if row.problems:
            return
        values = row.values
        same = hash((self._search(values), values["place"]))
        rest = f"{values.get('phone', '')} {values.get('birth_year', '')} {values.get('sex', '')}"
        first, before = self._people.setdefault(same, (row.number, rest))
        if first == row.number:
            return
        if before == rest:
            row.refuse("", f"Cette personne est déjà à la ligne {first}.",
                       "Gardez une seule ligne ; pour un homonyme, ajoutez un téléphone ou un "
                       "matricule.")  # fmt: skip
        else:
            values["twin"] = first

    @staticmethod
    def _search(values: dict[str, Any]) -> str:
        return fold(f"{values['last_name']} {values['first_names']}")

    def _seen(self, row: Row) -> Seen:
        values = row.values
        return Seen(
            search=self._search(values),
            matricule=values.get("matricule", ""),
            sex=values.get("sex", ""),
            birth_year=values.get("birth_year"),
            phone=values.get("phone", ""),
            email=values.get("email", ""),
            structure=values["place"],
        )

    # --- rows whose matricule is known ---

    def _known(self, row: Row, agent: Known) -> None:
        if agent.status == Agent.Status.ERASED:
            row.refuse("matricule", "Cette fiche a été anonymisée.", "Retirez la ligne.")
            return
        last = agent.last_post
        if not (self.places.covers(last.structure) if last else self.places.national):
            row.refuse(
                "matricule",
                "Ce matricule est celui d’un agent hors de votre territoire.",
                "Demandez la mutation à la personne responsable de sa structure.",
            )
            return
        first = self._targets.setdefault(agent.id, row.number)
        if first != row.number:
            row.refuse("", f"Cet agent est déjà à la ligne {first}.", "Gardez une seule ligne.")
            return
        difference = self.changes.between(row, agent)
        if difference is None:
            return
        changes, plan = difference
        if changes:
            row.update(agent.id, changes, plan)
        else:
            row.same(agent.id)

    # --- the others ---

    def _unmatched(self, rows: list[tuple[Row, Seen]]) -> None:
        self.matcher.load_structures(seen.structure for _, seen in rows if seen.structure)
        phones = self.matcher.by_phone(seen.phone for _, seen in rows)
        found = [(row, self.matcher.candidates(seen, phones)) for row, seen in rows]
        agents = self.matcher.by_id({pk for _, near in found for pk, _, _ in near})
        for row, near in found:
            candidates = []
            for pk, _, why in near:
                candidate, unchanged = self._candidate(row, agents[pk], why)
                if unchanged and row.number == self._targets.setdefault(pk, row.number):
                    row.same(pk)
                    break
                candidates.append(candidate)
            if row.verdict == "same":
                continue
            plan = self._creation(row)
            if row.problems:
                continue
            if twin := row.values.get("twin"):
                row.note = f"Même nom et même structure qu’à la ligne {twin}."
            if candidates or row.note:
                row.doubt(candidates, plan)
            else:
                row.create(plan)

    def _candidate(self, row: Row, agent: Known, why: list[str]) -> tuple[dict[str, Any], bool]:
        """A possible duplicate, with what "same person" would change; whether that is nothing."""
        place = agent.last_post
        label = agent.full_name + (f" · {self.places.name_of[place.structure]}" if place else "")
        trial = Row(row.number, row.raw, dict(row.values), row.written)
        if agent.matricule:
            trial.values.pop("matricule", None)
        difference = self.changes.between(trial, agent)
        candidate = {"id": agent.id, "label": label, "why": why}
        if difference is None:
            problem = trial.problems[0]
            return candidate | {"changes": [], "plan": {}, "blocked": problem["reason"]}, False
        changes, plan = difference
        candidate |= {"changes": changes, "plan": plan if changes else {}}
        other = agent.matricule and row.values.get("matricule") not in (None, agent.matricule)
        return candidate, not changes and not other

    def _creation(self, row: Row) -> dict[str, Any]:
        values = row.values
        start = values.get("start") or self.effective_on
        if start is None:
            row.refuse(
                "start",
                "La date de prise de service manque.",
                "Remplissez la case, ou donnez une date d’effet avec les colonnes.",
            )
            return {}
        agent = {
            "matricule": values.get("matricule"),
            "last_name": values["last_name"],
            "first_names": values["first_names"],
            "search": self._search(values)[:210],
            "sex": values.get("sex", ""),
            "birth_year": values.get("birth_year"),
            "phone": values.get("phone", ""),
            "email": values.get("email", ""),
            "cadre": values.get("cadre_id"),
        }
        log = {
            name: ["None", self.changes.show("agent", name, value)]
            for name, value in agent.items()
            if value not in ("", None) and name != "search"
        }
        log["structure"] = ["None", self.places.name_of[values["place"]]]
        return {"agent": agent, "post": post_of(values, start), "log": log}
