"""Results of a campaign from Pix Orga's own export: one line per participant, semicolons.

Only what a participant has shared comes in, and on Pix's scale: never beside Kalan's levels. A
person is tied to an agent by matricule; by name only when somebody says so. Column titles are
those of the export of Pix Orga as its help pages show it; other wordings are mapped by hand.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Exists, OuterRef, Q

from kalan.base.imports.registry import Field, Kind, Row, as_text
from kalan.base.imports.values import BadValue, Cell, parse_date, text_of
from kalan.base.models import ImportRow, ImportRun
from kalan.base.text import fold
from kalan.campaigns import policy
from kalan.campaigns.models import OutsideResult
from kalan.people.models import Agent, Post
from kalan.people.selectors.agent_matching import AgentMatcher
from kalan.training.imports.platform_accounts import within

SOURCE = "Pix Orga"
SCALE = "niveaux de Pix (0 à 8)"
_CLOCK = re.compile(r"[T ,à]*\d{1,2}[:h]\d{2}.*$")
_YES = {"oui", "o", "yes", "y", "true", "vrai", "1", "x"}
_NO = {"non", "n", "no", "false", "faux", "0", ""}
# « Niveau pour la compétence Gérer des données », « % de maitrise des acquis de la compétence … »
_LEVEL = re.compile(
    r"^(niveau|nombre de pix|% de ma[iî]trise des acquis|% de ma[iî]trise)\s+"
    r"(obtenu\s+)?(pour|de|en|du|des)?\s*(la|le)?\s*(compétence|domaine|sujet)?\s*(?P<name>.+)$",
    re.IGNORECASE,
)


def as_day(cell: Cell, country: str) -> str:
    """A day in any form, with or without its hour."""
    return parse_date(_CLOCK.sub("", cell) if isinstance(cell, str) else cell).isoformat()


def as_shared(cell: Cell, country: str) -> str:
    """Oui or Non."""
    word = fold(text_of(cell))
    if word in _YES:
        return "oui"
    if word in _NO:
        return "non"
    raise BadValue(f"« {text_of(cell)[:30]} » ne dit pas si le résultat est partagé.",
                   "Écrivez Oui ou Non.")  # fmt: skip


def as_mastery(cell: Cell, country: str) -> str:
    """Per cent, from « 62 % », « 0,62 » (a share, as Pix writes it) or « 62 »."""
    text = text_of(cell).replace("\u202f", "").replace("\u00a0", "").replace(" ", "")
    try:
        value = Decimal(text.rstrip("%").replace(",", "."))
    except ArithmeticError:
        value = Decimal(-1)
    if not value.is_finite() or value < 0:
        raise BadValue(f"« {text[:20]} » n’est pas un pourcentage.", "Écrivez 62 % ou 0,62.")
    if not text.endswith("%") and value <= 1:
        value *= 100
    if value > 100:
        raise BadValue(f"« {text[:20]} » dépasse 100 %.", "Corrigez la valeur.")
    return str(value.quantize(Decimal("0.01")))


class PixOrgaKind(Kind):
    code = "pix-orga"
    label = "résultats Pix Orga"
    description = (
        "L’export des résultats d’une campagne Pix Orga (CSV). Seuls les résultats partagés "
        "entrent ; ils restent à part, sur l’échelle de Pix."
    )
    roles = policy.CAPABILITIES["outside.import"]
    create_label = "Aucune de ces personnes : ne rien garder"
    use_label = "C’est :"
    person_fields = ("matricule", "last_name", "first_names")
    fields = (
        Field("last_name", "Nom du Participant", as_text(100), ("nom", "nom de famille"),
              required=True, example="DIOUF"),
        Field("first_names", "Prénom du Participant", as_text(100), ("prénom", "prénoms"),
              required=True, example="Awa"),
        Field("matricule", "Matricule", as_text(40),
              ("identifiant externe", "numéro étudiant", "n° matricule", "external id",
               "numéro d’agent"),
              help="Celui que la campagne demandait. Sans lui, chaque personne se confirme."),
        Field("campaign", "Parcours", as_text(200),
              ("nom de la campagne", "campagne", "nom du parcours"), required=True,
              example="Compétences numériques, 2023"),
        Field("shared", "Partage (O/N)", as_shared, ("partage", "partagé", "partage o n"),
              required=True, example="Oui"),
        Field("shared_on", "Date du partage", as_day, ("date de partage", "partagé le"),
              example="15/03/2023"),
        Field("started_on", "Date de début", as_day, ("début", "commencé le")),
        Field("mastery", "% maitrise de l'ensemble des acquis du profil", as_mastery,
              ("% de maîtrise de l’ensemble des acquis du profil", "% maitrise", "maîtrise",
               "% de maîtrise"), example="0,62"),
    )  # fmt: skip
    options = ()

    def columns_needed(self, mapped: set[str]) -> str:
        if not {"shared_on", "started_on"} & mapped:
            return "Indiquez la colonne de la date du partage, ou celle du début."
        return ""

    def checker(self, run: ImportRun) -> PixOrgaChecker:
        return PixOrgaChecker(run)

    def merge(self, run: ImportRun, *, now: dt.datetime) -> None:
        merge(run, now)


Key = tuple[int, str, str]  # agent, campaign, date


class PixOrgaChecker:
    def __init__(self, run: ImportRun) -> None:
        self.run = run
        self.matcher = AgentMatcher(country=run.country, scope=run.scope)
        mapped = set(run.mapping.values())
        self.levels = {
            column: match["name"].strip()
            for column, title in enumerate(run.columns)
            if column not in mapped and (match := _LEVEL.match(str(title).strip()))
        }
        # What of a row is kept as the source's own words: nothing that names the person.
        names = {run.mapping.get(name) for name in PixOrgaKind.person_fields}
        self.kept = [c for c in range(len(run.columns)) if c not in names]
        self._seen: dict[Key, int] = {}

    def questions(self) -> list[dict[str, Any]]:
        return []

    def check(self, rows: list[Row]) -> None:
        by_number = self.matcher.by_matricule(
            {row.values["matricule"] for row in rows if "matricule" in row.values}
        )
        by_name = self._named(rows)
        here = self._inside({known.id for known in by_number.values()})
        for row in rows:
            row.label = f"{row.values['first_names']} {row.values['last_name'].upper()}"
            if row.values["shared"] != "oui":
                row.verdict, row.action = "same", ""
                row.note = "Résultat non partagé : rien n’est gardé."
                continue
            if "shared_on" not in row.values and "started_on" not in row.values:
                row.refuse("shared_on", "La date manque.", "Remplissez la date du partage.")
                continue
            number = row.values.get("matricule", "")
            known = by_number.get(number)
            if known is not None and known.id not in here:
                row.refuse(
                    "matricule",
                    f"L’agent {number} est hors de votre territoire.",
                    "Demandez l’import à la personne responsable de ce territoire.",
                )
            elif known is not None:
                self._against(row, known.id)
            else:
                self._by_name(row, by_name)
        self._mark_known(rows)

    def _named(self, rows: list[Row]) -> dict[str, list[tuple[int, str]]]:
        """{folded name: agents of the territory} (one query)."""
        names = {name for row in rows for name in _orders(row)}
        here = Post.objects.filter(within(self.run.scope, "structure__"), agent=OuterRef("pk"))
        agents = Agent.objects.filter(
            Exists(here), search__in=sorted(names), status__in=["active", "left"]
        ).order_by("pk")
        found: dict[str, list[tuple[int, str]]] = {}
        for agent in agents.select_related("cadre").prefetch_related("posts__structure"):
            place = next((p.structure.name for p in agent.posts.all() if p.end is None), "")
            parts = (agent.full_name, agent.matricule, str(agent.cadre or ""), place)
            label = ", ".join(part for part in parts if part)
            found.setdefault(agent.search, []).append((agent.pk, label))
        return found

    def _inside(self, agents: Iterable[int]) -> set[int]:
        here = Post.objects.filter(within(self.run.scope, "structure__"), agent__in=list(agents))
        return set(here.values_list("agent", flat=True))

    def _by_name(self, row: Row, by_name: dict[str, list[tuple[int, str]]]) -> None:
        found = {pk: label for name in _orders(row) for pk, label in by_name.get(name, [])}
        if not found:
            row.refuse("last_name", "Aucun agent de votre territoire n’a ce nom ni ce matricule.",
                       "Corrigez le nom, ou ajoutez le matricule.")  # fmt: skip
            return
        row.doubt(
            [
                {"id": pk, "label": label, "why": ["même nom"], "changes": [],
                 "plan": self._plan(row, pk)}
                for pk, label in list(found.items())[:5]
            ],
            {"agent": None},
        )  # fmt: skip

    def _against(self, row: Row, agent: int) -> None:
        plan = self._plan(row, agent)
        first = self._seen.setdefault(_key(plan), row.number)
        if first != row.number:
            row.refuse("", f"Cette personne a déjà un résultat de cette campagne, ligne {first}.",
                       "Gardez une ligne par personne.")  # fmt: skip
            return
        row.create(plan)

    def _plan(self, row: Row, agent: int) -> dict[str, Any]:
        cells = dict(enumerate(row.raw))
        levels = {name: cells.get(column, "") for column, name in self.levels.items()}
        return {
            "agent": agent,
            "campaign": row.values["campaign"],
            "date": row.values.get("shared_on") or row.values["started_on"],
            "mastery": row.values.get("mastery"),
            "levels": {name: level for name, level in levels.items() if level},
            "raw": {str(self.run.columns[c]): cells[c] for c in self.kept if cells.get(c)},
        }

    def _mark_known(self, rows: list[Row]) -> None:
        """What is stored already: the same, or changed (one query for the chunk)."""
        mine = [row for row in rows if row.action == "create" and row.plan.get("agent")]
        stored = stored_of(row.plan for row in mine)
        for row in mine:
            old = stored.get(_key(row.plan))
            if old is None:
                continue
            changes = [
                [label, _shown(before), _shown(after)]
                for label, before, after in (
                    ("Maîtrise (%)", _text(old.mastery), row.plan["mastery"]),
                    ("Niveaux", old.levels, row.plan["levels"]),
                )
                if before != after
            ]
            if changes:
                row.update(old.pk, changes, row.plan)
            else:
                row.same(old.pk)


def _orders(row: Row) -> list[str]:
    last, first = row.values["last_name"], row.values["first_names"]
    return [fold(f"{last} {first}"), fold(f"{first} {last}")]


def _key(plan: dict[str, Any]) -> Key:
    return plan["agent"], plan["campaign"], plan["date"]


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return " ; ".join(f"{name} : {level}" for name, level in value.items())
    return str(value or "").replace(".", ",")


def stored_of(plans: Iterable[dict[str, Any]]) -> dict[Key, OutsideResult]:
    """Results already there for the same agents, campaigns and dates."""
    wanted = list(plans)
    rows = OutsideResult.objects.filter(
        Q(agent__in={plan["agent"] for plan in wanted})
        & Q(campaign__in={plan["campaign"] for plan in wanted}),
        source=SOURCE,
    )
    return {(row.agent_id, row.campaign, row.date.isoformat()): row for row in rows}


def merge(run: ImportRun, now: dt.datetime) -> None:
    """Write what was decided; the same file brought in again adds nothing."""
    rows = [
        row
        for row in run.rows.filter(action__in=["create", "update"]).order_by("number")
        if row.plan.get("agent")
    ]
    alive = set(
        Agent.objects.filter(
            pk__in={row.plan["agent"] for row in rows}, status__in=["active", "left"]
        ).values_list("pk", flat=True)
    )
    stored = stored_of(row.plan for row in rows)
    new: dict[Key, OutsideResult] = {}
    changed: dict[Key, OutsideResult] = {}
    stale: list[int] = []
    for row in rows:
        plan, key = row.plan, _key(row.plan)
        if plan["agent"] not in alive or key in new or key in changed:
            stale.append(row.pk)
            continue
        result = stored.get(key) or OutsideResult(
            agent_id=plan["agent"], source=SOURCE, campaign=plan["campaign"], scale=SCALE,
            date=dt.date.fromisoformat(plan["date"]), imported_at=now,
        )  # fmt: skip
        result.mastery = Decimal(plan["mastery"]) if plan["mastery"] else None
        result.levels, result.raw, result.run = plan["levels"], plan["raw"], run
        (changed if result.pk else new)[key] = result
    OutsideResult.objects.bulk_create(new.values(), batch_size=1000)
    OutsideResult.objects.bulk_update(
        changed.values(), ["mastery", "levels", "raw", "run"], batch_size=500
    )
    ImportRow.objects.filter(pk__in=stale).update(action=ImportRow.Action.STALE)
    LogEntry.objects.create(
        content_type=ContentType.objects.get_for_model(ImportRun),
        object_pk=str(run.pk),
        object_id=run.pk,
        object_repr=str(run),
        action=LogEntry.Action.UPDATE,
        changes={"résultats Pix": [f"{len(changed)} mis à jour", f"{len(new)} créés"]},
        actor_id=run.applied_by_id,
        timestamp=now,
        additional_data={"text": "import", "import": str(run.uid)},
    )
