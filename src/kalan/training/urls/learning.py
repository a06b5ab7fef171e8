"""Tests before and after a session, and skill at work."""

from __future__ import annotations

from django.urls import URLPattern, path

from kalan.training.views import learning, learning_paper
from kalan.training.views import learning_observations as observations

_S = "gestion/sessions/<uuid:uid>/"

urlpatterns: list[URLPattern] = [
    path("formation/<str:code>/", learning.join, name="session-test-join"),
    path("mon-espace/sessions/<uuid:uid>/acquis/", learning.mine, name="my-learning"),
    path(
        "mon-espace/sessions/<uuid:uid>/tests/<str:moment>/", learning.start, name="my-test-start"
    ),
    path(f"{_S}tests/", learning.session_tests, name="session-tests"),
    path(f"{_S}tests/choisir/", learning.choose, name="session-tests-choose"),
    path(f"{_S}tests/bulletins.pdf", learning.slips, name="session-test-slips"),
    path(f"{_S}tests/<str:moment>/papier.pdf", learning.paper, name="session-test-paper"),
    path(f"{_S}tests/<str:moment>/saisie/", learning_paper.key, name="session-test-key"),
    path(
        f"{_S}tests/<str:moment>/saisie.xlsx", learning_paper.spreadsheet, name="session-test-xlsx"
    ),
    path(f"{_S}tests/<str:moment>/tableur/", learning_paper.upload, name="session-test-upload"),
    path(f"{_S}tests/<str:moment>/<str:act>/", learning.switch, name="session-test-switch"),
    path(f"{_S}progres/", learning.gain, name="session-gain"),
    path(f"{_S}progres/recalculer/", learning.gain_recount, name="session-gain-recount"),
    path("gestion/observations/", observations.due, name="observation-due"),
    path(f"{_S}gestes/", observations.gestures, name="session-gestures"),
    path(f"{_S}gestes/<str:moment>/saisie/", observations.grid_key, name="observe-grid"),
    path(f"{_S}gestes/<str:moment>/papier.pdf", observations.paper, name="observe-paper"),
    path(f"{_S}gestes/<str:moment>/<uuid:line>/", observations.observe, name="observe"),
]
