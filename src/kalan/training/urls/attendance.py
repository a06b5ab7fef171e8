from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from kalan.training.views import attendance

_SESSION = "gestion/sessions/<uuid:uid>/"

urlpatterns: list[URLPattern | URLResolver] = [
    path(f"{_SESSION}presence/", attendance.attendance, name="attendance"),
    path(f"{_SESSION}presence/envoi/", attendance.sync, name="attendance-sync"),
    path(f"{_SESSION}presence/ajout/", attendance.walk_in, name="attendance-walk-in"),
]
