"""What goes with the demonstration sessions: signed sheets, opinions, materials to keep."""

from __future__ import annotations

import datetime as dt
import random
import uuid

from django.core.files.base import ContentFile

from kalan.people.actor import SYSTEM
from kalan.people.demo import World
from kalan.training.documents.papers import sheet_pdf
from kalan.training.models import MarkSource, Programme, Session, Theme
from kalan.training.selectors.satisfaction import QUESTIONS
from kalan.training.services.attendance_paper import attach_sheet
from kalan.training.services.resources import add_resource
from kalan.training.services.satisfaction import record_satisfaction

WITHOUT_SHEET = {"DIRECCT-07", "DIRECCT-16"}  # as everywhere, some sheets never came back
COMMENTS = (
    "Plus de temps pour pratiquer, s’il vous plaît.",
    "Très utile pour notre registre.",
    "La connexion était lente l’après-midi.",
    "Merci aux formateurs.",
)
MATERIALS = {
    "outils-numeriques": (
        "Aide-mémoire : nommer et ranger ses fichiers",
        "1. Un dossier par année et par registre.\n2. La date d’abord : 2023-03-17.\n"
        "3. Une copie de sauvegarde hors du poste, chaque semaine.\n",
    ),
    "bases-e-sante": (
        "Aide-mémoire : les mots de la e-santé",
        "Dossier patient : ce qui est noté pour soigner.\n"
        "Télé-expertise : demander l’avis d’un confrère à distance.\n"
        "Interopérabilité : deux logiciels qui se comprennent.\n",
    ),
    "cybersecurite": (
        "Aide-mémoire : reconnaître un faux message",
        "1. L’adresse de l’expéditeur est-elle la bonne ?\n2. Le message presse-t-il d’agir ?\n"
        "3. Demande-t-il un mot de passe ? Personne ne doit le demander.\n"
        "En cas de doute : ne pas cliquer, appeler la cellule informatique.\n",
    ),
}


def build_papers(world: World, programme: Programme) -> None:
    """Attach sheets, note anonymous opinions, put a file on each theme's page."""
    held = (
        Session.objects.filter(programme=programme, validated_at__isnull=False)
        .select_related("theme", "node", "programme")
        .order_by("code")
    )
    for session in held:
        moment = session.closed_at or session.created_at
        if session.code not in WITHOUT_SHEET:
            _sheet(session, moment)
        _opinions(world.random, session, moment)
    for theme in Theme.objects.filter(code__in=MATERIALS).order_by("code"):
        title, text = MATERIALS[theme.code]
        add_resource(
            actor=SYSTEM,
            now=dt.datetime.combine(programme.start, dt.time(8), tzinfo=dt.UTC),
            theme=theme,
            title=title,
            file=ContentFile(text.encode()),
            name=f"{theme.code}.txt",
        )


def _sheet(session: Session, moment: dt.datetime) -> None:
    attach_sheet(
        actor=SYSTEM,
        now=moment,
        session=session,
        file=ContentFile(sheet_pdf(session)),
        name=f"feuille-{session.code}.pdf",
    )


def _opinions(draw: random.Random, session: Session, moment: dt.datetime) -> None:
    for _ in range(draw.randint(9, 18)):
        scores = {code: draw.choices([5, 4, 3, 2], [46, 38, 12, 4])[0] for code in QUESTIONS}
        record_satisfaction(
            now=moment,
            session=session,
            client_id=uuid.UUID(int=draw.getrandbits(128), version=4),
            scores=scores,
            comment=draw.choice(COMMENTS) if draw.random() < 0.15 else "",
            source=MarkSource.PAPER,
            actor=SYSTEM,
        )
