"""What an invited person sees."""

from __future__ import annotations

from django.urls import URLPattern, path

from kalan.campaigns.views import join

urlpatterns: list[URLPattern] = [
    path("campagne/", join.campaign_code, name="campaign-code"),
    path("campagne/<str:code>/", join.campaign_join, name="campaign-join"),
    path("campagne/<str:code>/etape/<int:rank>/", join.campaign_begin, name="campaign-begin"),
    path("campagne/<str:code>/partage/", join.campaign_share, name="campaign-share"),
    path("campagne/<str:code>/quitter/", join.campaign_leave, name="campaign-leave"),
    path("mon-espace/autres-resultats/", join.my_outside, name="my-outside-results"),
]
