"""Forms to plan a session and to act upon it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django import forms

from kalan.base.dates import short_day, week_date
from kalan.base.notifications.templates import channel_label
from kalan.people.actor import Actor
from kalan.people.fields import DateField, NodeField
from kalan.people.models import Employer, Sector, Sex
from kalan.training.forms.fields import parse_slot, slot_code
from kalan.training.models import HalfDay, Level, Mode, Programme, Session, Theme
from kalan.training.selectors.duties import SESSION_DUTIES
from kalan.training.selectors.programmes import programmes_visible_to, territories_for
from kalan.training.selectors.sessions import sessions_visible_to
from kalan.training.services.convocations import CHANNELS
from kalan.training.services.planning import stretched
from kalan.training.services.schedule import Slot, half_days_between
from kalan.training.services.sessions import SessionData

LANGUAGES = [
    ("fr", "français"),
    ("wo", "wolof"),
    ("ff", "pulaar"),
    ("sr", "sérère"),
    ("bm", "bamanankan"),
    ("snk", "soninké"),
    ("en", "anglais"),
]


class ReasonForm(forms.Form):
    """Added to a form when the session is validated."""

    reason = forms.CharField(
        label="Motif de la correction",
        max_length=300,
        help_text="Cette session est validée : le motif et le changement sont consignés.",
    )


def _with_reason(form: forms.Form, session: Session | None) -> None:
    if session is not None and session.state == Session.State.VALIDATED:
        form.fields["reason"] = ReasonForm.base_fields["reason"]


class SessionForm(forms.Form):
    title = forms.CharField(label="Titre", max_length=200)
    theme = forms.ModelChoiceField(
        label="Thème",
        queryset=Theme.objects.none(),
        required=False,
        empty_label="Choisissez un thème",
    )
    new_theme = forms.CharField(
        label="Ou un nouveau thème",
        max_length=200,
        required=False,
        help_text="S’il n’est pas dans la liste.",
    )
    programme = forms.ModelChoiceField(
        label="Programme",
        queryset=Programme.objects.none(),
        required=False,
        empty_label="Aucun programme",
    )
    place = forms.CharField(
        label="Salle ou adresse", max_length=200, required=False, help_text="Pour les participants."
    )
    start = DateField(label="Premier jour")
    end = DateField(label="Dernier jour")
    mode = forms.ChoiceField(label="Mode", choices=Mode.choices, initial=Mode.ROOM)
    language = forms.ChoiceField(label="Langue d’animation", choices=LANGUAGES, initial="fr")
    capacity = forms.IntegerField(
        label="Capacité",
        min_value=1,
        max_value=10000,
        required=False,
        help_text="Nombre de places.",
    )
    organiser = forms.CharField(label="Organisateur", max_length=200, required=False)
    president = forms.CharField(label="Présidence", max_length=200, required=False)
    parent = forms.CharField(
        label="Session mère",
        max_length=40,
        required=False,
        help_text="Son code, pour une formation en cascade.",
    )
    code = forms.CharField(
        label="Code", max_length=40, required=False, help_text="Vide : donné automatiquement."
    )
    public = forms.BooleanField(
        label="Annoncer cette session au public",
        required=False,
        help_text="Sans cela, une session à venir n’est visible que des équipes.",
    )

    def __init__(
        self, *args: Any, actor: Actor, session: Session | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.actor, self.session = actor, session
        self.fields["theme"].queryset = Theme.objects.order_by("name", "pk")  # type: ignore[attr-defined]
        programmes = programmes_visible_to(actor).order_by("-start", "name", "pk")
        self.fields["programme"].queryset = programmes  # type: ignore[attr-defined]
        node = NodeField(
            label="Lieu (structure, district ou région)",
            nodes=territories_for(actor, "sessions.plan"),
            help_text="Donne le territoire de la session.",
        )
        node.propose()
        self.fields["node"] = node
        _with_reason(self, session)
        self.order_fields(["title", "theme", "new_theme", "programme", "node"])

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if not values.get("theme") and not values.get("new_theme", "").strip():
            self.add_error("theme", "Choisissez un thème, ou écrivez-en un nouveau.")
        return values

    def clean_parent(self) -> Session | None:
        code = self.cleaned_data["parent"].strip()
        if not code:
            return None
        found = sessions_visible_to(self.actor).filter(code__iexact=code).first()
        if found is None:
            raise forms.ValidationError(f"Aucune session n’a le code « {code} ».")
        return found


def session_data(form: SessionForm, current: SessionData | None) -> SessionData:
    """What the service takes: trainers and places stay as they are."""
    values = dict(form.cleaned_data)
    values.pop("reason", None)
    values["organiser_name"] = values.pop("organiser")
    values["theme_name"] = values.pop("new_theme")
    if form.session is not None and current is not None:
        values["half_days"] = stretched(form.session, values["start"], values["end"])
        values["trainers"], values["places"] = current.trainers, current.places
    return SessionData(**values)


def session_initial(session: Session) -> dict[str, Any]:
    values = {
        name: getattr(session, name)
        for name in (
            "title",
            "theme",
            "programme",
            "node",
            "place",
            "start",
            "end",
            "mode",
            "language",
            "capacity",
            "president",
            "code",
            "public",
        )
    }
    values["organiser"] = session.organiser.name if session.organiser else ""
    values["parent"] = session.parent.code if session.parent else ""
    return values


class HalfDaysForm(forms.Form):
    """The half-days that are held, ticked in a grid."""

    half_days = forms.MultipleChoiceField(
        label="Demi-journées tenues",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Cochez au moins une demi-journée."},
    )

    def __init__(self, *args: Any, session: Session, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["half_days"].choices = [  # type: ignore[attr-defined]
            (slot_code(day, part), f"{week_date(day)}, {HalfDay.Part(part).label}")
            for day, part in half_days_between(session.start, session.end)
        ]
        _with_reason(self, session)

    def slots(self) -> list[Slot]:
        found = (parse_slot(code) for code in self.cleaned_data["half_days"])
        return [slot for slot in found if slot is not None]


class OutsideTrainerForm(forms.Form):
    outside_name = forms.CharField(label="Prénom et nom", max_length=200)
    employer = forms.ChoiceField(
        label="Employeur", choices=[("", "Non précisé"), *Employer.choices], required=False
    )


class ChannelsForm(forms.Form):
    """By which ways to send."""

    channels = forms.MultipleChoiceField(
        label="Envoyer par",
        choices=[(code, channel_label(code)) for code in CHANNELS],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        initial=list(CHANNELS),
        help_text="Un SMS ne part qu’à ceux qui n’ont pas d’adresse électronique.",
    )


class PostponeForm(ChannelsForm):
    start = DateField(label="Nouveau premier jour")
    end = DateField(label="Nouveau dernier jour")
    notice = forms.CharField(
        label="Avis aux participants",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Le motif, et ce qu’ils doivent faire.",
    )
    field_order = ("start", "end", "notice", "channels")


class CancelForm(ChannelsForm):
    notice = forms.CharField(
        label="Avis aux participants", widget=forms.Textarea(attrs={"rows": 3})
    )
    field_order = ("notice", "channels")


class ReopenForm(forms.Form):
    reason = forms.CharField(label="Motif", max_length=300)


class OutsiderForm(forms.Form):
    """A participant who is not of the register."""

    first_names = forms.CharField(label="Prénoms", max_length=100)
    last_name = forms.CharField(label="Nom", max_length=100)
    sex = forms.ChoiceField(label="Sexe", choices=Sex.choices, required=False)
    body = forms.CharField(
        label="Organisme", max_length=200, required=False, help_text="Média, partenaire, mairie…"
    )
    phone = forms.CharField(label="Téléphone", max_length=20, required=False)
    level = forms.ChoiceField(
        label="Niveau", choices=[("", "Non précisé"), *Level.choices], required=False
    )
    sector = forms.ChoiceField(
        label="Secteur", choices=[("", "Non précisé"), *Sector.choices], required=False
    )
    mode = forms.ChoiceField(
        label="Participation",
        choices=[(Mode.ROOM.value, Mode.ROOM.label), (Mode.REMOTE.value, Mode.REMOTE.label)],
    )

    def __init__(self, *args: Any, session: Session, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _with_reason(self, session)


class AnonymousForm(forms.Form):
    """Participants known only by number."""

    label = forms.CharField(
        label="Qui",
        max_length=200,
        help_text="Avec les mots du rapport, par exemple « une vingtaine de relais ».",
    )
    women = forms.IntegerField(label="Femmes", min_value=0, initial=0, max_value=100000)
    men = forms.IntegerField(label="Hommes", min_value=0, initial=0, max_value=100000)
    unknown = forms.IntegerField(
        label="Sexe non renseigné", min_value=0, initial=0, max_value=100000
    )
    approximate = forms.BooleanField(label="Nombre approximatif", required=False)
    level = forms.ChoiceField(
        label="Niveau", choices=[("", "Non précisé"), *Level.choices], required=False
    )
    sector = forms.ChoiceField(
        label="Secteur", choices=[("", "Non précisé"), *Sector.choices], required=False
    )

    def __init__(self, *args: Any, session: Session, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _with_reason(self, session)


class SessionFilters(forms.Form):
    q = forms.CharField(label="Titre, code ou lieu", required=False)
    programme = forms.ModelChoiceField(
        label="Programme",
        queryset=Programme.objects.none(),
        required=False,
        to_field_name="code",
        empty_label="Tous",
    )
    theme = forms.ModelChoiceField(
        label="Thème",
        queryset=Theme.objects.none(),
        required=False,
        to_field_name="code",
        empty_label="Tous",
    )
    region = forms.ChoiceField(label="Région", required=False)
    state = forms.ChoiceField(
        label="État", choices=[("", "Tous"), *Session.State.choices], required=False
    )
    mode = forms.ChoiceField(label="Mode", choices=[("", "Tous"), *Mode.choices], required=False)
    quand = forms.ChoiceField(
        label="Période",
        choices=[("", "Toutes, les dernières d’abord"), ("a-venir", "En cours et à venir")],
        required=False,
    )
    a_faire = forms.ChoiceField(
        label="À faire",
        choices=[("", "Tout"), *((code, label) for code, (label, _) in SESSION_DUTIES.items())],
        required=False,
    )
    du = DateField(label="Du", required=False)
    au = DateField(label="Au", required=False)

    def __init__(self, *args: Any, actor: Actor, regions: list[tuple[str, str]], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["theme"].queryset = Theme.objects.order_by("name", "pk")  # type: ignore[attr-defined]
        self.fields["programme"].queryset = programmes_visible_to(actor).order_by("name", "pk")  # type: ignore[attr-defined]
        self.fields["region"].choices = [("", "Toutes"), *regions]  # type: ignore[attr-defined]


def hours_of(text: str) -> Decimal | None:
    """Hours as typed, "7,5" or "7.5"; None when they cannot be read or are out of bounds."""
    try:
        hours = Decimal(text.strip().replace(",", "."))
        return hours if 0 <= hours < 1000 else None  # "NaN" is read, and cannot be compared
    except ArithmeticError:
        return None


def day_label(day: dt.date, part: str) -> str:
    return f"{short_day(day)}, {HalfDay.Part(part).label}"
