"""Frameworks and their cross-walks."""

from __future__ import annotations

from django.urls import URLPattern, path

from kalan.skills.views import frameworks as views

_BASE = "gestion/referentiels/"
_ONE = f"{_BASE}<uuid:uid>/"

urlpatterns: list[URLPattern] = [
    path(_BASE, views.framework_list, name="framework-list"),
    path(f"{_BASE}nouveau/", views.framework_create, name="framework-create"),
    path(_ONE, views.framework_detail, name="framework-detail"),
    path(f"{_ONE}modifier/", views.framework_edit, name="framework-edit"),
    path(f"{_ONE}nouvelle-version/", views.framework_version, name="framework-version"),
    path(f"{_ONE}mettre-en-vigueur/", views.framework_activate, name="framework-activate"),
    path(f"{_ONE}archiver/", views.framework_archive, name="framework-archive"),
    path(f"{_ONE}niveaux/", views.framework_levels, name="framework-levels"),
    path(f"{_ONE}ajouter/", views.node_create, name="framework-domain-create"),
    path(f"{_ONE}ajouter/<uuid:parent>/", views.node_create, name="framework-node-create"),
    path(f"{_ONE}element/<uuid:node>/", views.node_edit, name="framework-node"),
    path(f"{_ONE}element/<uuid:node>/retirer/", views.node_remove, name="framework-node-remove"),
    path(
        f"{_ONE}correspondances/<uuid:other>/",
        views.framework_crosswalk,
        name="framework-crosswalk",
    ),
]
