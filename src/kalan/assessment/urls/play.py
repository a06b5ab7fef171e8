"""What a learner sees of a test."""

from __future__ import annotations

from django.urls import URLPattern, path

from kalan.assessment.views import play

urlpatterns: list[URLPattern] = [
    path("test/", play.mine, name="test-list"),
    path("test/commencer/<slug:code>/", play.start, name="test-start"),
    path("test/<uuid:uid>/", play.play, name="test-play"),
    path("test/<uuid:uid>/page/", play.focus, name="test-focus"),
]
