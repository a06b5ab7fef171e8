"""The organisation tree as files name it: structures by code or name, inside a territory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kalan.base.imports.matching import Entry, Resolver
from kalan.base.imports.registry import Row
from kalan.base.imports.values import plain
from kalan.base.text import fold
from kalan.people.models import OrgNode, OrgNodeCode, StructureType


class Places:
    """A snapshot of one country's tree, with what is inside ``scope`` (tree paths).

    ``answers``: {field: {key: node id, or None}}, what people confirmed for this file.
    """

    def __init__(
        self,
        *,
        country: str,
        scope: list[str],
        answers: Mapping[str, Mapping[str, int | None]],
        field: str = "structure",
    ) -> None:
        self.scope = tuple(scope)
        self.field = field
        columns = ("pk", "path", "kind", "name", "merged_into_id", "closed_on")
        nodes = list(OrgNode.objects.filter(country=country).order_by("path").values_list(*columns))
        self.path_of = {pk: path for pk, path, *_ in nodes}
        self.name_of = {pk: name for pk, _, _, name, _, _ in nodes}
        self.kind_of = {pk: kind for pk, _, kind, *_ in nodes}
        self._id_of = {path: pk for pk, path, *_ in nodes}
        self.merged = {pk: into for pk, _, _, _, into, _ in nodes if into}
        self.closed = {pk: day for pk, *_, day in nodes if day}
        live = [pk for pk, *_ in nodes if pk not in self.merged]
        self.codes = self._codes(country)
        self._acronyms = self._acronyms_of(country)

        def resolver(name: str, kind: str) -> Resolver:
            return self._resolver(country, name, kind, live, answers.get(name, {}))

        self.structures = resolver(field, "structure")
        self.districts = resolver("district", "district")
        self.regions = resolver("region", "region")
        structures = [pk for pk in live if self.kind_of[pk] == "structure"]
        self._inside = {plain(self.name_of[pk]) for pk in structures if self.covers(pk)}
        self._outside = {plain(self.name_of[pk]) for pk in structures if not self.covers(pk)}

    def _resolver(
        self,
        country: str,
        field: str,
        kind: str,
        live: list[int],
        answers: Mapping[str, int | None],
    ) -> Resolver:
        """Tells nodes of ``kind`` by name among those of the scope, by code among all."""
        return Resolver(
            field=field,
            category=kind,
            country=country,
            entries=[self.entry(pk) for pk in live if self.kind_of[pk] == kind and self.covers(pk)],
            codes={value: pk for value, pk in self.codes.items() if self.kind_of.get(pk) == kind},
            answers=answers,
            acronyms=self._acronyms,
            merged=self.merged,
        )

    @staticmethod
    def _acronyms_of(country: str) -> dict[str, str]:
        """{folded short name of a type: its folded name}."""
        types = StructureType.objects.filter(country=country).exclude(short_name="")
        return {fold(short): fold(name) for short, name in types.values_list("short_name", "name")}

    @staticmethod
    def _codes(country: str) -> dict[str, int]:
        """{folded code: node}, without codes that two sources give to two nodes."""
        found: dict[str, int] = {}
        twice: set[str] = set()
        rows = OrgNodeCode.objects.filter(node__country=country).values_list("value", "node_id")
        for value, node in rows:
            key = fold(value)
            if found.setdefault(key, node) != node:
                twice.add(key)
        return {key: node for key, node in found.items() if key not in twice}

    def ancestors(self, pk: int) -> list[int]:
        path = self.path_of[pk]
        return [
            self._id_of[path[:end]]
            for end in range(OrgNode.steplen, len(path), OrgNode.steplen)
            if path[:end] in self._id_of
        ]

    def entry(self, pk: int) -> Entry:
        above = self.ancestors(pk)
        places = [self.name_of[up] for up in above[1:]]
        label = (
            f"{self.name_of[pk]} ({', '.join(reversed(places))})" if places else self.name_of[pk]
        )
        return Entry(pk, self.name_of[pk], label, frozenset(above))

    def covers(self, pk: int | None) -> bool:
        """Whether the node stands inside the scope."""
        path = self.path_of.get(pk) if pk is not None else None
        return path is not None and path.startswith(self.scope)

    @property
    def national(self) -> bool:
        return any(len(path) <= OrgNode.steplen for path in self.scope)

    def territory(self, row: Row) -> tuple[bool, int | None]:
        """(whether what the row says is known, the smallest territory it names)."""
        within: int | None = None
        for name, resolver in (("region", self.regions), ("district", self.districts)):
            written = row.values.get(name)
            if not written:
                continue
            found = resolver.resolve(written, within=within)
            if found is None:
                self._unknown(row, name, resolver, written, within)
                return False, None
            within = found
        return True, within

    def structure(self, row: Row) -> int | None:
        """Resolve the row's structure, or refuse the row and return None."""
        known, within = self.territory(row)
        code, name = row.values.get(f"{self.field}_code"), row.values.get(self.field)
        found: int | None = None
        if code:
            found = self.codes.get(fold(code))
            found = self.merged.get(found, found) if found else None
            if found is None and not name:
                row.refuse(
                    f"{self.field}_code",
                    f"Le code « {code} » n’est celui d’aucune structure.",
                    "Corrigez le code, ou créez d’abord la structure.",
                )
                return None
        if found is None and name and known:
            if plain(name) in self._outside and plain(name) not in self._inside:
                self._out_of_scope(row, name)
                return None
            found = self.structures.resolve(name, within=within)
            if found is None:
                self._unknown(row, self.field, self.structures, name, within)
        if found is None:
            return None
        if not self.covers(found):
            self._out_of_scope(row, self.name_of[found])
            return None
        return found

    def _out_of_scope(self, row: Row, name: str) -> None:
        row.refuse(
            self.field,
            f"La structure « {name} » est hors de votre territoire.",
            "Demandez l’import à la personne responsable de ce territoire.",
        )

    @staticmethod
    def _unknown(row: Row, name: str, resolver: Resolver, value: str, within: int | None) -> None:
        if resolver.was_refused(value, within=within):
            row.refuse(name, f"« {value} » n’est aucun des noms connus, avez-vous dit.",
                       "Créez-le d’abord, ou corrigez le nom dans le fichier.")  # fmt: skip
            return
        near = resolver.nearest_label(value, within=within)
        row.refuse(
            name,
            f"« {value} » n’est pas un nom connu"
            + (f" ; est-ce « {near} » ?" if near else " et aucun nom n’en est proche."),
            "Répondez dans « Noms à confirmer », ou corrigez le nom dans le fichier.",
        )

    def questions(self) -> list[dict[str, Any]]:
        return [
            *self.regions.questions(),
            *self.districts.questions(),
            *self.structures.questions(),
        ]
