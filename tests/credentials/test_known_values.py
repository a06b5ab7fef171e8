"""What a column of choices may hold is held by the database, whatever writes to it."""

from __future__ import annotations

from typing import Any, cast

import pytest
from django.apps import apps
from django.db import IntegrityError, models, transaction

from kalan.credentials.models import ActEvent, Badge, Batch, CheckCount, RegisterEntry, SigningKey
from tests.factories import acts, people

pytestmark = pytest.mark.django_db
NONE = "0" * 64


def columns() -> list[tuple[type[models.Model], Any]]:
    """Every column of the room that has choices, with its model."""
    return [
        (model, field)
        for model in apps.get_app_config("credentials").get_models()
        for field in model._meta.fields
        if field.choices
    ]


def test_every_column_of_choices_refuses_any_other_value(tree: people.Tree) -> None:
    act = acts.act(tree.fatick)
    key = acts.key()
    # So that no other rule is broken along with the one looked for.
    SigningKey.objects.update(token_module="/lib/x.so", token_label="x", ended_at=acts.NOW)
    Batch.objects.update(hand_signed_on=acts.NOW.date())
    ActEvent.objects.create(act=act, kind="delivered", at=acts.NOW, other=act)
    Badge.objects.create(act=act, form="vc_jwt", body="x", key=key, issued_at=acts.NOW)
    CheckCount.objects.create(day=acts.NOW.date(), way="code", result="valid")
    entry = {"body": {}, "previous": NONE, "hash": NONE, "at": acts.NOW}
    RegisterEntry.objects.create(seq=1, kind="signed", **entry)
    refused = {}
    for model, field in columns():
        with pytest.raises(IntegrityError) as told, transaction.atomic():
            model._default_manager.update(**{field.name: "?"})
        refused[f"{model.__name__}.{field.name}"] = "_known" in str(told.value)
    # An act raised to a level is held by the rule that asks for its stamp.
    assert refused.pop("Act.pades") is False
    assert all(refused.values()), refused
    assert len(refused) == 23


def test_what_the_database_takes_is_what_the_code_may_write() -> None:
    """A value added to the choices alone would be refused only where it is first written."""
    for model, field in columns():
        known = {*dict(field.choices), *([""] if field.blank else [])}
        rules = [
            dict(cast("Any", rule.condition).children)
            for rule in model._meta.constraints
            if isinstance(rule, models.CheckConstraint) and rule.name.endswith("_known")
        ]
        at = f"{field.name}__in"
        held = [set(rule[at]) for rule in rules if at in rule]
        assert held == ([known] if field.name != "pades" else []), f"{model.__name__}.{field.name}"
