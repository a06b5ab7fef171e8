"""Forms of the session's tests."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from kalan.assessment.models import Test
from kalan.assessment.selectors.tests import usable_tests
from kalan.people.actor import Actor
from kalan.training.models import Registration

_DATE = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


class ChooseForm(forms.Form):
    """Which test, and which of its two forms comes first."""

    test = forms.ModelChoiceField(
        label=_("Test"),
        queryset=Test.objects.none(),
        empty_label=_("Choisissez"),
        help_text=_("Un test « avant et après » publié, avec deux formes parallèles."),
    )
    first = forms.ChoiceField(
        label=_("Forme donnée avant"),
        choices=[("A", _("A avant, B après")), ("B", _("B avant, A après"))],
        widget=forms.RadioSelect,
        help_text=_(
            "Alternez d’une session à l’autre : une petite différence entre les formes ne se "
            "prend alors pas pour un progrès."
        ),
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        usable = usable_tests(actor, Test.Purpose.FIXED).defer("plan", "verdict")
        self.fields["test"].queryset = usable.order_by("title", "pk")  # type: ignore[attr-defined]


class CodeForm(forms.Form):
    """The personal code of a slip."""

    code = forms.CharField(
        label=_("Mon code"),
        max_length=20,
        help_text=_("Cinq lettres et chiffres, sur le bulletin remis par le formateur."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )


class PaperForm(forms.Form):
    """What is said once for papers keyed in."""

    taken_on = forms.DateField(label=_("Test passé le"), widget=_DATE)


def answers_typed(
    posted: QueryDict, people: list[Registration], questions: int
) -> dict[int, list[str]]:
    """{registration: answers in order} of the grid as sent; "" is blank."""
    return {
        line.pk: [posted.get(f"r-{line.pk}-{n}", "").strip() for n in range(1, questions + 1)]
        for line in people
        if f"r-{line.pk}-1" in posted
    }
