"""Forms of people who take part."""

from __future__ import annotations

from django import forms


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Code de la campagne",
        max_length=40,
        help_text="Sept lettres et chiffres, sur l’affiche ou dans le message.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )
