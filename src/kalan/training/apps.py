from __future__ import annotations

from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "kalan.training"
    label = "training"

    def ready(self) -> None:
        # Not at the top: models are loaded after the app registry.
        from kalan.assessment import parts
        from kalan.base.imports import registry
        from kalan.people import subjects
        from kalan.training import auditing
        from kalan.training.imports.past_sessions import PastSessionsKind
        from kalan.training.imports.platform_accounts import PlatformAccountsKind
        from kalan.training.learning_part import SessionPart
        from kalan.training.services.subjects import TrainingPart

        auditing.register()
        subjects.register(TrainingPart())
        parts.register(SessionPart())
        registry.register(PastSessionsKind())
        registry.register(PlatformAccountsKind())
