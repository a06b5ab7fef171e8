"""The observation grid as forms: one person a page, or everyone on one page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from kalan.base.ids import uuid7
from kalan.training.models import Observation, Registration
from kalan.training.selectors.learning_observations import Grid
from kalan.training.services.learning_observations import MAX_COMMENT

CHOICES = [("yes", _("observé")), ("no", _("non observé")), ("na", _("pas d’occasion"))]
# What one types in the grid by the keyboard: one letter a gesture.
LETTERS = {"o": "yes", "n": "no", "s": "na", "": ""}
SHOWN = {"yes": "o", "no": "n", "na": "s"}
_DATE = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


class ObservationForm(forms.Form):
    """One person's gestures. ``uid`` is made with the page: sent twice it counts once."""

    uid = forms.UUIDField(widget=forms.HiddenInput, initial=uuid7)

    def __init__(
        self, *args: Any, grid: Grid, standing: Observation | None, today: dt.date, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.grid = grid
        for gesture in grid.gestures:
            self.fields[gesture.code] = forms.ChoiceField(
                label=gesture.label,
                choices=CHOICES,
                required=False,
                widget=forms.RadioSelect,
                initial=standing.marks.get(gesture.code) if standing else None,
            )
        self.fields["date"] = forms.DateField(label=_("Observé le"), initial=today, widget=_DATE)
        self.fields["comment"] = forms.CharField(
            label=_("Un geste tenu, un geste à travailler"),
            max_length=MAX_COMMENT,
            required=False,
            initial=standing.comment if standing else "",
            widget=forms.Textarea(attrs={"rows": 2}),
            help_text=_("Aucun nom de patient."),
        )

    @property
    def gestures(self) -> list[tuple[forms.BoundField, Any]]:
        return [(self[gesture.code], gesture) for gesture in self.grid.gestures]

    def marks(self) -> dict[str, str]:
        data = self.cleaned_data
        return {g.code: data[g.code] for g in self.grid.gestures if data.get(g.code)}


class GridForm(forms.Form):
    """What is said once for a grid keyed from paper."""

    date = forms.DateField(label=_("Observé le"), widget=_DATE)
    observer_name = forms.CharField(
        label=_("Observé par"), max_length=200, help_text=_("Le nom écrit sur la feuille.")
    )


def letters(posted: QueryDict, people: Sequence[Registration], grid: Grid) -> Mapping[int, Any]:
    """{registration: {gesture: mark}} of what was typed; an unknown letter stays as it is."""
    found: dict[int, dict[str, str]] = {}
    for line in people:
        row: dict[str, str] = {}
        for number, gesture in enumerate(grid.gestures):
            typed = posted.get(f"g-{line.pk}-{number}", "").strip().lower()
            if typed:
                row[gesture.code] = LETTERS.get(typed, typed)
        found[line.pk] = row
    return found


def shown(row: Observation | None, code: str) -> str:
    """The letter of a mark that stands."""
    return SHOWN.get(row.marks.get(code, ""), "") if row else ""
