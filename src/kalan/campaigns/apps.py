from __future__ import annotations

from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "kalan.campaigns"
    label = "campaigns"

    def ready(self) -> None:
        # Not at the top: models are loaded after the app registry.
        from kalan.assessment import parts
        from kalan.base.imports import registry
        from kalan.campaigns import auditing
        from kalan.campaigns.imports.pix_orga import PixOrgaKind
        from kalan.campaigns.services.sittings import CampaignSittings
        from kalan.campaigns.services.subjects import CampaignsPart
        from kalan.people import subjects

        auditing.register()
        subjects.register(CampaignsPart())
        parts.register(CampaignSittings())
        registry.register(PixOrgaKind())
