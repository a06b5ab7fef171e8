from __future__ import annotations

from django.apps import AppConfig


class CredentialsConfig(AppConfig):
    name = "kalan.credentials"
    label = "credentials"

    def ready(self) -> None:
        # Not at the top: models are loaded after the app registry.
        from kalan.credentials import auditing, panels
        from kalan.credentials.services.subjects import CredentialsPart
        from kalan.people import subjects

        auditing.register()
        subjects.register(CredentialsPart())
        panels.register()
