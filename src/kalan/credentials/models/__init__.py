"""Acts, their templates, who signs them with which key, and the register of what was signed."""

from __future__ import annotations

from kalan.credentials.models.acts import Act, ActPack, Batch, SigningRun
from kalan.credentials.models.keys import SigningKey
from kalan.credentials.models.life import ActEvent, Badge, CheckCount
from kalan.credentials.models.offices import Office, OfficeHolder
from kalan.credentials.models.register import RegisterCounter, RegisterEntry
from kalan.credentials.models.templates import ActTemplate, TemplateLogo, TemplateVersion

__all__ = [
    "Act",
    "ActEvent",
    "ActPack",
    "ActTemplate",
    "Badge",
    "Batch",
    "CheckCount",
    "Office",
    "OfficeHolder",
    "RegisterCounter",
    "RegisterEntry",
    "SigningKey",
    "SigningRun",
    "TemplateLogo",
    "TemplateVersion",
]
