"""The second factor on a form that signs or ends acts: a code, a passkey, or either."""

from __future__ import annotations

from typing import Any

from django import forms

from kalan.credentials.services.second_factor import Given, Ways


class _Unsaid(forms.HiddenInput):
    """Filled in by the script and never given back: an answer serves once."""

    def format_value(self, value: Any) -> str:
        return ""


class WithFactor(forms.Form):
    """``ways``: with what this person can confirm; None: they are not asked to."""

    def __init__(self, *args: Any, ways: Ways | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ways = ways
        self.passkey = ways is not None and ways.passkey
        # Without an application there is no code to type, and the answer is the script's.
        self.by_code = ways is None or ways.code or not ways.passkey
        if ways is None:
            return
        if self.by_code:
            self.fields["code"] = _code(required=not ways.passkey)
            self.fields["code"].unmarked = True  # type: ignore[attr-defined]  # one of two ways
        if ways.passkey:
            self.fields["challenge"] = _said(2_000)
            self.fields["credential"] = _said(10_000)

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        if self.ways is not None and "code" not in self.errors and not self.given().answer:
            if not self.by_code:
                self.add_error(None, "Confirmez avec votre clé d’accès : le bouton la demande.")
            elif not said.get("code"):
                self.add_error("code", "Donnez le code, ou confirmez avec votre clé d’accès.")
        return said

    def given(self) -> Given:
        """What was sent as second factor."""
        said = self.cleaned_data
        return Given(
            code=said.get("code", ""),
            challenge=said.get("challenge", ""),
            answer=said.get("credential", ""),
        )

    def said(self) -> dict[str, Any]:
        """What was sent besides."""
        own = ("code", "challenge", "credential")
        return {name: value for name, value in self.cleaned_data.items() if name not in own}


def _code(*, required: bool) -> forms.CharField:
    return forms.CharField(
        label="Code à 6 chiffres",
        max_length=12,
        required=required,
        help_text="Celui que votre application d’authentification affiche maintenant. Il est "
        "demandé à chaque fois, même si vous venez de vous connecter.",
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}
        ),
    )


def _said(longest: int) -> forms.CharField:
    return forms.CharField(widget=_Unsaid, required=False, max_length=longest)
