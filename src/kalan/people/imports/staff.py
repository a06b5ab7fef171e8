"""Agents and their posts from a staff list: who is new, who changed, who may be known already.

A matricule decides. Without one, likeness of name, structure and phone only ever makes a
*possible duplicate*, for a person to decide; a row that would change nothing is "unchanged".
An empty cell never erases anything.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from kalan.base.imports.matching import Entry, Resolver
from kalan.base.imports.registry import Field, Kind, Option, Row, as_text
from kalan.base.imports.values import plain
from kalan.base.models import ImportRun
from kalan.base.text import fold
from kalan.people import policy
from kalan.people.imports import staff_merge
from kalan.people.models import Agent, Cadre, Employer, EmploymentStatus, Sex
from kalan.people.selectors import import_columns as columns
from kalan.people.selectors.agent_matching import AgentMatcher, Known, KnownPost, Seen
from kalan.people.selectors.import_columns import as_choice, as_date, as_year, split_name
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


class StaffKind(Kind):
    code = "staff"
    label = "agents et postes"
    description = (
        "La liste du personnel : une ligne par agent, avec sa structure. Le matricule, quand il "
        "existe, dit qui est qui."
    )
    roles = policy.CAPABILITIES["imports.people"]
    create_label = "Une autre personne : créer une fiche"
    use_label = "C’est la même personne :"
    person_fields = ("matricule", "last_name", "first_names")
    fields = (
        columns.MATRICULE,
        columns.LAST_NAME,
        columns.FIRST_NAMES,
        columns.FULL_NAME,
        columns.SEX,
        Field("birth_year", "Année de naissance", as_year,
              ("date de naissance", "né(e) le", "naissance", "birth date", "ddn"), example="1988"),
        columns.PHONE,
        columns.EMAIL,
        Field("cadre", "Cadre", as_text(120),
              ("corps", "profession", "qualification", "catégorie professionnelle", "titre",
               "corps professionnel", "cadre professionnel"), example="infirmier d’État"),
        columns.STRUCTURE,
        columns.STRUCTURE_CODE,
        columns.DISTRICT,
        columns.REGION,
        Field("employer", "Employeur", as_choice(columns.EMPLOYERS, "un employeur"),
              ("source de financement", "prise en charge", "payeur"), example="État"),
        Field("status", "Statut", as_choice(columns.STATUSES, "un statut"),
              ("statut de l’agent", "type de contrat", "situation administrative"),
              example="fonctionnaire"),
        Field("title", "Fonction", as_text(120), ("poste occupé", "poste", "emploi", "job title"),
              example="infirmière chef de poste"),
        Field("start", "Date de prise de service", as_date,
              ("prise de service", "date d’affectation", "date d’entrée", "en poste depuis",
               "date de début", "date prise de service", "depuis le"), example="01/10/2021",
              help="Début du poste dans cette structure."),
    )  # fmt: skip
    options = (
        Option(
            "effective_on",
            "Date d’effet",
            "date",
            help="À donner si le fichier n’a pas de date de prise de service : début des "
            "nouveaux postes, et jour des changements de structure.",
        ),
    )

    def columns_needed(self, mapped: set[str]) -> str:
        if "full_name" not in mapped and not {"last_name", "first_names"} <= mapped:
            return "Indiquez la colonne du nom et celle des prénoms (ou « Prénoms et nom »)."
        if not mapped & {"structure", "structure_code"}:
            return "Indiquez la colonne de la structure, par son nom ou son code."
        return ""

    def option_needed(self, mapped: set[str], options: Mapping[str, str]) -> tuple[str, str]:
        if "start" in mapped or options.get("effective_on"):
            return "", ""
        return "effective_on", (
            "Aucune colonne ne donne la date de prise de service : choisissez-la, ou donnez ici "
            "la date d’effet pour tout le fichier."
        )

    def checker(self, run: ImportRun) -> StaffChecker:
        return StaffChecker(run)

    def merge(self, run: ImportRun, *, now: dt.datetime) -> None:
        staff_merge.merge(run, now=now)


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
        difference = self._difference(row, agent)
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
        difference = self._difference(trial, agent)
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
            name: ["None", self._show("agent", name, value)]
            for name, value in agent.items()
            if value not in ("", None) and name != "search"
        }
        log["structure"] = ["None", self.places.name_of[values["place"]]]
        return {"agent": agent, "post": self._post(values, start), "log": log}

    @staticmethod
    def _post(values: dict[str, Any], start: dt.date) -> dict[str, Any]:
        return {
            "structure": values["place"],
            "cadre": values.get("cadre_id"),
            "title": values.get("title", ""),
            "employer": values.get("employer", ""),
            "status": values.get("status", ""),
            "start": start.isoformat(),
        }

    # --- what changes ---

    def _difference(self, row: Row, agent: Known) -> tuple[list[list[str]], dict[str, Any]] | None:
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
            [label, self._show(of, name, before[name]), self._show(of, name, after[name])]
            for name, label in labels.items()
            if before[name] != after[name]
        ]

    def _show(self, of: str, name: str, value: Any) -> str:
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
            clash = [p for p in agent.posts if p is not current and (p.end or p.start) >= start]
            if clash:
                row.refuse("start", f"Un autre poste de cet agent court jusqu’au "
                           f"{(clash[-1].end or clash[-1].start):%d/%m/%Y} : les deux se "
                           "chevauchent.", "Corrigez la date de prise de service.")  # fmt: skip
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
        plan["new_post"] = self._post(row.values, start)
        changes.append(["Structure", where, self.places.name_of[row.values["place"]]])
        changes.append(["Début du poste", "", f"{start:%d/%m/%Y}"])
        if current is not None:
            plan["close_on"] = (start - dt.timedelta(days=1)).isoformat()
        return True


def _alike(left: Any, right: Any) -> bool:
    """Equal, or the same text but for capitals: a list in capitals does not rewrite names."""
    if left == right:
        return True
    if isinstance(left, str) and isinstance(right, str):
        return plain(left).casefold() == plain(right).casefold()
    return False
