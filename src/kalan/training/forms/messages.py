"""Filters of the message log, and the wording of a message."""

from __future__ import annotations

from django import forms

from kalan.base.models import Message


class MessageFilters(forms.Form):
    q = forms.CharField(label="Destinataire ou texte", required=False)
    channel = forms.ChoiceField(
        label="Moyen", choices=[("", "Tous"), *Message.Channel.choices], required=False
    )
    state = forms.ChoiceField(
        label="État", choices=[("", "Tous"), *Message.State.choices], required=False
    )


class WordingForm(forms.Form):
    subject = forms.CharField(label="Objet", max_length=200, required=False)
    body = forms.CharField(label="Texte", widget=forms.Textarea(attrs={"rows": 12}))
