"""What training holds about a person: merging, own data, erasure (see people.subjects)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Q

from kalan.base.errors import Refused
from kalan.people.models import Post
from kalan.people.subjects import counts
from kalan.training.models import (
    AttendanceMark,
    HalfDay,
    Observation,
    PlatformAccount,
    Registration,
    SessionSitting,
    SessionTrainer,
)
from kalan.training.services.attendance_presences import derive_presences
from kalan.training.services.dirty import mark_dirty


class TrainingPart:
    """Registrations, attendance, trainings led, platform accounts."""

    name = "training"

    def summary(self, agent_ids: list[int]) -> dict[int, dict[str, int]]:
        lists = {
            "inscriptions": Registration.objects.all(),
            "sessions animées": SessionTrainer.objects.all(),
            "comptes de plateforme": PlatformAccount.objects.all(),
        }
        return counts(agent_ids, lists)

    def merge_agents(self, *, kept_id: int, absorbed_id: int, now: dt.datetime) -> dict[str, Any]:
        _refuse_trainer_and_trainee(kept_id, absorbed_id)
        return {
            "registrations": _move_registrations(kept_id, absorbed_id),
            "trainers": _move_trainers(kept_id, absorbed_id),
        }

    def undo_merge_agents(
        self, *, kept_id: int, absorbed_id: int, moved: Mapping[str, Any], now: dt.datetime
    ) -> None:
        plain = moved["registrations"]["moved"]
        Registration.objects.filter(pk__in=plain, agent=kept_id).update(agent=absorbed_id)
        for twin in moved["registrations"]["twins"]:
            AttendanceMark.objects.filter(pk__in=twin["marks"]).update(
                registration=twin["absorbed"]
            )
            SessionSitting.objects.filter(pk__in=twin.get("sittings", [])).update(
                registration=twin["absorbed"]
            )
            Observation.objects.filter(pk__in=twin.get("observations", [])).update(
                registration=twin["absorbed"]
            )
            Registration.objects.filter(pk=twin["absorbed"]).update(state=twin["state"])
            _derive_presence([twin["kept"], twin["absorbed"]])
        SessionTrainer.objects.filter(pk__in=moved["trainers"]["moved"], agent=kept_id).update(
            agent=absorbed_id
        )
        for lost in moved["trainers"]["dropped"]:
            back = SessionTrainer.objects.create(
                session_id=lost["session"],
                agent_id=absorbed_id,
                employer=lost["employer"],
                hours=lost["hours"],
            )
            back.half_days.set(lost["half_days"])
            kept = SessionTrainer.objects.get(session_id=lost["session"], agent_id=kept_id)
            kept.half_days.remove(*lost["added"])

    def after_move(self, *, agent_ids: list[int], node_ids: list[int], now: dt.datetime) -> None:
        agents = Q(agent__in=agent_ids) | Q(
            agent__in=Post.objects.filter(structure__in=node_ids).values("agent")
        )
        sessions = set(Registration.objects.filter(agents).values_list("session_id", flat=True))
        sessions |= set(SessionTrainer.objects.filter(agents).values_list("session_id", flat=True))
        mark_dirty(sorted(sessions), now)

    def own_data(self, agent_id: int) -> dict[str, list[dict[str, Any]]]:
        registrations = (
            Registration.objects.filter(agent=agent_id)
            .annotate(present=Count("presences"))
            .select_related("session__theme")
            .order_by("session__start", "pk")
        )
        led = (
            SessionTrainer.objects.filter(agent=agent_id)
            .select_related("session")
            .order_by("session__start", "pk")
        )
        accounts = (
            PlatformAccount.objects.filter(agent=agent_id).select_related("platform").order_by("pk")
        )
        return {
            "Sessions suivies": [
                {
                    "session": row.session.code,
                    "titre": row.session.title,
                    "thème": row.session.theme.name,
                    "début": row.session.start,
                    "fin": row.session.end,
                    "état": row.get_state_display(),
                    "demi-journées présentes": row.present,
                }
                for row in registrations
            ],
            "Gestes observés": [
                {
                    "session": row.registration.session.code,
                    "moment": row.get_moment_display(),
                    "date": row.date,
                    "observé par": row.observer_name,
                    "gestes": " ; ".join(f"{what} {said}" for what, said in row.by_gesture),
                    "commentaire": row.comment,
                }
                for row in Observation.objects.filter(registration__agent=agent_id)
                .select_related("registration__session", "grid")
                .order_by("date", "pk")
            ],
            "Sessions animées": [
                {"session": row.session.code, "titre": row.session.title, "heures": row.hours}
                for row in led
            ],
            "Comptes de plateforme": [
                {
                    "plateforme": row.platform.name,
                    "identifiant": row.username,
                    "e-mail": row.email,
                    "créé le": row.created_on,
                    "dernier usage": row.last_used_on,
                }
                for row in accounts
            ],
        }

    def erase(self, *, agent_id: int, now: dt.datetime) -> dict[str, int]:
        cleared = 0
        for account in PlatformAccount.objects.filter(agent=agent_id).order_by("pk"):
            # The account goes on being counted; nothing in it says whose it was.
            account.username = f"anonyme-{account.pk}"
            account.name, account.email = "", ""
            account.save(update_fields=["username", "name", "email"])
            cleared += 1
        # The marks go on being counted in the group; what was written of the person goes.
        said = Observation.objects.filter(registration__agent=agent_id).exclude(comment="")
        return {"comptes de plateforme": cleared, "commentaires": said.update(comment="")}


def _refuse_trainer_and_trainee(kept_id: int, absorbed_id: int) -> None:
    both = [kept_id, absorbed_id]
    clash = (
        SessionTrainer.objects.filter(agent__in=both)
        .filter(
            session__registrations__agent__in=both,
            session__registrations__state__in=Registration.COUNTED,
        )
        .select_related("session")
        .order_by("session__start", "pk")
        .first()
    )
    if clash is not None:
        raise Refused(
            f"L’une des deux anime la session {clash.session.code}, l’autre y est inscrite.",
            remedy="Corrigez d’abord cette session : on n’y est pas formateur et participant.",
        )


def _move_registrations(kept_id: int, absorbed_id: int) -> dict[str, Any]:
    mine = dict(Registration.objects.filter(agent=kept_id).values_list("session_id", "pk"))
    moved: list[int] = []
    twins: list[dict[str, Any]] = []
    for row in Registration.objects.filter(agent=absorbed_id).order_by("pk"):
        if row.session_id not in mine:
            row.agent_id = kept_id
            row.save(update_fields=["agent"])
            moved.append(row.pk)
            continue
        kept_row = mine[row.session_id]
        marks = list(AttendanceMark.objects.filter(registration=row).values_list("pk", flat=True))
        learning = _move_learning(kept_row, row.pk)
        twins.append(
            {"kept": kept_row, "absorbed": row.pk, "state": row.state, "marks": marks, **learning}
        )
        AttendanceMark.objects.filter(pk__in=marks).update(registration=kept_row)
        row.state = Registration.State.REPLACED
        row.save(update_fields=["state"])
        _derive_presence([kept_row, row.pk])
    return {"moved": moved, "twins": twins}


def _move_learning(kept: int, absorbed: int) -> dict[str, list[int]]:
    """Tests and observations follow to the kept line, where it has none of that moment."""
    has = set(SessionSitting.objects.filter(registration=kept).values_list("moment", flat=True))
    sittings = SessionSitting.objects.filter(registration=absorbed).exclude(moment__in=has)
    seen = Observation.objects.filter(registration=kept).values_list("moment", flat=True)
    rows = Observation.objects.filter(registration=absorbed).exclude(moment__in=set(seen))
    moved = {
        "sittings": list(sittings.values_list("pk", flat=True)),
        "observations": list(rows.values_list("pk", flat=True)),
    }
    SessionSitting.objects.filter(pk__in=moved["sittings"]).update(registration=kept)
    Observation.objects.filter(pk__in=moved["observations"]).update(registration=kept)
    return moved


def _move_trainers(kept_id: int, absorbed_id: int) -> dict[str, Any]:
    mine = {row.session_id: row for row in SessionTrainer.objects.filter(agent=kept_id)}
    moved: list[int] = []
    dropped: list[dict[str, Any]] = []
    for row in SessionTrainer.objects.filter(agent=absorbed_id).order_by("pk"):
        twin = mine.get(row.session_id)
        if twin is None:
            row.agent_id = kept_id
            row.save(update_fields=["agent"])
            moved.append(row.pk)
            continue
        theirs = set(row.half_days.values_list("pk", flat=True))
        added = sorted(theirs - set(twin.half_days.values_list("pk", flat=True)))
        twin.half_days.add(*added)
        dropped.append(
            {
                "session": row.session_id,
                "employer": row.employer,
                "hours": str(row.hours),
                "half_days": sorted(theirs),
                "added": added,
            }
        )
        row.delete()
    return {"moved": moved, "dropped": dropped}


def _derive_presence(registration_ids: list[int]) -> None:
    """Rebuild Presence of these registrations from their marks (union rule)."""
    rows = Registration.objects.filter(pk__in=registration_ids).order_by("pk")
    for session_id in sorted(set(rows.values_list("session_id", flat=True))):
        mine = list(rows.filter(session_id=session_id).values_list("pk", flat=True))
        half_days = HalfDay.objects.filter(session_id=session_id).values_list("pk", flat=True)
        derive_presences(session_id, {(row, half_day) for row in mine for half_day in half_days})
