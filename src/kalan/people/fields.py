"""Fields that forms of several rooms share: places found by name, dates in either form."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from rapidfuzz import process

from kalan.base.text import fold
from kalan.people.models import OrgNode

DATE_FORMATS = ["%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y"]
# Beyond this many, the list of proposals leaves out the structures: a page stays small.
MOST_PROPOSED = 300


class DateField(forms.DateField):
    """A calendar where the browser has one; 17/03/2023 and 2023-03-17 are both read."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))
        super().__init__(input_formats=DATE_FORMATS, **kwargs)
        self.error_messages["invalid"] = "Écrivez une date, par exemple 17/03/2023."


def node_label(node: OrgNode, parents: dict[str, str]) -> str:
    """« Poste de santé de Keur (Sokone) »: the parent tells two of one name apart."""
    parent = parents.get(node.path[: -OrgNode.steplen], "")
    return f"{node.name} ({parent})" if parent else node.name


class NodeWidget(forms.TextInput):
    """A text field with proposals (datalist): works without script."""

    template_name = "people/_node_widget.html"

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "off"})
        self.proposals: list[str] = []

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        list_id = f"{context['widget']['attrs'].get('id', name)}_liste"
        context["widget"]["attrs"]["list"] = list_id
        context["list_id"], context["proposals"] = list_id, self.proposals
        return context


class NodeField(forms.CharField):
    """A place or structure by its name, among ``nodes``. The unknown is asked, not guessed."""

    def __init__(self, *, nodes: QuerySet[OrgNode], **kwargs: Any) -> None:
        super().__init__(widget=NodeWidget(), **kwargs)
        self.nodes = nodes
        self._labels: dict[str, OrgNode] | None = None

    def labels(self) -> dict[str, OrgNode]:
        """Label → node, in tree order (read once per form: one query)."""
        if self._labels is None:
            rows = list(self.nodes.order_by("path"))
            names = {row.path: row.name for row in rows}
            self._labels = {node_label(row, names): row for row in rows}
        return self._labels

    def propose(self) -> None:
        """Fill the list of proposals; forms call it once they are drawn."""
        labels = self.labels()
        if len(labels) > MOST_PROPOSED:
            structure = OrgNode.Kind.STRUCTURE
            labels = {k: n for k, n in labels.items() if n.kind != structure}
        widget = self.widget
        if isinstance(widget, NodeWidget):
            widget.proposals = list(labels)[:MOST_PROPOSED]

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, OrgNode):
            found = (label for label, node in self.labels().items() if node.pk == value.pk)
            return next(found, value.name)
        return value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        labels = self.labels()
        if text in labels:
            return labels[text]
        wanted = fold(text)
        same = [
            (label, node)
            for label, node in labels.items()
            if wanted in (fold(label), fold(node.name))
        ]
        if len(same) == 1:
            return same[0][1]
        proposals = [label for label, _ in same] or [
            found[0]
            for found in process.extract(text, list(labels), processor=fold, limit=4)
            if found[1] >= 60
        ]
        if same:
            raise forms.ValidationError(
                f"Plusieurs lieux s’appellent « {text} » : {' ; '.join(proposals)}. "
                "Recopiez celui que vous voulez."
            )
        if proposals:
            raise forms.ValidationError(
                f"« {text} » n’est pas connu dans votre territoire. "
                f"Vouliez-vous dire : {' ; '.join(proposals)} ? Recopiez le nom voulu."
            )
        raise forms.ValidationError(f"« {text} » n’est pas connu dans votre territoire.")
