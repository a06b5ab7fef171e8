"""How every form of the house is drawn (label, help, error, in that order, tied for readers),
and the forms of this room's own screens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.renderers import TemplatesSetting


class Renderer(TemplatesSetting):
    """Set by FORM_RENDERER. Widgets keep Django's own templates."""

    form_template_name = "web/forms/form.html"
    field_template_name = "web/forms/field.html"


def _day(label: str) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Cette date n’existe pas. Écrivez-la comme 17/03/2023."},
    )


class HistoryFilters(forms.Form):
    """What the general journal is narrowed by: the fields of people.selectors.journal.Asked."""

    who = forms.CharField(label="Fait par", required=False, max_length=100)
    what = forms.CharField(
        label="Nom de la personne ou de la chose", required=False, max_length=100
    )
    kind = forms.ChoiceField(label="Genre", required=False)
    since = _day("Du")
    until = _day("Au")

    def __init__(self, *args: Any, kinds: list[tuple[str, str]], **more: Any) -> None:
        super().__init__(*args, **more)
        choices = [(code, label.capitalize()) for code, label in kinds]
        self.fields["kind"].choices = [("", "Tous"), *choices]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        asked = self.cleaned_data
        if asked.get("since") and asked.get("until") and asked["until"] < asked["since"]:
            self.add_error("until", "La fin précède le début. Échangez les deux dates.")
        return asked
