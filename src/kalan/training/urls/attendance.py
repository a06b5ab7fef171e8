from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from kalan.training.views import attendance, attendance_paper, resources, satisfaction

_SESSION = "gestion/sessions/<uuid:uid>/"

urlpatterns: list[URLPattern | URLResolver] = [
    path(f"{_SESSION}presence/", attendance.attendance, name="attendance"),
    path(f"{_SESSION}presence/envoi/", attendance.sync, name="attendance-sync"),
    path(f"{_SESSION}presence/ajout/", attendance.walk_in, name="attendance-walk-in"),
    path(f"{_SESSION}presence/feuille/", attendance_paper.grid, name="attendance-grid"),
    path(f"{_SESSION}presence/presence.xlsx", attendance_paper.spreadsheet, name="attendance-xlsx"),
    path(f"{_SESSION}presence/tableur/", attendance_paper.upload, name="attendance-upload"),
    path(
        f"{_SESSION}presence/tableur/<uuid:file>/",
        attendance_paper.check,
        name="attendance-xlsx-check",
    ),
    path(f"{_SESSION}presence/scan/", attendance_paper.scans, name="attendance-scans"),
    path(f"{_SESSION}presence/scan/<uuid:file>/", attendance_paper.scan, name="attendance-scan"),
    path(
        f"{_SESSION}presence/scan/<uuid:file>/retirer/",
        attendance_paper.scan_remove,
        name="attendance-scan-remove",
    ),
    path(f"{_SESSION}avis/", satisfaction.results, name="satisfaction-results"),
    path(f"{_SESSION}avis/saisie/", satisfaction.key_in, name="satisfaction-key"),
    path("avis/", satisfaction.find, name="satisfaction-code"),
    path("avis/<str:code>/", satisfaction.questionnaire, name="satisfaction"),
    path("ressources/", resources.resource_list, name="resource-list"),
    path("ressources/<str:code>/", resources.resources, name="resources"),
    path("ressources/<str:code>/<uuid:file>/", resources.resource_file, name="resource-file"),
    path("gestion/ressources/<str:code>/", resources.edit, name="resource-edit"),
    path(
        "gestion/ressources/<str:code>/<uuid:uid>/retirer/",
        resources.remove,
        name="resource-remove",
    ),
]
