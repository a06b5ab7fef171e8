from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from kalan.people.views import imports as views

urlpatterns: list[URLPattern | URLResolver] = [
    path("gestion/imports/", views.import_list, name="import-list"),
    path("gestion/imports/nouveau/", views.import_new, name="import-new"),
    path("gestion/imports/nouveau/<slug:code>/", views.import_upload, name="import-upload"),
    path("gestion/imports/modele/<slug:code>/", views.import_template, name="import-template"),
    path("gestion/imports/<uuid:uid>/", views.import_detail, name="import-detail"),
    path("gestion/imports/<uuid:uid>/colonnes/", views.import_columns, name="import-columns"),
    path("gestion/imports/<uuid:uid>/noms/", views.import_names, name="import-names"),
    path(
        "gestion/imports/<uuid:uid>/lignes/<slug:verdict>/", views.import_rows, name="import-rows"
    ),
    path("gestion/imports/<uuid:uid>/decider/", views.import_decide, name="import-decide"),
    path("gestion/imports/<uuid:uid>/appliquer/", views.import_apply, name="import-apply"),
    path("gestion/imports/<uuid:uid>/abandonner/", views.import_cancel, name="import-cancel"),
    path("gestion/imports/<uuid:uid>/relancer/", views.import_recheck, name="import-recheck"),
    path("gestion/imports/<uuid:uid>/rapport/", views.import_report, name="import-report"),
]
