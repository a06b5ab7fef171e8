"""Ways out: mail by SMTP, SMS by any HTTP gateway, file and console for development.

A channel's ``send`` returns when the message is handed over, or raises ``NotSent``.
"""

from __future__ import annotations

import json
import logging
import smtplib
import urllib.error
import urllib.request
from pathlib import Path
from typing import Protocol
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.core.mail import EmailMessage

from kalan.base.models import Message

logger = logging.getLogger(__name__)

TIMEOUT = 15  # seconds


class NotSent(Exception):  # noqa: N818 - a fact, caught by the outbox
    """The message did not leave. ``final``: another attempt cannot help."""

    def __init__(self, why: str, *, final: bool = False) -> None:
        super().__init__(why)
        self.final = final


class Channel(Protocol):
    def send(self, message: Message) -> None: ...


class Mail:
    """Django's mail backend: SMTP when KALAN_SMTP_URL is set, files otherwise."""

    def send(self, message: Message) -> None:
        letter = EmailMessage(
            subject=" ".join(message.subject.split()),
            body=message.body,
            to=[message.recipient],
            headers={"Message-ID": f"<{message.uid}@{urlsplit(settings.KALAN_BASE_URL).hostname}>"},
        )
        try:
            letter.send()
        except smtplib.SMTPRecipientsRefused as error:
            raise NotSent("Adresse refusée par le serveur d’e-mail.", final=True) from error
        except (smtplib.SMTPException, OSError) as error:
            raise NotSent(f"Serveur d’e-mail : {error}") from error


class HttpSms:
    """One request per SMS to KALAN_SMS_URL, its fields as KALAN_SMS_FIELDS says."""

    def send(self, message: Message) -> None:
        if urlsplit(settings.KALAN_SMS_URL).scheme not in ("http", "https"):
            raise NotSent("KALAN_SMS_URL n’est pas une adresse http ou https.", final=True)
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
            settings.KALAN_SMS_URL, data=self._body(message), headers=self._headers(), method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT):  # noqa: S310
                return
        except urllib.error.HTTPError as error:
            with error:
                final = 400 <= error.code < 500 and error.code not in (401, 403, 408, 429)
                raise NotSent(f"La passerelle SMS répond {error.code}.", final=final) from error
        except (urllib.error.URLError, OSError) as error:
            raise NotSent(f"La passerelle SMS ne répond pas : {error}") from error

    def _body(self, message: Message) -> bytes:
        values = {
            "{to}": message.recipient,
            "{text}": message.body,
            "{sender}": settings.KALAN_SMS_SENDER,
            "{ref}": str(message.uid),  # lets a gateway drop a message sent twice
        }
        fields = {
            name: values.get(value, value) for name, value in settings.KALAN_SMS_FIELDS.items()
        }
        if settings.KALAN_SMS_FORMAT == "form":
            return urlencode(fields).encode()
        return json.dumps(fields).encode()

    def _headers(self) -> dict[str, str]:
        kind = "x-www-form-urlencoded" if settings.KALAN_SMS_FORMAT == "form" else "json"
        headers = {"Content-Type": f"application/{kind}"}
        if settings.KALAN_SMS_AUTHORIZATION:
            headers["Authorization"] = settings.KALAN_SMS_AUTHORIZATION
        return headers


class File:
    """For development: one JSON line per message in KALAN_HOME/messages.jsonl."""

    def send(self, message: Message) -> None:
        line = {"to": message.recipient, "channel": message.channel, "text": message.body}
        path = Path(settings.KALAN_HOME) / "messages.jsonl"
        with path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(line, ensure_ascii=False) + "\n")


class Console:
    """For development: the message in the log."""

    def send(self, message: Message) -> None:
        logger.info("SMS %s: %s", message.recipient, message.body)


def channel_for(message: Message) -> Channel:
    """Return the way out that the settings choose for this message."""
    if message.channel == Message.Channel.EMAIL:
        return Mail()
    known: dict[str, Channel] = {"http": HttpSms(), "file": File(), "console": Console()}
    return known.get(settings.KALAN_SMS_BACKEND, File())
