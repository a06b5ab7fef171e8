"""The bytes of an act, as they were signed; the same every time, or none."""

from __future__ import annotations

import hashlib

from kalan.base.errors import Refused
from kalan.credentials.models import Act


class ActDamaged(Refused):
    """The stored bytes are not those of the register, or are gone."""


def act_bytes(act: Act) -> bytes:
    """The PDF of a signed act: its place in the pack, checked by its SHA-256.

    Raises ActDamaged; Refused for an act that has no document yet.
    """
    if act.pack is None or act.start is None or act.size is None:
        raise Refused("Cet acte n’a pas encore de document.", code="not_signed")
    if act.pack.file.size == 0:
        raise Refused(
            f"Le document de l’acte {act.number} n’est plus conservé : sa durée légale est passée.",
            remedy="L’exemplaire de la personne se vérifie toujours.",
            code="forgotten",
        )
    try:
        with act.pack.file.file.open("rb") as pack:
            pack.seek(act.start)
            found: bytes = pack.read(act.size)
    except OSError:
        found = b""
    if hashlib.sha256(found).hexdigest() != act.sha256:
        raise ActDamaged(
            f"Le document de l’acte {act.number} est abîmé ou absent du serveur.",
            remedy="Restaurez les fichiers d’une sauvegarde ; l’acte se vérifie toujours par "
            "l’exemplaire de la personne.",
            code="damaged",
        )
    return found
