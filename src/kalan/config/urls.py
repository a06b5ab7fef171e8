"""The addresses: each room brings its own urls, all without a prefix here."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("kalan.web.urls")),
    path("", include("kalan.people.urls.accounts")),
    path("", include("kalan.people.urls.registry")),
    path("", include("kalan.people.urls.privacy")),
    path("", include("kalan.people.urls.imports")),
    path("", include("kalan.skills.urls.frameworks")),
    path("", include("kalan.skills.urls.items")),
    path("", include("kalan.assessment.urls.play")),
    path("", include("kalan.assessment.urls.tests")),
    path("", include("kalan.assessment.urls.exams")),
    path("", include("kalan.assessment.urls.calibration")),
    path("", include("kalan.campaigns.urls.campaigns")),
    path("", include("kalan.campaigns.urls.join")),
    path("", include("kalan.training.urls.learning")),
    path("", include("kalan.training.urls.planning")),
    path("", include("kalan.training.urls.attendance")),
    path("", include("kalan.credentials.urls.acts")),
    path("", include("kalan.credentials.urls.signing")),
    path("", include("kalan.credentials.urls.templates")),
    path("", include("kalan.credentials.urls.offices")),
    path("", include("kalan.credentials.urls.keys")),
    path("", include("kalan.credentials.urls.offline")),
    path("", include("kalan.credentials.urls.verify")),
    path("", include("kalan.credentials.urls.mine")),
    path("", include("kalan.credentials.urls.life")),
    path("", include("kalan.indicators.urls")),
]

handler400 = "kalan.web.views.errors.bad_request"
handler403 = "kalan.web.views.errors.forbidden"
handler404 = "kalan.web.views.errors.not_found"
handler500 = "kalan.web.views.errors.server_error"
