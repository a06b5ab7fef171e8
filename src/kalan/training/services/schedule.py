"""The dates of a session: half-days, trainers and places, checked before anything is written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kalan.base.dates import long_date
from kalan.base.errors import Refused
from kalan.people.models import Agent, OrgNode
from kalan.training.models import HalfDay, Registration, Session, SessionPlaces, SessionTrainer
from kalan.training.selectors.sessions import trainers_of

Slot = tuple[dt.date, str]  # a date and "am" or "pm"

FIRST_YEAR = 1960
MAX_HALF_DAYS = 120
_PARTS = ("am", "pm")


@dataclass(frozen=True)
class TrainerData:
    """A trainer: an agent of the register, or a name from outside.

    ``half_days`` None means all of the session's; ``hours`` None means four a half-day.
    """

    agent: Agent | None = None
    outside_name: str = ""
    employer: str = ""
    hours: Decimal | None = None
    half_days: Sequence[Slot] | None = None

    @property
    def name(self) -> str:
        return self.agent.full_name if self.agent else self.outside_name


def half_days_between(start: dt.date, end: dt.date, *, weekends: bool = True) -> list[Slot]:
    """Morning and afternoon of each day from ``start`` to ``end``, both included."""
    days = (start + dt.timedelta(days=n) for n in range((end - start).days + 1))
    return [(day, part) for day in days if weekends or day.weekday() < 5 for part in _PARTS]


def check_dates(start: dt.date, end: dt.date, *, now: dt.datetime) -> None:
    """Refuse dates in the wrong order or in a year that nobody can have meant."""
    for field, day in (("start", start), ("end", end)):
        if not FIRST_YEAR <= day.year <= now.year + 10:
            raise Refused(
                f"L’année {day.year} n’est pas plausible pour une session.",
                field=field,
                remedy=f"Écrivez une année entre {FIRST_YEAR} et {now.year + 10}.",
            )
    if end < start:
        raise Refused(
            f"La session se termine le {long_date(end)}, avant de commencer le {long_date(start)}.",
            field="end",
            remedy="Vérifiez la date de fin.",
        )


def checked_slots(
    *, start: dt.date | None, end: dt.date | None, half_days: Iterable[Slot], now: dt.datetime
) -> list[Slot]:
    """Return the half-days in order, made from ``start`` and ``end`` when none is given."""
    slots = list(half_days)
    for day, part in slots:
        check_dates(day, day, now=now)
        if part not in _PARTS:
            raise Refused(f"« {part} » n’est ni le matin ni l’après-midi.", field="half_days")
    if start and end:
        check_dates(start, end, now=now)
        outside = [day for day, _ in slots if not start <= day <= end]
        if outside:
            raise Refused(
                f"La demi-journée du {long_date(outside[0])} est hors des dates de la session.",
                field="half_days",
                remedy="Corrigez les dates ou retirez cette demi-journée.",
            )
        if not slots and (end - start).days * 2 < MAX_HALF_DAYS:
            slots = half_days_between(start, end)
        elif not slots:
            raise Refused(
                "Cette session dure plus de deux mois.",
                field="end",
                remedy="Vérifiez les dates, ou donnez la liste des demi-journées.",
            )
    if not slots:
        raise Refused(
            "La session n’a aucune demi-journée.",
            field="half_days",
            remedy="Donnez les dates, ou cochez au moins une demi-journée.",
        )
    if len(set(slots)) < len(slots):
        raise Refused("Une demi-journée est donnée deux fois.", field="half_days")
    return sorted(slots)


def check_trainers(
    trainers: Sequence[TrainerData], slots: Sequence[Slot], *, session: Session | None
) -> None:
    """Refuse a trainer named twice, who follows the session, or who leads elsewhere then."""
    named = [t.agent.pk for t in trainers if t.agent]
    if len(set(named)) < len(named):
        raise Refused("Un formateur est donné deux fois.", field="trainers")
    for trainer in trainers:
        if not trainer.agent and not trainer.outside_name.strip():
            raise Refused("Un formateur n’a pas de nom.", field="trainers")
        led = slots if trainer.half_days is None else trainer.half_days
        if set(led) - set(slots):
            raise Refused(
                f"{trainer.name} mènerait une demi-journée qui n’est pas de cette session.",
                field="trainers",
                remedy="Choisissez parmi les demi-journées de la session.",
            )
    if session is not None:
        check_not_participant(session, named)
    _check_not_elsewhere(trainers, slots, session=session)


def check_not_participant(session: Session, trainer_ids: Sequence[int]) -> None:
    """Never trainer and trainee of one session (counting rules)."""
    both = (
        Registration.objects.filter(
            session=session, agent__in=trainer_ids, state__in=Registration.COUNTED
        )
        .select_related("agent")
        .order_by("pk")
        .first()
    )
    if both is not None:
        raise Refused(
            f"{both.agent} est sur la liste des participants de cette session et ne peut pas "
            "en être aussi formateur.",
            field="trainers",
            remedy="Retirez la personne de l’une des deux listes.",
        )


def _check_not_elsewhere(
    trainers: Sequence[TrainerData], slots: Sequence[Slot], *, session: Session | None
) -> None:
    ids = [t.agent.pk for t in trainers if t.agent]
    if not ids:
        return
    elsewhere = (
        HalfDay.objects.filter(trainers__agent__in=ids, date__in={day for day, _ in slots})
        .exclude(session__state=Session.State.CANCELLED)
        .exclude(session=session.pk if session else None)
        .order_by("date", "part", "pk")
        .values_list("trainers__agent", "date", "part", "session__code", "session__title")
    )
    busy = {(agent, day, part): f"{code} · {title}" for agent, day, part, code, title in elsewhere}
    for trainer in trainers:
        if trainer.agent is None:
            continue
        for day, part in slots if trainer.half_days is None else trainer.half_days:
            other = busy.get((trainer.agent.pk, day, part))
            if other:
                label = HalfDay.Part(part).label
                raise Refused(
                    f"{trainer.name} mène déjà la session {other} le {long_date(day)}, {label}.",
                    field="trainers",
                    remedy="Choisissez un autre formateur ou d’autres demi-journées.",
                )


def check_parent(session: Session, parent: Session | None) -> None:
    """A cascade goes down: no session stands above itself. Those above are locked on the way."""
    if parent is None or session.pk is None:
        return
    above: int | None = parent.pk
    while above is not None:
        if above == session.pk and parent.pk == session.pk:
            raise Refused("Une session ne peut pas être sa propre session mère.", field="parent")
        if above == session.pk:
            raise Refused(
                f"La session {parent.code} descend déjà de cette session : elle ne peut pas en "
                "être aussi la session mère.",
                field="parent",
                remedy="Choisissez une autre session mère, ou retirez d’abord celle de "
                f"{parent.code}.",
            )
        rows = Session.objects.select_for_update(of=("self",)).filter(pk=above)
        above = rows.values_list("parent_id", flat=True).first()


def write_slots(session: Session, slots: Sequence[Slot]) -> None:
    """Make the session's half-days those of ``slots``; one with marks cannot be taken away."""
    existing = {(h.date, h.part): h for h in HalfDay.objects.filter(session=session)}
    gone = [h.pk for slot, h in existing.items() if slot not in set(slots)]
    marked = HalfDay.objects.filter(pk__in=gone, marks__isnull=False).order_by("date").first()
    if marked is not None:
        raise Refused(
            f"Des présences sont notées le {long_date(marked.date)} : "
            "cette demi-journée ne peut pas être retirée.",
            field="half_days",
            remedy="Retirez d’abord ces présences, avec un motif.",
        )
    HalfDay.objects.filter(pk__in=gone).delete()
    HalfDay.objects.bulk_create(
        HalfDay(session=session, date=day, part=part)
        for day, part in slots
        if (day, part) not in existing
    )


def write_trainers(session: Session, trainers: Sequence[TrainerData]) -> None:
    """Make the session's trainers those of ``trainers``, with their half-days and hours."""
    half_days = {(h.date, h.part): h for h in HalfDay.objects.filter(session=session)}
    existing = {
        (t.agent_id, t.outside_name): t for t in SessionTrainer.objects.filter(session=session)
    }
    for data in trainers:
        key = (data.agent.pk if data.agent else None, "" if data.agent else data.outside_name)
        led = list(half_days) if data.half_days is None else list(data.half_days)
        row = existing.pop(key, None) or SessionTrainer(
            session=session, agent=data.agent, outside_name=key[1]
        )
        row.employer = data.employer
        row.hours = Decimal(4 * len(led)) if data.hours is None else data.hours
        row.save()
        row.half_days.set([half_days[slot] for slot in led])
    for row in existing.values():
        row.delete()


def trainers_as_data(session: Session, *, keep: Sequence[Slot] = ()) -> list[TrainerData]:
    """The session's trainers as they stand: who leads all half-days leads all of the next ones.

    Of the others, the half-days among ``keep`` remain.
    """
    total = HalfDay.objects.filter(session=session).count()
    wanted = set(keep)
    found = []
    for row in trainers_of(session):
        led = [(h.date, h.part) for h in row.half_days.all()]
        whole = len(led) == total
        found.append(
            TrainerData(
                agent=row.agent,
                outside_name=row.outside_name,
                employer=row.employer,
                hours=row.hours if keep and not whole else None,
                half_days=None if whole else sorted(wanted.intersection(led)),
            )
        )
    return found


def write_places(session: Session, places: Sequence[tuple[OrgNode, int]]) -> None:
    """Make the places per structure those given; zero takes the line away."""
    wanted = {structure.pk: number for structure, number in places if number > 0}
    for row in SessionPlaces.objects.filter(session=session):
        number = wanted.pop(row.structure_id, None)
        if number is None:
            row.delete()
        elif number != row.places:
            row.places = number
            row.save()
    for structure_id, number in wanted.items():
        SessionPlaces.objects.create(session=session, structure_id=structure_id, places=number)
