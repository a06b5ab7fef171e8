"""Structures of a list that was judged, stored: new ones in bulk, changed ones by the service."""

from __future__ import annotations

import datetime as dt
from typing import Any

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import F
from django.utils import timezone

from kalan.base.errors import Refused
from kalan.base.models import ImportRow, ImportRun
from kalan.base.text import fold
from kalan.people.actor import SYSTEM, Actor, path_range
from kalan.people.models import OrgNode, OrgNodeCode, OrgNodePeriod, StructureType
from kalan.people.selectors.core import actor_for
from kalan.people.services.registry_structures import ALWAYS, add_code, change_structure


def _stale(rows: list[ImportRow]) -> None:
    ImportRow.objects.filter(pk__in=[row.pk for row in rows]).update(action=ImportRow.Action.STALE)


def create(run: ImportRun, now: dt.datetime) -> None:
    """New nodes in bulk, with paths computed under each parent (3 935 nodes: 0.1 s)."""
    rows = list(run.rows.filter(action="create").order_by("number"))
    if not rows:
        return
    parents = OrgNode.objects.select_for_update().in_bulk({row.plan["parent"] for row in rows})
    codes = {tuple(row.plan["code"]) for row in rows if row.plan["code"]}
    taken = set(
        OrgNodeCode.objects.filter(value__in=[value for _, value in codes]).values_list(
            "system", "value"
        )
    )
    names = {
        (path[: -OrgNode.steplen], name)
        for parent in parents.values()
        for path, name in OrgNode.objects.get_children(parent)
        .filter(merged_into=None, closed_on=None)
        .values_list("path", "name")
    }
    stale: list[ImportRow] = []
    good: list[ImportRow] = []
    for row in rows:
        parent = parents.get(row.plan["parent"])
        gone = (
            parent is None
            or not parent.path.startswith(tuple(run.scope))
            or parent.merged_into_id is not None
            or (parent.path, row.plan["name"]) in names
            or (row.plan["code"] and tuple(row.plan["code"]) in taken)
        )
        (stale if gone else good).append(row)
    _stale(stale)
    _insert(run, good, parents, now)


def _insert(
    run: ImportRun, rows: list[ImportRow], parents: dict[int, OrgNode], now: dt.datetime
) -> None:
    nodes = _nodes(run, rows, parents)
    OrgNode.objects.bulk_create(nodes, batch_size=2000)
    for parent in parents.values():
        added = sum(1 for row in rows if row.plan["parent"] == parent.pk)
        OrgNode.objects.filter(pk=parent.pk).update(numchild=F("numchild") + added)
    _insert_history(list(zip(rows, nodes, strict=True)))
    _note_created(run, nodes, now)


def _nodes(run: ImportRun, rows: list[ImportRow], parents: dict[int, OrgNode]) -> list[OrgNode]:
    """The nodes to be, each with the next free path under its parent."""
    last: dict[int, str | None] = {}
    nodes: list[OrgNode] = []
    for row in rows:
        plan, parent = row.plan, parents[row.plan["parent"]]
        if parent.pk not in last:
            child = OrgNode.objects.get_children(parent).order_by("path").last()
            last[parent.pk] = child.path if child else None
        before = last[parent.pk]
        path = path_range(before)[1] if before else f"{parent.path}{1:0{OrgNode.steplen}d}"
        last[parent.pk] = path
        nodes.append(
            OrgNode(
                uid=row.uid,
                path=path,
                depth=parent.depth + 1,
                numchild=0,
                country=run.country,
                kind=plan["kind"],
                name=plan["name"],
                search=fold(plan["name"]),
                type_id=plan["type"],
                sector=plan["sector"],
                latitude=plan["latitude"],
                longitude=plan["longitude"],
                connectivity=plan["connectivity"],
                opened_on=plan["opened_on"],
            )
        )
    return nodes


def _insert_history(pairs: list[tuple[ImportRow, OrgNode]]) -> None:
    """First period and code of each new structure."""
    OrgNodePeriod.objects.bulk_create(
        [
            OrgNodePeriod(
                node=node,
                start=row.plan["opened_on"] or ALWAYS,
                parent_id=row.plan["parent"],
                type_id=row.plan["type"],
                sector=row.plan["sector"],
            )
            for row, node in pairs
        ],
        batch_size=2000,
    )
    OrgNodeCode.objects.bulk_create(
        OrgNodeCode(node=node, system=row.plan["code"][0], value=row.plan["code"][1])
        for row, node in pairs
        if row.plan["code"]
    )


def _note_created(run: ImportRun, nodes: list[OrgNode], now: dt.datetime) -> None:
    """Bulk writes are not heard by the change history: its entries are written here."""
    content_type = ContentType.objects.get_for_model(OrgNode)
    LogEntry.objects.bulk_create(
        [
            LogEntry(
                content_type=content_type,
                object_pk=str(node.pk),
                object_id=node.pk,
                object_repr=node.name,
                action=LogEntry.Action.CREATE,
                changes={"name": ["None", node.name]},
                actor_id=run.applied_by_id,
                timestamp=now,
                additional_data={"text": "import", "import": str(run.uid)},
            )
            for node in nodes
        ],
        batch_size=2000,
    )


def update(run: ImportRun, now: dt.datetime) -> None:
    """Changed structures are few: the service that people use splits their periods."""
    actor = _actor(run, now)
    for row in run.rows.filter(action="update").order_by("number"):
        node = OrgNode.objects.filter(pk=row.target_id, merged_into=None).first()
        changes = dict(row.plan["changes"])
        held = node is not None and all(
            _present(node, name) == value for name, value in row.plan["before"].items()
        )
        if node is None or not held or not node.path.startswith(tuple(run.scope)):
            _stale([row])
            continue
        if changes.get("type"):
            changes["type"] = StructureType.objects.get(pk=changes["type"])
        if changes.get("parent"):
            changes["parent"] = OrgNode.objects.get(pk=changes["parent"])
        if changes.get("opened_on"):
            changes["opened_on"] = dt.date.fromisoformat(changes["opened_on"])
        day = row.plan["effective_on"]
        try:
            change_structure(
                actor=actor,
                now=now,
                node=node,
                effective_on=dt.date.fromisoformat(day) if day else None,
                reason=f"import {run.uid}",
                **changes,
            )
            if row.plan["code"]:
                system, value = row.plan["code"]
                add_code(actor=actor, now=now, node=node, system=system, value=value)
        except Refused as refused:
            row.detail["note"] = str(refused)
            row.action = ImportRow.Action.STALE
            row.save(update_fields=["detail", "action"])


def _present(node: OrgNode, name: str) -> Any:
    if name == "parent":
        parent = OrgNode.objects.get_parent(node)
        return parent.pk if parent else None
    if name == "type":
        return node.type_id
    value = getattr(node, name)
    return value.isoformat() if isinstance(value, dt.date) else value


def _actor(run: ImportRun, now: dt.datetime) -> Actor:
    if run.applied_by is None:
        return SYSTEM
    return actor_for(run.applied_by, today=timezone.localdate(now))
