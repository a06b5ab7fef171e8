"""The history of a thing as people read it: when, who, which field, before and after, in French."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Field, ForeignKey, Model, Q

from kalan.people.models import Account, Agent, OrgNode, OrgNodeCode, OrgNodePeriod, Post

LABELS: dict[str, str] = {
    "agent": "agent",
    "version": "version",
    "summary": "résumé",
    "source": "source",
    "retired_reason": "motif du retrait",
    "rank": "rang",
    "note": "remarque",
    "licence": "licence",
    "legal_basis": "texte de loi",
    "guidance": "conseils par niveau",
    "framework": "référentiel",
    "domain": "domaine",
    "difficulty": "difficulté",
    "description": "description",
    "current": "version",
    "countries": "pays visés",
    "competency": "compétence",
    "bank": "banque",
    "accessible": "lecteur d’écran",
    "account": "compte",
    "audience": "public visé",
    "amount": "montant",
    "birth_year": "année de naissance",
    "cadre": "cadre",
    "capacity": "places en tout",
    "category": "nature",
    "closed_at": "clôturée le",
    "closed_by": "clôturée par",
    "closed_on": "fermeture",
    "code": "code",
    "completion_percent": "assiduité demandée (%)",
    "connectivity": "connexion",
    "country": "pays",
    "created_at": "créé le",
    "created_by": "créé par",
    "currency": "monnaie",
    "display_name": "nom affiché",
    "email": "e-mail",
    "employer": "employeur",
    "end": "fin",
    "erased_at": "anonymisé le",
    "first_names": "prénoms",
    "funder": "bailleur",
    "granted_at": "donné le",
    "granted_by": "donné par",
    "hours": "heures",
    "indicator": "indicateur",
    "is_active": "ouvert",
    "is_main": "poste principal",
    "kind": "niveau",
    "label": "libellé",
    "language": "langue",
    "last_name": "nom",
    "latitude": "latitude",
    "longitude": "longitude",
    "matricule": "matricule",
    "merged_into": "fusionné avec",
    "mode": "mode",
    "name": "nom",
    "node": "structure",
    "notice": "avis",
    "objectives": "objectifs",
    "opened_on": "ouverture",
    "organiser": "organisateur",
    "origin": "origine",
    "outsider": "personne extérieure",
    "parent": "rattachement",
    "per_diem": "per diem",
    "phone": "téléphone",
    "place": "lieu",
    "places": "places",
    "planned": "prévu",
    "position": "rang",
    "president": "président",
    "programme": "programme",
    "public": "publique",
    "replaces": "remplace",
    "revoke_reason": "motif du retrait",
    "revoked_at": "retiré le",
    "revoked_by": "retiré par",
    "role": "rôle",
    "sector": "secteur",
    "session": "session",
    "sex": "sexe",
    "sheet": "feuille de présence",
    "spent": "dépensé",
    "start": "début",
    "state": "état",
    "status": "statut",
    "strategy_axis": "axe stratégique",
    "structure": "structure",
    "structure_text": "structure telle qu’écrite",
    "system": "source",
    "theme": "thème",
    "title": "intitulé",
    "to_reconcile": "à rapprocher",
    "type": "type",
    "validated_at": "validée le",
    "validated_by": "validée par",
    "value": "valeur",
    "walk_in": "ajouté sur place",
}
_SUBJECTS = {
    Agent: "agent",
    Post: "poste",
    OrgNode: "structure",
    OrgNodePeriod: "situation",
    OrgNodeCode: "code",
    Account: "compte",
}
_ACTS = {
    LogEntry.Action.CREATE: "création",
    LogEntry.Action.UPDATE: "modification",
    LogEntry.Action.DELETE: "suppression",
}
# Derived, or said by the page itself.
_SILENT = {"id", "uid", "search", "path", "depth", "numchild", "country", "kind", "node", "agent"}


@dataclass(frozen=True)
class Change:
    label: str
    before: str
    after: str


@dataclass(frozen=True)
class HistoryLine:
    """One act: when, who (empty: the system), on what, with its changes."""

    at: dt.datetime
    who: str
    act: str
    subject: str
    text: str
    reason: str
    changes: tuple[Change, ...]
    # The thing itself, where the page is not about one thing.
    name: str = ""
    url: str = ""


def agent_history(agent: Agent) -> list[HistoryLine]:
    """History of an agent and of their posts, latest first. The caller has scoped the agent."""
    posts = Post.objects.filter(agent=agent)
    return _lines({Agent: [agent.pk], Post: list(posts.values_list("pk", flat=True))})


def structure_history(node: OrgNode) -> list[HistoryLine]:
    """History of a node, of its situations and of its codes, latest first."""
    periods = OrgNodePeriod.objects.filter(node=node)
    codes = OrgNodeCode.objects.filter(node=node)
    return _lines(
        {
            OrgNode: [node.pk],
            OrgNodePeriod: list(periods.values_list("pk", flat=True)),
            OrgNodeCode: list(codes.values_list("pk", flat=True)),
        }
    )


def _lines(subjects: dict[type[Model], list[int]]) -> list[HistoryLine]:
    kinds = {ContentType.objects.get_for_model(model): model for model in subjects}
    wanted = Q(pk__in=[])
    for kind, model in kinds.items():
        wanted |= Q(content_type=kind, object_id__in=subjects[model])
    entries = list(
        LogEntry.objects.filter(wanted).select_related("actor").order_by("-timestamp", "-pk")[:500]
    )
    models = {kind.pk: model for kind, model in kinds.items()}
    names = names_of_linked(entries, models)
    return [line_of(entry, models[entry.content_type_id], names) for entry in entries]


def line_of(
    entry: LogEntry,
    model: type[Model],
    names: dict[tuple[str, str], str],
    *,
    subject: str = "",
    name: str = "",
    url: str = "",
) -> HistoryLine:
    """One stored entry as people read it; ``names`` are those of ``names_of_linked``."""
    extra = entry.additional_data or {}
    # Entries written long ago may tell of what is no field (any more).
    known = {field.name for field in model._meta.concrete_fields}
    changes = [
        Change(
            LABELS.get(name, name),
            _shown(model, name, before, names),
            _shown(model, name, after, names),
        )
        for name, before, after in _pairs(entry)
        if name in known
    ]
    return HistoryLine(
        at=entry.timestamp,
        who=str(entry.actor) if entry.actor else "",
        act=_ACTS.get(entry.action, "consultation"),
        subject=subject or _SUBJECTS.get(model, ""),
        text=str(extra.get("text", "")),
        reason=str(extra.get("reason", "")),
        changes=tuple(c for c in changes if c.before != c.after),
        name=name,
        url=url,
    )


def _pairs(entry: LogEntry) -> Iterable[tuple[str, str, str]]:
    for name, values in (entry.changes or {}).items():
        if name not in _SILENT and isinstance(values, list) and len(values) == 2:
            yield name, str(values[0]), str(values[1])


def names_of_linked(
    entries: list[LogEntry], models: dict[int, type[Model]]
) -> dict[tuple[str, str], str]:
    """Names of what foreign keys point at: one query for each kind of thing."""
    wanted: dict[type[Model], set[int]] = {}
    for entry in entries:
        for name, *values in _pairs(entry):
            field = _field(models[entry.content_type_id], name)
            if isinstance(field, ForeignKey):
                keys = wanted.setdefault(field.related_model, set())
                keys.update(int(value) for value in values if value.isdigit())
    return {
        (model._meta.label, str(row.pk)): str(row)
        for model, keys in wanted.items()
        for row in model._default_manager.filter(pk__in=keys)
    }


def _field(model: type[Model], name: str) -> Any:
    return next((f for f in model._meta.get_fields() if f.name == name), None)


def _shown(model: type[Model], name: str, value: str, names: dict[tuple[str, str], str]) -> str:
    if value in ("None", ""):
        return ""
    if value in ("True", "False"):
        return "oui" if value == "True" else "non"
    field = _field(model, name)
    if isinstance(field, ForeignKey):
        return names.get((field.related_model._meta.label, value), value)
    if isinstance(field, Field) and field.choices:
        return str(dict(field.flatchoices).get(value, value))
    return _day(value)


def _day(value: str) -> str:
    if value == "1900-01-01":  # services.registry_structures.ALWAYS
        return "toujours"
    try:
        return dt.date.fromisoformat(value[:10]).strftime("%d/%m/%Y")
    except ValueError:
        return value
