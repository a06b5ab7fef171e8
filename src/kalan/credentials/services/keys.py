"""Keys made, brought in, replaced and taken back. Only on the server itself (`kalan keys`).

Files first, the row last: a key whose file could not be written is not there at all, and a folder
that no row names is told by `kalan keys check`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from django.db import transaction

from kalan.base.errors import Refused
from kalan.credentials import keystore
from kalan.credentials.models import Office, SigningKey
from kalan.credentials.selectors import keys as selectors
from kalan.credentials.services.key_storing import (
    TokenPlace,
    authority_of,
    keep_authority,
    keep_bare_key,
    keep_document_key,
    new_folders,
    write_crl,
)
from kalan.engine.signing import authority as authorities
from kalan.engine.signing import keyfiles
from kalan.engine.signing import keys as engine
from kalan.engine.signing.errors import SigningError
from kalan.engine.signing.keys import Identity
from kalan.people.actor import Actor
from kalan.people.services import history

_P = SigningKey.Purpose
# Keys without certificate, which the server uses on its own.
_BARE = {_P.QR: engine.P256, _P.BADGE: engine.ED25519}


def create(
    *,
    actor: Actor,
    now: dt.datetime,
    name: str,
    passphrase: str,
    algorithm: str = authorities.RSA_3072,
    unlock: str = SigningKey.Unlock.SERVER,
    signer: str = "",
    country: str = "",
) -> list[SigningKey]:
    """Make an authority, a document key and, where none is in service, keys for QR and badges.

    ``name``: the organisation's (64 characters at most); ``signer``: who signs, as readers of a
    PDF show it (default: the organisation). ``unlock``: "server" keeps the passphrase sealed here;
    "asked" asks for it at each click (never for QR codes and badges, which have their own).
    """
    _refuse_others(actor)
    _refuse_algorithm(algorithm)
    with _told(), new_folders() as made, history.acting(actor), transaction.atomic():
        keyfiles.refuse_weak(passphrase)
        above = authorities.new_authority(
            organisation=name, now=now, algorithm=algorithm, country=country
        )
        keep_authority(above, passphrase, now, made)
        below = authorities.issue(
            above,
            name=signer or name,
            organisation=name,
            now=now,
            algorithm=algorithm,
            country=country,
        )
        key = keep_document_key(below, now=now, made=made, passphrase=passphrase, unlock=unlock,
                                name=signer or name, level=SigningKey.Level.TRIAL)  # fmt: skip
        bare = [
            keep_bare_key(purpose, kind, name, passphrase, now, made)
            for purpose, kind in _BARE.items()
            if selectors.active(purpose) is None
        ]
    return [key, *bare]


def bring_in(
    *,
    actor: Actor,
    now: dt.datetime,
    name: str,
    identity: Identity,
    passphrase: str,
    accredited: bool = False,
    unlock: str = SigningKey.Unlock.SERVER,
    token: TokenPlace | None = None,
    replaces: SigningKey | None = None,
) -> SigningKey:
    """Take in a document key from a file or a token. ``passphrase``: its new one, or the PIN.

    Refused when the certificate may not sign documents now, or the key is known already.
    """
    _refuse_others(actor)
    with _told(), new_folders() as made, history.acting(actor), transaction.atomic():
        engine.refuse_unfit(identity.certificate, at=now)
        if SigningKey.objects.filter(kid=engine.kid_of(identity.key.public)).exists():
            raise Refused("Cette clé est déjà là.", remedy="kalan keys list la montre.")
        level = _level(identity, accredited=accredited)
        key = keep_document_key(identity, now=now, made=made, passphrase=passphrase, unlock=unlock,
                                name=name, level=level, token=token)  # fmt: skip
        if replaces is not None:
            _retire(replaces, key, now)
    return key


def rotate(
    *, actor: Actor, now: dt.datetime, key: SigningKey, passphrase: str, reason: str = ""
) -> SigningKey:
    """Replace a key that Kalan made by a new one of the same name; offices follow.

    What the old one signed stays valid. Refused for an imported key: import the new one instead.
    """
    _refuse_others(actor)
    _refuse_ended(key)
    with _told(), new_folders() as made, history.acting(actor, reason=reason), transaction.atomic():
        rotated = _rotate_document if key.purpose == _P.DOCUMENT else _rotate_bare
        return rotated(key, passphrase, now, reason, made)


def _rotate_bare(
    key: SigningKey, passphrase: str, now: dt.datetime, reason: str, made: list[Path]
) -> SigningKey:
    selectors.place_of(key, passphrase).private()  # the passphrase is the right one
    _hold(key)
    _refuse_ended(key)
    _end(key, SigningKey.State.RETIRED, now, reason)
    purpose = _P(key.purpose)
    new = keep_bare_key(purpose, _BARE[purpose], key.name, passphrase, now, made)
    key.replaced_by = new
    key.save()
    return new


def _rotate_document(
    key: SigningKey, passphrase: str, now: dt.datetime, reason: str, made: list[Path]
) -> SigningKey:
    above, folder = authority_of(key, passphrase)
    subject = selectors.certificates_of(key)[0].subject
    algorithm = authorities.RSA_3072 if key.algorithm == engine.RSA else key.algorithm
    below = authorities.issue(
        above,
        name=_said(subject, x509.NameOID.COMMON_NAME),
        organisation=_said(subject, x509.NameOID.ORGANIZATION_NAME),
        country=_said(subject, x509.NameOID.COUNTRY_NAME),
        now=now,
        algorithm=algorithm,
    )
    new = keep_document_key(below, now=now, made=made, passphrase=passphrase, unlock=key.unlock,
                            name=key.name, level=key.level)  # fmt: skip
    _retire(key, new, now, reason)
    write_crl(above, folder, now)
    return new


def revoke(
    *, actor: Actor, now: dt.datetime, key: SigningKey, reason: str, passphrase: str | None = None
) -> bool:
    """Take a key back: nothing is signed with it, and what it signed is no longer trusted.

    Returns whether the authority's list says it too: that takes the authority's passphrase.
    """
    _refuse_others(actor)
    if not reason.strip():
        raise Refused("Une révocation a une raison.", remedy="Donnez-la avec --reason.")
    with _told(), history.acting(actor, reason=reason), transaction.atomic():
        _hold(key)
        if key.state == SigningKey.State.REVOKED:
            raise Refused("Cette clé est déjà révoquée.")
        _end(key, SigningKey.State.REVOKED, now, reason)
        listed = key.purpose == _P.DOCUMENT and bool(passphrase)
        if passphrase and listed:
            above, folder = authority_of(key, passphrase)
            write_crl(above, folder, now)
        keystore.note_revoked(key.folder, at=now, reason=reason)
        (keystore.root() / key.folder / keystore.PASS).unlink(missing_ok=True)
    return listed


@transaction.atomic
def end_revoked(*, actor: Actor) -> list[SigningKey]:
    """After a restore: end again the keys that were revoked since the backup was made."""
    _refuse_others(actor)
    ended = []
    for key in SigningKey.objects.exclude(state=SigningKey.State.REVOKED).order_by("pk"):
        if (said := keystore.revoked(key.folder)) is not None:
            with history.acting(actor, reason=said[1]):
                _end(key, SigningKey.State.REVOKED, *said)
            ended.append(key)
    return ended


def unlock(*, actor: Actor, now: dt.datetime, key: SigningKey, passphrase: str) -> None:
    """Keep the passphrase sealed on this server again (after a restore, or from "asked")."""
    _refuse_others(actor)
    _refuse_ended(key)
    with _told(), history.acting(actor), transaction.atomic():
        place = selectors.place_of(key, passphrase)
        if key.purpose == _P.DOCUMENT:
            place.open().close()
        else:
            place.private()
        assert place.passphrase is not None
        keystore.keep_passphrase(key.folder, place.passphrase)
        if key.unlock != SigningKey.Unlock.SERVER:
            key.unlock = SigningKey.Unlock.SERVER
            key.save()
        history.note(actor=actor, subject=key, text="phrase secrète scellée sur ce serveur")


def problems(*, now: dt.datetime) -> list[str]:
    """One sentence for each thing amiss with the keys of this server."""
    found = [
        f"Clé privée en clair\u00a0: keys/{name}. Chiffrez-la ou retirez-la."
        for name in keystore.bare_files()
    ]
    found += [
        f"Lisible par d’autres que son propriétaire\u00a0: keys/{name} (chmod go-rwx)."
        for name in keystore.open_to_others()
    ]
    known = set()
    for key in SigningKey.objects.order_by("pk"):
        known.add(key.folder)
        state = selectors.state_of(key, now=now)
        if key.state == SigningKey.State.ACTIVE and state.code not in ("ready", "asked"):
            found.append(f"Clé «\u00a0{key.name}\u00a0» ({key.purpose})\u00a0: {state.label}.")
        elif state.ends_soon:
            found.append(
                f"Clé «\u00a0{key.name}\u00a0»\u00a0: certificat à renouveler avant le "
                f"{key.not_after:%d/%m/%Y} (kalan keys rotate)."
            )
    folders = [path.name for path in sorted(keystore.root().glob("*/")) if path.is_dir()]
    found += [
        f"Dossier keys/{name} sans clé enregistrée."
        for name in folders
        if name not in known and not name.startswith("authority-")
    ]
    return found


def _refuse_others(actor: Actor) -> None:
    if not actor.system:
        raise Refused(
            "Les clés ne se gèrent que sur le serveur.", remedy="Utilisez la commande kalan keys."
        )


def _refuse_ended(key: SigningKey) -> None:
    if key.state != SigningKey.State.ACTIVE:
        raise Refused(f"La clé «\u00a0{key.name}\u00a0» n’est plus en service.")


def _refuse_algorithm(algorithm: str) -> None:
    if algorithm not in (authorities.RSA_3072, engine.P256):
        raise Refused(
            f"Algorithme inconnu\u00a0: {algorithm}.", remedy="Choisissez rsa-3072 ou p-256."
        )


@contextmanager
def _told() -> Iterator[None]:
    """Say what the engine refuses as a service does."""
    try:
        yield
    except SigningError as error:
        raise Refused(error.message, remedy=error.remedy, code=error.code) from error


def _level(identity: Identity, *, accredited: bool) -> str:
    """The level of an imported key: what its issuer says decides against the person."""
    top = x509.load_der_x509_certificate(identity.certificates[-1])
    internal = authorities.INTERNAL in top.subject.rfc4514_string()
    alone = top.subject == top.issuer and len(identity.certificates) == 1
    if accredited and (internal or alone):
        raise Refused(
            "Ce certificat n’est pas celui d’un prestataire accrédité\u00a0: "
            + ("son autorité est interne." if internal else "il s’est signé lui-même."),
            remedy="Importez-le sans --accredited.",
        )
    if accredited:
        return SigningKey.Level.ACCREDITED
    return SigningKey.Level.TRIAL if internal or alone else SigningKey.Level.MINISTRY


def _retire(old: SigningKey, new: SigningKey, now: dt.datetime, reason: str = "") -> None:
    _hold(old)
    _refuse_ended(old)
    _end(old, SigningKey.State.RETIRED, now, reason)
    old.replaced_by = new
    old.save()
    for office in Office.objects.filter(key=old):
        office.key = new
        office.save(update_fields=["key"])


def _hold(key: SigningKey) -> None:
    """Read the key again, locked: it may have been revoked while a new one was being made."""
    key.refresh_from_db(from_queryset=SigningKey.objects.select_for_update())


def _end(key: SigningKey, state: str, now: dt.datetime, reason: str) -> None:
    key.state, key.ended_at, key.end_reason = state, now, reason[:300]
    key.save()


def _said(subject: x509.Name, kind: x509.ObjectIdentifier) -> str:
    found = subject.get_attributes_for_oid(kind)
    return str(found[0].value) if found else ""
