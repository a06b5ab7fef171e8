"""Resources of a theme: files and links, open before and after the session."""

from __future__ import annotations

from django.db.models import Count, QuerySet

from kalan.people.actor import Actor
from kalan.training import policy
from kalan.training.models import Resource, Theme
from kalan.training.selectors.satisfaction import session_of_code


def may_edit(actor: Actor) -> bool:
    return actor.can(policy.CAPABILITIES["resources.edit"])


def themes_visible_to(actor: Actor, link: str = "") -> QuerySet[Theme]:
    """Every theme to whoever is signed in; to a holder of a session's link, that session's."""
    themes = Theme.objects.annotate(number=Count("resources"))
    if actor.is_authenticated:
        return themes
    session = session_of_code(link) if link else None
    return themes.filter(pk=session.theme_id) if session else themes.none()


def resources_of(theme: Theme) -> QuerySet[Resource]:
    return Resource.objects.filter(theme=theme).select_related("file").order_by("rank", "pk")
