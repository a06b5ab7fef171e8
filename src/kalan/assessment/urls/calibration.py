"""Calibration runs and what was measured on items."""

from __future__ import annotations

from django.urls import URLPattern, path

from kalan.assessment.views import calibration as views

_RUN = "gestion/calibrages/<uuid:uid>/"

urlpatterns: list[URLPattern] = [
    path("gestion/calibrages/", views.calibration_list, name="calibration-list"),
    path("gestion/calibrages/nouveau/", views.calibration_new, name="calibration-new"),
    path(
        "gestion/calibrages/comptages/<uuid:uid>/",
        views.calibration_count,
        name="calibration-count",
    ),
    path(_RUN, views.calibration_detail, name="calibration-detail"),
    path(f"{_RUN}adopter/", views.calibration_adopt, name="calibration-adopt"),
    path(f"{_RUN}ecarter/", views.calibration_discard, name="calibration-discard"),
    path(
        f"{_RUN}tests/<uuid:test>/figer/", views.calibration_refreeze, name="calibration-refreeze"
    ),
    path(f"{_RUN}tests/<uuid:test>/noter/", views.calibration_rescore, name="calibration-rescore"),
]
