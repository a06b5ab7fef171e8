"""What the registry's screens ask. Forms validate shape; the services hold the rules."""

from __future__ import annotations

from typing import Any

from django import forms

from kalan.people.actor import Actor
from kalan.people.forms.registry_fields import DegreeField, StructureMixin, day_field, place_field
from kalan.people.models import (
    Agent,
    Cadre,
    Employer,
    EmploymentStatus,
    OrgNode,
    Post,
    Sector,
    Sex,
    StructureType,
)
from kalan.people.selectors import registry as selectors

_ANY = [("", "Tous")]
_UNKNOWN = ("", "Non renseigné")
_YES = [("", "Tous"), ("oui", "À rapprocher seulement")]


def _choices(values: Any) -> list[tuple[str, str]]:
    return [(code, str(label).capitalize()) for code, label in values if code]


class StructureFilters(forms.Form):
    q = forms.CharField(label="Nom ou code", required=False, max_length=200)
    type = forms.ModelChoiceField(
        StructureType.objects.none(),
        label="Type",
        required=False,
        to_field_name="code",
        empty_label="Tous",
    )
    secteur = forms.ChoiceField(
        label="Secteur", required=False, choices=_ANY + _choices(Sector.choices)
    )
    etat = forms.ChoiceField(
        label="État",
        required=False,
        choices=[("", "Ouvertes"), ("fermees", "Fermées"), ("toutes", "Toutes")],
    )

    def __init__(self, *args: Any, actor: Actor, countries: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        types = StructureType.objects.filter(country__in=countries[:1])
        self.fields["type"].queryset = types.order_by("rank", "pk")  # type: ignore[attr-defined]
        self.fields["lieu"] = place_field(
            selectors.places(actor), "Région ou district", required=False
        )
        self.order_fields(["q", "lieu", "type", "secteur", "etat"])


class StructureForm(forms.Form):
    """A new structure, or the plain facts of one."""

    name = forms.CharField(label="Nom", max_length=200)
    latitude = DegreeField(
        label="Latitude", required=False, localize=True, help_text="Degrés décimaux : 14,1407"
    )
    longitude = DegreeField(
        label="Longitude", required=False, localize=True, help_text="Degrés décimaux : −16,0756"
    )
    connectivity = forms.ChoiceField(
        label="Connexion",
        required=False,
        choices=[
            _UNKNOWN,
            ("aucune", "Aucune"),
            ("2G", "2G"),
            ("3G", "3G"),
            ("4G", "4G"),
            ("ADSL", "ADSL"),
            ("fibre", "Fibre"),
            ("satellite", "Satellite"),
        ],
    )
    opened_on = day_field("Ouverte le", required=False, help_text="Vide si vous ne savez pas.")


def _type_field(country: str) -> forms.ModelChoiceField[StructureType]:
    return forms.ModelChoiceField(
        StructureType.objects.filter(country=country).order_by("rank", "pk"),
        label="Type",
        to_field_name="code",
        empty_label="Choisir…",
    )


class NewStructureForm(StructureForm):
    sector = forms.ChoiceField(label="Secteur", choices=_choices(Sector.choices), initial="public")
    code_system = forms.CharField(
        label="Source du code", required=False, max_length=40, help_text="Par exemple : dhis2, msas"
    )
    code_value = forms.CharField(label="Code", required=False, max_length=100)

    def __init__(self, *args: Any, actor: Actor, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["type"] = _type_field(country)
        self.fields["parent"] = place_field(
            selectors.places(actor, "structures.edit"), "Rattachée à", required=True
        )
        self.order_fields(["name", "type", "sector", "parent", "code_system", "code_value"])


class SituationForm(forms.Form):
    """A new type, sector or parent from a day on."""

    sector = forms.ChoiceField(label="Secteur", choices=_choices(Sector.choices))
    effective_on = day_field(
        "À partir du",
        help_text="Premier jour de la nouvelle situation. Les chiffres d’avant ne changent pas.",
    )
    reason = forms.CharField(
        label="Motif", required=False, max_length=300, help_text="Reste dans l’historique."
    )
    confirmed = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, actor: Actor, node: OrgNode, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["type"] = _type_field(node.country)
        self.fields["parent"] = place_field(
            selectors.places(actor, "structures.edit"), "Rattachée à", required=True
        )
        self.order_fields(["type", "sector", "parent", "effective_on", "reason"])


class CloseForm(forms.Form):
    on = day_field("Dernier jour d’ouverture")
    end_posts = forms.BooleanField(
        label="Terminer aussi, ce jour-là, les postes des agents", required=False
    )


class CodeForm(forms.Form):
    system = forms.CharField(
        label="Source", max_length=40, help_text="Par exemple : dhis2, msas, osm"
    )
    value = forms.CharField(label="Code", max_length=100)


class AgentFilters(forms.Form):
    q = forms.CharField(label="Nom, matricule ou téléphone", required=False, max_length=200)
    cadre = forms.ModelChoiceField(
        Cadre.objects.none(),
        label="Cadre",
        required=False,
        to_field_name="code",
        empty_label="Tous",
    )
    structure = forms.CharField(label="Structure", required=False, max_length=200)
    sexe = forms.ChoiceField(
        label="Sexe",
        required=False,
        choices=[*_ANY, *_choices(Sex.choices), ("inconnu", "Non renseigné")],
    )
    statut = forms.ChoiceField(
        label="Statut",
        required=False,
        choices=[("", "En activité"), ("parti", "Partis"), ("tous", "Tous")],
    )
    rapprocher = forms.ChoiceField(label="Rapprochement", required=False, choices=_YES)
    tri = forms.ChoiceField(
        label="Trier par",
        required=False,
        choices=[("", "Nom"), ("recents", "Ajoutés récemment")],
    )

    def __init__(self, *args: Any, actor: Actor, countries: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cadres = selectors.cadres(countries[0]) if countries else Cadre.objects.none()
        self.fields["cadre"].queryset = cadres  # type: ignore[attr-defined]
        self.fields["lieu"] = place_field(
            selectors.places(actor), "Région ou district", required=False
        )
        self.order_fields(
            ["q", "lieu", "structure", "cadre", "sexe", "statut", "rapprocher", "tri"]
        )


class AgentForm(forms.Form):
    """Who the person is."""

    last_name = forms.CharField(label="Nom", max_length=100)
    first_names = forms.CharField(label="Prénoms", max_length=100)
    sex = forms.ChoiceField(
        label="Sexe", required=False, choices=[_UNKNOWN, *_choices(Sex.choices)]
    )
    matricule = forms.CharField(
        label="Matricule",
        required=False,
        max_length=40,
        help_text="Vide pour qui n’en a pas (agents communautaires, bénévoles…).",
    )
    birth_year = forms.IntegerField(
        label="Année de naissance", required=False, help_text="Quatre chiffres, par exemple 1987"
    )
    cadre = forms.ModelChoiceField(
        Cadre.objects.none(),
        label="Cadre",
        required=False,
        to_field_name="code",
        empty_label="Non renseigné",
    )
    phone = forms.CharField(
        label="Téléphone",
        required=False,
        max_length=40,
        help_text="Plusieurs personnes peuvent avoir le même.",
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
    )
    email = forms.CharField(
        label="E-mail",
        required=False,
        max_length=254,
        widget=forms.TextInput(attrs={"type": "email", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["cadre"].queryset = selectors.cadres(country)  # type: ignore[attr-defined]


class EditAgentForm(AgentForm):
    status = forms.ChoiceField(
        label="Statut",
        choices=[(Agent.Status.ACTIVE, "En activité"), (Agent.Status.LEFT, "Parti")],
    )
    reason = forms.CharField(
        label="Motif de la modification",
        required=False,
        max_length=300,
        help_text="Reste dans l’historique.",
    )


class NewAgentForm(StructureMixin, AgentForm):
    start = day_field("En poste depuis le", required=False, help_text="Aujourd’hui si vide.")
    employer = forms.ChoiceField(
        label="Employeur", required=False, choices=[_UNKNOWN, *_choices(Employer.choices)]
    )
    status = forms.ChoiceField(
        label="Statut d’emploi",
        required=False,
        choices=[_UNKNOWN, *_choices(EmploymentStatus.choices)],
    )

    def _arrange(self) -> None:
        names = ["last_name", "first_names", "sex", "structure", "structure_pick", "start"]
        self.order_fields(names)


class PostForm(StructureMixin):
    """A post: where, from when, for whom."""

    start = day_field("Début")
    end = day_field("Fin", required=False, help_text="Vide si le poste est toujours occupé.")
    cadre = forms.ModelChoiceField(
        Cadre.objects.none(),
        label="Cadre dans ce poste",
        required=False,
        to_field_name="code",
        empty_label="Non renseigné",
    )
    title = forms.CharField(
        label="Intitulé du poste",
        required=False,
        max_length=120,
        help_text="Par exemple : major de la maternité",
    )
    employer = NewAgentForm.base_fields["employer"]
    status = NewAgentForm.base_fields["status"]
    is_main = forms.BooleanField(
        label="Poste principal (un seul à la fois ; c’est lui qui compte dans les chiffres)",
        required=False,
        initial=True,
    )

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["cadre"].queryset = selectors.cadres(country)  # type: ignore[attr-defined]

    @staticmethod
    def initial_of(post: Post) -> dict[str, Any]:
        return {
            "structure": post.structure.name,
            "structure_asked": post.structure.name,
            "structure_pick": str(post.structure.uid),
            "start": post.start,
            "end": post.end,
            "cadre": post.cadre.code if post.cadre else "",
            "title": post.title,
            "employer": post.employer,
            "status": post.status,
            "is_main": post.is_main,
        }


class NewPostForm(PostForm):
    end_previous = forms.BooleanField(
        label="Mutation : terminer la veille le poste principal actuel", required=False
    )


class EndPostForm(forms.Form):
    end = day_field("Dernier jour du poste")
    left = forms.BooleanField(
        label="L’agent quitte aussi le secteur de la santé publique (retraite, départ…)",
        required=False,
    )
