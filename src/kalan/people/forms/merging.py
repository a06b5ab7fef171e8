"""The side-by-side form: which row is kept, which values are taken, why."""

from __future__ import annotations

from django import forms

from kalan.people.models import Agent, OrgNode

AGENT_LABELS = {
    "last_name": "Nom",
    "first_names": "Prénoms",
    "sex": "Sexe",
    "matricule": "Matricule",
    "birth_year": "Année de naissance",
    "phone": "Téléphone",
    "email": "E-mail",
    "cadre_id": "Cadre",
}
NODE_LABELS = {
    "name": "Nom",
    "type_id": "Type",
    "sector": "Secteur",
    "latitude": "Latitude",
    "longitude": "Longitude",
    "connectivity": "Connexion",
    "opened_on": "Ouverte le",
}


def shown(row: Agent | OrgNode, name: str) -> str:
    """The value of ``name`` as a person reads it."""
    if name == "cadre_id" and isinstance(row, Agent):
        return row.cadre.title if row.cadre else ""
    if name == "type_id" and isinstance(row, OrgNode):
        return row.type.name if row.type else ""
    if name in {"sex", "sector"}:
        return str(getattr(row, f"get_{name}_display")())
    value = getattr(row, name)
    return "" if value is None else str(value)


class MergeForm(forms.Form):
    """``left`` and ``right`` are the two rows; the field ``keep`` says which one stays."""

    keep = forms.ChoiceField(
        label="Fiche conservée",
        choices=[("left", "celle de gauche"), ("right", "celle de droite")],
        widget=forms.RadioSelect,
        initial="left",
    )
    reason = forms.CharField(
        label="Motif",
        max_length=300,
        help_text="Pourquoi il s’agit du même enregistrement. Ce motif reste dans l’historique.",
    )

    def __init__(
        self,
        *args: object,
        left: Agent | OrgNode,
        right: Agent | OrgNode,
        labels: dict[str, str],
        **kwargs: object,
    ) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.differing: list[str] = []
        for name, label in labels.items():
            one, other = shown(left, name), shown(right, name)
            if one == other:
                continue
            self.differing.append(name)
            self.fields[name] = forms.ChoiceField(
                label=label,
                choices=[("left", one or "(vide)"), ("right", other or "(vide)")],
                widget=forms.RadioSelect,
                # A value beats no value.
                initial="left" if one else "right",
            )

    def taken(self) -> frozenset[str]:
        """Names of the fields whose value comes from the row that is not kept."""
        keep = self.cleaned_data["keep"]
        return frozenset(name for name in self.differing if self.cleaned_data[name] != keep)
