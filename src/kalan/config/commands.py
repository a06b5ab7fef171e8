"""What each command of the program does. The result goes to stdout, the rest to stderr."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from django.conf import settings

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.config import backup as backups
from kalan.config import check as checks
from kalan.config import export as exporting
from kalan.config import restoring, supervise
from kalan.credentials import keystore


def serve(options: argparse.Namespace) -> int:
    restoring.refuse()
    supervise.refuse_taken_port(options.host, options.port)
    supervise.prepare()
    if settings.KALAN_DEMO:
        _demo_once()
    children = supervise.Children(options.host, options.port)
    if children.ready():
        print(f"http://localhost:{options.port}", flush=True)
        if settings.KALAN_DEMO:
            _say_demo_accounts()
    return children.wait()


def _demo_once() -> None:
    """Load the demonstration into an empty database; leave any other as it is."""
    from kalan.config import demo as demonstration  # only here: it imports every room

    supervise.say("Chargement de la démonstration (une seule fois)…")
    try:
        demonstration.load(now=clock.now())
    except Refused as refused:
        supervise.say(str(refused))


def _say_demo_accounts() -> None:
    from kalan.people.services.accounts_demo import DEMO_PASSWORD, DEMO_TOTP_SECRET

    names = "agent, formateur, structure, region, programme, signataire, auteur, admin"
    print(f"Comptes de démonstration (@demo.kalan) : {names}")
    print(f"Mot de passe : {DEMO_PASSWORD}")
    print(f"Secret TOTP de signataire et admin : {DEMO_TOTP_SECRET}", flush=True)


def worker(options: argparse.Namespace) -> int:
    from kalan.base import worker as process  # only here: it imports the queue's machinery

    restoring.refuse()
    process.run(burst=options.burst)
    return 0


def check(options: argparse.Namespace) -> int:
    problems = checks.problems(today=clock.today())
    if options.register:
        problems += _register()
    for problem in problems:
        print(problem)
    if not problems:
        print("Tout est en ordre.")
    return 1 if problems else 0


def _register() -> list[str]:
    """What is wrong with the register and the files it names; the last hash goes to stderr."""
    from kalan.credentials.services import register  # only here: it reads every act

    found = register.verify()
    supervise.say(
        f"Registre : {found.entries} entrées, {found.acts} actes signés, {found.files} documents "
        f"relus. Dernière empreinte, à noter ailleurs : {found.last or 'aucune'}"
    )
    return found.problems


def demo(options: argparse.Namespace) -> int:
    from kalan.config import demo as demonstration  # only here: it imports every room

    loaded = demonstration.load(now=clock.now())
    print("Démonstration chargée." if loaded else "La démonstration est déjà là.", flush=True)
    return 0


def backup(options: argparse.Namespace) -> int:
    restoring.refuse()
    print(backups.backup(to=options.to, keep=options.keep, now=clock.now()))
    lost = backups.missing_files()
    if lost:
        supervise.say(f"Attention : {len(lost)} fichiers manquent sur le disque : {lost[:5]}")
    for name in keystore.bare_files():
        supervise.say(
            f"Attention : keys/{name} contient une clé privée en clair, laissée hors de la "
            "sauvegarde. Importez-la (kalan keys import), puis effacez ce fichier."
        )
    return 0


def restore(options: argparse.Namespace) -> int:
    before = backups.restore(path=options.archive, yes=options.yes, now=clock.now())
    if before is not None:
        supervise.say(f"Ce qui a été remplacé est sauvegardé : {before}")
    print(f"Restauré : {options.archive}")
    from kalan.credentials.services import keys as signing  # only here: most have no use for it

    for problem in signing.problems(now=clock.now()):
        supervise.say(problem)
    return 0


def export(options: argparse.Namespace) -> int:
    for name, rows in exporting.export(folder=options.folder, now=clock.now()).items():
        print(f"{name}\t{rows}")
    return 0


def import_file(options: argparse.Namespace) -> int:
    from kalan.people.imports import cli  # only here: most commands have no use for it

    return cli.run(options)


def keys(options: argparse.Namespace) -> int:
    from kalan.config import keys as program  # only here: it imports the cryptography

    return program.run(options)


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "serve": serve,
    "worker": worker,
    "check": check,
    "demo": demo,
    "backup": backup,
    "restore": restore,
    "export": export,
    "import": import_file,
    "keys": keys,
}


def run(options: argparse.Namespace) -> int:
    """Run the command that was chosen and return its exit code."""
    return COMMANDS[options.command](options)
