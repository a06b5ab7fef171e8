"""Each line of a list of past sessions judged: its session, its person, what it would make.

A person is tied to an agent by matricule; a likeness is proposed and asked. Somebody unknown with
a structure becomes an agent "à rapprocher"; somebody without one, an outsider.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from kalan.base.imports.matching import Entry, Resolver
from kalan.base.imports.registry import Row
from kalan.base.models import ImportRun
from kalan.base.text import fold
from kalan.people.selectors.agent_matching import AgentMatcher, Known, Seen
from kalan.people.selectors.import_columns import name_in_two
from kalan.people.selectors.places import Places
from kalan.training.imports.past_sessions_stored import Slot, StoredSessions, marked_elsewhere
from kalan.training.models import Session, Theme

MAX_DAYS = 31


@dataclass
class Group:
    """A session as the file tells it; its first line says what it is."""

    number: int
    plan: dict[str, Any]
    slots: list[Slot]
    stored: Session | None = None
    # Folded name or agent id → slots marked, of those already on the list.
    listed: dict[str | int, set[Slot]] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)  # seen in the file → row number


class PastSessionsChecker:
    def __init__(self, run: ImportRun) -> None:
        self.run = run
        self.places = Places(country=run.country, scope=run.scope, answers=run.answers)
        self.matcher = AgentMatcher(country=run.country, scope=run.scope)
        themes = list(Theme.objects.order_by("pk"))
        self.themes = Resolver(
            field="theme",
            category="theme",
            country=run.country,
            entries=[Entry(t.pk, t.name) for t in themes],
            codes={t.code: t.pk for t in themes},
            answers=run.answers.get("theme", {}),
            strict=False,
        )
        territories = [
            self.places.entry(pk)
            for pk, kind in self.places.kind_of.items()
            if kind in ("region", "district") and self.places.covers(pk)
        ]
        # A region and a district may share a name (Fatick): the region is meant unless the file
        # says "district".
        self.regions = Resolver(
            field="territory",
            category="territory",
            country=run.country,
            entries=[e for e in territories if not self._shadowed(e, territories)],
            codes={},
            answers=run.answers.get("territory", {}),
        )
        self.stored = StoredSessions()
        self.groups: dict[str, Group | None] = {}
        self.busy: dict[tuple[str, Slot], tuple[str, int]] = {}

    def _shadowed(self, entry: Entry, entries: list[Entry]) -> bool:
        return self.places.kind_of[entry.id] == "district" and any(
            e.name == entry.name and self.places.kind_of[e.id] == "region" for e in entries
        )

    def questions(self) -> list[dict[str, Any]]:
        return [
            *self.themes.questions(),
            *self.regions.questions(),
            *self.places.structures.questions(),
        ]

    def check(self, rows: list[Row]) -> None:
        self.stored.load({row.values["code"] for row in rows if "code" in row.values})
        good = [row for row in rows if self._session(row) and self._person(row)]
        known = self.matcher.by_matricule(
            {row.values["matricule"] for row in good if "matricule" in row.values}
        )
        self.matcher.load_structures(
            row.values["structure_id"] for row in good if row.values.get("structure_id")
        )
        phones = self.matcher.by_phone(row.values.get("phone", "") for row in good)
        near = {
            row.number: self.matcher.candidates(self._seen(row), phones)
            for row in good
            if row.values.get("matricule") not in known
        }
        agents = self.matcher.by_id({pk for found in near.values() for pk, _, _ in found})
        ids = {*agents, *(agent.id for agent in known.values())}
        elsewhere = marked_elsewhere(ids, {slot for row in good for slot in row.values["slots"]})
        for row in good:
            agent = known.get(row.values.get("matricule", ""))
            candidates = [(agents[pk], why) for pk, _, why in near.get(row.number, [])]
            self._decide(row, agent, candidates, elsewhere)

    # --- the session ---

    def _session(self, row: Row) -> bool:
        """Tie the row to its session; what a later line says must agree with the first."""
        code = row.values.get("code", "")
        dates = self._dates(row)
        theme, node = self._theme_and_place(row)
        if row.problems or dates is None:
            return False
        slots = self._slots(row, *dates)
        if row.problems:
            return False
        plan = {
            "code": code,
            "title": row.values.get("title") or self.themes.entries[theme or 0].name,
            "theme": theme,
            "node": node,
            "place": row.values.get("place", ""),
            "start": dates[0].isoformat(),
            "end": dates[1].isoformat(),
            "programme": int(self.run.options["programme"])
            if self.run.options.get("programme")
            else None,
        }
        group = self.groups.get(code)
        if group is None:
            group = self.groups[code] = Group(row.number, plan, slots)
            group.stored = self.stored.by_code.get(code)
            group.listed = self.stored.listed.get(code, {})
        differs = [n for n in ("theme", "node", "start", "end") if plan[n] != group.plan[n]]
        if differs:
            row.refuse("code", f"La session « {code} » n’a pas les mêmes dates, lieu ou thème qu’à "
                       f"la ligne {group.number}.", "Corrigez la ligne, ou le code.")  # fmt: skip
            return False
        return self._agrees(row, group, dates)

    def _theme_and_place(self, row: Row) -> tuple[int | None, int | None]:
        theme = self.themes.resolve(row.values["theme"]) if "theme" in row.values else None
        if theme is None:
            near = self.themes.nearest_label(row.values.get("theme", ""))
            row.refuse("theme", f"« {row.values.get('theme', '')} » n’est pas un thème connu"
                       + (f" ; est-ce « {near} » ?" if near else "."),
                       "Répondez dans « Noms à confirmer », ou créez le thème.")  # fmt: skip
        node = self.regions.resolve(row.values.get("territory", ""))
        if node is None:
            near = self.regions.nearest_label(row.values.get("territory", ""))
            row.refuse("territory", f"« {row.values.get('territory', '')} » n’est pas un lieu de "
                       "votre territoire" + (f" ; est-ce « {near} » ?" if near else "."),
                       "Répondez dans « Noms à confirmer », ou corrigez.")  # fmt: skip
        return theme, node

    def _agrees(self, row: Row, group: Group, dates: tuple[dt.date, dt.date]) -> bool:
        stored = group.stored
        if stored is None:
            return True
        if not self.places.covers(stored.node_id):
            row.refuse("code", "Ce code est celui d’une session hors de votre territoire.",
                       "Donnez un autre code.")  # fmt: skip
        elif (stored.start, stored.end) != dates:
            row.refuse("code", f"La session « {stored.code} » est connue du "
                       f"{stored.start:%d/%m/%Y} au {stored.end:%d/%m/%Y}.",
                       "Corrigez les dates, ou donnez un autre code.")  # fmt: skip
        return not row.problems

    def _dates(self, row: Row) -> tuple[dt.date, dt.date] | None:
        if "dates" in row.values:
            start, end = (dt.date.fromisoformat(day) for day in row.values["dates"])
        elif "start" in row.values:
            start = row.values["start"]
            end = row.values.get("end", start)
        else:
            row.refuse("start", "La date manque.", "Remplissez la case.")
            return None
        if end < start:
            row.refuse("end", f"La session finit le {end:%d/%m/%Y}, avant de commencer le "
                       f"{start:%d/%m/%Y}.", "Corrigez l’une des deux dates.")  # fmt: skip
            return None
        if (end - start).days >= MAX_DAYS:
            row.refuse("end", f"La session dure {(end - start).days + 1} jours.",
                       f"Vérifiez les dates : {MAX_DAYS} jours au plus.")  # fmt: skip
            return None
        return start, end

    @staticmethod
    def _slots(row: Row, start: dt.date, end: dt.date) -> list[Slot]:
        days = (end - start).days + 1
        slots = [
            ((start + dt.timedelta(days=n)).isoformat(), part)
            for n in range(days)
            for part in ("am", "pm")
        ]
        wanted = row.values.get("half_days", len(slots))
        if wanted > len(slots):
            row.refuse("half_days", f"{wanted} demi-journées ne tiennent pas en {days} jour(s).",
                       "Corrigez leur nombre ou les dates.")  # fmt: skip
        return slots[:wanted]

    # --- the person ---

    def _person(self, row: Row) -> bool:
        values = row.values
        name_in_two(row)
        if "structure" in values or "structure_code" in values:
            values["structure_id"] = self.places.structure(row)
        if row.problems:
            return False
        values["search"] = fold(f"{values['last_name']} {values['first_names']}")
        row.label = f"{values['code']} · {values['first_names']} {values['last_name'].upper()}"
        values["slots"] = self._present(row)
        return not row.problems and self._once(row)

    def _present(self, row: Row) -> list[Slot]:
        group = self.groups[row.values["code"]]
        assert group is not None
        said = row.values.get("present", "all")
        if said in ("all", "none"):
            return list(group.slots) if said == "all" else []
        numbers = [int(n) for n in said.split()]
        if len(numbers) == 1:
            numbers = list(range(1, numbers[0] + 1))
        if numbers and max(numbers) > len(group.slots):
            row.refuse("present", f"La session n’a que {len(group.slots)} demi-journées.",
                       "Corrigez la présence.")  # fmt: skip
            return []
        return [group.slots[n - 1] for n in numbers if n > 0]

    def _key(self, row: Row) -> str:
        values = row.values
        if "matricule" in values:
            return f"m:{values['matricule']}"
        parts = (values["search"], values.get("structure_id") or values.get("body", ""),
                 values.get("sex", ""), values.get("phone", ""))  # fmt: skip
        return "n:" + "|".join(str(part) for part in parts)

    def _once(self, row: Row) -> bool:
        group = self.groups[row.values["code"]]
        assert group is not None
        key = row.values["key"] = self._key(row)
        first = group.people.setdefault(key, row.number)
        if first != row.number:
            row.refuse("", f"Cette personne est déjà dans la session à la ligne {first}.",
                       "Gardez une ligne par personne et par session.")  # fmt: skip
            return False
        for slot in row.values["slots"]:
            code, number = self.busy.setdefault((key, slot), (row.values["code"], row.number))
            if number != row.number:
                self._two_places(row, slot, f"« {code} » (ligne {number})")
                return False
        return True

    @staticmethod
    def _two_places(row: Row, slot: Slot, where: str) -> None:
        day = dt.date.fromisoformat(slot[0])
        part = "matin" if slot[1] == "am" else "après-midi"
        row.refuse(
            "present",
            f"Le {day:%d/%m/%Y} ({part}), cette personne est déjà présente à {where}.",
            "Une personne n’est qu’à un endroit à la fois : corrigez l’une des listes.",
        )

    def _seen(self, row: Row) -> Seen:
        values = row.values
        return Seen(
            search=values["search"],
            matricule=values.get("matricule", ""),
            sex=values.get("sex", ""),
            birth_year=None,
            phone=values.get("phone", ""),
            email="",
            structure=values.get("structure_id"),
        )

    # --- verdict ---

    def _decide(
        self,
        row: Row,
        agent: Known | None,
        candidates: list[tuple[Known, list[str]]],
        elsewhere: dict[tuple[int, Slot], str],
    ) -> None:
        group = self.groups[row.values["code"]]
        assert group is not None
        key: str | int = agent.id if agent else row.values["search"]
        if key in group.listed:
            if group.listed[key] == set(row.values["slots"]):
                row.same(group.stored.pk if group.stored else 0)
            else:
                row.refuse(
                    "present",
                    "Cette personne est déjà sur la liste avec d’autres présences.",
                    "Corrigez sur l’écran de présence de la session.",
                )
            return
        if group.stored is not None and group.stored.state in ("validated", "cancelled"):
            row.refuse("code", f"La session est {group.stored.get_state_display()}.",
                       "Corrigez-la avec un motif sur sa page.")  # fmt: skip
            return
        plan = self._plan(row, group)
        if agent is not None:
            if code := self._clash(row, agent.id, elsewhere):
                row.refuse("present", code[0], code[1])
                return
            row.create(plan | {"agent": agent.id})
        elif candidates:
            row.doubt(
                [self._candidate(row, known, why, plan, elsewhere) for known, why in candidates],
                plan,
            )
        else:
            row.create(plan)

    def _clash(
        self, row: Row, agent: int, elsewhere: dict[tuple[int, Slot], str]
    ) -> tuple[str, str] | None:
        for slot in row.values["slots"]:
            code = elsewhere.get((agent, slot))
            if code and code != row.values["code"]:
                trial = Row(row.number, row.raw)
                self._two_places(trial, slot, f"« {code} »")
                return trial.problems[0]["reason"], trial.problems[0]["remedy"]
        return None

    def _candidate(
        self,
        row: Row,
        known: Known,
        why: list[str],
        plan: dict[str, Any],
        elsewhere: dict[tuple[int, Slot], str],
    ) -> dict[str, Any]:
        place = known.last_post
        label = known.full_name + (
            f" · {self.places.name_of.get(place.structure, '')}" if place else ""
        )
        made = {"id": known.id, "label": label, "why": why, "changes": []}
        if clash := self._clash(row, known.id, elsewhere):
            return made | {"plan": {}, "blocked": clash[0]}
        return made | {"plan": plan | {"agent": known.id}}

    def _plan(self, row: Row, group: Group) -> dict[str, Any]:
        values = row.values
        return {
            "session": group.plan,
            "half_days": group.slots,
            "stored": group.stored.pk if group.stored else None,
            "agent": None,
            "key": values["key"],
            "person": {
                "matricule": values.get("matricule"),
                "last_name": values["last_name"],
                "first_names": values["first_names"],
                "sex": values.get("sex", ""),
                "phone": values.get("phone", ""),
            },
            "structure": values.get("structure_id"),
            "body": values.get("body", ""),
            "slots": values["slots"],
        }
