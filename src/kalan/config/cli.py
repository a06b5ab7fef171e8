"""The program ``kalan``. stdout carries the result only, diagnostics go to stderr.

Exit codes: 0 done, 1 refused or invalid, 2 usage. Django is loaded once a command has been
chosen, so that ``--help`` answers at once; ``psychometrics``, ``questions`` and ``verify`` need
neither Django nor a database.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="kalan", description="La plateforme Kalan.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMANDE")

    serve = commands.add_parser("serve", help="prépare la base, lance site et travail de fond")
    serve.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
    serve.add_argument("--port", type=_port, default=os.environ.get("PORT", "8000"))

    worker = commands.add_parser("worker", help="exécute les travaux de fond et les horaires")
    worker.add_argument("--burst", action="store_true", help="faire ce qui attend, puis s’arrêter")

    backup = commands.add_parser("backup", help="sauvegarde la base et les fichiers, puis vérifie")
    backup.add_argument("--to", type=Path, metavar="DOSSIER", help="défaut : KALAN_HOME/backups")
    backup.add_argument("--keep", type=_count, metavar="N", help="ne garder que les N dernières")

    restore = commands.add_parser("restore", help="remet une sauvegarde en place")
    restore.add_argument("archive", type=Path, metavar="ARCHIVE")
    restore.add_argument("--yes", action="store_true", help="remplacer les données présentes")

    export = commands.add_parser("export", help="écrit toutes les données en CSV, avec leur notice")
    export.add_argument("folder", type=Path, metavar="DOSSIER")

    bring = commands.add_parser("import", help="vérifie un fichier XLSX ou CSV, et l’importe")
    bring.add_argument("kind", metavar="TYPE", help="structures, staff, platform-accounts…")
    bring.add_argument("file", type=Path, metavar="FICHIER")
    bring.add_argument("--mapping", metavar="JSON", help='les colonnes : {"last_name": "NOM"}')
    bring.add_argument("--option", action="append", default=[], metavar="NOM=VALEUR")
    bring.add_argument("--dry-run", action="store_true", help="vérifier seulement (par défaut)")
    bring.add_argument("--apply", action="store_true", help="vérifier, puis appliquer")
    bring.add_argument("--as", dest="as_", metavar="EMAIL", help="au nom de ce compte")

    commands.add_parser(  # for --help: main hands its words on before they are parsed here
        "psychometrics", help="étalonne, note et contrôle des tests : CSV en entrée, JSON en sortie"
    )
    commands.add_parser(  # like psychometrics
        "questions", help="vérifie et convertit des questions\u00a0: GIFT, XML de Moodle, Aiken"
    )
    commands.add_parser(  # like psychometrics
        "verify", help="dit si des PDF signés sont valides, sans base de données"
    )
    _keys(commands.add_parser("keys", help="les clés qui signent"))
    commands.add_parser("demo", help="charge les données de démonstration (mode démonstration)")
    checked = commands.add_parser("check", help="vérifie les réglages, les migrations et l’arbre")
    checked.add_argument(
        "--register",
        action="store_true",
        help="relit aussi le registre des actes et chaque document signé",
    )
    return top


def _keys(parser: argparse.ArgumentParser) -> None:
    """The words of ``kalan keys``. A passphrase is none: others could see it."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    secret = argparse.ArgumentParser(add_help=False)
    secret.add_argument(
        "--passphrase-file", type=Path, metavar="FICHIER", help="sinon demandée au clavier"
    )
    kept = argparse.ArgumentParser(add_help=False)
    kept.add_argument(
        "--unlock",
        choices=["server", "asked"],
        default="server",
        help="phrase secrète scellée sur ce serveur (défaut), ou demandée à chaque signature",
    )
    one = argparse.ArgumentParser(add_help=False)
    one.add_argument("key", metavar="CLÉ", help="identifiant ou nom, comme dans kalan keys list")

    create = actions.add_parser("create", parents=[secret, kept], help="autorité et clés du début")
    create.add_argument("--name", required=True, help="l’organisme, 64 caractères au plus")
    create.add_argument("--signer", default="", help="qui signe (défaut\u00a0: l’organisme)")
    create.add_argument("--algorithm", choices=["rsa-3072", "p-256"], default="rsa-3072")

    bring = actions.add_parser("import", parents=[secret, kept], help="une clé reçue d’ailleurs")
    bring.add_argument("file", type=Path, nargs="?", metavar="FICHIER", help="PKCS#12 ou PEM")
    bring.add_argument("--pem", type=Path, metavar="FICHIER", help="certificats, s’ils sont à part")
    bring.add_argument("--token", metavar="MODULE", help="le module PKCS#11 du jeton")
    bring.add_argument("--token-label", default="", metavar="NOM", help="le nom du jeton")
    bring.add_argument("--label", default="", metavar="NOM", help="le nom de la clé du jeton")
    bring.add_argument("--name", required=True, help="comment l’appeler ici")
    bring.add_argument(
        "--accredited", action="store_true", help="émise par un prestataire accrédité"
    )
    bring.add_argument("--replaces", metavar="CLÉ", default="", help="la clé qu’elle remplace")
    bring.add_argument("--new-passphrase-file", type=Path, metavar="FICHIER")

    listing = actions.add_parser("list", help="les clés et leur état")
    listing.add_argument("--json", action="store_true")
    rotate = actions.add_parser("rotate", parents=[one, secret], help="remplacer une clé")
    rotate.add_argument("--reason", default="")
    revoke = actions.add_parser("revoke", parents=[one, secret], help="révoquer une clé")
    revoke.add_argument("--reason", required=True)
    actions.add_parser("unlock", parents=[one, secret], help="sceller de nouveau la phrase secrète")
    actions.add_parser("check", help="ce qui ne va pas avec les clés")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["psychometrics"]:
        # Threads that wait for each other on a busy small server cost ten times what they bring.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        from kalan.engine.psychometrics.commands.program import run

        return run(words[1:])
    if words[:1] == ["questions"]:
        from kalan.engine.formats.program import run as questions

        return questions(words[1:])
    if words[:1] == ["verify"]:
        from kalan.engine.signing.verify.program import run as verify

        here = Path(__file__).resolve().parents[3] / "var"  # as settings.py has it
        return verify(words[1:], home=Path(os.environ.get("KALAN_HOME") or here))
    options = parser().parse_args(words)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kalan.config.settings")
    if options.command == "serve":
        os.environ.setdefault("KALAN_BASE_URL", f"http://localhost:{options.port}")
    gc.disable()  # all that is imported stays: looking for garbage in it is a tenth of the start
    import django  # late: see the module's docstring

    django.setup()
    from kalan.base.errors import Refused
    from kalan.config import commands

    gc.freeze()
    gc.enable()
    try:
        return commands.run(options)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1


def _port(text: str) -> int:
    number = int(text)
    if not 0 < number < 65536:
        raise argparse.ArgumentTypeError("un port va de 1 à 65535")
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("gardez au moins 1 sauvegarde")
    return number


if __name__ == "__main__":
    sys.exit(main())
