"""What credentials hold about a person: merging, own data, erasure (see people.subjects)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from kalan.credentials.models import Act, Batch
from kalan.credentials.services.retention import NOBODY
from kalan.people.subjects import counts


class CredentialsPart:
    """Acts about the person. ``Act.agent`` is re-pointed by the merge itself."""

    name = "credentials"

    def summary(self, agent_ids: list[int]) -> dict[int, dict[str, int]]:
        signed = Act.objects.filter(state=Act.State.SIGNED)
        return counts(agent_ids, {"attestations et certificats": signed})

    def merge_agents(self, *, kept_id: int, absorbed_id: int, now: dt.datetime) -> dict[str, Any]:
        """Nothing of our own: an act may stand twice, each was signed."""
        return {}

    def undo_merge_agents(
        self, *, kept_id: int, absorbed_id: int, moved: Mapping[str, Any], now: dt.datetime
    ) -> None:
        """Nothing: the merge takes back what it re-pointed."""

    def after_move(self, *, agent_ids: list[int], node_ids: list[int], now: dt.datetime) -> None:
        """Nothing: structure and name are those printed on the day of signature."""

    def own_data(self, agent_id: int) -> dict[str, list[dict[str, Any]]]:
        rows = (
            Act.objects.filter(agent=agent_id)
            .exclude(state=Act.State.EXCLUDED)
            .exclude(batch__state=Batch.State.CANCELLED)
            .select_related("batch__version", "renews")
            .prefetch_related("events")
            .order_by("pk")
        )
        return {
            "Attestations, certificats et autres actes": [
                {
                    "titre": row.batch.version.title,
                    "objet": row.batch.title,
                    "numéro": row.number or "",
                    "code": row.code or "",
                    "état": row.get_status_display()
                    if row.state == Act.State.SIGNED
                    else row.get_state_display(),
                    "signé le": row.signed_at,
                    "valable jusqu’au": row.valid_until,
                    "renouvelle": row.renews.number or "" if row.renews else "",
                    "montré à qui vérifie": row.get_shown_display(),
                    "ce qui s’est passé": ", ".join(
                        f"{event.get_kind_display()} le {event.at:%d/%m/%Y}"
                        for event in row.events.all()
                    ),
                    "données imprimées": row.data,
                }
                for row in rows
            ]
        }

    def erase(self, *, agent_id: int, now: dt.datetime) -> dict[str, int]:
        """Drop acts that were never signed and ways to reach the person; keep what was signed.

        A signed act is proof, kept as long as the law says (retention.py): its name goes with its
        PDF, at the end. Until then it is shown to nobody but whoever holds the document.
        """
        mine = Act.objects.filter(agent=agent_id)
        open_states = [Act.State.DRAFT, Act.State.EXCLUDED]
        dropped, _ = mine.filter(state__in=open_states).delete()
        kept = mine.exclude(email="", phone="", shown=Act.Shown.MINIMAL)
        cleared = kept.update(email="", phone="", shown=Act.Shown.MINIMAL)
        # Given up after the click: only its number is kept, for the register.
        void = mine.filter(state=Act.State.VOID).exclude(name="")
        dropped += void.update(**NOBODY, problem="")
        return {"actes en préparation": dropped, "coordonnées sur des actes": cleared}
