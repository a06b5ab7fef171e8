"""Campaigns and their follow-up."""

from __future__ import annotations

from django.urls import URLPattern, path

from kalan.campaigns.views import campaigns, documents, follow, outside

_ONE = "gestion/campagnes/<uuid:uid>/"

urlpatterns: list[URLPattern] = [
    path("gestion/campagnes/", campaigns.campaign_list, name="campaign-list"),
    path("gestion/campagnes/nouvelle/", campaigns.campaign_new, name="campaign-new"),
    path(_ONE, follow.campaign_detail, name="campaign-detail"),
    path(f"{_ONE}modifier/", campaigns.campaign_edit, name="campaign-edit"),
    path(f"{_ONE}groupe/", campaigns.campaign_group, name="campaign-group"),
    path(f"{_ONE}regles/", campaigns.campaign_rules, name="campaign-rules"),
    path(f"{_ONE}ouvrir/", campaigns.campaign_open, name="campaign-open"),
    path(f"{_ONE}terminer/", campaigns.campaign_close, name="campaign-close"),
    path(f"{_ONE}archiver/", campaigns.campaign_archive, name="campaign-archive"),
    path(f"{_ONE}supprimer/", campaigns.campaign_delete, name="campaign-delete"),
    path(f"{_ONE}actualiser/", campaigns.campaign_refresh, name="campaign-refresh"),
    path(f"{_ONE}participants/", follow.campaign_people, name="campaign-people"),
    path(
        f"{_ONE}participants/<uuid:participant>/rappeler/",
        follow.participant_remind,
        name="campaign-person-remind",
    ),
    path(
        f"{_ONE}participants/<uuid:participant>/retirer/",
        follow.participant_remove,
        name="campaign-person-remove",
    ),
    path(f"{_ONE}inviter/", follow.campaign_invite, name="campaign-invite"),
    path(f"{_ONE}rappeler/", follow.campaign_remind, name="campaign-remind"),
    path(f"{_ONE}resultats/", follow.campaign_results, name="campaign-results"),
    path(f"{_ONE}besoins/", follow.campaign_needs, name="campaign-needs"),
    path(f"{_ONE}kit.pdf", documents.kit, name="campaign-kit"),
    path(f"{_ONE}fiches.pdf", documents.slips, name="campaign-slips"),
    path("gestion/resultats-externes/", outside.outside_list, name="outside-list"),
    path(
        "gestion/agents/<uuid:uid>/autres-resultats/",
        outside.agent_outside,
        name="agent-outside-results",
    ),
]
