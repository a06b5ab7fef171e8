"""What a signatory confirms with."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms

from kalan.base.ids import uuid7
from kalan.credentials.forms.factor import WithFactor
from kalan.credentials.models import ActTemplate, Batch
from kalan.people.fields import DateField


class TrayFilters(forms.Form):
    """What waits for signature, narrowed; choices are those of what waits."""

    q = forms.CharField(label="Lot ou nom", required=False, max_length=100)
    kind = forms.ChoiceField(label="Type d’acte", required=False)
    programme = forms.ChoiceField(label="Programme", required=False)
    session = forms.ChoiceField(label="Session", required=False)

    def __init__(self, *args: Any, batches: list[Batch], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = dict(ActTemplate.Kind.choices)
        kinds = {batch.version.template.kind for batch in batches}
        self._offer("kind", "Tous", [(kind, labels[kind]) for kind in labels if kind in kinds])
        programmes = {b.programme.uid: b.programme.name for b in batches if b.programme}
        programmes |= {
            b.session.programme.uid: b.session.programme.name
            for b in batches
            if b.session and b.session.programme
        }
        self._offer("programme", "Tous", [(str(uid), name) for uid, name in programmes.items()])
        sessions = {
            b.session.uid: f"{b.session.code} · {b.session.title}" for b in batches if b.session
        }
        self._offer("session", "Toutes", [(str(uid), name) for uid, name in sessions.items()])

    def _offer(self, name: str, every: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", every), *choices]


def _passphrase() -> forms.CharField:
    return forms.CharField(
        label="Phrase secrète de la clé",
        max_length=500,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Elle n’est gardée, chiffrée, que le temps de cette signature.",
    )


class PassphraseForm(forms.Form):
    passphrase = _passphrase()


class ConfirmForm(WithFactor):
    """The second factor of this click, and the passphrase when the key asks for it."""

    form_uid = forms.UUIDField(widget=forms.HiddenInput)
    # The batches as this page showed them: one that was sent back and approved anew meanwhile
    # is another.
    seen = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)

    def __init__(self, *args: Any, asks_passphrase: bool, seen: str = "", **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"form_uid": uuid7(), "seen": seen})
        super().__init__(*args, **kwargs)
        if asks_passphrase:
            self.fields["passphrase"] = _passphrase()
            self.order_fields(["form_uid", "seen", "passphrase"])

    def renew(self) -> None:
        """A fresh number for the next attempt: this one was refused."""
        if self.is_bound:
            self.data = {**self.data.dict(), "form_uid": str(uuid7())}  # type: ignore[attr-defined]


class HandForm(forms.Form):
    """What stands on the paper, entered afterwards."""

    signed_on = DateField(label="Signé le")
    signed_by = forms.CharField(
        label="Par",
        max_length=200,
        help_text="Nom et titre de la personne qui a signé, comme sur le papier.",
    )


def as_uuids(values: list[str]) -> list[uuid.UUID]:
    """The readable ones, once each."""
    found: dict[uuid.UUID, None] = {}
    for text in values:
        try:
            found[uuid.UUID(text)] = None
        except ValueError:
            continue
    return list(found)
