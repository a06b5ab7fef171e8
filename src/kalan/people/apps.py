from __future__ import annotations

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "kalan.people"
    label = "people"

    def ready(self) -> None:
        # Models can be imported only now.
        from kalan.base.imports import registry
        from kalan.people import auditing
        from kalan.people.imports.staff import StaffKind
        from kalan.people.imports.structures import StructuresKind

        auditing.register()
        registry.register(StructuresKind())
        registry.register(StaffKind())
