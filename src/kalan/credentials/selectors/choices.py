"""Templates from which a batch may be prepared."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet

from kalan.credentials import policy
from kalan.credentials.models import ActTemplate, TemplateVersion
from kalan.people.actor import Actor


def templates_usable_by(actor: Actor) -> QuerySet[ActTemplate]:
    """Templates in service held on, above or below the actor's territory, that have a version.

    ``versions_now`` holds the version that new batches take.
    """
    current = TemplateVersion.objects.filter(current=True)
    rows = ActTemplate.objects.filter(retired_at__isnull=True, versions__current=True)
    rows = rows.prefetch_related(Prefetch("versions", current, to_attr="versions_now"))
    return rows.filter(actor.around(policy.CAPABILITIES["acts.prepare"], "node__"))
