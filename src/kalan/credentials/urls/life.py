from __future__ import annotations

from django.urls import URLPattern, path

from kalan.credentials.views import life, renewals, statistics

_ONE = "gestion/actes/acte/<uuid:uid>/"

urlpatterns: list[URLPattern] = [
    path("gestion/actes/statistiques/", statistics.act_statistics, name="act-statistics"),
    path("gestion/actes/a-renouveler/", renewals.renewal_list, name="act-renewals"),
    path("gestion/actes/a-renouveler/proposer/", renewals.renewal_offer, name="act-renewal-offer"),
    path(_ONE, life.act_detail, name="act-detail"),
    path(f"{_ONE}revoquer/", life.act_revoke, name="act-revoke"),
    path(f"{_ONE}retablir/", life.act_reinstate, name="act-reinstate"),
    path(f"{_ONE}remplacer/", life.act_replace, name="act-replace"),
    path("gestion/actes/<uuid:uid>/envoi/", life.act_deliver, name="act-deliver"),
]
