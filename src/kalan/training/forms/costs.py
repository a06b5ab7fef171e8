"""Cost lines."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from kalan.training.forms.fields import MoneyField
from kalan.training.models import CostLine, Partner, Session
from kalan.training.selectors.costs import CURRENCIES
from kalan.training.services.costs import CostData


class CostForm(forms.Form):
    category = forms.ChoiceField(label="Catégorie", choices=CostLine.Category.choices)
    label = forms.CharField(label="Détail", max_length=200, required=False)
    funder = forms.ModelChoiceField(
        label="Financeur",
        queryset=Partner.objects.none(),
        required=False,
        to_field_name="code",
        empty_label="Non précisé",
    )
    planned = MoneyField(label="Prévu", initial=Decimal(0))
    spent = MoneyField(label="Dépensé", initial=Decimal(0))
    currency = forms.ChoiceField(label="Monnaie", choices=CURRENCIES)

    def __init__(self, *args: Any, session: Session, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        funders = Partner.objects.order_by("name", "pk")
        if session.programme:
            mine = session.programme.partners.values_list("partner", flat=True)
            funders = funders.filter(pk__in=mine)
        self.fields["funder"].queryset = funders  # type: ignore[attr-defined]
        currency = session.programme.currency if session.programme else "XOF"
        self.fields["currency"].initial = currency

    def cost(self) -> CostData:
        return CostData(**self.cleaned_data)


def cost_initial(line: CostLine) -> dict[str, Any]:
    values = {name: getattr(line, name) for name in CostForm.base_fields}
    values["funder"] = line.funder.code if line.funder else None
    return values
