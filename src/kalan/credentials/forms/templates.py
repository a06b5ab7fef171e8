"""Forms of the templates of acts: wording, legal reference, validity, logos."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from kalan.credentials.documents import contract
from kalan.credentials.documents.preview import BLOCK_LABELS, BLOCKS
from kalan.credentials.documents.statements import TITLES
from kalan.credentials.models import ActTemplate
from kalan.credentials.services.templates import LASTING, MOST_LOGOS, Draft, Logo

_LONGEST_WORDING = 4000
_VISAS = (
    "Par exemple « Vu la loi n° 2008-08 du 25 janvier 2008 sur les transactions "
    "électroniques ». Le point-virgule s’ajoute tout seul. Vide : rien ne s’imprime."
)


class NewTemplateForm(forms.Form):
    kind = forms.ChoiceField(
        label="Sorte d’acte",
        choices=[choice for choice in ActTemplate.Kind.choices if choice[0] != "files"],
        initial=ActTemplate.Kind.FREE,
        help_text="Un acte libre se remplit avec un tableau de noms ; les autres, avec les "
        "données de Kalan.",
    )
    name = forms.CharField(
        label="Nom du modèle",
        max_length=200,
        help_text="Pour le reconnaître dans la liste, par exemple « Attestation de stage ».",
    )


class VersionForm(forms.Form):
    """One version as it is edited; ``draft``: what stands."""

    def __init__(self, *args: Any, template: ActTemplate, draft: Draft, **more: Any) -> None:
        super().__init__(*args, **more)
        self.template, self.draft = template, draft
        if template.kind not in TITLES:
            self.fields["title"] = forms.CharField(
                label="Titre imprimé", max_length=200, initial=draft.title
            )
        for block in BLOCKS.get(template.kind, ()):
            self.fields[block] = forms.CharField(
                label=BLOCK_LABELS[block],
                required=False,
                max_length=_LONGEST_WORDING,
                initial=draft.wording.get(block, ""),
                widget=forms.Textarea(attrs={"rows": 6 if block == "body" else 3}),
                help_text=_VISAS if block == "visas" else "",
            )
        if template.kind == contract.FREE:
            self.fields["columns"] = forms.CharField(
                label="Colonnes du tableau de noms",
                required=False,
                initial="\n".join(draft.columns),
                widget=forms.Textarea(attrs={"rows": 4}),
                help_text="Une par ligne, comme en tête du tableau. « Date de stage » devient "
                "le champ {date_de_stage}.",
            )
        self._add_legal(draft)
        for rank in range(MOST_LOGOS):
            self._add_logo(rank)

    def _add_legal(self, draft: Draft) -> None:
        if self.template.kind in LASTING:
            self.fields["validity_months"] = forms.IntegerField(
                label="Durée de validité, en mois",
                required=False,
                min_value=1,
                max_value=600,
                initial=draft.validity_months,
                help_text="Vide : sans limite.",
            )
        self.fields["legal_number"] = forms.CharField(
            label="Référence légale : nature et numéro",
            required=False,
            max_length=100,
            initial=draft.legal_number,
            help_text="Par exemple « Arrêté n° 2026-17 ». Sans elle, « certification » et "
            "« reconnu par l’État » ne s’impriment pas.",
        )
        self.fields["legal_date"] = forms.DateField(
            label="Référence légale : date",
            required=False,
            initial=draft.legal_date,
            widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        )
        self.fields["legal_authority"] = forms.CharField(
            label="Référence légale : autorité",
            required=False,
            max_length=200,
            initial=draft.legal_authority,
        )

    def _add_logo(self, rank: int) -> None:
        standing = self.standing(rank)
        what = "Armoiries" if rank == 0 else f"Logo de partenaire {rank}"
        said = f"En place : {standing.alt}. " if standing else ""
        self.fields[f"logo_{rank}"] = forms.FileField(
            label=what,
            required=False,
            help_text=f"{said}PNG ou JPEG, 60 Ko au plus ; JPEG de 400 pixels pour signer vite.",
            widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg"}),
        )
        self.fields[f"alt_{rank}"] = forms.CharField(
            label=f"{what} : ce que montre l’image, en mots",
            required=False,
            max_length=200,
            initial=standing.alt if standing else "",
        )
        if standing:
            self.fields[f"remove_{rank}"] = forms.BooleanField(
                label=f"{what} : retirer", required=False
            )

    def standing(self, rank: int) -> Logo | None:
        """The logo that stands at ``rank``."""
        return next((logo for logo in self.draft.logos if logo.rank == rank), None)

    def data_for(self) -> Draft:
        """What the service takes."""
        data = self.cleaned_data
        return Draft(
            title=data.get("title", ""),
            wording={block: data[block] for block in BLOCKS.get(self.template.kind, ())},
            legal_number=data["legal_number"],
            legal_date=data["legal_date"],
            legal_authority=data["legal_authority"],
            validity_months=data.get("validity_months"),
            columns=tuple(data.get("columns", "").splitlines()),
            logos=tuple(
                logo for rank in range(MOST_LOGOS) if (logo := self._logo(rank)) is not None
            ),
        )

    def _logo(self, rank: int) -> Logo | None:
        data, standing = self.cleaned_data, self.standing(rank)
        given: UploadedFile[bytes] | None = data.get(f"logo_{rank}")
        alt = data[f"alt_{rank}"]
        if given:
            return Logo(rank, alt, content=given.read(), name=given.name or "logo")
        if standing and not data.get(f"remove_{rank}"):
            return Logo(rank, alt, file=standing.file)
        return None
