"""Forms at the door: sign in, which name, activate."""

from __future__ import annotations

from typing import Any

from django import forms

from kalan.people.models import Account, Cadre

HOW_TO_CHOOSE = "Au moins 10 caractères : par exemple quatre mots sans rapport entre eux."


class SignInForm(forms.Form):
    identifier = forms.CharField(
        label="E-mail, matricule ou téléphone",
        max_length=254,
        help_text="Téléphone : 77 123 45 67 ou +221 77 123 45 67.",
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    password = forms.CharField(
        label="Mot de passe",
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    shared = forms.BooleanField(
        label="Téléphone partagé",
        required=False,
        help_text="Session courte ; rien ne reste sur l’appareil après la déconnexion.",
    )
    next = forms.CharField(required=False, widget=forms.HiddenInput)


class WhichNameForm(forms.Form):
    """Only names whose password has just been given are offered."""

    account = forms.ChoiceField(label="Qui êtes-vous ?", widget=forms.RadioSelect)

    def __init__(self, *args: Any, accounts: list[Account], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["account"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(str(one.uid), one.display_name) for one in accounts]


class SlipCodeForm(forms.Form):
    code = forms.CharField(
        label="Code de la fiche",
        max_length=40,
        help_text="Dix lettres et chiffres, par exemple ABCDE-23456.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )


class RegisterForm(forms.Form):
    """An independent professional's own word."""

    name = forms.CharField(
        label="Prénom et nom",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    contact = forms.CharField(
        label="Téléphone ou e-mail",
        max_length=254,
        help_text="Vous vous connecterez avec lui. Téléphone : 77 123 45 67.",
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    cadre = forms.ModelChoiceField(
        label="Métier", queryset=Cadre.objects.none(), required=False, empty_label="Un autre métier"
    )
    password = forms.CharField(
        label="Choisissez un mot de passe",
        strip=False,
        max_length=1000,
        help_text=HOW_TO_CHOOSE,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    notice = forms.BooleanField(label="J’ai lu l’information sur mes données")
    next = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cadres = Cadre.objects.filter(country=country).order_by("rank", "title", "pk")
        self.fields["cadre"].queryset = cadres  # type: ignore[attr-defined]


class PasswordForm(forms.Form):
    password = forms.CharField(
        label="Le mot de passe que vous avez choisi",
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class ActivateForm(forms.Form):
    password = forms.CharField(
        label="Choisissez un mot de passe",
        strip=False,
        max_length=1000,
        help_text=HOW_TO_CHOOSE,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label="Le même mot de passe, une seconde fois",
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    phone = forms.CharField(
        label="Téléphone",
        required=False,
        max_length=30,
        help_text=(
            "Pour vous connecter avec ce numéro, faites-le confirmer par votre responsable. "
            "Il peut être partagé."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
    )
    notice = forms.BooleanField(label="J’ai lu l’information sur mes données")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("password") != cleaned.get("again") and "again" in cleaned:
            self.add_error("again", "Les deux mots de passe diffèrent. Retapez-les.")
        return cleaned
