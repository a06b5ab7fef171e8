"""``kalan check``: what is wrong with the settings, the database or the tree, in sentences."""

from __future__ import annotations

import datetime as dt

from django.core import checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from kalan.base import clock
from kalan.people.models import OrgNode, OrgNodePeriod


def problems(*, today: dt.date) -> list[str]:
    """Return one sentence per problem; an empty list means that all is in order."""
    found = [f"{message.id} : {message.msg}" for message in checks.run_checks()]
    try:
        waiting = _waiting_migrations()
    except DatabaseError as error:
        return [*found, f"La base ne répond pas : {error}"]
    if waiting:
        names = f"{waiting[0]} et la suite" if len(waiting) > 1 else waiting[0]
        remedy = "Lancez script/manage migrate."
        return [*found, f"Migrations à appliquer : {len(waiting)} ({names}). {remedy}"]
    return found + _tree_problems() + _parents_that_differ(today) + _key_problems()


def _waiting_migrations() -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _key_problems() -> list[str]:
    from kalan.credentials.services import keys  # only here: most commands have no use for it

    return keys.problems(now=clock.now())


def _tree_problems() -> list[str]:
    """What treebeard finds wrong with paths, depths and child counts."""
    kinds = (
        "caractères interdits dans le chemin",
        "chemin d’une longueur impossible",
        "nœuds sans parent",
        "profondeur fausse",
        "nombre d’enfants faux",
    )
    return [
        f"Arbre : {kind} ({len(keys)} nœuds : {', '.join(map(str, keys[:10]))})."
        for kind, keys in zip(kinds, OrgNode.find_problems(), strict=True)
        if keys
    ]


def _parents_that_differ(today: dt.date) -> list[str]:
    """Nodes whose period of today names another parent than the tree does."""
    found = []
    current = (
        OrgNodePeriod.objects.filter(start__lte=today, node__merged_into__isnull=True)
        .exclude(end__lte=today)
        .select_related("node", "parent")
        .order_by("node__path")
    )
    for period in current.iterator():
        above = period.node.path[: -OrgNode.steplen]
        said = period.parent.path if period.parent else ""
        if said and above != said:
            found.append(
                f"Arbre : « {period.node.name} » est rangé ailleurs que sous « "
                f"{period.parent} », son parent depuis le {period.start:%d/%m/%Y}."
            )
    return found
