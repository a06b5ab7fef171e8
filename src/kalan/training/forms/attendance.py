"""Forms of the attendance screens."""

from __future__ import annotations

import re
import uuid
from collections import defaultdict

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from kalan.base.ids import uuid7
from kalan.people.models import Sex
from kalan.training.selectors.attendance import HANDLE_LENGTH, Sheet, name_of
from kalan.training.services.attendance_walkins import WalkIn

_HANDLE = re.compile(rf"[0-9a-f]{{{HANDLE_LENGTH}}}")


class WalkInForm(forms.Form):
    """« Ajouter un participant non prévu »: a name is enough."""

    uid = forms.UUIDField(widget=forms.HiddenInput, initial=uuid7)
    last_name = forms.CharField(label=_("Nom"), max_length=100)
    first_names = forms.CharField(label=_("Prénoms"), max_length=100, required=False)
    sex = forms.ChoiceField(
        label=_("Sexe"),
        choices=[(Sex.FEMALE, "femme"), (Sex.MALE, "homme"), ("", "non renseigné")],
        widget=forms.Select,
        required=False,
    )
    structure = forms.CharField(label=_("Structure"), max_length=200, required=False)
    phone = forms.CharField(
        label=_("Téléphone"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    outsider = forms.BooleanField(
        label=_("N’est pas agent de santé (média, partenaire…)"), required=False
    )
    replaces = forms.ChoiceField(label=_("À la place de"), required=False)

    def __init__(self, *args: object, sheet: Sheet, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        people = [(str(row.uid), name_of(row)) for row in sheet.people]
        self.fields["replaces"].choices = [("", "personne"), *people]  # type: ignore[attr-defined]
        self.fields["structure"].widget.attrs["list"] = "structures"

    def walk_in(self) -> WalkIn:
        data = self.cleaned_data
        return WalkIn(
            last_name=data["last_name"],
            first_names=data["first_names"],
            sex=data["sex"],
            structure=data["structure"],
            phone=data["phone"],
            outsider=data["outsider"],
        )


def read_boxes(sheet: Sheet, posted: QueryDict) -> tuple[dict[int, set[int]], list[str]]:
    """The grid as posted, and the handles of the marks that the page showed.

    A box is named by its half-day's code and has the registration's uid as value. What names
    nobody on the list, or no half-day of the session, is left out.
    """
    people = {str(row.uid): row.pk for row in sheet.people}
    grid: dict[int, set[int]] = defaultdict(set)
    for pk in people.values():
        grid[pk] = set()
    for column in sheet.columns:
        for value in posted.getlist(column.code):
            if value in people:
                grid[people[value]].add(column.half_day.pk)
    shown = [name for row in posted.getlist("vu") for name in re.split("[ ,]", row)]
    return dict(grid), [name for name in shown if _HANDLE.fullmatch(name)]


def uid_or_none(value: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(value)
    except ValueError:
        return None
