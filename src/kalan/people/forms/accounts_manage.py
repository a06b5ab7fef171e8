"""Forms of the accounts of a territory."""

from __future__ import annotations

from typing import Any

from django import forms

from kalan.people.models import OrgNode, Post, Role


class AccountFilters(forms.Form):
    q = forms.CharField(label="Nom, e-mail, matricule ou téléphone", required=False, max_length=100)
    role = forms.ChoiceField(label="Rôle", required=False, choices=[("", "Tous"), *Role.choices])
    state = forms.ChoiceField(
        label="État",
        required=False,
        choices=[
            ("", "Tous"),
            ("active", "actif"),
            ("never", "jamais activé"),
            ("closed", "désactivé"),
            ("phone", "téléphone à confirmer"),
            ("factor", "second facteur manquant"),
        ],
    )


class ContactForm(forms.Form):
    display_name = forms.CharField(label="Nom affiché", max_length=200)
    email = forms.CharField(
        label="Adresse e-mail",
        required=False,
        max_length=254,
        help_text="Elle sert à se connecter, et à être reconnu d’un fournisseur d’identité.",
        widget=forms.TextInput(attrs={"inputmode": "email", "autocomplete": "off"}),
    )
    phone = forms.CharField(
        label="Téléphone",
        required=False,
        max_length=30,
        help_text="77 123 45 67 ou +221 77 123 45 67. Il peut être partagé.",
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Motif", max_length=200, help_text="Une phrase ; elle reste dans l’historique."
    )


class SlipForm(forms.Form):
    valid_days = forms.IntegerField(label="Valable (jours)", min_value=1, max_value=90, initial=30)


class StructureSearch(forms.Form):
    q = forms.CharField(label="Nom de la structure", required=False, max_length=100)


class NodeSearch(forms.Form):
    q = forms.CharField(
        label="Chercher un autre lieu",
        required=False,
        max_length=100,
        help_text="Région, district ou structure.",
    )


def post_key(post: Post) -> str:
    """What stands for a post in the form (its number is never shown outside)."""
    return f"{post.structure.uid}:{post.start:%Y-%m-%d}"


class GrantForm(forms.Form):
    role = forms.ChoiceField(label="Rôle")
    node = forms.ChoiceField(
        label="Lieu",
        widget=forms.RadioSelect,
        help_text="Le rôle vaut pour ce lieu et tout ce qui en dépend.",
    )
    start = forms.DateField(
        label="Du", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    end = forms.DateField(
        label="Au (inclus)",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    post = forms.ChoiceField(
        label="Finit avec le poste",
        required=False,
        help_text="Quand ce poste prend fin, le rôle finit le même jour.",
    )
    reason = forms.CharField(label="Motif", max_length=200)

    def __init__(
        self,
        *args: Any,
        roles: frozenset[str],
        nodes: list[OrgNode],
        posts: list[Post],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._choose("role", [(code, name) for code, name in Role.choices if code in roles])
        self._choose(
            "node", [(str(one.uid), f"{one.name} ({one.get_kind_display()})") for one in nodes]
        )
        held = [
            (post_key(one), f"{one.structure.name}, depuis le {one.start:%d/%m/%Y}")
            for one in posts
        ]
        self._choose("post", [*held, ("", "Non, seulement aux dates ci-dessus")])

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices
