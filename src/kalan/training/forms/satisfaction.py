"""The satisfaction questionnaire: six statements, 1 to 5, and a comment."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kalan.training.selectors.satisfaction import QUESTIONS
from kalan.training.services.satisfaction import MAX_COMMENT

_SCORES = [(number, str(number)) for number in range(1, 6)]


class SatisfactionForm(forms.Form):
    """Every question may be left out; the service refuses an empty answer."""

    # Random, not time-ordered: the stored id must not say when somebody answered.
    client_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for code, text in QUESTIONS.items():
            self.fields[code] = forms.TypedChoiceField(
                label=text,
                choices=_SCORES,
                coerce=int,
                required=False,
                empty_value=None,
                widget=forms.RadioSelect,
            )
        self.fields["comment"] = forms.CharField(
            label=_("Un commentaire ? N’écrivez aucun nom."),
            max_length=MAX_COMMENT,
            required=False,
            widget=forms.Textarea(attrs={"rows": 3}),
        )

    @property
    def questions(self) -> list[forms.BoundField]:
        return [self[code] for code in QUESTIONS]

    def scores(self) -> dict[str, int]:
        data = self.cleaned_data
        return {code: data[code] for code in QUESTIONS if data.get(code) is not None}
