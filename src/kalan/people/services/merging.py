"""Merge two agents or two structures; everything follows; can be undone.

Every foreign key that points at the absorbed row, in whatever room, is re-pointed at the kept row.
A row that cannot be (a unique constraint would be broken: the kept one has it already) is taken
out and kept in the merge's record, so that undoing brings it back.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any, cast

from django.core import serializers
from django.db import IntegrityError, models, transaction

from kalan.base.errors import Refused
from kalan.base.text import fold
from kalan.people import subjects
from kalan.people.actor import Actor
from kalan.people.models import (
    Account,
    Agent,
    DuplicatePair,
    Merge,
    OrgNode,
    Post,
)
from kalan.people.selectors import merging as selectors
from kalan.people.services.history import acting, note

AGENT_FIELDS = (
    "last_name",
    "first_names",
    "sex",
    "matricule",
    "birth_year",
    "phone",
    "email",
    "cadre_id",
)
NODE_FIELDS = ("name", "type_id", "sector", "latitude", "longitude", "connectivity", "opened_on")

# Re-pointed by rules of their own, or facts about the row itself.
_AGENT_EXCEPT = {"absorbed", "account", "posts", "registrations", "trainings_led"}
_NODE_EXCEPT = {"absorbed", "periods"}


def merge_agents(
    *,
    actor: Actor,
    now: dt.datetime,
    kept: Agent,
    absorbed: Agent,
    reason: str,
    take: frozenset[str] = frozenset(),
) -> Merge:
    """Make ``absorbed`` part of ``kept``; ``take`` names the fields taken from ``absorbed``.

    Raises Refused when the two are one row, when one is out of reach, or when a room finds that
    the two cannot be one person (trainer and trainee of one session).
    """
    _check_reason(reason)
    with transaction.atomic(), acting(actor, reason=reason):
        rows = _locked(selectors.agents_mergeable_by(actor, today=now.date()), kept, absorbed)
        kept, absorbed = rows
        moved: dict[str, Any] = {"fields": _values(kept, absorbed, AGENT_FIELDS)}
        moved["parts"] = {
            part.name: part.merge_agents(kept_id=kept.pk, absorbed_id=absorbed.pk, now=now)
            for part in subjects.parts()
        }
        moved["posts"] = _move_posts(kept, absorbed)
        moved["account"] = _move_account(kept, absorbed)
        moved["rows"] = _repoint(kept, absorbed, _AGENT_EXCEPT)
        moved["status"] = absorbed.status
        _take_fields(kept, absorbed, take & set(AGENT_FIELDS))
        absorbed.status = Agent.Status.MERGED
        absorbed.merged_into = kept
        absorbed.matricule = None
        absorbed.save(update_fields=["status", "merged_into", "matricule"])
        kept.search = fold(f"{kept.last_name} {kept.first_names}")
        kept.save()
        return _record("agent", kept, absorbed, reason, moved, actor, now)


def merge_structures(
    *,
    actor: Actor,
    now: dt.datetime,
    kept: OrgNode,
    absorbed: OrgNode,
    reason: str,
    take: frozenset[str] = frozenset(),
) -> Merge:
    """Make structure ``absorbed`` part of ``kept``; see ``merge_agents``."""
    _check_reason(reason)
    with transaction.atomic(), acting(actor, reason=reason):
        rows = _locked(selectors.structures_mergeable_by(actor), kept, absorbed)
        kept, absorbed = rows
        if absorbed.numchild:
            raise Refused(
                f"« {absorbed.name} » contient d’autres structures.",
                remedy="Rattachez-les d’abord ailleurs, puis fusionnez.",
            )
        moved: dict[str, Any] = {"fields": _values(kept, absorbed, NODE_FIELDS)}
        moved["rows"] = _repoint(kept, absorbed, _NODE_EXCEPT)
        _take_fields(kept, absorbed, take & set(NODE_FIELDS))
        absorbed.merged_into = kept
        absorbed.save(update_fields=["merged_into"])
        kept.search = fold(kept.name)
        kept.save()
        return _record("structure", kept, absorbed, reason, moved, actor, now)


def undo(*, actor: Actor, now: dt.datetime, merge: Merge, reason: str = "") -> Merge:
    """Take a merge back: rows that moved return, fields get their former values."""
    with transaction.atomic(), acting(actor, reason=reason):
        merge = selectors.merges_visible_to(actor).select_for_update().get(pk=merge.pk)
        if merge.undone_at is not None:
            return merge
        if merge.moved.get("erased"):
            raise Refused("Cette fusion ne peut plus être annulée : la personne a été anonymisée.")
        model: type[Agent] | type[OrgNode] = Agent if merge.kind == "agent" else OrgNode
        kept = model._default_manager.get(pk=merge.kept_id)
        absorbed = model._default_manager.get(pk=merge.absorbed_id)
        _undo_rows(kept, absorbed, merge.moved["rows"])
        if isinstance(absorbed, Agent) and isinstance(kept, Agent):
            _undo_agent(kept, absorbed, merge.moved, now)
        absorbed.merged_into = None
        _restore_fields(kept, absorbed, merge.moved["fields"])
        merge.undone_at, merge.undone_by = now, actor.account
        merge.save(update_fields=["undone_at", "undone_by"])
        _pair(merge).update(state=DuplicatePair.State.OPEN, decided_at=None, decided_by=None)
        _recount(merge.kind, kept.pk, absorbed.pk, now)
        note(actor=actor, subject=kept, text="fusion annulée", reason=reason)
        return merge


def set_distinct(*, actor: Actor, now: dt.datetime, pair: DuplicatePair) -> None:
    """Say that two rows are not the same: the pair is not proposed again."""
    pair = selectors.pairs_visible_to(actor, pair.kind, today=now.date()).get(pk=pair.pk)
    pair.state, pair.decided_at, pair.decided_by = DuplicatePair.State.DISTINCT, now, actor.account
    pair.save(update_fields=["state", "decided_at", "decided_by"])


def _check_reason(reason: str) -> None:
    if len(reason.strip()) < 5:
        raise Refused(
            "Le motif manque.",
            field="reason",
            remedy="Écrivez pourquoi il s’agit du même enregistrement.",
        )


def _locked(visible: models.QuerySet[Any], kept: Any, absorbed: Any) -> tuple[Any, Any]:
    if kept.pk == absorbed.pk:
        raise Refused("Choisissez deux fiches différentes.")
    # Two plain reads under a lock each: a locked DISTINCT or EXISTS query is refused by PostgreSQL.
    allowed = set(visible.filter(pk__in=[kept.pk, absorbed.pk]).values_list("pk", flat=True))
    if allowed != {kept.pk, absorbed.pk}:
        raise Refused(
            "Une des deux fiches n’est pas dans votre territoire, ou a déjà été fusionnée.",
            remedy="Demandez au niveau supérieur de fusionner.",
        )
    rows = {
        row.pk: row
        for row in type(kept)._default_manager.select_for_update().filter(pk__in=allowed)
    }
    return rows[kept.pk], rows[absorbed.pk]


def _values(kept: models.Model, absorbed: models.Model, names: tuple[str, ...]) -> dict[str, Any]:
    def read(row: models.Model) -> dict[str, Any]:
        values = {name: getattr(row, name) for name in names}
        return {k: v.isoformat() if isinstance(v, dt.date) else v for k, v in values.items()}

    return {"kept": read(kept), "absorbed": read(absorbed)}


def _take_fields(kept: models.Model, absorbed: models.Model, names: frozenset[str]) -> None:
    if "matricule" in names:
        # The unique constraint allows one holder at a time.
        type(absorbed)._default_manager.filter(pk=absorbed.pk).update(matricule=None)
    for name in names:
        setattr(kept, name, getattr(absorbed, name))


def _restore_fields(kept: models.Model, absorbed: models.Model, values: dict[str, Any]) -> None:
    if "matricule" in values["kept"]:
        type(kept)._default_manager.filter(pk__in=[kept.pk, absorbed.pk]).update(matricule=None)
    for row, which in ((kept, "kept"), (absorbed, "absorbed")):
        for name, value in values[which].items():
            field = cast("models.Field[Any, Any]", row._meta.get_field(name.removesuffix("_id")))
            setattr(row, name, field.to_python(value))
        if isinstance(row, Agent):
            row.search = fold(f"{row.last_name} {row.first_names}")
        elif isinstance(row, OrgNode):
            row.search = fold(row.name)
        row.save()


def _move_posts(kept: Agent, absorbed: Agent) -> list[list[Any]]:
    """Move posts; one that overlaps a main post of the kept agent becomes secondary."""
    mine = list(Post.objects.filter(agent=kept).order_by("pk"))
    moved: list[list[Any]] = []
    for post in Post.objects.filter(agent=absorbed).order_by("pk"):
        twins = [p for p in mine if p.structure_id == post.structure_id and _overlap(p, post)]
        if twins:
            continue  # the same post, known twice: it stays on the absorbed row
        moved.append([post.pk, post.is_main])
        clash = any(p.is_main and _overlap(p, post) for p in mine)
        post.is_main = post.is_main and not clash
        post.agent = kept
        post.save(update_fields=["is_main", "agent"])
    return moved


def _overlap(one: Post, other: Post) -> bool:
    far = dt.date.max
    return one.start <= (other.end or far) and other.start <= (one.end or far)


def _move_account(kept: Agent, absorbed: Agent) -> dict[str, Any]:
    account = Account.objects.filter(agent=absorbed).first()
    if account is None:
        return {}
    if Account.objects.filter(agent=kept).exists():
        # Two ways in for one person: the second is closed; its history stays.
        was_active, account.is_active = account.is_active, False
        account.save(update_fields=["is_active"])
        return {"closed": account.pk, "was_active": was_active}
    account.agent = kept
    account.save(update_fields=["agent"])
    return {"moved": account.pk}


def _relations(row: models.Model, but: set[str]) -> list[models.ManyToOneRel]:
    """Foreign keys to the row's model, hidden ones (related_name="+") included."""
    return [
        relation
        for relation in row._meta.get_fields(include_hidden=True)
        if isinstance(relation, models.ManyToOneRel) and relation.get_accessor_name() not in but
    ]


def _repoint(kept: models.Model, absorbed: models.Model, but: set[str]) -> dict[str, Any]:
    """Re-point every other foreign key; return {"moved": {"app.model.field": [pk]}, "dropped"}."""
    moved: dict[str, list[int]] = {}
    dropped: list[Any] = []
    for relation in _relations(absorbed, but):
        model, field = relation.related_model, relation.field
        key = f"{model._meta.label_lower}.{field.name}"
        for row in model._base_manager.filter(**{field.name: absorbed.pk}).order_by("pk"):
            try:
                with transaction.atomic():
                    model._base_manager.filter(pk=row.pk).update(**{field.name: kept.pk})
                moved.setdefault(key, []).append(row.pk)
            except IntegrityError:
                dropped.append(json.loads(serializers.serialize("json", [row]))[0])
                row.delete()
    return {"moved": moved, "dropped": dropped}


def _undo_rows(kept: models.Model, absorbed: models.Model, rows: dict[str, Any]) -> None:
    for relation in _relations(absorbed, set()):
        key = f"{relation.related_model._meta.label_lower}.{relation.field.name}"
        relation.related_model._base_manager.filter(
            pk__in=rows["moved"].get(key, []), **{relation.field.name: kept.pk}
        ).update(**{relation.field.name: absorbed.pk})
    for restored in serializers.deserialize("json", json.dumps(rows["dropped"])):
        restored.save()


def _undo_agent(kept: Agent, absorbed: Agent, moved: dict[str, Any], now: dt.datetime) -> None:
    for pk, was_main in moved["posts"]:
        Post.objects.filter(pk=pk, agent=kept).update(agent=absorbed, is_main=was_main)
    account = moved["account"]
    if "moved" in account:
        Account.objects.filter(pk=account["moved"], agent=kept).update(agent=absorbed)
    if "closed" in account:
        Account.objects.filter(pk=account["closed"]).update(is_active=account["was_active"])
    absorbed.status = moved["status"]
    for part in reversed(subjects.parts()):
        part.undo_merge_agents(
            kept_id=kept.pk, absorbed_id=absorbed.pk, moved=moved["parts"][part.name], now=now
        )


def _record(
    kind: str,
    kept: Agent | OrgNode,
    absorbed: Agent | OrgNode,
    reason: str,
    moved: dict[str, Any],
    actor: Actor,
    now: dt.datetime,
) -> Merge:
    merge = Merge.objects.create(
        kind=kind,
        kept_id=kept.pk,
        absorbed_id=absorbed.pk,
        reason=reason.strip(),
        moved=moved,
        merged_by=actor.account,
        merged_at=now,
    )
    _pair(merge).update(state=DuplicatePair.State.MERGED, decided_at=now, decided_by=actor.account)
    _recount(kind, kept.pk, absorbed.pk, now)
    note(actor=actor, subject=kept, text=f"fusion avec « {absorbed} »", reason=reason)
    return merge


def _pair(merge: Merge) -> models.QuerySet[DuplicatePair]:
    first, second = sorted((merge.kept_id, merge.absorbed_id))
    return DuplicatePair.objects.filter(kind=merge.kind, first_id=first, second_id=second)


def _recount(kind: str, kept_id: int, absorbed_id: int, now: dt.datetime) -> None:
    ids = [kept_id, absorbed_id]
    for part in subjects.parts():
        part.after_move(
            agent_ids=ids if kind == "agent" else [],
            node_ids=ids if kind == "structure" else [],
            now=now,
        )
