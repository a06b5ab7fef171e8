"""Filters of every screen of figures, read from the address; and the room's few forms."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django import forms

from kalan.indicators.definitions import DEFINITIONS
from kalan.indicators.funder import COLUMNS, Layout, choices
from kalan.indicators.selectors.competences import Wanted, frameworks_measured, tests_measured
from kalan.indicators.selectors.scope import Filters, nodes_for, programmes_for
from kalan.people.actor import Actor
from kalan.people.models import Cadre, OrgNode
from kalan.training.models import Theme

KNOWN = (
    "programme", "du", "au", "territoire", "theme", "cadre", "sexe", "age", "fois",
    "referentiel", "test", "niveau",
)  # fmt: skip
_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
_AGES = ("<25", "25-34", "35-44", "45-54", "55+")


def in_reading_order(nodes: list[OrgNode]) -> list[OrgNode]:
    """Regions by name, each followed by its districts by name; ``nodes`` come by path."""
    above: dict[str, str] = {}
    for node in nodes:
        if node.kind == OrgNode.Kind.REGION:
            above[node.path] = node.search

    def key(node: OrgNode) -> tuple[str, bool, str]:
        mine = next((name for path, name in above.items() if node.path.startswith(path)), "")
        return mine, node.kind != OrgNode.Kind.REGION, node.search

    return sorted(nodes, key=key)


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
            .only("uid", "name", "search", "kind", "path")
        )
        options = [("", "tout mon territoire")]
        for node in in_reading_order(nodes):
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
        required=False, label="Sessions suivies", choices=[("", "toutes"), *TIMES]
    )


class CompetenceForm(FiltersForm):
    """Where, when, who; which framework, which test, and from which level people are counted."""

    referentiel = forms.ChoiceField(required=False, label="Référentiel")
    test = forms.ChoiceField(required=False, label="Test")
    niveau = forms.ChoiceField(required=False, label="À partir du niveau")

    def __init__(self, data: Any, *, actor: Actor) -> None:
        super().__init__(data, actor=actor)
        for name in ("programme", "theme", "age"):
            del self.fields[name]
        self.frameworks = {str(one.uid): one for one in frameworks_measured()}
        first = next(iter(self.frameworks.values()), None)
        self.framework = self.frameworks.get(str(self.data.get("referentiel", "")), first)
        tests = tests_measured(self.framework) if self.framework else ()
        self.tests = {str(one.uid): one for one in tests}
        levels = self.framework.levels.order_by("rank") if self.framework else ()
        self._choices("test", "tous", {uid: one.title for uid, one in self.tests.items()})
        self._choices("niveau", "celui qui suit le premier", {one.code: one.name for one in levels})
        self._choices("referentiel", "–", {uid: str(one) for uid, one in self.frameworks.items()})
        if len(self.frameworks) < 2:
            del self.fields["referentiel"]

    def wanted(self) -> Wanted | None:
        """None: no test measures any framework yet."""
        if self.framework is None:
            return None
        found = self.cleaned_data if self.is_valid() else {}
        return Wanted(
            self.framework, self.tests.get(found.get("test", "")), found.get("niveau", "")
        )


class FreezeForm(forms.Form):
    """What to freeze: one programme (or all of them) and a period."""

    label = forms.CharField(
        label="Titre", max_length=200, help_text="Par exemple : rapport final à l’Union européenne."
    )
    programme = forms.ChoiceField(label="Programme", required=False)
    start = forms.DateField(label="Du", required=False, widget=_DAY)
    end = forms.DateField(label="Au", required=False, widget=_DAY)
    publish = forms.BooleanField(
        label="Publier sur la page des chiffres, à la place des chiffres du jour", required=False
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.programmes = {p.code: p for p in programmes_for(actor).order_by("-start", "code")}
        field = self.fields["programme"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "tous"), *((code, p.name) for code, p in self.programmes.items())]

    def values(self) -> dict[str, Any]:
        found = dict(self.cleaned_data)
        found["programme"] = self.programmes.get(found["programme"])
        return found


class DeclareForm(forms.Form):
    """A total from an old report, with its document."""

    indicator = forms.ChoiceField(
        label="Indicateur", choices=[(d.code, d.label) for d in DEFINITIONS]
    )
    value = forms.DecimalField(label="Valeur déclarée", max_digits=16, decimal_places=2)
    period = forms.CharField(
        label="Période", max_length=100, help_text="Telle que l’écrit le rapport."
    )
    source = forms.CharField(
        label="Source", max_length=300, help_text="Titre, auteur et page du rapport."
    )
    programme = forms.ChoiceField(label="Programme", required=False)
    node = forms.ChoiceField(label="Territoire", required=False)
    document = forms.FileField(label="Document", help_text="PDF, image ou tableur, 20 Mo au plus.")

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.programmes = {p.code: p for p in programmes_for(actor).order_by("-start", "code")}
        self.nodes = {str(node.uid): node for node in wide_nodes(actor)}
        _offer(self, "programme", {code: p.name for code, p in self.programmes.items()})
        _offer(self, "node", {uid: node.name for uid, node in self.nodes.items()})

    def values(self) -> dict[str, Any]:
        found = dict(self.cleaned_data)
        found["programme"] = self.programmes.get(found["programme"])
        found["node"] = self.nodes.get(found["node"])
        return found


class WithdrawForm(forms.Form):
    reason = forms.CharField(label="Motif", max_length=300)


class DenominatorForm(forms.Form):
    """How many staff an outside source counts."""

    node = forms.ChoiceField(label="Territoire")
    cadre = forms.ChoiceField(label="Cadre", required=False)
    value = forms.IntegerField(label="Effectif", min_value=0, max_value=100_000_000)
    source = forms.CharField(label="Source", max_length=200)
    as_of = forms.DateField(label="Date de la source", widget=_DAY)
    includes = forms.CharField(
        label="Statuts comptés",
        max_length=200,
        help_text="Par exemple : fonctionnaires et contractuels, sans agents communautaires.",
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.nodes = {str(node.uid): node for node in wide_nodes(actor)}
        self.cadres = {
            f"{cadre.country}.{cadre.code}": cadre
            for cadre in Cadre.objects.order_by("country", "rank", "title", "pk")
        }
        _offer(self, "node", {uid: node.name for uid, node in self.nodes.items()})
        _offer(self, "cadre", {code: cadre.title for code, cadre in self.cadres.items()})

    def values(self) -> dict[str, Any]:
        found = dict(self.cleaned_data)
        found["node"] = self.nodes[found["node"]]
        found["cadre"] = self.cadres.get(found["cadre"])
        return found


class LayoutForm(forms.Form):
    file = forms.FileField(
        label="Modèle du bailleur (.xlsx)",
        help_text="Un tableau avec au moins les colonnes « Indicateur » et « Réalisé ».",
    )


class FunderForm(forms.Form):
    """Which column holds what, and which of our indicators each line asks for."""

    def __init__(self, *args: Any, layout: Layout, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.layout = layout
        self.programmes = {p.code: p for p in programmes_for(actor).order_by("-start", "code")}
        self.fields["programme"] = forms.ChoiceField(label="Programme", required=False)
        _offer(self, "programme", {code: p.name for code, p in self.programmes.items()})
        self.fields["start"] = forms.DateField(label="Du", required=False, widget=_DAY)
        self.fields["end"] = forms.DateField(label="Au", required=False, widget=_DAY)
        for role, (label, _) in COLUMNS.items():
            if role != "indicator":
                self.fields[f"column_{role}"] = forms.ChoiceField(
                    label=f"Colonne « {label} »",
                    required=False,
                    choices=choices(layout.headers),
                    initial=str(layout.columns.get(role, "")),
                )
        codes = [("", "ne pas remplir"), *((d.code, d.label) for d in DEFINITIONS)]
        for row, text in layout.lines.items():
            self.fields[f"line_{row}"] = forms.ChoiceField(
                label=f"Ligne {row} : {text}",
                required=False,
                choices=codes,
                initial=layout.indicators.get(row, ""),
            )

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if not found.get("column_achieved"):
            self.add_error("column_achieved", "Dites dans quelle colonne écrire le réalisé.")
        if found.get("start") and found.get("end") and found["start"] > found["end"]:
            self.add_error("end", "La fin est avant le début. Inversez les deux dates.")
        return found

    def filters(self) -> Filters:
        found = self.cleaned_data
        return Filters(
            programme=self.programmes.get(found["programme"]),
            start=found["start"],
            end=found["end"],
        )

    def columns(self) -> dict[str, int]:
        return self._chosen("column_", lambda name, value: (name, int(value)))

    def lines(self) -> dict[int, str]:
        return self._chosen("line_", lambda name, value: (int(name), value))

    def _chosen(self, prefix: str, turn: Any) -> dict[Any, Any]:
        return dict(
            turn(name.removeprefix(prefix), value)
            for name, value in self.cleaned_data.items()
            if name.startswith(prefix) and value
        )


def wide_nodes(actor: Actor) -> list[OrgNode]:
    """Country, regions and districts of the actor's territory, in the tree's order."""
    return list(
        nodes_for(actor)
        .exclude(kind=OrgNode.Kind.STRUCTURE)
        .filter(merged_into__isnull=True)
        .order_by("path")
    )


def _offer(form: forms.Form, name: str, options: dict[str, str]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    first = [("", "—")] if not field.required else []
    field.choices = [*first, *options.items()]
