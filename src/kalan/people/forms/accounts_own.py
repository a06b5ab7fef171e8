"""Forms of « Mon compte »."""

from __future__ import annotations

from typing import Any

from django import forms

from kalan.people.forms.accounts_signin import HOW_TO_CHOOSE


class PasswordForm(forms.Form):
    current = forms.CharField(
        label="Mot de passe actuel",
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new = forms.CharField(
        label="Nouveau mot de passe",
        strip=False,
        max_length=1000,
        help_text=HOW_TO_CHOOSE,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label="Le même, une seconde fois",
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("new") != cleaned.get("again") and "again" in cleaned:
            self.add_error("again", "Les deux mots de passe diffèrent. Retapez-les.")
        return cleaned


class PhoneForm(forms.Form):
    phone = forms.CharField(
        label="Téléphone",
        required=False,
        max_length=30,
        help_text=(
            "77 123 45 67 ou +221 77 123 45 67. Il peut être partagé. Un nouveau numéro sert à se "
            "connecter une fois confirmé par votre responsable."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
    )


class EmailForm(forms.Form):
    email = forms.EmailField(
        label="Adresse e-mail",
        required=False,
        help_text="Un lien part à la nouvelle adresse ; elle change quand vous l’ouvrez.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
