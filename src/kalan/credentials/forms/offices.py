"""Forms for the offices that sign, and who holds them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms

from kalan.credentials.models import Office, OfficeHolder, SigningKey
from kalan.credentials.models.offices import Mode
from kalan.credentials.selectors.office_lists import document_keys, signatories_for, territories_for
from kalan.people.actor import Actor
from kalan.people.fields import DateField, NodeField
from kalan.people.models import Account


class _KeyField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} ({obj.get_level_display()})"


class OfficeForm(forms.Form):
    title = forms.CharField(
        label="Titre de la fonction",
        max_length=200,
        help_text="Comme imprimé au-dessus du nom : « Le Directeur de la formation ».",
    )
    body = forms.CharField(
        label="Direction ou service",
        max_length=200,
        required=False,
        help_text="Imprimé en tête des actes, sous le ministère.",
    )
    place = forms.CharField(
        label="Lieu", max_length=100, help_text="Imprimé après « Fait à » : « Dakar »."
    )
    mode = forms.ChoiceField(
        label="Comment les actes sont-ils signés ?",
        choices=[
            (Mode.ELECTRONIC, "Signature électronique, avec une clé"),
            (Mode.HAND, "À la main : tirage papier, inscription au registre"),
        ],
        widget=forms.RadioSelect,
        initial=Mode.ELECTRONIC,
    )
    key = _KeyField(
        label="Clé",
        queryset=SigningKey.objects.none(),
        required=False,
        empty_label="Aucune pour l’instant",
        help_text="Les clés se créent sur le serveur : kalan keys create.",
    )

    def __init__(self, *args: Any, actor: Actor, office: Office | None = None, **kw: Any) -> None:
        if office is not None:
            names = ("title", "body", "place", "mode", "key")
            kw["initial"] = {name: getattr(office, name) for name in names}
        super().__init__(*args, **kw)
        self.fields["key"].queryset = document_keys()  # type: ignore[attr-defined]
        if office is None:
            node = NodeField(
                label="Territoire",
                nodes=territories_for(actor),
                help_text="La fonction signe les actes de ce territoire et de ce qui est dessous.",
            )
            node.propose()
            self.fields["node"] = node
            self.order_fields(["node"])


class _AccountField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.display_name} ({obj.email})" if obj.email else obj.display_name


class HolderForm(forms.Form):
    account = _AccountField(
        label="Compte",
        queryset=Account.objects.none(),
        to_field_name="uid",
        empty_label="Choisissez",
        help_text="Les comptes qui ont le rôle « signataire » sur ce territoire.",
    )
    capacity = forms.ChoiceField(
        label="Qualité", choices=OfficeHolder.Capacity.choices, widget=forms.RadioSelect,
        initial=OfficeHolder.Capacity.TITLE,
    )  # fmt: skip
    name = forms.CharField(
        label="Nom imprimé", max_length=200, help_text="Par exemple « Dr Awa NDIAYE »."
    )
    title = forms.CharField(
        label="Titre imprimé",
        max_length=200,
        help_text="Celui de cette personne : « Le Directeur », « Le Chef de service ».",
    )
    reference = forms.CharField(
        label="Acte qui nomme ou qui délègue",
        max_length=200,
        required=False,
        help_text="Numéro et date, pour la délégation et l’intérim.",
    )
    start = DateField(label="Du")
    end = DateField(label="Au", required=False, help_text="Compris. Vide : sans fin prévue.")

    def __init__(self, *args: Any, office: Office, today: dt.date, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"start": today, "title": office.title})
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = signatories_for(office, today)  # type: ignore[attr-defined]


class EndForm(forms.Form):
    end = DateField(label="Dernier jour", help_text="Compris.")
