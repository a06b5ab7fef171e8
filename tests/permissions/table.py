"""Who may open which address: one line per URL name. A URL without a line fails the tests.

To add one, pick the shape of patterns.py that fits, name the roles, and for a page about an
object name the object (an attribute of world.Place; add it there if it is missing):

    "agent-list": STAFF_LIST("structure", "region", "programme", "auditor", "admin"),
    "agent-detail": DETAIL("structure", "region", of="agent"),
    "agent-end-post": ACTION("structure", "region", of="agent", data={"end": "2023-03-31"}),

The roles are written out and not taken from policy.py, on purpose: a change there must be seen
here too. Namespaced names are written with a colon.
"""

from __future__ import annotations

from tests.permissions.patterns import (
    ALL,
    PUBLIC,
    SIGNED_IN,
    STAFF_LIST,
    Row,
)

NOBODY_SPECIAL = ALL - {"agent"}

TABLE: dict[str, Row] = {
    # --- web
    "home": PUBLIC(),
    "my-space": SIGNED_IN(),
    "staff-home": STAFF_LIST(*NOBODY_SPECIAL),
    "display": PUBLIC(ok=302, html=False),
    "offline": PUBLIC(),
    "health": PUBLIC(),
    "healthz": PUBLIC(html=False),
}
