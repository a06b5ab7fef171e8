"""Fields shared by the registry's forms: a day, a place, a structure found by its name."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from kalan.base.text import fold
from kalan.people.models import OrgNode
from kalan.people.selectors import registry as selectors

# Up to this many names are offered while typing; a longer list would weigh on the page.
_OFFERED = 150


def day_field(label: str, *, required: bool = True, help_text: str = "") -> forms.DateField:
    """A date; the browser's own picker, or typed as 17/03/2023 or 2023-03-17."""
    return forms.DateField(
        label=label,
        required=required,
        help_text=help_text,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "invalid": "Cette date n’existe pas. Écrivez-la comme 17/03/2023.",
            "required": "La date manque. Écrivez-la comme 17/03/2023.",
        },
    )


class DegreeField(forms.FloatField):
    """Decimal degrees, with a comma or a point, a hyphen or a true minus sign."""

    def to_python(self, value: Any) -> Any:
        text = str(value or "").replace("−", "-").replace(".", ",").replace(" ", "")
        return super().to_python(text)


class PlaceField(forms.ModelChoiceField):  # type: ignore[type-arg] # stubs want a parameter at run time
    """A select of regions and districts, districts set off below their region."""

    def label_from_instance(self, obj: OrgNode) -> str:
        inset = "\u2003" if obj.kind == OrgNode.Kind.DISTRICT else ""
        return f"{inset}{obj.name}"


def place_field(
    queryset: QuerySet[OrgNode], label: str, *, required: bool, help_text: str = ""
) -> PlaceField:
    return PlaceField(
        queryset=queryset,
        label=label,
        required=required,
        help_text=help_text,
        to_field_name="uid",
        empty_label="Choisir…" if required else "Partout",
        error_messages={"invalid_choice": "Ce lieu n’est pas dans votre territoire."},
    )


class Typeahead(forms.TextInput):
    """A text box that offers names while typing (HTML datalist: no script)."""

    offered: list[str] = []

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        if not self.offered:
            return super().render(name, value, attrs, renderer)
        list_id = f"{(attrs or {}).get('id', name)}_list"
        box = super().render(name, value, {**(attrs or {}), "list": list_id}, renderer)
        options = format_html_join("", '<option value="{}">', ((text,) for text in self.offered))
        return format_html('{}<datalist id="{}">{}</datalist>', box, list_id, options)


class StructureMixin(forms.Form):
    """Adds ``structure``: typed by name, matched tolerantly, proposed and never guessed.

    One structure of that very name: taken. Several, or only near names: the form comes back with
    a choice. ``cleaned_data["structure"]`` is then the node.
    """

    structure_required = True

    def __init__(self, *args: Any, nodes: QuerySet[OrgNode], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._nodes = nodes
        box = Typeahead()
        names = list(nodes.order_by("search").values_list("name", flat=True)[: _OFFERED + 1])
        box.offered = names if len(names) <= _OFFERED else []
        self.fields["structure"] = forms.CharField(
            label="Structure",
            max_length=250,
            required=self.structure_required,
            widget=box,
            help_text="Nom de la structure, accents et majuscules sans importance.",
        )
        self.fields["structure_asked"] = forms.CharField(required=False, widget=forms.HiddenInput)
        self.fields["structure_pick"] = forms.CharField(required=False, widget=forms.HiddenInput)
        self._arrange()

    def clean_structure(self) -> OrgNode | None:
        text = str(self.cleaned_data["structure"]).strip()
        if not text:
            return None
        picked = self._picked(text)
        if picked is not None:
            return picked
        same = list(self._nodes.filter(search=fold(text)).order_by("path")[:8])
        if len(same) == 1:
            return same[0]
        likely = same or [node for node, _ in selectors.likely_structures(self._nodes, text)]
        if not likely:
            raise forms.ValidationError(
                f"Aucune structure nommée « {text} » dans votre territoire. "
                "Vérifiez le nom, ou créez d’abord la structure."
            )
        self._offer(text, likely)
        raise forms.ValidationError(
            f"Plusieurs structures portent le nom « {text} » : choisissez ci-dessous."
            if same
            else f"Aucune structure ne porte exactement le nom « {text} » : "
            "choisissez ci-dessous, ou corrigez le nom."
        )

    def _picked(self, text: str) -> OrgNode | None:
        """The choice made, if it was made for this very text."""
        pick, asked = self._raw("structure_pick"), self._raw("structure_asked")
        if not pick or asked != text:
            return None
        try:
            return self._nodes.filter(uid=UUID(pick)).first()
        except ValueError:
            return None

    def _raw(self, name: str) -> str:
        return str(self.data.get(self.add_prefix(name), "")).strip()

    def _offer(self, text: str, likely: list[OrgNode]) -> None:
        rows = selectors.structure_places(likely)
        field = forms.ChoiceField(
            label="Quelle structure ?",
            required=False,
            widget=forms.RadioSelect,
            choices=[(str(node.uid), f"{node.name} ({where})") for node, where in rows],
        )
        self.fields["structure_pick"] = field
        # Else Django keeps the hidden field that it has bound already.
        self.__dict__["_bound_fields_cache"].pop("structure_pick", None)
        data: Any = self.data
        data = data.copy()
        data[self.add_prefix("structure_asked")] = text
        data[self.add_prefix("structure_pick")] = ""
        self.data = data

    def _arrange(self) -> None:
        """The choice stands right below the name."""
        order = ["structure", "structure_pick", "structure_asked"]
        self.order_fields([*order, *(name for name in self.fields if name not in order)])
