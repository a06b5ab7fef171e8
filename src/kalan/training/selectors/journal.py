"""What this room brings to the general journal: programmes, sessions and what hangs on them."""

from __future__ import annotations

from kalan.people.actor import Actor
from kalan.people.selectors.journal import Subject
from kalan.training.models import (
    AnonymousCount,
    Platform,
    ProgrammePartner,
    Registration,
    SessionPlaces,
    SessionTrainer,
    Target,
    TargetStructure,
    TransportRate,
)
from kalan.training.selectors.costs import costs_visible_to
from kalan.training.selectors.programmes import programmes_visible_to
from kalan.training.selectors.sessions import sessions_visible_to

_OF_SESSION = ("session__uid", "session-detail")
_OF_PROGRAMME = ("programme__uid", "programme-detail")


def subjects(actor: Actor) -> list[Subject]:
    """Programmes and sessions of the territory; money for those who see it anyway."""
    sessions = sessions_visible_to(actor, "history.view")
    programmes = programmes_visible_to(actor, "history.view")
    found = [
        Subject("programme", "programme", programmes, ("name",), "uid", "programme-detail"),
        Subject("session", "session", sessions, ("code", "title"), "uid", "session-detail"),
        Subject(
            "inscription",
            "inscription",
            Registration.objects.filter(session__in=sessions),
            (
                "agent__first_names",
                "agent__last_name",
                "outsider__first_names",
                "outsider__last_name",
                "session__code",
            ),
            *_OF_SESSION,
        ),
    ]
    of_sessions = (
        ("places", "places", SessionPlaces),
        ("formateur", "formateur", SessionTrainer),
        ("effectif", "effectif anonyme", AnonymousCount),
    )
    found += [
        Subject(
            code,
            label,
            model._default_manager.filter(session__in=sessions),
            ("session__code",),
            *_OF_SESSION,
        )
        for code, label, model in of_sessions
    ]
    of_programmes = (
        ("partenaire", "partenaire", ProgrammePartner),
        ("structure-cible", "structure visée", TargetStructure),
        ("cible", "cible", Target),
        ("plateforme", "plateforme", Platform),
    )
    found += [
        Subject(
            code,
            label,
            model._default_manager.filter(programme__in=programmes),
            ("programme__name",),
            *_OF_PROGRAMME,
        )
        for code, label, model in of_programmes
    ]
    paid = programmes_visible_to(actor, "costs.view")
    rates = TransportRate.objects.filter(programme__in=paid)
    return [
        *found,
        Subject("depense", "dépense", costs_visible_to(actor), ("session__code",), *_OF_SESSION),
        Subject("transport", "transport", rates, ("programme__name",), *_OF_PROGRAMME),
    ]
