"""Offices that sign acts."""

from __future__ import annotations

from django.urls import URLPattern, path

from kalan.credentials.views import offices

_ALL = "gestion/fonctions-signature/"
_ONE = f"{_ALL}<uuid:uid>/"

urlpatterns: list[URLPattern] = [
    path(_ALL, offices.office_list, name="office-list"),
    path(f"{_ALL}nouvelle/", offices.office_new, name="office-new"),
    path(_ONE, offices.office_detail, name="office-detail"),
    path(f"{_ONE}modifier/", offices.office_edit, name="office-edit"),
    path(f"{_ONE}fermer/", offices.office_retire, name="office-retire"),
    path(f"{_ONE}personnes/nouvelle/", offices.holder_new, name="office-holder-new"),
    path(f"{_ONE}personnes/<uuid:holder>/fin/", offices.holder_end, name="office-holder-end"),
]
