"""Filters of every screen of figures, read from the address; and the room's few forms."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django import forms

from kalan.indicators.selectors.scope import Filters, nodes_for, programmes_for
from kalan.people.actor import Actor
from kalan.people.models import Cadre, OrgNode
from kalan.training.models import Theme

KNOWN = ("programme", "du", "au", "territoire", "theme", "cadre", "sexe", "age", "fois")
_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
_AGES = ("<25", "25-34", "35-44", "45-54", "55+")


class FiltersForm(forms.Form):
    """GET filters. Codes and public identifiers only: an address can be kept and sent."""

    programme = forms.ChoiceField(required=False, label="Programme")
    territoire = forms.CharField(required=False, label="Territoire", widget=forms.Select)
    du = forms.DateField(required=False, label="Du", widget=_DAY)
    au = forms.DateField(required=False, label="Au", widget=_DAY)
    theme = forms.ChoiceField(required=False, label="Thème")
    cadre = forms.ChoiceField(required=False, label="Cadre")
    sexe = forms.ChoiceField(
        required=False,
        label="Sexe",
        choices=[("", "tous"), ("F", "femmes"), ("M", "hommes"), ("U", "non renseigné")],
    )
    age = forms.ChoiceField(
        required=False,
        label="Âge",
        choices=[("", "tous"), *((age, f"{age} ans") for age in _AGES), ("U", "inconnu")],
    )

    def __init__(self, data: Any, *, actor: Actor) -> None:
        super().__init__(data)
        self.actor = actor
        self.programmes = {p.code: p for p in programmes_for(actor).order_by("-start", "code")}
        self.themes = {theme.code: theme for theme in Theme.objects.order_by("name", "pk")}
        self.cadres = {
            f"{cadre.country}.{cadre.code}": cadre
            for cadre in Cadre.objects.order_by("country", "rank", "title", "pk")
        }
        self._choices("programme", "tous", {p.code: p.name for p in self.programmes.values()})
        self._choices("theme", "tous", {theme.code: theme.name for theme in self.themes.values()})
        self._choices("cadre", "tous", {code: c.title for code, c in self.cadres.items()})
        self.node = self._asked_node(str(self.data.get("territoire", "")))
        self._territories()

    def _choices(self, name: str, all_label: str, options: dict[str, str]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", all_label), *options.items()]

    def _asked_node(self, uid: str) -> OrgNode | None:
        if not uid:
            return None
        try:
            found: OrgNode | None = OrgNode.objects.filter(uid=uid).first()
        except forms.ValidationError:  # not an identifier at all
            return None
        return found

    def _territories(self) -> None:
        """Regions and districts to choose from; a structure comes by a link and is kept."""
        kinds = (OrgNode.Kind.REGION, OrgNode.Kind.DISTRICT)
        nodes = list(
            nodes_for(self.actor)
            .filter(kind__in=kinds, merged_into__isnull=True)
            .order_by("path")
            .only("uid", "name", "kind", "path")
        )
        options = [("", "tout mon territoire")]
        for node in nodes:
            mark = "– " if node.kind == OrgNode.Kind.DISTRICT else ""
            options.append((str(node.uid), mark + node.name))
        if self.node and str(self.node.uid) not in dict(options):
            options.append((str(self.node.uid), self.node.name))
        widget = self.fields["territoire"].widget
        assert isinstance(widget, forms.Select)
        widget.choices = options

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        start, end = found.get("du"), found.get("au")
        if start and end and start > end:
            self.add_error("au", "La fin est avant le début. Inversez les deux dates.")
        if found.get("territoire") and self.node is None:
            self.add_error("territoire", "Ce territoire n’existe pas. Choisissez dans la liste.")
        return found

    def filters(self) -> Filters:
        """The filters asked for; those of an invalid form: none."""
        found = self.cleaned_data if self.is_valid() else {}
        theme, cadre = (
            self.themes.get(found.get("theme", "")),
            self.cadres.get(found.get("cadre", "")),
        )
        return Filters(
            programme=self.programmes.get(found.get("programme", "")),
            start=found.get("du"),
            end=found.get("au"),
            node=self.node if found else None,
            theme=theme.pk if theme else None,
            cadre=cadre.pk if cadre else None,
            sex=found.get("sexe", ""),
            age=found.get("age", ""),
        )

    def query(self, **changes: str) -> str:
        """The address's query with ``changes`` ("" takes one away); "" when nothing is asked."""
        asked = {
            name: str(self.data.get(name, "")) for name in KNOWN if self.data.get(name)
        } | changes
        return urlencode({name: value for name, value in asked.items() if value})

    def month_query(self, month: str) -> str:
        """The query narrowed to one month, "2023-03"."""
        first = dt.date(int(month[:4]), int(month[5:]), 1)
        last = (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
        return self.query(du=first.isoformat(), au=last.isoformat())


class FrequencyForm(FiltersForm):
    """The same filters, and how many sessions were completed."""

    TIMES = (
        ("0", "jamais"),
        ("1", "une fois"),
        ("2", "deux fois"),
        ("3", "trois fois"),
        ("4", "quatre fois ou plus"),
    )
    fois = forms.ChoiceField(
        required=False, label="Séances suivies", choices=[("", "toutes"), *TIMES]
    )
