"""The session report: figures by the counting rules, lists, satisfaction, money if allowed."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils import timezone

from kalan.base.dates import long_date, week_date
from kalan.base.small_groups import MIN_REPLIES
from kalan.training.documents.compiler import pdf
from kalan.training.documents.papers import (
    common_of,
    employer_label,
    money,
    quantity,
)
from kalan.training.models import (
    AnonymousCount,
    CostLine,
    Registration,
    Session,
)
from kalan.training.selectors.costs import totals
from kalan.training.selectors.learning_gain import gain_page
from kalan.training.selectors.learning_observations import Share, gestures_of
from kalan.training.selectors.registrations import by_name, participants_of
from kalan.training.selectors.satisfaction import results_of
from kalan.training.selectors.sessions import HalfDaySummary, half_day_summaries, trainers_of


def report_pdf(
    session: Session,
    *,
    with_costs: bool,
    with_satisfaction: bool,
    now: dt.datetime,
    with_learning: bool = False,
) -> bytes:
    """The report as it stands ``now``; money, opinions and what was learnt only for those who may
    see them."""
    people = list(by_name(participants_of(session)))
    listed = [line for line in people if line.state in Registration.COUNTED]
    halves = half_day_summaries(session)
    satisfaction, note = _satisfaction(session) if with_satisfaction else ([], "")
    percent = session.programme.completion_percent if session.programme else 80
    lines = CostLine.objects.filter(session=session).order_by("pk") if with_costs else []
    return pdf(
        "report",
        {
            **common_of(session),
            "facts": _facts(session, now),
            "banner": _banner(session),
            "figures": _figures(listed, halves_held=len(halves)),
            "rule": f"Formé : présent à au moins {percent} % des demi-journées. La présence ne dit "
            "pas que la personne a acquis les compétences.",
            "anonymous": _anonymous(session),
            "half_days": _half_days(halves),
            "trainers": _trainers(session),
            "people": [_person(number, line) for number, line in enumerate(listed, start=1)],
            "learning": _learning(session) if with_learning else None,
            "satisfaction": satisfaction,
            "satisfaction_note": note,
            "costs": [
                [t.label.capitalize(), money(t.planned, t.currency), money(t.spent, t.currency)]
                for t in totals(lines)
            ],
            "signatures": [
                "Le formateur (nom, date, signature)",
                "Le responsable régional (nom, date, signature)",
            ],
        },
    )


def _half_days(halves: list[HalfDaySummary]) -> list[list[str]]:
    return [
        [
            f"{week_date(h.date)}, {h.label}",
            ", ".join(h.trainers) or "–",
            str(h.present),
        ]
        for h in halves
    ]


def _trainers(session: Session) -> list[list[str]]:
    return [
        [
            trainer.name,
            employer_label(trainer.employer),
            str(len(trainer.half_days.all())),
            quantity(trainer.hours),
        ]
        for trainer in trainers_of(session)
    ]


def _facts(session: Session, now: dt.datetime) -> list[list[str]]:
    common = common_of(session)
    pairs = [
        ["Formation", session.title],
        ["Session", session.code],
        ["Programme", common["programme"]],
        ["Thème", common["theme"]],
        ["Dates", common["dates"]],
        ["Lieu", common["place"]],
        ["Mode", session.get_mode_display()],
        ["Organisateur", session.organiser.name if session.organiser else ""],
        ["Présidence", session.president],
        ["Session mère", str(session.parent or "")],
        ["État", session.get_state_display()],
        ["Rapport établi le", long_date(timezone.localdate(now))],
    ]
    return [pair for pair in pairs if pair[1]]


def _banner(session: Session) -> str:
    if session.state in (Session.State.CLOSED, Session.State.VALIDATED):
        waiting = "Clôturée par le formateur, pas encore validée par le responsable régional."
        return waiting if session.state == Session.State.CLOSED else ""
    return "Session non clôturée : ces chiffres sont provisoires et ne comptent pas encore."


def _met(line: Any) -> bool:
    return bool(line.present and line.present * 100 >= line.held * line.percent_needed)


def _figures(listed: list[Registration], *, halves_held: int) -> list[list[str]]:
    lines: list[Any] = list(listed)
    trained = [line for line in lines if line.agent_id and _met(line)]
    known = [line for line in trained if line.agent.sex]
    women = [line for line in known if line.agent.sex == "F"]
    others = [line for line in lines if line.outsider_id and _met(line)]
    came = [line for line in lines if line.present]
    share = f"{len(women) * 100 / len(known):.2f} %".replace(".", ",") if known else "–"
    figures = [
        ["Inscriptions, personnes absentes comprises", str(len(lines))],
        ["Personnes venues au moins une demi-journée", str(len(came))],
        ["Agents formés", str(len(trained))],
        ["dont femmes", str(len(women))],
        ["Part des femmes", share],
    ]
    if len(known) < len(trained):
        figures.append(["Agents formés sans sexe renseigné", str(len(trained) - len(known))])
    days = Decimal(sum(line.present for line in lines)) / 2
    return [
        *figures,
        ["Autres participants formés", str(len(others))],
        ["Jours-personnes (deux demi-journées pour un jour)", quantity(days)],
        ["Demi-journées tenues", str(halves_held)],
    ]


def _anonymous(session: Session) -> list[list[str]]:
    return [
        [
            line.label,
            str(line.women),
            str(line.men),
            str(line.unknown),
            "approximatif" if line.approximate else "",
        ]
        for line in AnonymousCount.objects.filter(session=session).order_by("pk")
    ]


def _person(number: int, line: Any) -> list[str]:
    person = line.agent or line.outsider
    return [
        str(number),
        line.person,
        person.sex,
        str(line.agent.cadre or "–") if line.agent else "extérieur",
        line.came_from or "–",
        line.get_state_display(),
        f"{line.present} / {line.held}",
    ]


def _satisfaction(session: Session) -> tuple[list[list[str]], str]:
    """Means by question and how many answers they rest on; nothing below the minimum group."""
    results = results_of(session)
    if not results.received:
        return [], ""
    if not results.used:
        return [], f"Moins de {MIN_REPLIES} réponses : les résultats ne sont pas montrés."
    means = [
        [question.text, f"{question.mean:.1f}".replace(".", ",")]
        for question in results.questions
        if question.mean is not None
    ]
    return means, f"{results.used} réponses anonymes."


def _learning(session: Session) -> dict[str, Any] | None:
    """Gain between the tests and gestures held, for the group alone; None without either."""
    gain, gestures = gain_page(session, people=False), gestures_of(session)
    if not gain.any and not gestures.any:
        return None
    rows: list[list[str]] = []
    if gain.group is not None:
        g = gain.group
        rows = [
            ["Score du groupe (500 : moyenne de référence)", str(g["before"]), str(g["after"])],
            ["Part des points obtenus", per_cent(g["percent_before"]),
             per_cent(g["percent_after"])],
        ]  # fmt: skip
    shares = [
        [label, _share(share)]
        for label, share in (
            ("En fin de formation", gestures.end),
            ("Au poste, 3 à 6 mois après", gestures.later),
        )
    ]
    cautions = list(gain.cautions) if gain.any else []
    if gestures.end.simulated or gestures.later.simulated:
        cautions.append("Observations simulées de la démonstration.")
    return {
        "sentence": gain.sentence if gain.any else "",
        "scores": rows,
        "gestures": shares if gestures.any else [],
        "cautions": cautions,
    }


def per_cent(value: float) -> str:
    return f"{_whole(value)}\u00a0%"


def _whole(value: float) -> int:
    """Halves go up, as on the screens: 50.5 is 51."""
    return int(Decimal(str(value)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _share(share: Share) -> str:
    if share.percents is None:
        return f"trop peu de personnes ({share.people})" if share.people else "pas encore observé"
    held, low, high = share.percents
    between = f"de {_whole(low)} à {_whole(high)}\u00a0%"
    return f"{per_cent(held)} ({between}), {share.people} personnes"
