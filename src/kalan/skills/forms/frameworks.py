"""Forms of frameworks."""

from __future__ import annotations

from typing import Any

from django import forms

from kalan.skills.models import Correspondence, Framework, FrameworkLevel, FrameworkNode
from kalan.skills.services.frameworks import FrameworkData, LevelData, NodeData

MOST_LEVELS = 8


def _area(rows: int = 3) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class FrameworkForm(forms.Form):
    code = forms.SlugField(
        label="Code", max_length=40, help_text="Court, sans espace ni accent : il ne change plus."
    )
    version = forms.CharField(label="Version", max_length=20, initial="1")
    name = forms.CharField(label="Nom", max_length=200)
    summary = forms.CharField(label="Résumé", required=False, widget=_area())
    source = forms.CharField(
        label="Source",
        required=False,
        widget=_area(),
        help_text="Qui l’a écrit, où le lire.",
    )
    legal_basis = forms.CharField(label="Texte de loi", required=False, widget=_area(2))
    licence = forms.CharField(label="Licence", max_length=200, required=False)

    def __init__(self, *args: Any, framework: Framework | None = None, **more: Any) -> None:
        if framework:
            names = ("name", "summary", "source", "legal_basis", "licence")
            more["initial"] = {name: getattr(framework, name) for name in names}
        super().__init__(*args, **more)
        if framework:
            del self.fields["code"], self.fields["version"]
        self.framework = framework

    def data_for(self) -> FrameworkData:
        """What the service takes."""
        values = dict(self.cleaned_data)
        if self.framework:
            values |= {"code": self.framework.code, "version": self.framework.version}
        return FrameworkData(**values)


class VersionForm(forms.Form):
    version = forms.CharField(
        label="Numéro de la nouvelle version",
        max_length=20,
        help_text="Tout est copié. L’actuelle reste en vigueur jusqu’à ce que vous mettiez "
        "la nouvelle en vigueur.",
    )


class NodeForm(forms.Form):
    code = forms.CharField(label="Code", max_length=60)
    name = forms.CharField(label="Intitulé", widget=_area(2))
    description = forms.CharField(label="Description", required=False, widget=_area())
    hours = forms.DecimalField(
        label="Heures de formation",
        required=False,
        min_value=0,
        max_digits=5,
        decimal_places=1,
        localize=True,
    )
    note = forms.CharField(
        label="Remarque",
        required=False,
        max_length=200,
        help_text="Par exemple « non vérifié » ou l’intitulé d’origine.",
    )

    def __init__(
        self,
        *args: Any,
        kind: str,
        levels: list[FrameworkLevel],
        node: FrameworkNode | None = None,
        **more: Any,
    ) -> None:
        guidance = node.guidance if node else {}
        if node:
            names = ("code", "name", "description", "hours", "note")
            more["initial"] = {name: getattr(node, name) for name in names}
        super().__init__(*args, **more)
        self.levels = levels if kind == FrameworkNode.Kind.DOMAIN else []
        self.guidance = guidance
        for level in self.levels:
            said = guidance.get(level.code, {})
            self.fields[f"can_{level.code}"] = forms.CharField(
                label=f"{level.name} : ce que sait faire la personne",
                required=False,
                initial=said.get("can", ""),
                widget=_area(2),
            )
            self.fields[f"advice_{level.code}"] = forms.CharField(
                label=f"{level.name} : pour aller plus loin",
                required=False,
                initial="\n".join(said.get("advice", [])),
                widget=_area(3),
                help_text="Un conseil par ligne.",
            )

    def data_for(self) -> NodeData:
        """What the service takes."""
        values = dict(self.cleaned_data)
        guidance = dict(self.guidance)
        for level in self.levels:
            can, advice = values.pop(f"can_{level.code}"), values.pop(f"advice_{level.code}")
            lines = [line.strip() for line in advice.splitlines() if line.strip()]
            if can or lines:
                guidance[level.code] = {"can": can, "advice": lines}
            else:
                guidance.pop(level.code, None)
        return NodeData(**values, guidance=guidance)


class LevelForm(forms.Form):
    code = forms.SlugField(label="Code", max_length=20, required=False)
    name = forms.CharField(label="Nom", max_length=60, required=False)
    floor = forms.FloatField(
        label="Seuil (θ)", required=False, min_value=-6, max_value=6, localize=True
    )
    description = forms.CharField(label="Ce qu’il veut dire", required=False)

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        said = any(values.get(name) not in (None, "") for name in values)
        if said and not (values.get("code") and values.get("name")) and not self.errors:
            raise forms.ValidationError("Donnez un code et un nom à ce niveau, ou videz sa ligne.")
        return values


LevelFormSet = forms.formset_factory(LevelForm, extra=0, max_num=MOST_LEVELS, validate_max=True)


def levels_formset(data: Any, levels: list[FrameworkLevel]) -> Any:
    """One form a level and two empty ones below."""
    initial: list[dict[str, Any]] = [
        {"code": one.code, "name": one.name, "floor": one.floor, "description": one.description}
        for one in levels
    ]
    initial += [{}] * min(2, MOST_LEVELS - len(initial))
    return LevelFormSet(data, initial=initial, prefix="n")


def levels_data(formset: Any) -> list[LevelData]:
    """The lines that were filled, in their order."""
    return [LevelData(**values) for values in formset.cleaned_data if values.get("code")]


class CorrespondenceForm(forms.Form):
    source = forms.ChoiceField(label="De")
    target = forms.ChoiceField(label="Vers")
    strength = forms.ChoiceField(
        label="Force",
        required=False,
        choices=[*Correspondence.Strength.choices, ("", "aucune : retirer la ligne")],
    )
    note = forms.CharField(label="Remarque", max_length=300, required=False)

    def __init__(self, *args: Any, nodes: list[FrameworkNode], **more: Any) -> None:
        super().__init__(*args, **more)
        self.nodes = {str(node.uid): node for node in nodes}
        choices = [
            (uid, f"{node.framework.code} · {node.code} · {node.name[:70]}")
            for uid, node in self.nodes.items()
        ]
        for name in ("source", "target"):
            self.fields[name].choices = choices  # type: ignore[attr-defined]
