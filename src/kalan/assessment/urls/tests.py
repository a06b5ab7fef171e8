"""Tests: made, tried, published."""

from __future__ import annotations

from django.urls import URLPattern, path

from kalan.assessment.views import test_papers, test_preview, tests

_ONE = "gestion/tests/<uuid:uid>/"

urlpatterns: list[URLPattern] = [
    path("gestion/tests/", tests.tests_list, name="tests-list"),
    path("gestion/tests/nouveau/", tests.tests_new, name="tests-new"),
    path(_ONE, tests.tests_detail, name="tests-detail"),
    path(f"{_ONE}modifier/", tests.tests_edit, name="tests-edit"),
    path(f"{_ONE}essayer/", tests.tests_try, name="tests-try"),
    path(f"{_ONE}publier/", tests.tests_publish, name="tests-publish"),
    path(f"{_ONE}figer/", tests.tests_refreeze, name="tests-refreeze"),
    path(f"{_ONE}fermer/", tests.tests_close, name="tests-close"),
    path(f"{_ONE}supprimer/", tests.tests_delete, name="tests-delete"),
    path(f"{_ONE}parcourir/", test_preview.tests_preview, name="tests-preview"),
    path(f"{_ONE}formes/", test_papers.tests_forms, name="tests-forms"),
    path(f"{_ONE}formes/<str:form>.pdf", test_papers.tests_paper, name="tests-paper"),
    path(f"{_ONE}formes/<str:form>/corrige.pdf", test_papers.tests_key, name="tests-key"),
]
