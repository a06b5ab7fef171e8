"""django-allauth's second-factor forms, with our words and one-time use over the whole drift."""

from __future__ import annotations

from typing import Any

from allauth.mfa.base import forms as base
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm as _ActivateTotp
from allauth.mfa.webauthn.forms import AddWebAuthnForm as _AddWebAuthn
from django import forms
from django.core.exceptions import ValidationError

from kalan.base import clock
from kalan.people.services.one_time import first_use

_WIDGET_ATTRS = {"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}


def _label(form: forms.Form, label: str, help_text: str) -> None:
    field = form.fields["code"]
    field.label, field.help_text = label, help_text
    field.widget = forms.TextInput(attrs=_WIDGET_ATTRS)
    assert isinstance(field, forms.CharField)
    field.max_length = 20


class _CodeForm(forms.Form):
    """Shared by signing in and confirming."""

    user: Any
    authenticator: Authenticator

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _label(
            self,
            "Code à 6 chiffres",
            "Celui de l’application d’authentification, ou un code de secours imprimé.",
        )

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]
        totp = self.authenticator.type == Authenticator.Type.TOTP
        now = clock.now()
        if totp and not first_use(authenticator=self.authenticator.pk, code=code, now=now):
            raise ValidationError("Ce code a déjà servi. Attendez le suivant.")
        return code


class AuthenticateForm(_CodeForm, base.AuthenticateForm):  # type: ignore[misc]
    """At sign-in."""


class ReauthenticateForm(_CodeForm, base.ReauthenticateForm):  # type: ignore[misc]
    """Before changing factors."""


class ActivateTotpForm(_ActivateTotp):  # type: ignore[misc] # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _label(self, "Code à 6 chiffres", "Celui que l’application affiche maintenant.")


class AddPasskeyForm(_AddWebAuthn):  # type: ignore[misc] # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = "Nom de la clé"
        self.fields["name"].help_text = "Pour la reconnaître, par exemple « Mon téléphone »."
        self.fields["name"].widget.attrs["maxlength"] = 60
