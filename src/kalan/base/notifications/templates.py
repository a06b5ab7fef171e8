"""Wordings: the installation's own, else the country pack's, else the common ones.

A wording names its variables in braces, ``{nom}``; nothing else in it is interpreted.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from kalan.base.errors import Refused
from kalan.base.models import Message, MessageTemplate

if TYPE_CHECKING:
    from kalan.people.models import Account

_VARIABLE = re.compile(r"\{([a-zé_]+)\}")


@dataclass(frozen=True)
class Wording:
    subject: str
    body: str
    own: bool = False  # changed by this installation


@dataclass(frozen=True)
class Kind:
    """A message that Kalan sends: what it is for, and which variables it may name."""

    code: str
    label: str
    variables: tuple[str, ...]
    channels: tuple[str, ...]


@lru_cache(maxsize=8)
def _pack(packs_dir: str, country: str) -> dict[str, Any]:
    """The common messages with the country's on top, channel by channel."""
    content: dict[str, Any] = {}
    for path in (Path(packs_dir) / "messages.json", Path(packs_dir) / country / "messages.json"):
        if not path.is_file():
            continue
        for code, entry in json.loads(path.read_text(encoding="utf-8")).items():
            known = content.setdefault(code, {"channels": {}})
            channels = {**known["channels"], **entry.get("channels", {})}
            known.update(entry)
            known["channels"] = channels
    return content


def _messages() -> dict[str, Any]:
    return _pack(str(settings.PACKS_DIR), settings.KALAN_COUNTRY)


def kinds() -> list[Kind]:
    """Every message that may be worded, in the order of the file."""
    return [
        Kind(code, entry["label"], tuple(entry["variables"]), tuple(entry["channels"]))
        for code, entry in _messages().items()
    ]


def wording(code: str, channel: str) -> Wording:
    """Return the wording in force. Raises LookupError for a message nobody worded."""
    own = MessageTemplate.objects.filter(code=code, channel=channel).first()
    if own is not None:
        return Wording(own.subject, own.body, own=True)
    try:
        entry = _messages()[code]["channels"][channel]
    except KeyError:
        raise LookupError(f"no wording for {code} by {channel}") from None
    return Wording(entry.get("subject", ""), entry["body"])


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put ``values`` in place of the variables; an empty one leaves no blank line behind."""
    filled = _VARIABLE.sub(lambda found: values.get(found[1], found[0]), text)
    return re.sub(r"\n{3,}", "\n\n", filled).strip()


def save_wording(
    *,
    code: str,
    channel: str,
    subject: str,
    body: str,
    by: Account | None,
    now: dt.datetime,
) -> MessageTemplate:
    """Keep this installation's own wording; refuses variables that the message does not have."""
    kind = next((kind for kind in kinds() if kind.code == code), None)
    if kind is None or channel not in kind.channels:
        raise Refused("Ce message n’existe pas.", code="unknown")
    if not body.strip():
        raise Refused("Le texte est vide.", field="body", remedy="Écrivez le message.")
    for name, text in (("subject", subject), ("body", body)):
        strange = [v for v in _VARIABLE.findall(text) if v not in kind.variables]
        if strange:
            known = ", ".join("{" + v + "}" for v in kind.variables)
            raise Refused(
                f"« {{{strange[0]}}} » n’est pas connu de ce message.",
                field=name,
                remedy=f"Vous pouvez employer : {known}.",
            )
    row, _ = MessageTemplate.objects.update_or_create(
        code=code,
        channel=channel,
        defaults={
            "subject": " ".join(subject.split())[:200],
            "body": body.strip(),
            "updated_at": now,
            "updated_by": by,
        },
    )
    return row


def reset_wording(*, code: str, channel: str) -> None:
    """Go back to the country pack's wording."""
    MessageTemplate.objects.filter(code=code, channel=channel).delete()


def channel_label(channel: str) -> str:
    return str(Message.Channel(channel).label)
