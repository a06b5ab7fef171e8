"""Each line of a list of structures judged: which is meant, what would change.

A code of the chosen source decides which structure a row speaks of; without one, the very same
name in the same place. A near name only makes a possible duplicate.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from rapidfuzz import fuzz

from kalan.base.imports.matching import Entry, Resolver
from kalan.base.imports.registry import Row
from kalan.base.imports.values import plain
from kalan.base.models import ImportRun
from kalan.base.text import fold
from kalan.people.models import OrgNode, OrgNodeCode, Sector, StructureType
from kalan.people.selectors.places import Places

_NEAR = 90.0
_LABELS = {
    "name": "Nom",
    "type": "Type",
    "sector": "Secteur",
    "parent": "Rattachement",
    "latitude": "Latitude",
    "longitude": "Longitude",
    "connectivity": "Connexion",
    "opened_on": "Ouverture",
}


class StructuresChecker:
    def __init__(self, run: ImportRun) -> None:
        self.places = Places(country=run.country, scope=run.scope, answers=run.answers)
        self.system = run.options.get("system") or "national"
        given = run.options.get("effective_on")
        self.effective_on = dt.date.fromisoformat(given) if given else None
        types = StructureType.objects.filter(country=run.country).order_by("rank", "pk")
        self.types = Resolver(
            field="type",
            category="type",
            country=run.country,
            entries=[Entry(t.pk, t.name) for t in types],
            codes={word: t.pk for t in types for word in (t.code, t.short_name) if word},
            answers=run.answers.get("type", {}),
            strict=False,
        )
        nodes = OrgNode.objects.filter(country=run.country, merged_into=None).order_by("pk")
        self.nodes = {
            node.pk: node for node in nodes.defer("search") if self.places.covers(node.pk)
        }
        codes = OrgNodeCode.objects.filter(system=self.system, node__country=run.country)
        self.by_code = dict(codes.values_list("value", "node_id"))
        self.code_of = {node: value for value, node in self.by_code.items()}
        self.children: dict[str, list[OrgNode]] = {}
        for node in self.nodes.values():
            self.children.setdefault(node.path[: -OrgNode.steplen], []).append(node)
        self._codes: dict[str, int] = {}
        self._names: dict[tuple[int, str], int] = {}
        self._targets: dict[int, int] = {}

    def questions(self) -> list[dict[str, Any]]:
        return [*self.places.questions(), *self.types.questions()]

    def check(self, rows: list[Row]) -> None:
        for row in rows:
            row.label = row.values["name"]
            known, parent = self.places.territory(row)
            if known and parent is None:
                row.refuse("district", "Le district et la région manquent.", "Indiquez-en un.")
            if "type" in row.values:
                row.values["type_id"] = self.types.resolve(row.values["type"])
                if row.values["type_id"] is None:
                    near = self.types.nearest_label(row.values["type"])
                    row.refuse("type", f"« {row.values['type']} » n’est pas un type connu"
                               + (f" ; est-ce « {near} » ?" if near else "."),
                               "Répondez dans « Noms à confirmer », ou corrigez.")  # fmt: skip
            self._position(row)
            if not row.problems and parent is not None:
                self._once(row, parent)
            if not row.problems and parent is not None:
                self._match(row, parent)

    @staticmethod
    def _position(row: Row) -> None:
        if ("latitude" in row.values) != ("longitude" in row.values):
            missing = "longitude" if "latitude" in row.values else "latitude"
            row.refuse(missing, "Une coordonnée va sans l’autre.", "Donnez les deux, ou aucune.")

    def _once(self, row: Row, parent: int) -> None:
        code = row.values.get("code")
        if code:
            first = self._codes.setdefault(code, row.number)
            if first != row.number:
                row.refuse("code", f"Ce code est déjà à la ligne {first}.", "Gardez une ligne.")
        first = self._names.setdefault((parent, fold(row.values["name"])), row.number)
        if first != row.number:
            row.refuse("name", f"Ce nom est déjà à la ligne {first}, au même endroit.",
                       "Gardez une ligne, ou donnez un nom qui la distingue.")  # fmt: skip

    def _match(self, row: Row, parent: int) -> None:
        code = row.values.get("code")
        if code and code in self.by_code:
            target = self.by_code[code]
            if target not in self.nodes:
                row.refuse("code", "Ce code est celui d’une structure hors de votre territoire.",
                           "Retirez la ligne.")  # fmt: skip
                return
            self._against(row, self.nodes[target], parent)
            return
        here = self.children.get(self.places.path_of[parent], [])
        name = plain(row.values["name"])
        for node in here:
            if plain(node.name) == name and not (code and node.pk in self.code_of):
                self._against(row, node, parent)
                return
        near = [
            (fuzz.token_sort_ratio(fold(name), fold(node.name)), node)
            for node in here
            if not (code and node.pk in self.code_of)
        ]
        close = sorted(((p, n) for p, n in near if p >= _NEAR), key=lambda item: -item[0])[:5]
        plan = self._creation(row, parent)
        if close:
            row.doubt([self._candidate(row, node, points, parent) for points, node in close], plan)
        else:
            row.create(plan)

    def _candidate(self, row: Row, node: OrgNode, points: float, parent: int) -> dict[str, Any]:
        trial = Row(row.number, row.raw, dict(row.values), row.written)
        difference = self._difference(trial, node, parent)
        why = ["même lieu", "même nom" if points >= 100 else f"nom proche ({points:.0f} %)"]
        candidate: dict[str, Any] = {"id": node.pk, "label": node.name, "why": why, "changes": []}
        if difference is None:
            return candidate | {"plan": {}, "blocked": trial.problems[0]["reason"]}
        changes, plan = difference
        return candidate | {"changes": changes, "plan": plan if changes else {}}

    def _against(self, row: Row, node: OrgNode, parent: int) -> None:
        first = self._targets.setdefault(node.pk, row.number)
        if first != row.number:
            row.refuse("", f"Cette structure est déjà à la ligne {first}.", "Gardez une ligne.")
            return
        difference = self._difference(row, node, parent)
        if difference is None:
            return
        changes, plan = difference
        if changes:
            row.update(node.pk, changes, plan)
        else:
            row.same(node.pk)

    def _creation(self, row: Row, parent: int) -> dict[str, Any]:
        values = row.values
        opened = values.get("opened_on")
        return {
            "parent": parent,
            "kind": values.get("level", "structure"),
            "name": values["name"],
            "type": values.get("type_id"),
            "sector": values.get("sector", Sector.PUBLIC.value),
            "latitude": values.get("latitude"),
            "longitude": values.get("longitude"),
            "connectivity": values.get("connectivity", ""),
            "opened_on": opened.isoformat() if opened else None,
            "code": [self.system, values["code"]] if "code" in values else None,
        }

    def _difference(
        self, row: Row, node: OrgNode, parent: int
    ) -> tuple[list[list[str]], dict[str, Any]] | None:
        values = row.values
        before = self._held(node)
        after = self._wanted(values, node, parent, before)
        changed = {name: value for name, value in after.items() if value != before[name]}
        timed = [_LABELS[n] for n in ("type", "sector", "parent") if n in changed and before[n]]
        if timed and self.effective_on is None:
            row.refuse("", f"Changement sans date d’effet : {', '.join(timed)}.",
                       "Donnez une date d’effet avec les colonnes.")  # fmt: skip
            return None
        changes = [[_LABELS[n], self._show(n, before[n]), self._show(n, v)]
                   for n, v in changed.items()]  # fmt: skip
        code = values.get("code")
        new_code = bool(code) and code not in self.by_code
        if new_code:
            changes.append([f"Code ({self.system})", "", str(code)])
        return changes, {
            "changes": changed,
            "before": {name: before[name] for name in changed},
            "code": [self.system, code] if new_code else None,
            "effective_on": self.effective_on.isoformat() if self.effective_on else None,
        }

    def _held(self, node: OrgNode) -> dict[str, Any]:
        return {
            "name": node.name,
            "type": node.type_id,
            "sector": node.sector,
            "parent": self.places.ancestors(node.pk)[-1],
            "latitude": node.latitude,
            "longitude": node.longitude,
            "connectivity": node.connectivity,
            "opened_on": node.opened_on.isoformat() if node.opened_on else None,
        }

    def _wanted(
        self, values: dict[str, Any], node: OrgNode, parent: int, before: dict[str, Any]
    ) -> dict[str, Any]:
        """The same with what the row says; an empty cell changes nothing."""
        after = dict(before)
        if plain(values["name"]) != plain(node.name):
            after["name"] = values["name"]
        if "type_id" in values:
            after["type"] = values["type_id"]
        for name in ("sector", "latitude", "longitude", "connectivity"):
            if name in values:
                after[name] = values[name]
        if "opened_on" in values:
            after["opened_on"] = values["opened_on"].isoformat()
        # A row that names only the region does not take a structure out of its district.
        if parent != before["parent"] and parent not in self.places.ancestors(node.pk):
            after["parent"] = parent
        return after

    def _show(self, name: str, value: Any) -> str:
        if value in (None, ""):
            return ""
        if name == "type":
            return self.types.entries[value].name if value in self.types.entries else ""
        if name == "parent":
            return str(self.places.name_of[value])
        if name == "sector":
            return str(Sector(value).label)
        if isinstance(value, float):
            return f"{value:.6g}".replace(".", ",")
        return str(value)
