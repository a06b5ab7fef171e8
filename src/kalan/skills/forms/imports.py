"""The form that takes a file of questions."""

from __future__ import annotations

from django import forms


class FileForm(forms.Form):
    file = forms.FileField(
        label="Fichier de questions",
        help_text="Moodle XML (.xml), GIFT (.gift, .txt), Aiken (.txt) ou TOML de Kalan (.toml). "
        "Rien n’est enregistré avant que vous ayez vu le verdict de chaque question.",
        widget=forms.FileInput(attrs={"accept": ".xml,.gift,.txt,.toml"}),
    )
