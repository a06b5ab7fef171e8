"""Lists of past sessions: one line per participant, the session repeated on each line.

Sessions come in as closed by their trainer: validating stays an act on the screen. A person is
tied to an agent by matricule; a likeness is proposed and asked. Somebody unknown with a structure
becomes an agent "à rapprocher"; somebody without one, an outsider.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kalan.base.imports.matching import Entry, Resolver
from kalan.base.imports.registry import Field, Kind, Option, Row, as_text
from kalan.base.imports.values import BadValue, Cell, parse_date_range, text_of
from kalan.base.models import ImportRun
from kalan.base.text import fold, whole
from kalan.people.selectors.agent_matching import AgentMatcher, Known, Seen
from kalan.people.selectors.import_columns import (
    FIRST_NAMES,
    FULL_NAME,
    LAST_NAME,
    MATRICULE,
    PHONE,
    SEX,
    STRUCTURE,
    STRUCTURE_CODE,
    as_date,
    split_name,
)
from kalan.people.selectors.places import Places
from kalan.training import policy
from kalan.training.imports import past_sessions_merge
from kalan.training.imports.platform_accounts import within
from kalan.training.models import Presence, Programme, Registration, Session, Theme

MAX_DAYS = 31
Slot = tuple[str, str]  # (date, "am" or "pm")

_ALL = {"oui", "tous", "toutes", "x", "present", "presente", "p"}
_NONE = {"non", "0", "absent", "absente", "a"}


def as_range(cell: Cell, country: str) -> list[str]:
    return [day.isoformat() for day in parse_date_range(cell)]


def as_count(cell: Cell, country: str) -> int:
    text = text_of(cell)
    count = whole(text)
    if count is None or not 0 < count <= 2 * MAX_DAYS:
        raise BadValue(f"« {text[:20]} » n’est pas un nombre de demi-journées.",
                       f"Écrivez un nombre de 1 à {2 * MAX_DAYS}.")  # fmt: skip
    return count


def as_presence(cell: Cell, country: str) -> str:
    """How much of the session: "all", "none", a count, or the numbers "1;2;4"."""
    text = fold(text_of(cell))
    if text in _ALL:
        return "all"
    if text in _NONE:
        return "none"
    if re.fullmatch(r"\d{1,2}( \d{1,2})*", text):
        return text
    raise BadValue(
        f"« {text_of(cell)[:30]} » ne dit pas quelles demi-journées.",
        "Écrivez leur nombre (4), leurs numéros (1;2;4), « oui » ou « non ».",
    )


def programmes(scope: list[str]) -> list[tuple[str, str]]:
    found = Programme.objects.filter(within(scope, "node__")).order_by("name", "pk")
    return [(str(p.pk), p.name) for p in found]


class PastSessionsKind(Kind):
    code = "past-sessions"
    label = "sessions passées"
    description = (
        "Les listes de sessions déjà tenues : une ligne par participant, avec le code, les dates "
        "et le thème de sa session."
    )
    roles = policy.CAPABILITIES["sessions.plan"]
    create_label = "Une autre personne : créer une fiche à rapprocher"
    use_label = "C’est :"
    person_fields = ("matricule", "last_name", "first_names")
    fields = (
        Field("code", "Code de la session", as_text(40),
              ("code session", "session", "n° session", "numéro de session"), required=True,
              example="DIR-FK-01"),
        Field("title", "Intitulé", as_text(200), ("titre", "intitulé de la session", "formation")),
        Field("theme", "Thème", as_text(200), ("theme", "module", "sujet"), required=True,
              example="Outils numériques"),
        Field("start", "Date de début", as_date, ("début", "du", "date début", "commence le"),
              example="14/11/2022"),
        Field("end", "Date de fin", as_date, ("fin", "au", "date fin", "se termine le"),
              example="16/11/2022"),
        Field("dates", "Dates", as_range, ("période", "date", "dates de la session"),
              help="À défaut de deux colonnes : « du 16 au 18 novembre 2022 »."),
        Field("half_days", "Nombre de demi-journées", as_count,
              ("demi-journées", "durée en demi-journées"),
              help="Par défaut : deux par jour."),
        Field("territory", "District ou région de la session", as_text(200),
              ("région", "district", "territoire", "région de la session"), required=True,
              example="Fatick"),
        Field("place", "Lieu", as_text(200), ("salle", "lieu de la session"),
              example="Hôtel de ville"),
        MATRICULE,
        LAST_NAME,
        FIRST_NAMES,
        FULL_NAME,
        SEX,
        PHONE,
        STRUCTURE,
        STRUCTURE_CODE,
        Field("body", "Organisme", as_text(200), ("organisation", "institution"),
              help="Pour une personne extérieure (média, partenaire), sans structure."),
        Field("present", "Présence", as_presence,
              ("demi-journées présentes", "présent", "présences", "émargement"),
              help="« oui », « non », un nombre (les premières demi-journées sont marquées : le "
              "fichier ne dit pas lesquelles), ou leurs numéros « 1;2;4 ». Vide : présent à tout.",
              example="oui"),
    )  # fmt: skip
    options = (
        Option("programme", "Programme", "choice", choices=programmes,
               help="Celui de toutes les sessions du fichier ; aucun par défaut."),
    )  # fmt: skip

    def columns_needed(self, mapped: set[str]) -> str:
        if "dates" not in mapped and "start" not in mapped:
            return "Indiquez la colonne des dates, ou celle du début."
        if "full_name" not in mapped and not {"last_name", "first_names"} <= mapped:
            return "Indiquez la colonne du nom et celle des prénoms (ou « Prénoms et nom »)."
        return ""

    def checker(self, run: ImportRun) -> PastSessionsChecker:
        return PastSessionsChecker(run)

    def merge(self, run: ImportRun, *, now: dt.datetime) -> None:
        past_sessions_merge.merge(run, now)


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
        self._load_sessions({row.values["code"] for row in rows if "code" in row.values})
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
        elsewhere = self._marked_elsewhere(ids, good)
        for row in good:
            agent = known.get(row.values.get("matricule", ""))
            candidates = [(agents[pk], why) for pk, _, why in near.get(row.number, [])]
            self._decide(row, agent, candidates, elsewhere)

    # --- the session ---

    def _load_sessions(self, codes: set[str]) -> None:
        missing = sorted(code for code in codes if code not in self.groups)
        sessions = Session.objects.filter(code__in=missing).select_related("node")
        self._stored = {**getattr(self, "_stored", {}), **{s.code: s for s in sessions}}
        ids = [s.pk for s in self._stored.values() if s.code in set(missing)]
        registrations = Registration.objects.filter(session__in=ids).select_related(
            "agent", "outsider"
        )
        marks: dict[int, set[Slot]] = {}
        presences = Presence.objects.filter(registration__session__in=ids).values_list(
            "registration_id", "half_day__date", "half_day__part"
        )
        for registration, date, part in presences:
            marks.setdefault(registration, set()).add((date.isoformat(), part))
        self._listed: dict[int, dict[str | int, set[Slot]]] = getattr(self, "_listed", {})
        for row in registrations:
            listed = self._listed.setdefault(row.session_id, {})
            slots = marks.get(row.pk, set())
            if row.agent is not None:
                listed[row.agent.pk] = listed[row.agent.search] = slots
            elif row.outsider is not None:
                name = f"{row.outsider.last_name} {row.outsider.first_names}"
                listed[fold(name)] = slots

    def _session(self, row: Row) -> bool:
        """Tie the row to its session; what a later line says must agree with the first."""
        code = row.values.get("code", "")
        dates = self._dates(row)
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
            group.stored = self._stored.get(code)
            if group.stored is not None:
                group.listed = self._listed.get(group.stored.pk, {})
        differs = [n for n in ("theme", "node", "start", "end") if plan[n] != group.plan[n]]
        if differs:
            row.refuse("code", f"La session « {code} » n’a pas les mêmes dates, lieu ou thème qu’à "
                       f"la ligne {group.number}.", "Corrigez la ligne, ou le code.")  # fmt: skip
            return False
        return self._agrees(row, group, dates)

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
        if "full_name" in values and not ("last_name" in values and "first_names" in values):
            halves = split_name(values["full_name"])
            if halves is None:
                row.refuse("full_name", "On ne voit pas où finit le prénom et où commence le nom.",
                           "Écrivez le nom en CAPITALES : « Awa Marie DIOUF ».")  # fmt: skip
            else:
                values["last_name"], values["first_names"] = halves
        for name in ("last_name", "first_names"):
            if name not in values and not row.problems:
                row.refuse(name, "La case est vide.", "Remplissez-la.")
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

    def _marked_elsewhere(
        self, agents: Iterable[int], rows: list[Row]
    ) -> dict[tuple[int, Slot], str]:
        """{(agent, half-day): session} of presences already stored on the days of these rows."""
        days = {dt.date.fromisoformat(slot[0]) for row in rows for slot in row.values["slots"]}
        if not days:
            return {}
        found = Presence.objects.filter(
            registration__agent__in=list(agents),
            half_day__date__gte=min(days),
            half_day__date__lte=max(days),
        ).values_list(
            "registration__agent_id", "half_day__date", "half_day__part", "half_day__session__code"
        )
        return {(agent, (day.isoformat(), part)): code for agent, day, part, code in found}

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
