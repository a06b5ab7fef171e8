"""Forms of banks, of the list of questions and of what is done to one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from kalan.people.actor import Actor
from kalan.people.models import Account, OrgNode
from kalan.skills.models import Framework, FrameworkNode, Item, ItemBank, ItemReview
from kalan.skills.policy import CAPABILITIES
from kalan.skills.selectors.items import banks_visible_to

_ALL = ("", "Tous")
_EVERY = ("", "Toutes")


class ItemFilters(forms.Form):
    """What the list of questions is narrowed by."""

    q = forms.CharField(label="Texte ou code", required=False, max_length=100)
    bank = forms.ModelChoiceField(
        ItemBank.objects.none(),
        label="Banque",
        required=False,
        to_field_name="uid",
        empty_label="Toutes",
    )
    domain = forms.ChoiceField(label="Domaine", required=False)
    competency = forms.CharField(label="Compétence (code)", required=False, max_length=60)
    kind = forms.ChoiceField(label="Type", required=False, choices=[_ALL, *Item.Kind.choices])
    state = forms.ChoiceField(label="État", required=False, choices=[_ALL, *Item.State.choices])
    measured = forms.ChoiceField(
        label="Calibrage",
        required=False,
        choices=[_ALL, ("oui", "500 réponses ou plus"), ("non", "provisoire")],
    )
    reviewed = forms.ChoiceField(
        label="Relecture",
        required=False,
        choices=[_EVERY, ("oui", "acceptée"), ("non", "à relire")],
    )
    author = forms.ModelChoiceField(
        Account.objects.none(),
        label="Auteur",
        required=False,
        to_field_name="uid",
        empty_label="Tous",
    )

    def __init__(self, *args: Any, actor: Actor, authors: QuerySet[Account], **more: Any) -> None:
        super().__init__(*args, **more)
        banks = banks_visible_to(actor).select_related("framework").order_by("name", "pk")
        self.fields["bank"].queryset = banks  # type: ignore[attr-defined]
        self.fields["author"].queryset = authors  # type: ignore[attr-defined]
        self.fields["author"].label_from_instance = (  # type: ignore[attr-defined]
            lambda account: account.display_name
        )
        domains = (
            FrameworkNode.objects.filter(kind="domain", framework__banks__in=banks)
            .order_by("framework_id", "rank", "pk")
            .values_list("code", "name")
            .distinct()
        )
        self.fields["domain"].choices = [_ALL, *domains]  # type: ignore[attr-defined]


class BankForm(forms.Form):
    code = forms.SlugField(
        label="Code", max_length=60, help_text="Court, sans espace ni accent : il ne change plus."
    )
    name = forms.CharField(label="Nom", max_length=200)
    framework = forms.ModelChoiceField(Framework.objects.none(), label="Référentiel")
    node = forms.ModelChoiceField(
        OrgNode.objects.none(),
        label="Territoire",
        help_text="Qui tient la banque : les auteurs de ce territoire et d’au-dessus y écrivent.",
    )
    licence = forms.CharField(label="Licence", max_length=200, required=False)

    def __init__(self, *args: Any, actor: Actor, bank: ItemBank | None = None, **more: Any) -> None:
        if bank:
            more["initial"] = {
                "name": bank.name,
                "licence": bank.licence,
                "framework": bank.framework_id,
            }
        super().__init__(*args, **more)
        frameworks = Framework.objects.filter(state=Framework.State.ACTIVE)
        if bank:
            frameworks = Framework.objects.filter(code=bank.framework.code)
            del self.fields["code"], self.fields["node"]
        else:
            nodes = OrgNode.objects.filter(actor.scope(CAPABILITIES["banks.edit"]))
            nodes = nodes.filter(kind__in=["country", "region"])
            self.fields["node"].queryset = nodes.order_by("path")  # type: ignore[attr-defined]
        self.fields["framework"].queryset = frameworks.order_by(  # type: ignore[attr-defined]
            "name", "version", "pk"
        )


class ReviewForm(forms.Form):
    number = forms.IntegerField(widget=forms.HiddenInput)
    verdict = forms.ChoiceField(
        label="Votre avis", choices=ItemReview.Verdict.choices, widget=forms.RadioSelect
    )
    comment = forms.CharField(
        label="Commentaire",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="À remplir s’il faut corriger : dites quoi, et pourquoi.",
    )


class RetireForm(forms.Form):
    reason = forms.CharField(
        label="Pourquoi la retirer",
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Par exemple : la loi a changé, deux réponses se défendent.",
    )
