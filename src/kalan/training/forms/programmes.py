"""Forms of programmes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from kalan.people.actor import Actor
from kalan.people.fields import DateField, NodeField
from kalan.people.models import OrgNode
from kalan.training.forms.fields import MoneyField
from kalan.training.models import Programme, ProgrammePartner
from kalan.training.selectors.costs import CURRENCIES
from kalan.training.selectors.programmes import INDICATORS, nodes_below, territories_for
from kalan.training.services.programmes import PartnerData, ProgrammeData, TargetData

_ROLES = {
    "funders": ProgrammePartner.Role.FUNDER,
    "implementers": ProgrammePartner.Role.IMPLEMENTER,
    "technical": ProgrammePartner.Role.TECHNICAL,
}


class ProgrammeForm(forms.Form):
    name = forms.CharField(label="Nom", max_length=200)
    code = forms.SlugField(
        label="Code",
        max_length=40,
        help_text="Court, sans espace ni accent ; il commence les codes de session.",
    )
    start = DateField(label="Début")
    end = DateField(label="Fin")
    funders = forms.CharField(
        label="Financeurs", required=False, help_text="Séparés par des points-virgules."
    )
    implementers = forms.CharField(
        label="Mise en œuvre", required=False, help_text="Séparés par des points-virgules."
    )
    technical = forms.CharField(
        label="Partenaires techniques", required=False, help_text="Séparés par des points-virgules."
    )
    strategy_axis = forms.CharField(label="Axe de la stratégie", max_length=200, required=False)
    audience = forms.CharField(
        label="Public visé", required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    objectives = forms.CharField(
        label="Objectifs", required=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    completion_percent = forms.IntegerField(
        label="Part de demi-journées pour être compté comme formé (%)",
        min_value=1,
        max_value=100,
        initial=80,
    )
    currency = forms.ChoiceField(label="Monnaie", choices=CURRENCIES, initial="XOF")
    per_diem = MoneyField(label="Per diem par jour", initial=Decimal(0))
    sms_monthly_ceiling = MoneyField(
        label="Plafond mensuel pour les SMS",
        initial=Decimal(0),
        help_text="Au-delà, les SMS ne partent pas. Les e-mails ne coûtent rien.",
    )
    public = forms.BooleanField(
        label="Montrer les chiffres de ce programme au public", required=False
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        nodes = territories_for(actor, "programmes.edit").exclude(kind=OrgNode.Kind.STRUCTURE)
        field = NodeField(label="Territoire", nodes=nodes)
        field.propose()
        self.fields["node"] = field
        self.order_fields(["name", "code", "node"])

    def data_for(self, programme: Programme | None) -> ProgrammeData:
        """What the service takes; targets and structures stay as they are."""
        values = dict(self.cleaned_data)
        partners = [
            PartnerData(name.strip(), role)
            for field, role in _ROLES.items()
            for name in values.pop(field).split(";")
            if name.strip()
        ]
        targets: list[TargetData] = []
        structures: list[OrgNode] = []
        if programme is not None:
            rows = programme.targets.select_related("node").order_by("pk")
            targets = [TargetData(row.indicator, row.value, row.node) for row in rows]
            listed = programme.target_structures.select_related("structure").order_by("pk")
            structures = [row.structure for row in listed]
        return ProgrammeData(
            **values, partners=partners, targets=targets, target_structures=structures
        )


def programme_initial(programme: Programme) -> dict[str, Any]:
    """The form's values for a programme that exists."""
    names = [
        name
        for name in ProgrammeForm.base_fields
        if name not in _ROLES and hasattr(programme, name)
    ]
    values = {name: getattr(programme, name) for name in [*names, "node"]}
    rows = list(programme.partners.select_related("partner").order_by("pk"))
    for field, role in _ROLES.items():
        values[field] = " ; ".join(row.partner.name for row in rows if row.role == role)
    return values


class TargetForm(forms.Form):
    """One target; an empty value takes the line away."""

    indicator = forms.ChoiceField(label="Indicateur", choices=list(INDICATORS.items()))
    value = MoneyField(label="Cible", min_value=0)

    def __init__(self, *args: Any, programme: Programme, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        nodes = nodes_below(programme).exclude(kind=OrgNode.Kind.STRUCTURE)
        self.fields["node"] = NodeField(
            label="Territoire",
            nodes=nodes,
            required=False,
            help_text="Vide : tout le programme.",
        )
        self.fields["node"].propose()  # type: ignore[attr-defined]


class FareForm(forms.Form):
    """A transport allowance from one origin; zero takes it away."""

    amount = MoneyField(label="Montant aller-retour", min_value=0)

    def __init__(self, *args: Any, programme: Programme, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["origin"] = NodeField(label="Origine", nodes=nodes_below(programme))
        self.fields["origin"].propose()  # type: ignore[attr-defined]
        self.order_fields(["origin", "amount"])
