"""Forms of exams: planning, enrolling, accommodations, the room, the jury."""

from __future__ import annotations

from typing import Any

from django import forms

from kalan.assessment.models import Exam, Test
from kalan.assessment.policy import CAPABILITIES
from kalan.assessment.selectors.exams import invigilators_for
from kalan.assessment.selectors.tests import usable_tests
from kalan.assessment.services.exam_room import INCIDENTS
from kalan.assessment.services.exams import MAX_EXTRA
from kalan.people.actor import Actor
from kalan.people.models import Account, OrgNode

_DAY = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


class ExamForm(forms.Form):
    """An exam planned: test, territory, place, day, invigilator."""

    title = forms.CharField(label="Titre", max_length=200)
    test = forms.ModelChoiceField(queryset=Test.objects.none(), label="Test de certification")
    node = forms.ModelChoiceField(
        queryset=OrgNode.objects.none(),
        label="Territoire",
        help_text="Ses responsables voient l’examen.",
    )
    place = forms.CharField(
        label="Lieu", max_length=200, required=False, help_text="Salle, structure, ville."
    )
    date = forms.DateField(
        label="Jour", input_formats=["%Y-%m-%d", "%d/%m/%Y"], widget=_DAY,
        error_messages={"invalid": "Écrivez une date, par exemple 17/03/2027."},
    )  # fmt: skip
    invigilator = forms.ModelChoiceField(
        queryset=Account.objects.none(),
        label="Surveillant",
        required=False,
        empty_label="À désigner",
    )
    replacements = forms.IntegerField(
        label="Questions qu’un candidat peut remplacer lui-même",
        min_value=0,
        max_value=10,
        initial=3,
        help_text="Quand personne n’a répondu à son appel en 3 minutes.",
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["test"].queryset = usable_tests(actor, "certification").order_by("title", "pk")
        nodes = OrgNode.objects.filter(
            actor.scope(CAPABILITIES["exams.plan"]),
            kind__in=["country", "region", "district"],
            merged_into__isnull=True,
        )
        fields["node"].queryset = nodes.order_by("path")
        fields["invigilator"].queryset = invigilators_for(actor).order_by("display_name", "pk")


class ExamFilters(forms.Form):
    q = forms.CharField(label="Recherche", required=False)
    state = forms.ChoiceField(
        label="État", required=False, choices=[("", "Tous"), *Exam.State.choices]
    )


class SearchForm(forms.Form):
    """People to enrol."""

    q = forms.CharField(label="Nom ou matricule", required=False, max_length=100)
    structure = forms.CharField(label="Structure", required=False, max_length=100)


class MatriculesForm(forms.Form):
    matricules = forms.CharField(
        label="Matricules",
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="Un par ligne, ou séparés par des espaces.",
        max_length=20_000,
    )
    despite = forms.CharField(
        label="Motif pour passer outre le délai",
        required=False,
        max_length=300,
        help_text="Sans motif, les personnes que la règle du test retient ne sont pas inscrites.",
    )


class AccommodationForm(forms.Form):
    extra_percent = forms.IntegerField(
        label="Temps en plus (%)", min_value=0, max_value=MAX_EXTRA, initial=0,
        help_text="33 donne un tiers de temps en plus.",
    )  # fmt: skip
    accessible_only = forms.BooleanField(label="Questions accessibles seulement", required=False)
    assistive = forms.BooleanField(
        label="Technologie d’assistance",
        required=False,
        help_text="Lecteur d’écran, loupe… : quitter la page n’est alors pas noté.",
    )


class IncidentForm(forms.Form):
    category = forms.ChoiceField(label="Catégorie", choices=[("", "Choisir…"), *INCIDENTS.items()])
    number = forms.IntegerField(
        label="Question", required=False, min_value=1, max_value=500,
        help_text="Vide : la question à l’écran.",
    )  # fmt: skip
    text = forms.CharField(
        label="Ce qui s’est passé",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Motif", max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Code de la salle",
        max_length=20,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )


class CallForm(forms.Form):
    text = forms.CharField(
        label="Ce qui ne va pas",
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class PanelForm(forms.Form):
    name = forms.CharField(label="Nom du panel", max_length=200)
    judges = forms.CharField(
        label="Juges",
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="Un nom par ligne, 3 au moins ; 8 sont conseillés.",
    )
    count = forms.IntegerField(
        label="Questions à juger", min_value=5, max_value=200, initial=30,
        help_text="Réparties entre les domaines, des plus faciles aux plus difficiles.",
    )  # fmt: skip


class JudgeForm(forms.Form):
    name = forms.CharField(label="Nom du juge", max_length=200)


class RatingsFileForm(forms.Form):
    file = forms.FileField(label="Fichier XLSX ou CSV")
