"""Staged staff rows into agents, posts and history: a handful of set-based statements.

INSERT … SELECT over the staged JSON: 100 000 agents through objects would hold SQLite's only
write lock for half a minute; this holds it for two or three seconds. Every statement reads the
plan of the row (final values, and those found at check time) and writes nothing else.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Count

from kalan.base.imports.sql import json_at, json_object, same
from kalan.base.models import ImportRow, ImportRun
from kalan.people import subjects
from kalan.people.actor import path_range
from kalan.people.models import Agent

_TEXTS = ("matricule", "last_name", "first_names", "sex", "phone", "email")


def merge(run: ImportRun, *, now: dt.datetime) -> None:
    """Write the rows whose action is create or update; those that no longer hold become stale."""
    at = connection.ops.adapt_datetimefield_value(now)
    _mark_stale(run)
    _create(run, at)
    _update(run)
    _log(run, at)
    _recount(run, now)


def _run(statement: str, parameters: list[Any]) -> None:
    # Only column names and JSON paths written in this file are put into the text.
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def _j(path: str, kind: Any = "text") -> str:
    return json_at("r.plan", path, kind)


# --- what no longer holds --------------------------------------------------------------------


def _mark_stale(run: ImportRun) -> None:
    """Leave out the rows that no longer hold: what they compared with has changed since."""
    outside = "NOT " + _inside(run, "n.path")
    _mark_stale_creations(run, outside)
    _mark_stale_updates(run, outside)
    _mark_twice_decided(run)


def _mark_stale_creations(run: ImportRun, outside: str) -> None:
    """New agents whose matricule or name came in meanwhile, or whose structure is gone."""
    checked = connection.ops.adapt_datetimefield_value(run.checked_at or run.created_at)
    place = _j("post.structure", "int")
    _run(
        f"""
        UPDATE base_importrow AS r SET action = 'stale'
        WHERE r.run_id = %s AND r.action = 'create' AND (
          EXISTS (SELECT 1 FROM people_agent a
                  WHERE a.country = %s AND a.matricule = {_j("agent.matricule")})
          OR ({_j("agent.matricule")} IS NULL AND EXISTS (
                SELECT 1 FROM people_agent a WHERE a.search = {_j("agent.search")}
                AND a.country = %s AND a.created_at > %s AND a.status IN ('active', 'left')))
          OR NOT EXISTS (SELECT 1 FROM people_orgnode n WHERE n.id = {place})
          OR EXISTS (SELECT 1 FROM people_orgnode n
                     WHERE n.id = {place} AND (n.merged_into_id IS NOT NULL OR {outside})))
        """,  # noqa: S608 - see _run
        [run.pk, run.country, run.country, checked],
    )


def _mark_stale_updates(run: ImportRun, outside: str) -> None:
    """Changes to agents or posts that are no longer as the check saw them."""
    agent_same = " AND ".join(
        [same(f"a.{name}", _j(f"before.{name}")) for name in (*_TEXTS, "status")]
        + [
            same("a.birth_year", _j("before.birth_year", "int")),
            same("a.cadre_id", _j("before.cadre", "int")),
        ]
    )
    open_post = (
        '(SELECT p.id FROM people_post p WHERE p.agent_id = a.id AND p.is_main AND p."end" IS NULL)'
    )
    post_same = " AND ".join(
        [same(f"p.{name}", _j(f"post_before.{name}")) for name in ("title", "employer", "status")]
        + [
            same("p.cadre_id", _j("post_before.cadre", "int")),
            same("p.start", _j("post_before.start", "date")),
        ]
    )
    place = _j("new_post.structure", "int")
    _run(
        f"""
        UPDATE base_importrow AS r SET action = 'stale'
        WHERE r.run_id = %s AND r.action = 'update' AND (
          NOT EXISTS (SELECT 1 FROM people_agent a WHERE a.id = r.target_id AND {agent_same}
                      AND {same(open_post, _j("open_post", "int"))})
          OR ({_j("post.id", "int")} IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM people_post p WHERE p.id = {_j("post.id", "int")} AND {post_same}))
          OR EXISTS (SELECT 1 FROM people_orgnode n
                     WHERE n.id = {place} AND (n.merged_into_id IS NOT NULL OR {outside}))
          OR EXISTS (SELECT 1 FROM people_agent a WHERE a.country = %s AND a.id <> r.target_id
                     AND a.matricule = {_j("agent.matricule")}))
        """,  # noqa: S608
        [run.pk, run.country],
    )


def _mark_twice_decided(run: ImportRun) -> None:
    # Two rows decided to be one agent: the first in the file is written.
    updates = run.rows.filter(action=ImportRow.Action.UPDATE)
    twice = updates.values("target_id").annotate(n=Count("pk")).filter(n__gt=1)
    for target in list(twice.values_list("target_id", flat=True)):
        first = updates.filter(target_id=target).order_by("number").first()
        assert first is not None
        updates.filter(target_id=target).exclude(pk=first.pk).update(action=ImportRow.Action.STALE)


def _inside(run: ImportRun, path: str) -> str:
    """SQL: the tree path is inside the run's scope. Paths are 0-9A-Z only, made by the tree."""
    if "" in run.scope:
        return "(1 = 1)"
    ranges = [path_range(mine) for mine in run.scope if mine.isalnum()]
    return "(" + " OR ".join(
        [f"({path} >= '{low}' AND {path} < '{high}')" for low, high in ranges] or ["1 = 0"]
    ) + ")"  # fmt: skip


# --- writes ----------------------------------------------------------------------------------


def _create(run: ImportRun, at: Any) -> None:
    texts = ", ".join(_j(f"agent.{name}") for name in (*_TEXTS, "search"))
    _run(
        f"""
        INSERT INTO people_agent (uid, country, {", ".join(_TEXTS)}, search, birth_year, cadre_id,
                                  status, to_reconcile, origin, created_at)
        SELECT r.uid, %s, {texts}, {_j("agent.birth_year", "int")}, {_j("agent.cadre", "int")},
               'active', FALSE, 'import', %s
        FROM base_importrow r WHERE r.run_id = %s AND r.action = 'create' ORDER BY r.number
        """,  # noqa: S608
        [run.country, at, run.pk],
    )
    _insert_posts(run, "post", "create", "a.uid = r.uid")


def _insert_posts(run: ImportRun, at: str, action: str, join: str) -> None:
    texts = ", ".join(_j(f"{at}.{name}") for name in ("title", "employer", "status"))
    _run(
        f"""
        INSERT INTO people_post (uid, agent_id, structure_id, cadre_id, title, employer, status,
                                 is_main, start)
        SELECT r.uid, a.id, {_j(f"{at}.structure", "int")}, {_j(f"{at}.cadre", "int")}, {texts},
               TRUE, {_j(f"{at}.start", "date")}
        FROM base_importrow r JOIN people_agent a ON {join}
        WHERE r.run_id = %s AND r.action = %s AND {_j(f"{at}.structure", "int")} IS NOT NULL
        ORDER BY r.number
        """,  # noqa: S608
        [run.pk, action],
    )


def _update(run: ImportRun) -> None:
    texts = ", ".join(f"{name} = {_j(f'agent.{name}')}" for name in (*_TEXTS, "search", "status"))
    _run(
        f"""
        UPDATE people_agent SET {texts}, birth_year = {_j("agent.birth_year", "int")},
               cadre_id = {_j("agent.cadre", "int")}
        FROM base_importrow AS r
        WHERE r.run_id = %s AND r.action = 'update' AND people_agent.id = r.target_id
        """,  # noqa: S608
        [run.pk],
    )
    texts = ", ".join(f"{name} = {_j(f'post.{name}')}" for name in ("title", "employer", "status"))
    _run(
        f"""
        UPDATE people_post SET {texts}, cadre_id = {_j("post.cadre", "int")},
               start = {_j("post.start", "date")}
        FROM base_importrow AS r
        WHERE r.run_id = %s AND r.action = 'update' AND people_post.id = {_j("post.id", "int")}
        """,  # noqa: S608
        [run.pk],
    )
    _run(
        f"""
        UPDATE people_post SET "end" = {_j("close_on", "date")}
        FROM base_importrow AS r
        WHERE r.run_id = %s AND r.action = 'update' AND {_j("close_on")} IS NOT NULL
          AND people_post.id = {_j("open_post", "int")}
        """,  # noqa: S608
        [run.pk],
    )
    _insert_posts(run, "new_post", "update", "a.id = r.target_id")


def _log(run: ImportRun, at: Any) -> None:
    """One history entry for each agent created or changed: who, when, what, by which import."""
    content_type = ContentType.objects.get_for_model(Agent).pk
    source = '{"text": "import", "import": "' + str(run.uid) + '"}'
    json = "%s::jsonb" if connection.vendor == "postgresql" else "%s"
    for action, join, code in (
        ("create", "a.uid = r.uid", LogEntry.Action.CREATE),
        ("update", "a.id = r.target_id", LogEntry.Action.UPDATE),
    ):
        _run(
            f"""
            INSERT INTO auditlog_logentry (content_type_id, object_pk, object_id, object_repr,
              action, changes_text, changes, actor_id, timestamp, additional_data)
            SELECT %s, CAST(a.id AS varchar(20)), a.id, a.first_names || ' ' || a.last_name, %s, '',
              {json_object("r.plan", "log")}, %s, %s, {json}
            FROM base_importrow r JOIN people_agent a ON {join}
            WHERE r.run_id = %s AND r.action = %s ORDER BY r.number
            """,  # noqa: S608
            [content_type, code, run.applied_by_id, at, source, run.pk, action],
        )


def _recount(run: ImportRun, now: dt.datetime) -> None:
    """Have the rooms above count again the agents that changed (new ones are nowhere yet)."""
    changed = run.rows.filter(action=ImportRow.Action.UPDATE).order_by("target_id")
    ids = [pk for pk in changed.values_list("target_id", flat=True) if pk is not None]
    for begin in range(0, len(ids), 5000):
        for part in subjects.parts():
            part.after_move(agent_ids=ids[begin : begin + 5000], node_ids=[], now=now)
