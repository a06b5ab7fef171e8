from __future__ import annotations

from django.apps import AppConfig


class SkillsConfig(AppConfig):
    name = "kalan.skills"
    label = "skills"

    def ready(self) -> None:
        # Not at the top: models are loaded after the app registry.
        from kalan.skills import auditing

        auditing.register()
