"""``kalan keys``: the keys that sign, made and cared for on the server itself.

stdout carries what was made or found; questions and warnings go to stderr. A passphrase is typed
or read from a file, never given as a word of the command.
"""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from pathlib import Path
from typing import Any

from django.conf import settings

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.credentials.models import SigningKey
from kalan.credentials.selectors import keys as selectors
from kalan.credentials.services import keys as services
from kalan.credentials.services.key_storing import TokenPlace
from kalan.engine.signing import keyfiles
from kalan.engine.signing import keys as engine
from kalan.engine.signing.errors import SigningError
from kalan.engine.signing.tokens import open_token
from kalan.people.actor import SYSTEM

_LARGEST = 1 << 20  # bytes of a key file


def run(options: argparse.Namespace) -> int:
    """Run one action; Refused when it cannot be done."""
    actions = {
        "create": create,
        "import": bring_in,
        "list": listing,
        "rotate": rotate,
        "revoke": revoke,
        "unlock": unlock,
        "check": check,
    }
    try:
        return actions[options.action](options)
    except SigningError as error:
        raise Refused(error.message, remedy=error.remedy, code=error.code) from error


def create(options: argparse.Namespace) -> int:
    made = services.create(
        actor=SYSTEM,
        now=clock.now(),
        name=options.name,
        signer=options.signer,
        passphrase=_new_passphrase(options.passphrase_file),
        algorithm=options.algorithm,
        unlock=options.unlock,
        country=settings.KALAN_COUNTRY.upper(),
    )
    _show(made)
    _say("Autorité interne, pour essai ou usage interne. Sans la phrase secrète, une sauvegarde")
    _say("ne rend pas les clés : gardez-la aussi hors du serveur, dans un coffre par exemple.")
    return 0


def bring_in(options: argparse.Namespace) -> int:
    if bool(options.file) == bool(options.token):
        print("Donnez un FICHIER, ou --token MODULE.", file=sys.stderr)
        return 2
    replaces = _key(options.replaces) if options.replaces else None
    given = _passphrase(options.passphrase_file, "Phrase secrète (ou code PIN) : ")
    others = engine.certificates_in(_read(options.pem)) if options.pem else []
    token = None
    if options.token:
        token = TokenPlace(options.token, options.token_label, options.label)
        identity = open_token(
            token.module, token=token.token, pin=given, label=token.label, certificates=others
        )
    else:
        identity = _opened(_read(options.file), given, _read(options.pem) if options.pem else b"")
        given = _strong(given, options.new_passphrase_file)
    key = services.bring_in(
        actor=SYSTEM,
        now=clock.now(),
        name=options.name,
        identity=identity,
        passphrase=given,
        accredited=options.accredited,
        unlock=options.unlock,
        token=token,
        replaces=replaces,
    )
    _show([key])
    return 0


def _opened(raw: bytes, passphrase: str, certificates: bytes) -> engine.Identity:
    if raw[:1] == b"\x30":
        return engine.open_pkcs12(raw, passphrase)
    return engine.open_pem(raw, passphrase or None, certificates)


def _strong(given: str, path: Path | None) -> str:
    """The passphrase under which Kalan keeps an imported key: the file's, unless it is weak."""
    if path is not None:
        return _new_passphrase(path)
    try:
        keyfiles.refuse_weak(given)
    except SigningError:
        _say("La phrase secrète du fichier est trop courte pour garder la clé ici.")
        return _new_passphrase(None)
    return given


def listing(options: argparse.Namespace) -> int:
    keys = list(selectors.signing_keys(SYSTEM))
    if options.json:
        print(json.dumps([_told(key) for key in keys], ensure_ascii=False, indent=1))
        return 0
    _show(keys)
    if not keys:
        _say("Aucune clé. kalan keys create en fait pour commencer.")
    return 0


def rotate(options: argparse.Namespace) -> int:
    key = _key(options.key)
    new = services.rotate(
        actor=SYSTEM,
        now=clock.now(),
        key=key,
        passphrase=_passphrase(options.passphrase_file, "Phrase secrète : "),
        reason=options.reason,
    )
    _show([key, new])
    return 0


def revoke(options: argparse.Namespace) -> int:
    key = _key(options.key)
    path = options.passphrase_file
    own = key.purpose == SigningKey.Purpose.DOCUMENT and (path or sys.stdin.isatty())
    asked = "Phrase secrète de l’autorité (vide : sans liste de révocation) : "
    listed = services.revoke(
        actor=SYSTEM,
        now=clock.now(),
        key=key,
        reason=options.reason,
        passphrase=_passphrase(path, asked) if own else None,
    )
    _show([key])
    if not listed and key.purpose == SigningKey.Purpose.DOCUMENT:
        _say("La liste de révocation n’a pas été refaite : prévenez l’autorité qui a émis la clé.")
    return 0


def unlock(options: argparse.Namespace) -> int:
    key = _key(options.key)
    given = _passphrase(options.passphrase_file, "Phrase secrète (ou code PIN) : ")
    services.unlock(actor=SYSTEM, now=clock.now(), key=key, passphrase=given)
    _show([key])
    return 0


def check(options: argparse.Namespace) -> int:
    found = services.problems(now=clock.now())
    for problem in found:
        print(problem)
    if not found:
        print("Les clés sont en ordre.")
    return 1 if found else 0


def _key(words: str) -> SigningKey:
    """The key meant: its identifier, the beginning of its fingerprint, or its name."""
    keys = list(selectors.signing_keys(SYSTEM))
    found = [key for key in keys if str(key.uid) == words]
    found = found or [key for key in keys if len(words) >= 6 and key.kid.startswith(words)]
    found = found or [key for key in keys if key.name == words and key.state == "active"]
    if len(found) != 1:
        said = "Aucune clé ne s’appelle" if not found else "Plusieurs clés s’appellent"
        raise Refused(f"{said} « {words} ».", remedy="kalan keys list donne les identifiants.")
    return found[0]


def _told(key: SigningKey) -> dict[str, Any]:
    state = selectors.state_of(key, now=clock.now())
    return {
        "uid": str(key.uid),
        "name": key.name,
        "purpose": key.purpose,
        "kind": key.kind,
        "algorithm": key.algorithm,
        "level": key.level,
        "unlock": key.unlock,
        "state": state.code,
        "kid": key.kid,
        "not_after": key.not_after.isoformat() if key.not_after else None,
        "replaced_by": str(key.replaced_by.uid) if key.replaced_by else None,
    }


def _show(keys: list[SigningKey]) -> None:
    for key in keys:
        state = selectors.state_of(key, now=clock.now())
        until = f"{key.not_after:%d/%m/%Y}" if key.not_after else "-"
        words = (key.uid, key.purpose, key.algorithm, key.level, until, state.label, key.name)
        print("\t".join(map(str, words)))


def _new_passphrase(path: Path | None) -> str:
    given = _passphrase(path, "Phrase secrète de la clé : ")
    if path is None and getpass.getpass("La même, encore une fois : ", sys.stderr) != given:
        raise Refused("Les deux phrases secrètes diffèrent.", remedy="Recommencez.")
    return given


def _passphrase(path: Path | None, question: str) -> str:
    if path is not None:
        if path.is_file() and path.stat().st_mode & 0o077:
            _say(f"Attention : {path} est lisible par d’autres (chmod 600).")
        return _read(path).decode(errors="replace").split("\n")[0].rstrip("\r")
    if not sys.stdin.isatty():
        raise Refused(
            "La phrase secrète se tape au clavier, et il n’y en a pas ici.",
            remedy="Mettez-la dans un fichier à vous seul, et donnez --passphrase-file.",
        )
    return getpass.getpass(question, sys.stderr)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST)
    except OSError as error:
        raise Refused(
            f"Le fichier {path} ne se lit pas ({error.strerror}).", remedy="Vérifiez le chemin."
        ) from error


def _say(words: str) -> None:
    print(words, file=sys.stderr)
