"""Forms around the paper sheet."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from kalan.base.uploads import META_KEY


class FileForm(forms.Form):
    """One file; ``too_large`` when the request was beyond the server's limit."""

    file = forms.FileField(label=_("Fichier"))

    def __init__(self, *args: Any, request: HttpRequest | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if request is not None and request.META.get(META_KEY):
            self.fields["file"].required = False
            self.too_large = True
        else:
            self.too_large = False

    def clean(self) -> dict[str, Any]:
        if self.too_large:
            self.add_error("file", "Ce fichier est trop gros. Envoyez-en un plus léger.")
        return self.cleaned_data


class SheetPageForm(FileForm):
    file = forms.FileField(
        label=_("Photo ou PDF de la feuille signée"),
        help_text=_("Une page à la fois : PDF, JPEG ou PNG, 15 Mo au plus."),
        widget=forms.FileInput(attrs={"accept": "application/pdf,image/jpeg,image/png"}),
    )


class WorkbookForm(FileForm):
    file = forms.FileField(
        label=_("Tableur rempli"),
        help_text=_(
            "Le tableur téléchargé pour cette session. « x » : présent ; « absent » retire une "
            "présence ; une case vide ne change rien."
        ),
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv"}),
    )


class ReasonForm(forms.Form):
    """Why a validated session is corrected."""

    reason = forms.CharField(
        label=_("Motif de la correction"),
        max_length=300,
        help_text=_("La session est validée : le motif est gardé avec votre nom."),
    )
