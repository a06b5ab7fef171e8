"""``kalan import KIND FILE``: check a file, and with ``--apply`` merge it, from the command line.

stdout carries one JSON object with the counts; refused rows go to stderr. Exit codes: 0 done,
1 refused or invalid, 2 usage.
"""

from __future__ import annotations

import argparse
import json
import sys

from django.core.files import File

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.imports import pipeline, registry
from kalan.base.imports.sql import small_footprint
from kalan.base.models import ImportRun
from kalan.people.actor import SYSTEM, Actor
from kalan.people.models import Account
from kalan.people.selectors.core import actor_for
from kalan.people.services import imports as services

_SHOWN = 50  # refused rows printed


def run(args: argparse.Namespace) -> int:
    """Run the command; raises Refused when the file cannot be imported."""
    kind = registry.get(args.kind)
    if kind is None or (args.apply and args.dry_run):
        known = ", ".join(k.code for k in registry.kinds())
        print(f"Types d’import : {known}. --apply et --dry-run s’excluent.", file=sys.stderr)  # noqa: T201
        return 2
    if not args.file.is_file():
        raise Refused(f"Le fichier {args.file} n’existe pas.", remedy="Vérifiez le chemin.")
    try:
        titles = json.loads(args.mapping) if args.mapping else {}
        options = dict(pair.split("=", 1) for pair in args.option)
    except ValueError:
        print("--mapping attend un objet JSON, --option attend NOM=VALEUR.", file=sys.stderr)  # noqa: T201
        return 2
    actor = _actor(args.as_)
    with args.file.open("rb") as file:
        found = services.deposit(
            actor=actor, now=clock.now(), kind=kind, content=File(file), name=args.file.name
        )
    with small_footprint():
        return _go(actor, found, titles, options, apply=args.apply)


def _go(
    actor: Actor, run: ImportRun, titles: dict[str, str], options: dict[str, str], *, apply: bool
) -> int:
    mapping = _mapping(run, titles) if titles else run.mapping
    services.set_columns(
        actor=actor, now=clock.now(), run=run, mapping=mapping, options=options, background=False
    )
    counts = pipeline.check(run.pk)
    run.refresh_from_db()
    for row in run.rows.filter(verdict="refused").order_by("number")[:_SHOWN]:
        for problem in row.detail["problems"]:
            said = " ".join(filter(None, [problem["column"], problem["reason"], problem["remedy"]]))
            print(f"ligne {row.number} : {said}", file=sys.stderr)  # noqa: T201
    if apply:
        services.set_applying(actor=actor, now=clock.now(), run=run, background=False)
        counts = pipeline.apply(run.pk)
    print(json.dumps({"import": str(run.uid), **counts}, ensure_ascii=False))  # noqa: T201
    return 0


def _actor(email: str | None) -> Actor:
    if not email:
        return SYSTEM
    account = Account.objects.filter(email=email.lower(), is_active=True).first()
    if account is None:
        raise Refused(f"Aucun compte actif n’a l’adresse {email}.")
    return actor_for(account, today=clock.today())


def _mapping(run: ImportRun, titles: dict[str, str]) -> dict[str, int]:
    unknown = [title for title in titles.values() if title not in run.columns]
    if unknown:
        raise Refused(
            f"Le fichier n’a pas de colonne « {unknown[0]} ».",
            remedy=f"Ses colonnes : {', '.join(run.columns)}.",
        )
    return {name: run.columns.index(title) for name, title in titles.items()}
