from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from kalan.training.forms.paper import FileForm
from kalan.training.services.resources import TYPES


class ResourceForm(FileForm):
    title = forms.CharField(label=_("Titre"), max_length=200)
    url = forms.URLField(label=_("Lien"), required=False, assume_scheme="https")
    file = forms.FileField(
        label=_("Ou un fichier"),
        required=False,
        help_text=_("PDF, document, présentation, tableur, image, son, vidéo ou archive."),
        widget=forms.FileInput(attrs={"accept": ",".join(TYPES)}),
    )
    field_order = ("title", "url", "file")
