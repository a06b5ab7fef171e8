"""Requests about personal data, their answers, erasure."""

from __future__ import annotations

from django import forms

from kalan.people.models import DataRequest


class RequestForm(forms.Form):
    kind = forms.ChoiceField(label="Je demande", choices=DataRequest.Kind.choices)
    text = forms.CharField(
        label="Précisions",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Par exemple : ce qui est faux, et ce qui est juste.",
    )


class AnswerForm(forms.Form):
    granted = forms.ChoiceField(
        label="Suite donnée",
        choices=[("oui", "satisfaite"), ("non", "refusée")],
        widget=forms.RadioSelect,
    )
    outcome = forms.CharField(
        label="Réponse à la personne",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class EraseForm(forms.Form):
    reason = forms.CharField(
        label="Motif", max_length=300, help_text="La demande de la personne, ou la règle appliquée."
    )
    name = forms.CharField(
        label="Recopiez le nom de l’agent",
        max_length=210,
        help_text="L’anonymisation ne peut pas être annulée.",
    )


class ReceiptForm(forms.Form):
    receipt_number = forms.CharField(label="Numéro du récépissé", required=False, max_length=60)
