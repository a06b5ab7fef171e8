"""Builds the facts of sessions from the records, by the counting rules.

Everything is read in sets: a fixed number of queries for any number of sessions.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Count, F, Max, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from kalan.base.text import fold
from kalan.indicators import bulk
from kalan.indicators.bulk import Value
from kalan.indicators.models import Participation, SessionFact, TrainerFact
from kalan.indicators.places import Place, Places, batched
from kalan.people.models import Agent, Post
from kalan.training.models import (
    AnonymousCount,
    CostLine,
    Presence,
    Registration,
    SatisfactionAnswer,
    Session,
    SessionTrainer,
)

# A session counts once held and closed.
COUNTED_STATES = (Session.State.CLOSED, Session.State.VALIDATED)
# Sessions of no programme have no rule of their own: the usual one.
DEFAULT_COMPLETION_PERCENT = 80

_BANDS = ((25, "<25"), (35, "25-34"), (45, "35-44"), (55, "45-54"))


def age_band(birth_year: int | None, day: dt.date) -> str:
    """Return the band of the age reached in the year of ``day``; "" when unknown."""
    if birth_year is None:
        return ""
    age = day.year - birth_year
    return next((label for limit, label in _BANDS if age < limit), "55+")


def completed(present: int, half_days: int, percent: int) -> bool:
    """Whether ``present`` of ``half_days`` meets ``percent`` per cent; integers only."""
    return half_days > 0 and present * 100 >= percent * half_days


@dataclass(frozen=True)
class _Session:
    pk: int
    programme: int | None
    theme: int
    day: dt.date
    half_days: int
    percent: int
    place: Place
    node: int

    def columns(self) -> dict[str, Any]:
        """What every fact of the session says of it."""
        return {
            "session_id": self.pk,
            "programme_id": self.programme,
            "theme_id": self.theme,
            "day": self.day,
            "country_id": self.place.country,
            "region_id": self.place.region,
            "district_id": self.place.district,
            "structure_id": self.place.structure,
        }


def rebuild(session_ids: Sequence[int]) -> None:
    """Replace the facts of ``session_ids``; sessions no longer counted lose theirs.

    To be called inside a transaction.
    """
    for model in (Participation, SessionFact, TrainerFact):
        model.objects.filter(session_id__in=session_ids).delete()
    places = Places()
    rows = list(
        Session.objects.filter(pk__in=session_ids, state__in=COUNTED_STATES)
        .annotate(day=Coalesce(Max("half_days__date"), F("end")), half_day_count=Count("half_days"))
        .order_by("pk")
        .values(
            "pk",
            "programme_id",
            "theme_id",
            "node_id",
            "day",
            "half_day_count",
            "state",
            "sheet_id",
            "programme__completion_percent",
            "programme__currency",
        )
    )
    places.prime(row["node_id"] for row in rows)
    sessions = {
        row["pk"]: _Session(
            pk=row["pk"],
            programme=row["programme_id"],
            theme=row["theme_id"],
            day=row["day"],
            half_days=row["half_day_count"],
            percent=row["programme__completion_percent"] or DEFAULT_COMPLETION_PERCENT,
            place=places.on(row["node_id"], row["day"]),
            node=row["node_id"],
        )
        for row in rows
    }
    _write_sessions(rows, sessions)
    led = _write_trainers(sessions)
    _write_participations(sessions, places, led)


def _write_sessions(rows: list[Any], sessions: dict[int, _Session]) -> None:
    ids = list(sessions)
    anonymous = _anonymous(ids)
    costs = _costs(ids)
    satisfaction = _satisfaction(ids)
    facts = []
    for row in rows:
        one = sessions[row["pk"]]
        counted = anonymous.get(one.pk)
        currency = row["programme__currency"] or "XOF"
        lines = costs.get(one.pk, [])
        mine = [line for line in lines if line["currency"] == currency]
        answers, total = satisfaction.get(one.pk, (0, 0))
        facts.append(
            SessionFact(
                **one.columns(),
                half_days=one.half_days,
                validated=row["state"] == Session.State.VALIDATED,
                has_sheet=row["sheet_id"] is not None,
                anonymous_women=counted["women_n"] if counted else 0,
                anonymous_men=counted["men_n"] if counted else 0,
                anonymous_unknown=counted["unknown_n"] if counted else 0,
                anonymous_approximate=bool(counted and counted["rounded"]),
                currency=currency,
                planned=sum((line["planned_n"] for line in mine), Decimal(0)),
                spent=sum((line["spent_n"] for line in mine), Decimal(0)),
                other_currency=len(mine) < len(lines),
                satisfaction_answers=answers,
                satisfaction_total=total,
            )
        )
    SessionFact.objects.bulk_create(facts)


def _anonymous(ids: list[int]) -> dict[int, Any]:
    """{session: women, men and unknown counted without names, and whether roughly}."""
    return {
        row["session_id"]: row
        for row in AnonymousCount.objects.filter(session_id__in=ids)
        .order_by()
        .values("session_id")
        .annotate(
            women_n=Coalesce(Sum("women"), 0),
            men_n=Coalesce(Sum("men"), 0),
            unknown_n=Coalesce(Sum("unknown"), 0),
            rounded=Count("pk", filter=Q(approximate=True)),
        )
    }


def _costs(ids: list[int]) -> dict[int, list[Any]]:
    """{session: planned and spent, one line a currency}."""
    costs: dict[int, list[Any]] = defaultdict(list)
    for line in (
        CostLine.objects.filter(session_id__in=ids)
        .order_by()
        .values("session_id", "currency")
        .annotate(planned_n=Sum("planned"), spent_n=Sum("spent"))
    ):
        costs[line["session_id"]].append(line)
    return costs


def _satisfaction(ids: list[int]) -> dict[int, tuple[int, int]]:
    """{session: (answers, sum of their means in hundredths)}; scores are JSON, hence in Python."""
    found: dict[int, tuple[int, int]] = {}
    rows = SatisfactionAnswer.objects.filter(session_id__in=ids).order_by("pk")
    for session, scores in rows.values_list("session_id", "scores").iterator():
        given = [score for score in scores.values() if isinstance(score, int) and 1 <= score <= 5]
        if given:
            answers, total = found.get(session, (0, 0))
            mean = (sum(given) * 200 + len(given)) // (2 * len(given))  # nearest hundredth
            found[session] = (answers + 1, total + mean)
    return found


def _kept_agent(prefix: str) -> Coalesce:
    """The agent that stands after merges (the merge service keeps chains at two steps at most)."""
    return Coalesce(
        F(f"{prefix}__merged_into__merged_into_id"),
        F(f"{prefix}__merged_into_id"),
        F(f"{prefix}_id"),
    )


def _write_trainers(sessions: dict[int, _Session]) -> set[tuple[int, int]]:
    """Write who led; return the pairs (session, agent) so that none is trainee of their own."""
    rows = list(
        SessionTrainer.objects.filter(session_id__in=list(sessions))
        .annotate(led=Count("half_days"), kept=_kept_agent("agent"))
        .filter(led__gte=1)
        .order_by("pk")
        .values(
            "session_id",
            "kept",
            "agent__last_name",
            "agent__first_names",
            "outside_name",
            "employer",
            "led",
            "hours",
        )
    )
    posts = _Posts({row["kept"] for row in rows if row["kept"] is not None})
    facts, led = [], set()
    for row in rows:
        one = sessions[row["session_id"]]
        post = posts.on(row["kept"], one.day)
        if row["kept"] is not None:
            led.add((one.pk, row["kept"]))
            person = f"a:{row['kept']}"
            name = f"{row['agent__first_names']} {row['agent__last_name'].upper()}".strip()
        else:
            person, name = f"o:{fold(row['outside_name'])}", row["outside_name"]
        facts.append(
            TrainerFact(
                **one.columns(),
                person=person,
                agent_id=row["kept"],
                name=name,
                employer=row["employer"] or (post.employer if post else ""),
                half_days=row["led"],
                hours=row["hours"],
            )
        )
    TrainerFact.objects.bulk_create(facts)
    return led


class _Post(NamedTuple):
    start: dt.date
    end: dt.date | None
    structure: int
    cadre: int | None
    employer: str


class _Posts:
    """Main posts of some agents; which one was held on a day."""

    def __init__(self, agents: Iterable[int]) -> None:
        self.by_agent: dict[int, list[_Post]] = defaultdict(list)
        for part in batched(agents):
            rows = Post.objects.filter(agent_id__in=part, is_main=True).order_by("-start", "-pk")
            for agent, start, end, structure, cadre, employer in rows.values_list(
                "agent_id", "start", "end", "structure_id", "cadre_id", "employer"
            ):
                self.by_agent[agent].append(_Post(start, end, structure, cadre, employer))

    def on(self, agent: int | None, day: dt.date) -> _Post | None:
        """The post held on ``day`` (the one begun last, if several)."""
        held = self.by_agent.get(agent, ()) if agent is not None else ()
        return next((p for p in held if p.start <= day and (p.end is None or day <= p.end)), None)


def _write_participations(
    sessions: dict[int, _Session], places: Places, led: set[tuple[int, int]]
) -> None:
    ids = list(sessions)
    present: dict[int, int] = dict(
        Presence.objects.filter(registration__session_id__in=ids)
        .order_by()
        .values_list("registration_id")
        .annotate(n=Count("pk"))
    )
    rows = list(
        Registration.objects.filter(session_id__in=ids, state__in=Registration.COUNTED)
        .annotate(kept=_kept_agent("agent"))
        .order_by("pk")
        .values_list("pk", "session_id", "kept", "outsider_id", "structure_id", "sector")
    )
    agents: dict[int, tuple[str, int | None, int | None]] = {}
    for part in batched({r[2] for r in rows if r[2] is not None}):
        agents |= _people(Agent.objects.filter(pk__in=part))
    outsider_sex = dict(
        Registration.objects.filter(session_id__in=ids, outsider__isnull=False)
        .order_by()
        .values_list("outsider_id", "outsider__sex")
    )
    posts = _Posts({r[2] for r in rows if r[2] is not None})
    held = {post.structure for mine in posts.by_agent.values() for post in mine}
    places.prime(held | {r[4] for r in rows if r[4] is not None})
    bulk.insert(
        Participation,
        _COLUMNS,
        _participations(rows, sessions, places, led, present, agents, outsider_sex, posts),
    )


_COLUMNS = (
    "session_id",
    "registration_id",
    "programme_id",
    "theme_id",
    "agent_id",
    "outsider_id",
    "day",
    "sex",
    "age_band",
    "cadre_id",
    "structure_id",
    "district_id",
    "region_id",
    "country_id",
    "sector",
    "half_days",
    "present",
    "completed",
)


def _people(agents: QuerySet[Agent]) -> dict[int, tuple[str, int | None, int | None]]:
    """{agent: (sex, birth year, cadre)}."""
    return {
        pk: (sex, born, cadre)
        for pk, sex, born, cadre in agents.values_list("pk", "sex", "birth_year", "cadre_id")
    }


def _participations(
    rows: list[Any],
    sessions: dict[int, _Session],
    places: Places,
    led: set[tuple[int, int]],
    present: dict[int, int],
    agents: dict[int, tuple[str, int | None, int | None]],
    outsider_sex: dict[int, str],
    posts: _Posts,
) -> Iterator[tuple[Value, ...]]:
    """Rows of the table, in the order of _COLUMNS."""
    for pk, session, agent, outsider, said_structure, sector in rows:
        if (session, agent) in led:
            continue  # never trainer and trainee of one session
        one = sessions[session]
        sex, born, cadre = (
            agents[agent] if agent is not None else (outsider_sex[outsider], None, None)
        )
        post = posts.on(agent, one.day)
        if post is not None:
            cadre = post.cadre or cadre
            place = places.on(post.structure, one.day)
        elif said_structure is not None:
            place = places.on(said_structure, one.day)
        else:
            # An outsider without a structure belongs where the session was held; an agent
            # without a post belongs nowhere.
            place = one.place._replace(structure=None) if outsider else Place()
        n = min(present.get(pk, 0), one.half_days)
        yield (
            session,
            pk,
            one.programme,
            one.theme,
            agent,
            outsider,
            one.day,
            sex,
            age_band(born, one.day),
            cadre,
            place.structure,
            place.district,
            place.region,
            place.country or one.place.country,
            sector or place.sector,
            one.half_days,
            n,
            completed(n, one.half_days, one.percent),
        )
