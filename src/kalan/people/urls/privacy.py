"""Duplicates and merges; personal data."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from kalan.people.views import merging, privacy

urlpatterns: list[URLPattern | URLResolver] = [
    path("gestion/doublons/<slug:kind>/", merging.duplicate_list, name="duplicates"),
    path(
        "gestion/doublons/<slug:kind>/chercher/", merging.duplicate_search, name="duplicate-search"
    ),
    path(
        "gestion/doublons/<slug:kind>/<int:pk>/distincts/",
        merging.duplicate_distinct,
        name="duplicate-distinct",
    ),
    path("gestion/fusion/agents/", merging.agent_merge, name="agent-merge"),
    path("gestion/fusion/structures/", merging.structure_merge, name="structure-merge"),
    path("gestion/fusions/", merging.merge_list, name="merges"),
    path("gestion/fusions/<uuid:uid>/annuler/", merging.merge_undo, name="merge-undo"),
    path("mes-donnees/", privacy.my_data, name="my-data"),
    path("mes-donnees/copie/", privacy.my_data_copy, name="my-data-copy"),
    path("mes-donnees/demande/", privacy.my_request, name="my-data-request"),
    path("gestion/donnees-personnelles/", privacy.request_list, name="data-requests"),
    path("gestion/donnees-personnelles/registre/", privacy.register, name="processing-register"),
    path(
        "gestion/donnees-personnelles/registre/<int:pk>/",
        privacy.register_receipt,
        name="processing-receipt",
    ),
    path("gestion/donnees-personnelles/<uuid:uid>/", privacy.request_answer, name="data-request"),
    path("gestion/agents/<uuid:uid>/anonymiser/", privacy.agent_erase, name="agent-erase"),
]
