"""Ending, setting right and sending acts."""

from __future__ import annotations

from django import forms

from kalan.base.ids import uuid7
from kalan.base.models import Message
from kalan.credentials.models import ActEvent
from kalan.credentials.services.life import CORRECTABLE


class _Once(forms.Form):
    """The uid of what the form makes: sent twice, done once."""

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

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for name, label in CORRECTABLE.items():
            self.fields[name] = forms.CharField(
                label=label.capitalize(), max_length=200, required=name == "name"
            )
        self.fields["reason"] = forms.CharField(
            label="Ce qui est corrigé, et pourquoi", max_length=300
        )

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
