"""What can be imported. A room declares its kinds in its AppConfig.ready(); base knows none.

A kind names its fields (for the mapping and the template), checks rows chunk by chunk, and merges
what was decided in one transaction that the pipeline opens.
"""

from __future__ import annotations

import datetime as dt
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from kalan.base.ids import uuid7
from kalan.base.imports.values import BadValue, Cell, text_of

if TYPE_CHECKING:
    from kalan.base.models import ImportRun

Parser = Callable[[Cell, str], Any]  # (cell, country) → value; raises BadValue


def as_text(longest: int) -> Parser:
    """A parser of text of at most ``longest`` characters."""

    def parse(cell: Cell, country: str) -> str:
        text = text_of(cell)
        if len(text) > longest:
            raise BadValue(
                f"Le texte a {len(text)} caractères ; la limite est de {longest}.", "Raccourcissez."
            )
        return text

    return parse


@dataclass(frozen=True)
class Field:
    """A thing that a column may hold. ``synonyms`` recognise its title in files."""

    name: str
    label: str
    parse: Parser = field(default=as_text(200), repr=False)
    synonyms: tuple[str, ...] = ()
    required: bool = False
    help: str = ""
    example: str = ""


@dataclass(frozen=True)
class Option:
    """What a person gives once for the whole file: an effective date, a platform."""

    name: str
    label: str
    type: Literal["date", "choice"]
    required: bool = False
    help: str = ""
    # (tree paths of the actor) → [(value, label)]
    choices: Callable[[list[str]], list[tuple[str, str]]] | None = None


@dataclass(slots=True)
class Row:
    """A row on its way through the check; see base.models.ImportRow for what is kept."""

    number: int
    raw: list[str]
    values: dict[str, Any] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)  # the cell's text, by field
    problems: list[dict[str, str]] = field(default_factory=list)
    verdict: str = ""
    action: str = ""
    label: str = ""
    target_id: int | None = None
    uid: uuid.UUID = field(default_factory=uuid7)
    plan: dict[str, Any] = field(default_factory=dict)
    changes: list[list[str]] = field(default_factory=list)  # [label, before, after]
    candidates: list[dict[str, Any]] = field(default_factory=list)
    note: str = ""
    detail: dict[str, Any] = field(default_factory=dict)  # made by the pipeline at the end
    decision: str = ""

    def refuse(self, column: str, reason: str, remedy: str = "") -> None:
        """Note a problem; ``column`` is the field's name, or "" for the row as a whole."""
        self.problems.append(
            {
                "column": column,
                "value": self.written.get(column, ""),
                "reason": reason,
                "remedy": remedy,
            }
        )

    def create(self, plan: dict[str, Any]) -> None:
        self.verdict, self.action, self.plan = "new", "create", plan

    def same(self, target_id: int) -> None:
        self.verdict, self.action, self.target_id = "same", "", target_id

    def update(self, target_id: int, changes: list[list[str]], plan: dict[str, Any]) -> None:
        self.verdict, self.action, self.target_id = "changed", "update", target_id
        self.changes, self.plan = changes, plan

    def doubt(self, candidates: list[dict[str, Any]], plan: dict[str, Any]) -> None:
        """A person decides: ``plan`` is that of creating; each candidate carries its own."""
        self.verdict, self.action = "doubt", ""
        self.candidates, self.plan = candidates, plan


class Checker(Protocol):
    """Made once per check, with its references loaded; sees the rows in file order."""

    def check(self, rows: list[Row]) -> None:
        """Give each row without problems a verdict; reads the database, writes nothing."""

    def questions(self) -> list[dict[str, Any]]:
        """Names that no record bears exactly, with the nearest ones (see matching)."""


class Kind(ABC):
    """A kind of file. A room makes a subclass and registers one object of it."""

    code: str
    label: str  # "agents", as in "Importer des agents"
    description: str
    roles: frozenset[str]
    fields: tuple[Field, ...]
    options: tuple[Option, ...]
    create_label: str  # what "create" means for a doubt
    use_label: str  # what "use:<id>" means, before the record's label
    person_fields: tuple[str, ...]  # those that tell who a row is about (kept for erasure)

    @abstractmethod
    def columns_needed(self, mapped: set[str]) -> str:
        """Return "" or what is missing among the mapped fields, in French."""

    def option_needed(self, mapped: set[str], options: Mapping[str, str]) -> tuple[str, str]:
        """Return ("", "") or the option that these columns make necessary, and why, in French."""
        return "", ""

    @abstractmethod
    def checker(self, run: ImportRun) -> Checker: ...

    @abstractmethod
    def merge(self, run: ImportRun, *, now: dt.datetime) -> None:
        """Write rows whose action is create or update; called inside the one transaction.

        First marks as stale the rows whose targets changed since the check.
        """


_KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    _KINDS[kind.code] = kind


def get(code: str) -> Kind | None:
    return _KINDS.get(code)


def kinds() -> list[Kind]:
    """Every kind, in the order in which rooms registered them."""
    return list(_KINDS.values())
