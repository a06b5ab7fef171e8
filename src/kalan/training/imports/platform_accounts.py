"""Accounts of a learning platform from its own export (a Moodle's list of users).

An account is not a person: an agent is proposed by e-mail or by the very same name, and tied only
when somebody says so. Accounts without an agent are kept.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Exists, OuterRef, Q

from kalan.base.imports.registry import Field, Kind, Option, Row, as_text
from kalan.base.imports.values import BadValue, Cell, parse_date, parse_email, text_of
from kalan.base.models import ImportRow, ImportRun
from kalan.base.text import fold
from kalan.people.actor import path_range
from kalan.people.models import Agent, Post
from kalan.training import policy
from kalan.training.models import Platform, PlatformAccount

_NEVER = {"", "0", "-", "jamais", "never"}
_CLOCK = re.compile(r",?\s*\d{1,2}[:h]\d{2}.*$")
_LABELS = {
    "name": "Nom",
    "email": "E-mail",
    "created_on": "Créé le",
    "activated_on": "Première connexion",
    "last_used_on": "Dernière connexion",
}


def as_moment(cell: Cell, country: str) -> dt.date | None:
    """A day, from a date in any form or from seconds since 1970 (as Moodle stores them);
    0 and "jamais" mean never. Seconds are read in UTC."""
    text = text_of(cell)
    if fold(text) in _NEVER:
        return None
    if text.isdigit() and len(text) >= 9:
        try:
            moment = dt.datetime.fromtimestamp(int(text), tz=dt.UTC)
        except (OverflowError, ValueError, OSError):
            raise BadValue(f"« {text} » n’est pas un instant.", "Corrigez la date.") from None
        return parse_date(moment.date())
    return parse_date(_CLOCK.sub("", text) if isinstance(cell, str) else cell)


def as_email(cell: Cell, country: str) -> str:
    return parse_email(cell)


def within(scope: list[str], prefix: str) -> Q:
    """Rows whose node (at lookup ``prefix``) stands inside ``scope``."""
    query = Q(pk__in=[])
    for path in scope:
        if not path:
            return Q()
        low, high = path_range(path)
        query |= Q(**{f"{prefix}path__gte": low, f"{prefix}path__lt": high})
    return query


def platforms(scope: list[str]) -> list[tuple[str, str]]:
    found = Platform.objects.filter(within(scope, "programme__node__")).order_by("name", "pk")
    return [(str(p.pk), p.name) for p in found]


class PlatformAccountsKind(Kind):
    code = "platform-accounts"
    label = "comptes de plateforme"
    description = (
        "L’export des utilisateurs d’un Moodle ou d’une autre plateforme : une ligne par compte. "
        "Un compte sans agent est gardé."
    )
    roles = policy.CAPABILITIES["programmes.edit"]
    create_label = "Garder le compte sans agent"
    use_label = "C’est le compte de :"
    person_fields = ("last_name", "first_names")
    fields = (
        Field("username", "Identifiant", as_text(150),
              ("username", "nom d’utilisateur", "login", "user name"), required=True,
              example="awa.diouf"),
        Field("last_name", "Nom", as_text(100), ("lastname", "last name", "nom de famille")),
        Field("first_names", "Prénom", as_text(100), ("firstname", "first name", "prénoms")),
        Field("email", "E-mail", as_email,
              ("email", "adresse de courriel", "courriel", "adresse e-mail", "email address")),
        Field("created_on", "Créé le", as_moment,
              ("timecreated", "date de création", "created", "inscrit le")),
        Field("activated_on", "Première connexion", as_moment,
              ("firstaccess", "premier accès", "first access", "activé le")),
        Field("last_used_on", "Dernière connexion", as_moment,
              ("lastaccess", "dernier accès", "last access", "lastlogin")),
    )  # fmt: skip
    options = (Option("platform", "Plateforme", "choice", required=True, choices=platforms),)

    def columns_needed(self, mapped: set[str]) -> str:
        return ""

    def checker(self, run: ImportRun) -> PlatformAccountsChecker:
        return PlatformAccountsChecker(run)

    def merge(self, run: ImportRun, *, now: dt.datetime) -> None:
        merge(run, now)


class PlatformAccountsChecker:
    def __init__(self, run: ImportRun) -> None:
        self.run = run
        self.platform = int(run.options["platform"])
        self._seen: dict[str, int] = {}

    def questions(self) -> list[dict[str, Any]]:
        return []

    def check(self, rows: list[Row]) -> None:
        names = [row.values["username"] for row in rows]
        known = {
            account.username: account
            for account in PlatformAccount.objects.filter(
                platform=self.platform, username__in=names
            )
        }
        by_email, by_name = self._agents(rows)
        for row in rows:
            username = row.values["username"]
            row.label = f"{username} · {self._name(row)}".rstrip(" ·")
            first = self._seen.setdefault(username, row.number)
            if first != row.number:
                row.refuse("username", f"Ce compte est déjà à la ligne {first}.",
                           "Gardez une ligne par compte.")  # fmt: skip
                continue
            if account := known.get(username):
                self._against(row, account)
            else:
                self._new(row, by_email, by_name)

    @staticmethod
    def _name(row: Row) -> str:
        parts = (row.values.get("first_names", ""), row.values.get("last_name", ""))
        return " ".join(part for part in parts if part)

    def _values(self, row: Row) -> dict[str, Any]:
        days = ("created_on", "activated_on", "last_used_on")
        return {
            "name": self._name(row),
            "email": row.values.get("email", ""),
            **{d: row.values[d].isoformat() if d in row.values else None for d in days},
        }

    def _agents(self, rows: list[Row]) -> tuple[dict[str, list[Agent]], dict[str, list[Agent]]]:
        """Agents of the territory with one of these addresses, or one of these very names."""
        emails = {row.values["email"] for row in rows if "email" in row.values}
        names = {name for row in rows for name in self._orders(row)}
        here = Post.objects.filter(within(self.run.scope, "structure__"), agent=OuterRef("pk"))
        agents = Agent.objects.filter(
            Q(email__in=sorted(emails)) | Q(search__in=sorted(names)),
            Exists(here),
            status__in=["active", "left"],
        ).order_by("pk")
        by_email: dict[str, list[Agent]] = {}
        by_name: dict[str, list[Agent]] = {}
        for agent in agents:
            if agent.email:
                by_email.setdefault(agent.email.lower(), []).append(agent)
            by_name.setdefault(agent.search, []).append(agent)
        return by_email, by_name

    @staticmethod
    def _orders(row: Row) -> list[str]:
        last, first = row.values.get("last_name", ""), row.values.get("first_names", "")
        return [fold(f"{last} {first}"), fold(f"{first} {last}")] if last and first else []

    def _new(
        self, row: Row, by_email: dict[str, list[Agent]], by_name: dict[str, list[Agent]]
    ) -> None:
        plan = {"account": None, "agent": None, "values": self._values(row)}
        found: dict[int, tuple[Agent, list[str]]] = {}
        for agent in by_email.get(row.values.get("email", "-"), []):
            found.setdefault(agent.pk, (agent, []))[1].append("même adresse")
        for name in dict.fromkeys(self._orders(row)):
            for agent in by_name.get(name, []):
                found.setdefault(agent.pk, (agent, []))[1].append("même nom")
        if not found:
            row.create(plan)
            return
        ranked = sorted(found.values(), key=lambda f: (-len(f[1]), f[1] != ["même adresse"]))
        row.doubt(
            [
                {
                    "id": agent.pk,
                    "label": agent.full_name,
                    "why": why,
                    "changes": [],
                    "plan": plan | {"agent": agent.pk},
                }
                for agent, why in ranked[:5]
            ],
            plan,
        )

    def _against(self, row: Row, account: PlatformAccount) -> None:
        days = ("created_on", "activated_on", "last_used_on")
        stored: dict[str, Any] = {"name": account.name, "email": account.email}
        stored |= {d: v.isoformat() if (v := getattr(account, d)) else None for d in days}
        values = {n: v for n, v in self._values(row).items() if v and v != stored[n]}
        if not values:
            row.same(account.pk)
            return
        changes = [[_LABELS[n], _shown(stored[n]), _shown(v)] for n, v in values.items()]
        before = {name: stored[name] for name in values}
        row.update(account.pk, changes, {"account": account.pk, "values": values, "before": before})


def _shown(value: str | None) -> str:
    if value and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return dt.date.fromisoformat(value).strftime("%d/%m/%Y")
    return value or ""


def merge(run: ImportRun, now: dt.datetime) -> None:
    """Write what was decided; a row whose account or agent has changed since is left for review."""
    platform = Platform.objects.get(pk=int(run.options["platform"]))
    rows = list(run.rows.filter(action__in=["create", "update"]).order_by("number"))
    changed, late = _changed([row for row in rows if row.plan["account"]])
    created, gone = _created(run, platform, [row for row in rows if not row.plan["account"]])
    PlatformAccount.objects.bulk_create(created, batch_size=2000)
    PlatformAccount.objects.bulk_update(changed, list(_LABELS), batch_size=500)
    ImportRow.objects.filter(pk__in=late + gone).update(action=ImportRow.Action.STALE)
    LogEntry.objects.create(
        content_type=ContentType.objects.get_for_model(Platform),
        object_pk=str(platform.pk),
        object_id=platform.pk,
        object_repr=str(platform),
        action=LogEntry.Action.UPDATE,
        changes={"comptes": [str(len(changed)) + " mis à jour", str(len(created)) + " créés"]},
        actor_id=run.applied_by_id,
        timestamp=now,
        additional_data={"text": "import", "import": str(run.uid)},
    )


def _changed(rows: list[ImportRow]) -> tuple[list[PlatformAccount], list[int]]:
    """Accounts with their new values, to be saved; and rows whose account is no longer as seen."""
    known = PlatformAccount.objects.in_bulk([row.plan["account"] for row in rows])
    changed: list[PlatformAccount] = []
    stale: list[int] = []
    for row in rows:
        account = known.get(row.plan["account"])
        before = row.plan["before"].items()
        if account is None or any(_stored(account, name) != value for name, value in before):
            stale.append(row.pk)
            continue
        for name, value in row.plan["values"].items():
            setattr(account, name, value)
        changed.append(account)
    return changed, stale


def _created(
    run: ImportRun, platform: Platform, rows: list[ImportRow]
) -> tuple[list[PlatformAccount], list[int]]:
    """New accounts, to be saved; and rows whose name is taken since, or whose agent is gone."""
    usernames = {row.pk: _username(run, row) for row in rows}
    taken = set(
        PlatformAccount.objects.filter(
            platform=platform, username__in=usernames.values()
        ).values_list("username", flat=True)
    )
    agents = {row.plan["agent"] for row in rows if row.plan.get("agent")}
    alive = set(
        Agent.objects.filter(pk__in=agents, status__in=["active", "left"]).values_list(
            "pk", flat=True
        )
    )
    created: list[PlatformAccount] = []
    stale: list[int] = []
    for row in rows:
        plan = row.plan
        if usernames[row.pk] in taken or (plan["agent"] and plan["agent"] not in alive):
            stale.append(row.pk)
            continue
        created.append(
            PlatformAccount(
                platform=platform,
                username=usernames[row.pk],
                agent_id=plan["agent"],
                **plan["values"],
            )
        )
    return created, stale


def _username(run: ImportRun, row: ImportRow) -> str:
    return str(row.raw[run.mapping["username"]])


def _stored(account: PlatformAccount, name: str) -> Any:
    value = getattr(account, name)
    return value.isoformat() if isinstance(value, dt.date) else value
