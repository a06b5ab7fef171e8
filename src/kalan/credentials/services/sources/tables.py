"""Any act: a template filled from the rows of a spreadsheet, one act a row.

Nothing is made while one row is bad: each is named by its row, its column and the remedy.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from kalan.base.errors import Refused
from kalan.base.imports.reader import inspect, read_rows
from kalan.base.imports.values import Cell, text_of
from kalan.base.text import fold
from kalan.credentials.documents import completeness, contract, wording
from kalan.credentials.documents.merge_fields import known_fields, slug
from kalan.credentials.models import TemplateVersion
from kalan.credentials.services.sources.common import Found, Planned, Request

MOST_ROWS = 20_000
_SHOWN = 20  # bad rows told at once
NAMES = frozenset({"nom", "nom complet", "nom et prenom", "nom et prenoms", "beneficiaire", "name"})
LAST = frozenset({"nom", "nom de famille"})
FIRST = frozenset({"prenom", "prenoms"})
EMAILS = frozenset({"e mail", "email", "mail", "courriel", "adresse electronique"})
PHONES = frozenset({"telephone", "tel", "mobile", "n° de telephone", "numero de telephone"})


def find(request: Request) -> Found:
    """One act for each row that is not empty; ``options["sheet"]``: which sheet."""
    if request.file is None:
        raise Refused("Choisissez un fichier.", field="file")
    path = Path(request.file.file.path)
    wanted = _wanted(request.version)
    found = inspect(
        path,
        score=lambda texts: float(sum(slug(text) in wanted or _known(text) for text in texts)),
        sheet=request.options.get("sheet"),
        name=request.file.name,
    )
    headers = found.headers
    _check_headers(headers, wanted)
    _, rows = read_rows(path, found.source)
    made = _Rows(request, headers)
    for number, cells in rows:
        made.take(number, cells)
    return Found(node=request.office.node, acts=made.done(), simulated=False)


def _wanted(version: TemplateVersion) -> set[str]:
    """The columns that the wording prints, as fields (« date_de_l_acte »)."""
    used = set().union(*(wording.used(text) for text in version.wording.values()), set())
    return used - set(known_fields(contract.FREE))


def _known(text: str) -> bool:
    word = fold(text)
    return any(word in names for names in (NAMES, LAST, FIRST, EMAILS, PHONES))


def _check_headers(headers: list[str], wanted: set[str]) -> None:
    slugs = [slug(header) for header in headers if header]
    twice = sorted({header for header in headers if header and slugs.count(slug(header)) > 1})
    if twice:
        raise Refused(
            f"Deux colonnes portent le même titre : {', '.join(twice)}.",
            remedy="Renommez l’une des deux.",
            field="file",
            code="columns",
        )
    missing = sorted(wanted - set(slugs))
    if not any(fold(header) in NAMES for header in headers):
        missing.insert(0, "nom")
    if missing:
        raise Refused(
            f"Colonnes absentes du tableau : {', '.join(missing)}.",
            remedy="Ajoutez-les, avec ces titres dans la première ligne.",
            field="file",
            code="columns",
        )


class _Rows:
    """Rows read one by one; what is wrong is kept until all were read."""

    def __init__(self, request: Request, headers: list[str]) -> None:
        self.request = request
        self.headers = headers
        folded = [fold(header) for header in headers]
        self.name = next(n for n, word in enumerate(folded) if word in NAMES)
        self.first = next((n for n, word in enumerate(folded) if word in FIRST), None)
        self.email = next((n for n, word in enumerate(folded) if word in EMAILS), None)
        self.phone = next((n for n, word in enumerate(folded) if word in PHONES), None)
        self.acts: list[Planned] = []
        self.bad: list[str] = []
        self.seen: dict[str, int] = {}

    def take(self, number: int, cells: list[Cell]) -> None:
        if len(self.acts) >= MOST_ROWS:
            raise Refused(
                f"Le tableau a plus de {MOST_ROWS} lignes.",
                remedy="Découpez-le en plusieurs lots.",
                field="file",
            )
        texts = [text_of(cell) for cell in cells[: len(self.headers)]]
        texts += [""] * (len(self.headers) - len(texts))
        name = texts[self.name]
        if name and self.first is not None and texts[self.first]:
            name = f"{texts[self.first]} {name}"
        fields = dict(zip(self.headers, texts, strict=True))
        fields.pop("", None)
        email = "" if self.email is None else texts[self.email]
        data: dict[str, Any] = {"kind": contract.FREE, "holder": {"name": name}, "fields": fields}
        self._check(number, name, email, data)
        mark = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
        if mark in self.seen:
            self._wrong(number, self.headers[self.name], f"répète la ligne {self.seen[mark]}")
        self.seen[mark] = number
        self.acts.append(
            Planned(
                record=f"free:{self.request.version.template.code}:{mark[:40]}"[:120],
                name=name,
                email=email,
                phone="" if self.phone is None else texts[self.phone][:20],
                data=data,
            )
        )

    def _check(self, number: int, name: str, email: str, data: dict[str, Any]) -> None:
        if not name:
            self._wrong(number, self.headers[self.name], "la case est vide", "Écrivez le nom")
        if email:
            try:
                validate_email(email)
            except ValidationError:
                title = self.headers[self.email or 0]
                self._wrong(number, title, f"« {email} » n’est pas une adresse", "Corrigez-la")
        for problem in completeness.problems(contract.FREE, data):
            place = problem.place.removeprefix("fields.")
            title = self.headers[self.name] if place == "holder.name" else place
            self._wrong(number, title, problem.message.rstrip("."), problem.remedy.rstrip("."))

    def _wrong(self, number: int, column: str, said: str, remedy: str = "") -> None:
        self.bad.append(
            f"ligne {number}, colonne « {column} » : {said}" + (f" ({remedy})" if remedy else "")
        )

    def done(self) -> list[Planned]:
        """The acts; Refused with every bad row, and when there is none at all."""
        if self.bad:
            more = len(self.bad) - _SHOWN
            lines = self.bad[:_SHOWN] + ([f"et {more} autres"] if more > 0 else [])
            raise Refused(
                f"Aucun acte n’est préparé : {' ; '.join(lines)}.",
                remedy="Corrigez le tableau et déposez-le de nouveau.",
                field="file",
                code="rows",
            )
        if not self.acts:
            raise Refused(
                "Le tableau n’a aucune ligne sous ses titres.", field="file", code="nobody"
            )
        return self.acts
