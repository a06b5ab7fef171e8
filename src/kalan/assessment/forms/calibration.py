"""What a run is asked: which answers, which model."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings

from kalan.assessment.selectors.calibration import FLAGS, banks_to_calibrate
from kalan.engine.testing.calibration_records import GUESSING
from kalan.people.actor import Actor
from kalan.skills.models import ItemBank

_DAY = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
_WRONG = {"invalid": "Écrivez une date, par exemple 17/03/2027."}
_DAYS = ["%Y-%m-%d", "%d/%m/%Y"]


class RunForm(forms.Form):
    bank: forms.ModelChoiceField[ItemBank] = forms.ModelChoiceField(
        queryset=None, label="Banque de questions", to_field_name="uid"
    )
    answers = forms.ChoiceField(
        label="Réponses",
        choices=[("simulated", "Simulées, pour la démonstration"), ("real", "Réelles")],
        help_text="Jamais les deux ensemble.",
    )
    sittings = forms.ChoiceField(
        label="Passations",
        choices=[("finished", "Terminées"), ("any", "Toutes, même interrompues")],
    )
    first_only = forms.BooleanField(
        label="De chaque personne, seulement la première réponse à une question",
        required=False,
        initial=True,
    )
    since = forms.DateField(
        label="À partir du", required=False, input_formats=_DAYS, widget=_DAY, error_messages=_WRONG
    )
    until = forms.DateField(
        label="Jusqu’au", required=False, input_formats=_DAYS, widget=_DAY, error_messages=_WRONG
    )
    guessing = forms.BooleanField(
        label="Chercher la part de hasard des questions à choix (modèle 3PL)",
        required=False,
        help_text=f"Pour celles qui ont au moins {GUESSING} réponses.",
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["bank"].queryset = banks_to_calibrate(actor)
        if not settings.KALAN_DEMO:
            del fields["answers"]

    def options(self) -> dict[str, Any]:
        """The keywords of ``services.calibration.start``."""
        data = self.cleaned_data
        return {
            "bank": data["bank"],
            "simulated": data.get("answers") == "simulated",
            "finished": data["sittings"] == "finished",
            "first_only": data["first_only"],
            "since": data["since"],
            "until": data["until"],
            "guessing": data["guessing"],
        }


class LineFilters(forms.Form):
    q = forms.CharField(label="Code de la question", required=False)
    flag = forms.ChoiceField(
        label="Signalement",
        required=False,
        choices=[
            ("", "Toutes les questions"),
            ("gate", "Sans réserve"),
            *[(code, label.capitalize()) for code, label in FLAGS.items()],
        ],
    )
