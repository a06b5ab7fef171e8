from __future__ import annotations

from django.apps import AppConfig


class AssessmentConfig(AppConfig):
    name = "kalan.assessment"
    label = "assessment"

    def ready(self) -> None:
        # Not at the top: models are loaded after the app registry.
        from kalan.assessment import auditing, parts
        from kalan.assessment.exam_part import ExamPart
        from kalan.assessment.services.subjects import AssessmentPart
        from kalan.people import subjects

        auditing.register()
        parts.register(ExamPart())
        subjects.register(AssessmentPart())
