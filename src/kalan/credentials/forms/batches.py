"""Forms to narrow the lists of acts, and to prepare a batch."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.db.models import Model, QuerySet

from kalan.assessment.models import Exam
from kalan.assessment.selectors.exams import exams_visible_to
from kalan.credentials.models import Act, ActTemplate, Batch, Office
from kalan.credentials.models.offices import Mode
from kalan.credentials.policy import CAPABILITIES
from kalan.credentials.selectors.listing import readable_batches
from kalan.credentials.selectors.office_lists import offices_usable_by
from kalan.people.actor import Actor
from kalan.people.fields import DateField
from kalan.people.models import OrgNode
from kalan.training.models import Programme, Session
from kalan.training.selectors.programmes import programmes_visible_to
from kalan.training.selectors.sessions import sessions_visible_to


def as_uuid(text: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None


class _ByUid(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Addresses name things by uid, never by key."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(to_field_name="uid", required=False, **kwargs)

    def label_from_instance(self, obj: Model) -> str:
        if isinstance(obj, Session):
            return f"{obj.code} · {obj.title}"
        return str(obj)


class BatchFilters(forms.Form):
    """What the list of batches may be narrowed by; choices are those that some batch has."""

    q = forms.CharField(label="Lot, nom, numéro ou code", required=False, max_length=100)
    state = forms.ChoiceField(
        label="État", required=False, choices=[("", "Tous"), *Batch.State.choices]
    )
    kind = forms.ChoiceField(
        label="Type d’acte", required=False, choices=[("", "Tous"), *ActTemplate.Kind.choices]
    )
    programme = _ByUid(label="Programme", queryset=Programme.objects.none(), empty_label="Tous")
    session = _ByUid(label="Session", queryset=Session.objects.none(), empty_label="Toutes")
    exam = _ByUid(label="Examen", queryset=Exam.objects.none(), empty_label="Tous")
    office = _ByUid(label="Fonction", queryset=Office.objects.none(), empty_label="Toutes")
    since = DateField(label="Préparé depuis", required=False)
    until = DateField(label="jusqu’au", required=False)

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        batches = readable_batches(actor)
        asked = {name: as_uuid(self.data.get(name)) for name in ("programme", "session", "exam")}
        self._offer("programme", Programme, batches, programmes_visible_to(actor), asked, "name")
        self._offer("session", Session, batches, sessions_visible_to(actor), asked, "-start")
        self._offer("exam", Exam, batches, exams_visible_to(actor), asked, "-date")
        offices = Office.objects.filter(pk__in=batches.order_by().values("office"))
        self.fields["office"].queryset = offices.order_by("title", "pk")  # type: ignore[attr-defined]

    def _offer(
        self,
        name: str,
        model: type[Model],
        batches: QuerySet[Batch],
        visible: QuerySet[Any],
        asked: dict[str, uuid.UUID | None],
        order: str,
    ) -> None:
        """What some batch is about, and what the address asks for though no batch is yet."""
        manager: Any = model._default_manager
        rows = manager.filter(pk__in=batches.order_by().values(name))
        if asked[name]:
            rows = rows | manager.filter(pk__in=visible.filter(uid=asked[name]).values("pk"))
        self.fields[name].queryset = rows.order_by(order, "pk")  # type: ignore[attr-defined]


class ActFilters(forms.Form):
    """Acts of one batch."""

    q = forms.CharField(label="Nom, numéro ou code", required=False, max_length=100)
    state = forms.ChoiceField(label="État", required=False)
    structure = forms.ChoiceField(label="Structure", required=False)

    def __init__(
        self,
        *args: Any,
        states: list[str],
        structures: list[OrgNode],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        shown = [(code, label) for code, label in Act.State.choices if code in states]
        self.fields["state"].choices = [("", "Tous"), *shown]  # type: ignore[attr-defined]
        names = [(str(node.uid), node.name) for node in structures]
        self.fields["structure"].choices = [("", "Toutes"), *names]  # type: ignore[attr-defined]
        if len(names) < 2:
            del self.fields["structure"]


class ReasonForm(forms.Form):
    """Why an act is set aside, or a batch sent back."""

    reason = forms.CharField(label="Motif", max_length=300)


_MOST_SESSIONS = 300
_NAMES = "Les noms et les dates viennent des inscriptions."
_COMES_FROM: dict[str, str] = {
    ActTemplate.Kind.SHEET: "Les présences notées font la feuille.",
    ActTemplate.Kind.REPORT: "Les données enregistrées font le rapport.",
    ActTemplate.Kind.CONVOCATION: _NAMES,
    ActTemplate.Kind.MISSION: _NAMES,
    ActTemplate.Kind.DECISION: _NAMES,
}
_FROM_SESSIONS = frozenset(ActTemplate.Kind.values) - {
    ActTemplate.Kind.COMPETENCE, ActTemplate.Kind.FREE, ActTemplate.Kind.FILES
}  # fmt: skip


class NewBatchForm(forms.Form):
    """From what the acts are made, who signs them, under which name."""

    def __init__(
        self, *args: Any, actor: Actor, kind: str, about: dict[str, Any], **kwargs: Any
    ) -> None:
        """``about``: uids of the session, programme or exam from whose page one comes."""
        super().__init__(*args, **kwargs)
        self.kind = kind
        self._known: dict[str, Any] = {}
        if kind in _FROM_SESSIONS:
            self._records(actor, about)
        elif kind == ActTemplate.Kind.COMPETENCE:
            self._exam(actor, about)
        elif kind == ActTemplate.Kind.FREE:
            self.fields["file"] = forms.FileField(
                label="Tableau de noms (XLSX ou CSV)",
                help_text="Une ligne par acte. Une colonne « Nom » ; les autres colonnes "
                "remplissent les champs du modèle.",
            )
        else:
            self.fields["file"] = forms.FileField(
                label="Documents PDF (archive ZIP)",
                help_text="Un PDF par acte. Chacun est signé tel quel, sous son nom de fichier.",
            )
        offices = offices_usable_by(actor).order_by("title", "pk")
        self.fields["office"] = _OfficeField(
            label="Qui signe", queryset=offices, empty_label="Choisissez"
        )
        if len(offices) == 1:
            self.initial.setdefault("office", offices[0].uid)
        self.fields["title"] = forms.CharField(
            label="Nom du lot",
            max_length=200,
            required=False,
            help_text="Pour le retrouver. Vide : le titre de l’acte et sa source.",
        )

    def _records(self, actor: Actor, about: dict[str, Any]) -> None:
        roles = CAPABILITIES["acts.prepare"]
        sessions = Session.objects.filter(actor.scope(roles, "node__"))
        recent = list(sessions.order_by("-start", "-pk")[:_MOST_SESSIONS])
        asked = as_uuid(about.get("session"))
        if asked and asked not in {one.uid for one in recent}:
            recent += list(sessions.filter(uid=asked))
        programmes = list(
            Programme.objects.filter(actor.scope(roles, "node__")).order_by("name", "pk")
        )
        self._known = {f"session:{one.uid}": one for one in recent}
        self._known |= {f"programme:{one.uid}": one for one in programmes}
        choices: list[Any] = [
            ("", "Choisissez"),
            ("Tout un programme", [(f"programme:{one.uid}", one.name) for one in programmes]),
            (
                "Une session",
                [(f"session:{one.uid}", f"{one.code} · {one.title}"[:110]) for one in recent],
            ),
        ]
        self.fields["about"] = forms.ChoiceField(
            label="Depuis quoi ?",
            choices=[one for one in choices if one[1]],
            help_text=_COMES_FROM.get(self.kind, "Les données enregistrées disent qui y a droit."),
        )
        if self.kind == ActTemplate.Kind.TRAINING and programmes:
            self.fields["per"] = forms.ChoiceField(
                label="Pour tout un programme",
                choices=[
                    ("session", "Une attestation par session suivie"),
                    ("person", "Une seule attestation par personne, avec toutes ses sessions"),
                ],
                widget=forms.RadioSelect,
                initial="session",
                required=False,
            )
        for name in ("session", "programme"):
            if about.get(name):
                self.initial.setdefault("about", f"{name}:{about[name]}")

    def _exam(self, actor: Actor, about: dict[str, Any]) -> None:
        exams = Exam.objects.filter(
            actor.scope(CAPABILITIES["acts.prepare"], "node__"), state=Exam.State.PUBLISHED
        )
        self.fields["exam"] = _ByUid(
            label="Examen",
            queryset=exams.select_related("test").order_by("-date", "-pk"),
            empty_label="Choisissez",
        )
        self.fields["exam"].required = True
        self.fields["exam"].help_text = "Seulement ceux dont le jury a publié les résultats."
        if about.get("exam"):
            self.initial.setdefault("exam", about["exam"])

    def source(self) -> tuple[str, Any]:
        """The batch's source and what it is about (None for a file)."""
        values = self.cleaned_data
        if "about" in values:
            return values["about"].partition(":")[0], self._known[values["about"]]
        if values.get("exam"):
            return Batch.Source.EXAM, values["exam"]
        if self.kind == ActTemplate.Kind.FREE:
            return Batch.Source.SPREADSHEET, None
        return Batch.Source.FILES, None

    def options(self) -> dict[str, Any]:
        per = self.cleaned_data.get("per")
        return {"per": per} if per and self.source()[0] == Batch.Source.PROGRAMME else {}


class _OfficeField(_ByUid):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.required = True

    def label_from_instance(self, obj: Any) -> str:
        hand = ", à la main" if obj.mode == Mode.HAND else ""
        return f"{obj.title} ({obj.node.name}{hand})"
