"""Templates of acts."""

from __future__ import annotations

from django.urls import URLPattern, path

from kalan.credentials.views import templates as views

_BASE = "gestion/modeles-actes/"
_ONE = f"{_BASE}<uuid:uid>/"

urlpatterns: list[URLPattern] = [
    path(_BASE, views.template_index, name="act-template-list"),
    path(f"{_BASE}nouveau/", views.template_create, name="act-template-create"),
    path(_ONE, views.template_detail, name="act-template"),
    path(f"{_ONE}modifier/", views.template_edit, name="act-template-edit"),
    path(f"{_ONE}retirer/", views.template_retire, name="act-template-retire"),
    path(
        f"{_ONE}versions/<int:number>/apercu/",
        views.template_preview,
        name="act-template-preview",
    ),
]
