"""Tests before and after a session, and skill at work."""

from __future__ import annotations

from django.urls import URLPattern, path

from kalan.training.views import learning_observations as observations

_S = "gestion/sessions/<uuid:uid>/"

urlpatterns: list[URLPattern] = [
    path("gestion/observations/", observations.due, name="observation-due"),
    path(f"{_S}gestes/", observations.gestures, name="session-gestures"),
    path(f"{_S}gestes/<str:moment>/saisie/", observations.grid_key, name="observe-grid"),
    path(f"{_S}gestes/<str:moment>/papier.pdf", observations.paper, name="observe-paper"),
    path(f"{_S}gestes/<str:moment>/<uuid:line>/", observations.observe, name="observe"),
]
