"""Personal-data duties: requests with deadlines, own data, erasure that keeps counts, retention.

Senegal: law 2008-12; Mali: law 2013-015; France: GDPR, articles 15 to 17 and 30.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q

from kalan.base.errors import Refused
from kalan.base.models import ImportRow, ImportRun, Message, StoredFile
from kalan.people import subjects
from kalan.people.actor import SYSTEM, Actor
from kalan.people.models import (
    Account,
    ActivationSlip,
    Agent,
    DataRequest,
    DuplicatePair,
    Merge,
    Post,
    ProcessingActivity,
    SignInEvent,
)
from kalan.people.policy import CAPABILITIES
from kalan.people.selectors import privacy as selectors
from kalan.people.services.accounts_events import LABELS
from kalan.people.services.accounts_sessions import end_sessions
from kalan.people.services.history import note

# GDPR article 12 §3: one month; the laws of Senegal and Mali name no shorter one.
ANSWER_WITHIN = dt.timedelta(days=30)

Rows = list[dict[str, Any]]


def person_ref(agent: Agent) -> str:
    """How messages name the person they concern."""
    return f"people.agent:{agent.uid}"


def open_request(*, actor: Actor, now: dt.datetime, kind: str, text: str = "") -> DataRequest:
    """Note a request of the signed-in person about their own data; one open request per kind."""
    if actor.account is None:
        raise Refused("Connectez-vous pour faire une demande.")
    request, _ = DataRequest.objects.get_or_create(
        account=actor.account,
        kind=kind,
        state=DataRequest.State.OPEN,
        defaults={
            "agent_id": actor.agent_id,
            "text": text.strip(),
            "opened_at": now,
            "due_on": (now + ANSWER_WITHIN).date(),
        },
    )
    return request


def close_request(
    *, actor: Actor, now: dt.datetime, request: DataRequest, granted: bool, outcome: str
) -> DataRequest:
    """Answer a request; a refusal needs its reason."""
    _may_manage(actor)
    if not granted and len(outcome.strip()) < 10:
        raise Refused(
            "Un refus doit être motivé.",
            field="outcome",
            remedy="Écrivez la raison : elle sera communiquée à la personne.",
        )
    with transaction.atomic():
        request = (
            selectors.requests_visible_to(actor).select_for_update(of=("self",)).get(pk=request.pk)
        )
        request.state = DataRequest.State.DONE if granted else DataRequest.State.REFUSED
        request.outcome, request.closed_at, request.closed_by = outcome.strip(), now, actor.account
        request.save()
    return request


def own_data(agent: Agent | None, account: Account | None) -> dict[str, Rows]:
    """Return all that is known about one person: {title of a list: rows}."""
    data: dict[str, Rows] = {}
    if account is not None:
        data["Compte"] = [
            {
                "nom affiché": account.display_name,
                "e-mail": account.email,
                "téléphone": account.phone,
                "créé le": account.created_at,
                "dernière connexion": account.last_login,
            }
        ]
        data["Rôles"] = [
            {"rôle": g.get_role_display(), "lieu": g.node.name, "du": g.start, "au": g.end}
            for g in account.grants.select_related("node").order_by("start", "pk")
        ]
        data["Appareils connectés"] = [
            {"depuis": d.created_at, "appareil": d.user_agent, "adresse": d.address}
            for d in account.devices.order_by("created_at", "pk")
        ]
        data["Journal des accès"] = [
            {"le": e.at, "fait": LABELS.get(e.kind, e.kind), "motif": e.reason}
            for e in SignInEvent.objects.filter(account=account).order_by("at", "pk")
        ]
        if agent is None:
            data.update(subjects.account_data(account.pk))
    if agent is None:
        return data
    data["Fiche d’agent"] = [
        {
            "nom": agent.last_name,
            "prénoms": agent.first_names,
            "sexe": agent.get_sex_display(),
            "matricule": agent.matricule,
            "année de naissance": agent.birth_year,
            "téléphone": agent.phone,
            "e-mail": agent.email,
            "cadre": agent.cadre.title if agent.cadre else "",
        }
    ]
    data["Postes"] = [
        {"structure": p.structure.name, "du": p.start, "au": p.end, "principal": p.is_main}
        for p in Post.objects.filter(agent=agent)
        .select_related("structure")
        .order_by("start", "pk")
    ]
    data["Messages"] = [
        {"date": m.created_at, "par": m.get_channel_display(), "objet": m.subject, "texte": m.body}
        for m in Message.objects.filter(person_ref=person_ref(agent)).order_by("created_at", "pk")
    ]
    for part in subjects.parts():
        data.update(part.own_data(agent.pk))
    return data


def erase_agent(*, actor: Actor, now: dt.datetime, agent: Agent, reason: str) -> dict[str, int]:
    """Anonymise an agent: what identifies goes everywhere, what is counted stays.

    Kept: sex, cadre, posts, registrations and attendance (521 stays 521). Removed: names,
    matricule, birth year, phone, e-mail, account, history entries, staged import rows, import
    files and reports in which the person stands, messages, duplicate pairs, values kept by merges.
    Returns {what: rows cleared}. Cannot be undone.
    """
    _may_manage(actor)
    if len(reason.strip()) < 5:
        raise Refused("Le motif manque.", field="reason", remedy="Indiquez la demande ou la règle.")
    with transaction.atomic():
        agent = selectors.agents_erasable_by(actor).select_for_update(of=("self",)).get(pk=agent.pk)
        family = [agent, *Agent.objects.filter(merged_into=agent).order_by("pk")]
        cleared: dict[str, int] = {}
        for one in family:
            for label, number in _erase_one(one, now).items():
                cleared[label] = cleared.get(label, 0) + number
        note(actor=actor, subject=agent, text="anonymisation", reason=reason)
    return {label: number for label, number in cleared.items() if number}


def _erase_one(agent: Agent, now: dt.datetime) -> dict[str, int]:
    cleared: dict[str, int] = {}
    name = str(agent)
    for part in subjects.parts():
        cleared |= part.erase(agent_id=agent.pk, now=now)
    cleared["lignes et fichiers d’import"] = _erase_imports(agent)
    cleared["messages"] = _erase_messages(agent)
    account = Account.objects.filter(agent=agent).first()
    if account is not None:
        erase_account(account)
        cleared["compte"] = 1
    cleared["doublons proposés"] = DuplicatePair.objects.filter(
        Q(first_id=agent.pk) | Q(second_id=agent.pk), kind="agent"
    ).delete()[0]
    for merge in Merge.objects.filter(
        Q(kept_id=agent.pk) | Q(absorbed_id=agent.pk), kind="agent"
    ).order_by("pk"):
        merge.moved = {"erased": True}
        merge.save(update_fields=["moved"])
    cleared["demandes"] = DataRequest.objects.filter(agent=agent).update(text="")
    agent.last_name, agent.first_names, agent.search = "Anonyme", "Agent", ""
    agent.matricule, agent.birth_year, agent.phone, agent.email = None, None, "", ""
    agent.to_reconcile, agent.erased_at = False, now
    if agent.status != Agent.Status.MERGED:
        agent.status = Agent.Status.ERASED
    # Not save(): the history would note the values that are being erased.
    Agent.objects.filter(pk=agent.pk).update(
        **{
            name: getattr(agent, name)
            for name in (
                *("last_name", "first_names", "search", "matricule", "birth_year"),
                *("phone", "email", "to_reconcile", "erased_at", "status"),
            )
        }
    )
    Post.objects.filter(agent=agent).update(title="")
    cleared["entrées d’historique"] = _erase_history(agent) + _erase_mentions(name)
    return cleared


def erase_account(account: Account) -> None:
    """Close an account and remove what identifies its holder."""
    Authenticator.objects.filter(user=account).delete()
    ActivationSlip.objects.filter(account=account).delete()
    SocialAccount.objects.filter(user=account).delete()
    end_sessions(account=account)
    # What was done stays (the act, its date, by whom); the words may name the person.
    SignInEvent.objects.filter(account=account).update(reason="")
    account.set_unusable_password()
    Account.objects.filter(pk=account.pk).update(
        email=None,
        phone="",
        phone_verified_at=None,
        display_name="Compte anonymisé",
        is_active=False,
        agent=None,
        password=account.password,
    )
    _blank_entries(account)


def _erase_history(agent: Agent) -> int:
    number = _blank_entries(agent)
    for post in Post.objects.filter(agent=agent).order_by("pk"):
        number += _blank_entries(post)
    return number


def _erase_mentions(name: str) -> int:
    """Take the name out of the history of other things: « désignés : Awa NDIAYE, … » of a session.
    Entries stay, and the other names in them."""
    number = 0
    for key in ("text", "reason"):
        rows = LogEntry.objects.filter(**{f"additional_data__{key}__icontains": name})
        for row in rows.iterator(chunk_size=500):
            said = dict(row.additional_data or {})
            said[key] = str(said[key]).replace(name, "(anonymisé)")
            number += LogEntry.objects.filter(pk=row.pk).update(additional_data=said)
    return number


def _blank_entries(row: Agent | Post | Account) -> int:
    number: int = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(row), object_id=row.pk
    ).update(
        changes={},
        changes_text="",
        object_repr="anonymisé",
        serialized_data=None,
        additional_data=None,
    )
    return number


def _erase_imports(agent: Agent) -> int:
    """Clear staged rows about the agent, and the files of the runs in which they stand."""
    rows = ImportRow.objects.filter(selectors.import_rows_about(agent))
    runs = list(ImportRun.objects.filter(pk__in=rows.values("run")).order_by("pk"))
    number = rows.update(raw=[], clean={}, plan={}, detail={}, label="anonymisé")
    for run in runs:
        for stored in (run.file, run.report):
            if stored is not None:
                number += _erase_file(stored)
    return number


def _erase_file(stored: StoredFile) -> int:
    stored.file.delete(save=False)
    StoredFile.objects.filter(pk=stored.pk).update(
        file="", size=0, name="fichier effacé (anonymisation)"
    )
    return 1


def _erase_messages(agent: Agent) -> int:
    return Message.objects.filter(person_ref=person_ref(agent)).update(
        recipient="", subject="", body="", person_ref=""
    )


def set_receipt(
    *, actor: Actor, now: dt.datetime, activity: ProcessingActivity, number: str
) -> None:
    """Note the receipt number that the authority gave for a line of the register."""
    _may_manage(actor)
    activity.receipt_number = number.strip()
    activity.save(update_fields=["receipt_number"])


def apply_retention(*, now: dt.datetime, rules: dict[str, int]) -> dict[str, int]:
    """Apply retention ``rules`` {category: months}; return {category: rows cleared}.

    Categories: "imports" (staged rows and files), "messages" (texts), "access_log", "exports"
    (files made for download), "left_agents" (agents gone: anonymised, still counted).
    """

    def before(months: int) -> dt.datetime:
        return now - dt.timedelta(days=round(months * 30.44))

    done: dict[str, int] = {}
    if months := rules.get("imports"):
        old = ImportRun.objects.filter(created_at__lt=before(months))
        done["imports"] = ImportRow.objects.filter(run__in=old).delete()[0]
        for run in old.select_related("file", "report").order_by("pk"):
            for stored in (run.file, run.report):
                if stored is not None and stored.file:
                    done["imports"] += _erase_file(stored)
    if months := rules.get("messages"):
        done["messages"] = (
            Message.objects.filter(created_at__lt=before(months))
            .exclude(body="")
            .update(recipient="", subject="", body="", person_ref="")
        )
    if months := rules.get("exports"):
        done["exports"] = 0
        for stored in StoredFile.objects.filter(
            kind="export", created_at__lt=before(months), size__gt=0
        ).order_by("pk"):
            done["exports"] += _erase_file(stored)
    if months := rules.get("access_log"):
        done["access_log"] = SignInEvent.objects.filter(at__lt=before(months)).delete()[0]
    if months := rules.get("left_agents"):
        gone = selectors.agents_gone_since(before(months).date())
        for agent in gone:
            erase_agent(actor=SYSTEM, now=now, agent=agent, reason="durée de conservation échue")
        done["left_agents"] = len(gone)
    return done


def _may_manage(actor: Actor) -> None:
    if not actor.can(CAPABILITIES["privacy.manage"]):
        raise Refused("Seul l’administrateur traite les demandes sur les données personnelles.")
