"""Ending, setting right, sending and renewing acts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from kalan.assessment.models import Exam
from kalan.base.ids import uuid7
from kalan.base.models import Message
from kalan.credentials.forms.factor import WithFactor
from kalan.credentials.models import ActEvent
from kalan.credentials.selectors.renewals import ORDERS, STAGES, WINDOWS
from kalan.credentials.services.replacing import CORRECTABLE
from kalan.people.models import OrgNode


class _Once(WithFactor):
    """The uid of what the form makes: sent twice, done once; and the second factor, last."""

    uid = forms.UUIDField(widget=forms.HiddenInput, initial=uuid7)


class RevokeForm(_Once):
    reason = forms.ChoiceField(
        label="Motif",
        choices=[("", "Choisissez"), *ActEvent.Reason.choices],
        help_text="Montré à toute personne qui vérifie l’acte.",
    )
    text = forms.CharField(
        label="Explication",
        max_length=300,
        help_text="Elle reste dans le dossier ; la page publique ne la montre pas.",
    )
    number = forms.CharField(
        label="Numéro de l’acte, pour confirmer", max_length=30, help_text="Recopiez-le."
    )


class ReinstateForm(_Once):
    text = forms.CharField(label="Pourquoi cette révocation était une erreur", max_length=300)


class ReplaceForm(_Once):
    """One field for each thing that may be set right."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in CORRECTABLE.items():
            self.fields[name] = forms.CharField(
                label=label.capitalize(), max_length=200, required=name == "name"
            )
        self.fields["reason"] = forms.CharField(
            label="Ce qui est corrigé, et pourquoi", max_length=300
        )
        self.order_fields(["uid", *CORRECTABLE, "reason"])

    def changes(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in CORRECTABLE}


class DeliverForm(forms.Form):
    channels = forms.MultipleChoiceField(
        label="Moyens",
        choices=[
            (Message.Channel.EMAIL.value, "E-mail"),
            (Message.Channel.SMS.value, "SMS à qui n’a pas d’e-mail (payant)"),
        ],
        widget=forms.CheckboxSelectMultiple,
    )


_ALL_ENDS = ("", "Dans 6 mois au plus, ou passée depuis moins de 2 ans")


class RenewalFilters(forms.Form):
    """Certificates to renew."""

    q = forms.CharField(label="Nom, numéro ou code", required=False, max_length=100)
    window = forms.ChoiceField(
        label="Échéance",
        required=False,
        choices=[_ALL_ENDS, *((code, said[0]) for code, said in WINDOWS.items())],
    )
    structure = forms.ChoiceField(label="Structure", required=False)
    framework = forms.ChoiceField(label="Référentiel", required=False)
    stage = forms.ChoiceField(label="Où en est-on ?", required=False, choices=list(STAGES.items()))
    tri = forms.ChoiceField(
        label="Trier par", required=False, choices=[(code, row[0]) for code, row in ORDERS.items()]
    )

    def __init__(
        self,
        *args: Any,
        structures: Sequence[OrgNode],
        frameworks: Sequence[tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        names = [(str(node.uid), node.name) for node in structures]
        self.fields["structure"].choices = [("", "Toutes"), *names]  # type: ignore[attr-defined]
        self.fields["framework"].choices = [("", "Tous"), *frameworks]  # type: ignore[attr-defined]
        for name, given in (("structure", structures), ("framework", frameworks)):
            if len(given) < 2 and not self.data.get(name):
                del self.fields[name]


class OfferForm(forms.Form):
    """Which exam, and how: enrolling, telling, or both."""

    exam = forms.ChoiceField(label="Examen")
    enrol = forms.BooleanField(
        label="Inscrire ces personnes à l’examen",
        required=False,
        help_text="Il faut un compte à la personne. Le délai entre deux passages du test vaut ici "
        "aussi.",
    )
    channels = forms.MultipleChoiceField(
        label="Prévenir par",
        choices=[
            (Message.Channel.EMAIL.value, "E-mail"),
            (Message.Channel.SMS.value, "SMS à qui n’a pas d’e-mail (payant)"),
        ],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    def __init__(self, *args: Any, exams: Sequence[Exam], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._exams = {str(exam.uid): exam for exam in exams}
        self.fields["exam"].choices = [  # type: ignore[attr-defined]
            (uid, f"{exam.date:%d/%m/%Y} · {exam.title} · {exam.place or exam.node.name}")
            for uid, exam in self._exams.items()
        ]

    def clean_exam(self) -> Exam:
        return self._exams[self.cleaned_data["exam"]]
