"""Importing a file: deposit, columns, check, names, decisions, merge. Long steps run as jobs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from django.core.files import File
from django.db import transaction
from django.db.models import F

from kalan.base.errors import Refused
from kalan.base.files import store
from kalan.base.imports import mapping as columns
from kalan.base.imports import pipeline, reader, registry, tasks
from kalan.base.imports.registry import Kind
from kalan.base.imports.values import BadValue, parse_date
from kalan.base.jobs import start_job
from kalan.base.models import ImportRow, ImportRun, NameMatch
from kalan.people.actor import Actor
from kalan.people.selectors import imports as selectors
from kalan.people.services import history

State = ImportRun.State


class Step(Protocol):
    """A service that takes a run one step further."""

    def __call__(self, *, actor: Actor, now: dt.datetime, run: ImportRun) -> None: ...


_OPEN = (State.UPLOADED, State.CHECKED, State.FAILED)


def _kind(run: ImportRun, actor: Actor) -> Kind:
    kind = registry.get(run.kind)
    if kind is None or not actor.can(kind.roles):
        raise Refused("Vous ne pouvez pas faire cet import.")
    return kind


def deposit(
    *, actor: Actor, now: dt.datetime, kind: Kind, content: bytes | File[bytes], name: str
) -> ImportRun:
    """Store the file, look at it and propose columns. Raises Refused; nothing is then kept."""
    if not actor.can(kind.roles):
        raise Refused("Vous ne pouvez pas faire cet import.")
    reader.check_size(len(content) if isinstance(content, bytes) else int(content.size or 0))
    scope = selectors.scope_of(actor, kind)
    file = store(content=content, name=name, kind="import", by=actor.account, now=now)
    try:
        inspection = reader.inspect(
            Path(file.file.path), score=lambda titles: columns.score(kind, titles), name=name
        )
    except Refused:
        file.file.delete(save=False)
        file.delete()
        raise
    with transaction.atomic(), history.acting(actor):
        run = ImportRun.objects.create(
            kind=kind.code,
            file=file,
            country=selectors.country_of(scope),
            scope=scope,
            scope_path=selectors.common_path(scope),
            created_at=now,
            created_by=actor.account,
            source=pipeline.source_of(inspection),
            columns=inspection.headers,
            mapping=_proposed(kind, inspection.headers),
        )
        history.note(actor=actor, subject=run, text="Fichier déposé pour import")
    return run


def _proposed(kind: Kind, headers: list[str]) -> dict[str, int]:
    return columns.remembered(kind, headers) or columns.propose(kind, headers)


def look_again(
    *, actor: Actor, now: dt.datetime, run: ImportRun, sheet: str | None, header_row: int | None
) -> None:
    """Take another sheet or header row; columns are proposed anew."""
    kind = _kind(run, actor)
    inspection = reader.inspect(
        pipeline.source_path(run),
        score=lambda titles: columns.score(kind, titles),
        sheet=sheet,
        header_row=header_row,
    )
    _move(run, _OPEN, State.UPLOADED, source=pipeline.source_of(inspection),
          columns=inspection.headers, mapping=_proposed(kind, inspection.headers))  # fmt: skip


def inspect(*, actor: Actor, run: ImportRun) -> reader.Inspection:
    """Sheets and first rows, for the page of the columns."""
    kind = _kind(run, actor)
    return reader.inspect(
        pipeline.source_path(run),
        score=lambda titles: columns.score(kind, titles),
        sheet=run.source.get("sheet") or None,
        header_row=run.source.get("header_row"),
    )


def start_check(
    *,
    actor: Actor,
    now: dt.datetime,
    run: ImportRun,
    mapping: Mapping[str, int],
    options: Mapping[str, str],
) -> None:
    """Fix columns and options, remember the columns, and start the check in the background."""
    set_columns(actor=actor, now=now, run=run, mapping=mapping, options=options, background=True)


def set_columns(
    *,
    actor: Actor,
    now: dt.datetime,
    run: ImportRun,
    mapping: Mapping[str, int],
    options: Mapping[str, str],
    background: bool,
) -> None:
    """As ``start_check``; without ``background`` the caller runs ``pipeline.check`` itself."""
    kind = _kind(run, actor)
    chosen = {name: int(column) for name, column in mapping.items()}
    names = {field.name for field in kind.fields}
    if set(chosen) - names or any(not 0 <= c < len(run.columns) for c in chosen.values()):
        raise Refused("Une colonne choisie n’existe pas.", remedy="Choisissez parmi les colonnes.")
    if len(set(chosen.values())) < len(chosen):
        raise Refused(
            "Une même colonne est choisie deux fois.", remedy="Une colonne ne sert qu’une fois."
        )
    missing = [f.label for f in kind.fields if f.required and f.name not in chosen]
    if missing:
        raise Refused(f"Il manque : {', '.join(missing)}.", remedy="Choisissez leur colonne.")
    if lacking := kind.columns_needed(set(chosen)):
        raise Refused(lacking)
    values = _options(kind, run, options)
    needed, why = kind.option_needed(set(chosen), values)
    if needed:
        raise Refused(why, field=needed)
    with transaction.atomic():
        columns.remember(kind, list(run.columns), chosen, now)
        _move(run, _OPEN, State.CHECKING, mapping=chosen, options=values)
        if background:
            _start(run, kind, actor, now)


def _options(kind: Kind, run: ImportRun, given: Mapping[str, str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for option in kind.options:
        value = str(given.get(option.name) or "").strip()
        if not value:
            if option.required:
                raise Refused(f"« {option.label} » manque.", field=option.name)
            continue
        if option.type == "date":
            try:
                value = parse_date(value).isoformat()
            except BadValue as bad:
                raise Refused(bad.reason, remedy=bad.remedy, field=option.name) from bad
        elif option.choices and value not in dict(option.choices(list(run.scope))):
            raise Refused(f"« {option.label} » : ce choix n’existe pas.", field=option.name)
        values[option.name] = value
    return values


def recheck(*, actor: Actor, now: dt.datetime, run: ImportRun) -> None:
    """Check the same file again, with the same columns (also after a failure)."""
    kind = _kind(run, actor)
    if not run.mapping:
        raise Refused("Associez d’abord les colonnes.")
    with transaction.atomic():
        _move(run, (State.CHECKED, State.FAILED), State.CHECKING)
        _start(run, kind, actor, now)


def _start(run: ImportRun, kind: Kind, actor: Actor, now: dt.datetime) -> None:
    job = start_job(
        kind="import.check",
        label=f"Vérification : {kind.label}",
        task=tasks.check_import,
        actor_account=actor.account,
        now=now,
        arguments={"run_id": run.pk},
    )
    ImportRun.objects.filter(pk=run.pk).update(job=job)


def _move(run: ImportRun, before: tuple[str, ...], after: str, **values: Any) -> None:
    """Change state by a conditional update: of two clicks, one counts."""
    changed = ImportRun.objects.filter(pk=run.pk, state__in=before).update(
        state=after, attempt=F("attempt") + 1, **values
    )
    if not changed:
        raise Refused(
            "Cet import n’est plus dans l’état affiché.", remedy="Rechargez la page.", code="state"
        )
    run.refresh_from_db()


def answer_names(
    *, actor: Actor, now: dt.datetime, run: ImportRun, answers: Mapping[int, str]
) -> int:
    """Keep what names mean: {index in ``run.questions``: record id, "none"}, and check again.

    Names confirmed are remembered for later files. Returns how many were answered.
    """
    kind = _kind(run, actor)
    kept: dict[str, dict[str, int | None]] = {k: dict(v) for k, v in run.answers.items()}
    matches: list[NameMatch] = []
    number = 0
    for index, answer in answers.items():
        if not 0 <= index < len(run.questions) or not answer:
            continue
        question = run.questions[index]
        allowed = {str(candidate["id"]) for candidate in question["candidates"]}
        if answer != "none" and answer not in allowed:
            raise Refused("Un des choix n’est pas parmi les propositions.")
        target = None if answer == "none" else int(answer)
        kept.setdefault(question["field"], {})[question["key"]] = target
        number += 1
        if target is not None:
            matches.append(
                NameMatch(
                    category=question["category"],
                    country=run.country,
                    key=question["key"],
                    target_id=target,
                    confirmed_by=actor.account,
                    confirmed_at=now,
                )
            )
    if not number:
        raise Refused("Aucun nom n’est confirmé.", remedy="Choisissez au moins une réponse.")
    with transaction.atomic():
        _move(run, (State.CHECKED,), State.CHECKING, answers=kept)
        NameMatch.objects.bulk_create(
            matches,
            update_conflicts=True,
            unique_fields=["category", "country", "key"],
            update_fields=["target_id", "confirmed_by", "confirmed_at"],
        )
        _start(run, kind, actor, now)
    return number


def decide(*, actor: Actor, now: dt.datetime, run: ImportRun, decisions: Mapping[int, str]) -> int:
    """Decide on possible duplicates: {row number: "create", "skip", "use:<id>", ""}."""
    _kind(run, actor)
    with transaction.atomic():
        _still_checked(run)
        rows = list(run.rows.filter(number__in=list(decisions), verdict="doubt").order_by("number"))
        done = [row for row in rows if pipeline.decide(row, decisions[row.number])]
        ImportRow.objects.bulk_update(
            done, ["decision", "action", "target_id", "plan"], batch_size=500
        )
    return len(done)


def decide_all(*, actor: Actor, now: dt.datetime, run: ImportRun, decision: str) -> int:
    """One decision for every doubt not yet decided: "create", "skip" or "first" (the likeliest)."""
    _kind(run, actor)
    number, last = 0, 0
    while True:
        with transaction.atomic():
            _still_checked(run)
            open_ = run.rows.filter(verdict="doubt", decision="", number__gt=last)
            rows = list(open_.order_by("number")[:1000])
            if not rows:
                return number
            last = rows[-1].number
            done = []
            for row in rows:
                wanted = decision
                if decision == "first":
                    first = next(iter(row.detail.get("candidates", [])), None)
                    wanted = f"use:{first['id']}" if first else ""
                if wanted and pipeline.decide(row, wanted):
                    done.append(row)
            ImportRow.objects.bulk_update(
                done, ["decision", "action", "target_id", "plan"], batch_size=500
            )
            number += len(done)


def _still_checked(run: ImportRun) -> None:
    if not ImportRun.objects.filter(pk=run.pk, state=State.CHECKED).update(error=""):
        raise Refused("Cet import n’est plus à décider.", remedy="Rechargez la page.", code="state")


def start_apply(*, actor: Actor, now: dt.datetime, run: ImportRun) -> None:
    """Start the merge in the background. The actor must still hold the run's whole territory."""
    set_applying(actor=actor, now=now, run=run, background=True)


def set_applying(*, actor: Actor, now: dt.datetime, run: ImportRun, background: bool) -> None:
    """As ``start_apply``; without ``background`` the caller runs ``pipeline.apply`` itself."""
    kind = _kind(run, actor)
    if not all(actor.covers(kind.roles, path) for path in run.scope):
        raise Refused(
            "Votre territoire a changé depuis la vérification.",
            remedy="Déposez le fichier de nouveau.",
        )
    with transaction.atomic():
        _move(run, (State.CHECKED,), State.APPLYING, applied_by=actor.account)
        if not background:
            return
        job = start_job(
            kind="import.apply",
            label=f"Import : {kind.label}",
            task=tasks.apply_import,
            actor_account=actor.account,
            now=now,
            arguments={"run_id": run.pk},
        )
        ImportRun.objects.filter(pk=run.pk).update(job=job)


def cancel(*, actor: Actor, now: dt.datetime, run: ImportRun) -> None:
    """Give the import up; staged rows go. What is already merged stays, and is refused here."""
    _kind(run, actor)
    _move(run, (*_OPEN, State.CHECKING, State.APPLYING), State.CANCELLED, counts={}, questions=[])
    pipeline.drop_rows(run)
    history.note(actor=actor, subject=run, text="Import abandonné")
