"""Templates of acts: worded by an administrator, previewed, a version an edit."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse
from PIL import Image

from kalan.base.errors import Refused
from kalan.credentials.models import ActTemplate, Batch, TemplateVersion
from kalan.credentials.selectors.templates import templates_visible_to
from kalan.credentials.services import templates as services
from kalan.credentials.services.printing import printed
from kalan.credentials.services.templates import Draft, Logo
from kalan.people.actor import SYSTEM
from tests.factories import acts, people
from tests.factories.people import NOW
from tests.support.signin import sign_in


@pytest.fixture
def tree(db: None) -> people.Tree:
    return people.tree()


@pytest.fixture
def template(tree: people.Tree) -> ActTemplate:
    services.load_templates(actor=SYSTEM, country="sn", node=tree.country, now=NOW)
    return ActTemplate.objects.get(code="training")


def words(template: ActTemplate) -> Draft:
    return services.draft_of(TemplateVersion.objects.get(template=template, current=True))


def changed(template: ActTemplate, **fields: Any) -> Draft:
    held = words(template)
    return Draft(**{**{name: getattr(held, name) for name in held.__dataclass_fields__}, **fields})


def save(template: ActTemplate, **fields: Any) -> TemplateVersion:
    return services.save_version(
        actor=SYSTEM, template=template, draft=changed(template, **fields), now=NOW
    )


def picture(kind: str = "PNG", side: int = 40) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (side, side), "#0b5d3b").save(made, kind)
    return made.getvalue()


def test_the_pack_loads_twice_as_once(template: ActTemplate, tree: people.Tree) -> None:
    assert sorted(ActTemplate.objects.values_list("kind", flat=True)) == sorted(
        ActTemplate.Kind.values
    )
    again = services.load_templates(actor=SYSTEM, country="sn", node=tree.country, now=NOW)
    assert (again, TemplateVersion.objects.count()) == ([], len(ActTemplate.Kind.values))


def test_the_command_asks_for_the_country_first(db: None) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("load_acts", "ml")
    assert "script/manage load_pack ml" in str(refused.value)


def test_an_edit_makes_a_version_and_the_same_words_make_none(
    template: ActTemplate, tree: people.Tree
) -> None:
    """A batch keeps the version it took: its words do not change under it."""
    first = TemplateVersion.objects.get(template=template)
    batch = acts.batch(tree.country, version=first)
    said = dict(first.wording)
    wording = {**said, "closing": "Fait pour valoir ce que de droit : merci."}
    second = save(template, wording=wording)
    assert (second.number, second.current) == (2, True)
    assert second.wording["closing"] == "Fait pour valoir ce que de droit\u00a0: merci."
    assert save(template, wording=wording).pk == second.pk
    batch = Batch.objects.select_related("version").get(pk=batch.pk)
    assert (batch.version.number, batch.version.wording, batch.version.current) == (1, said, False)
    assert TemplateVersion.objects.filter(template=template).count() == 2


@pytest.mark.parametrize(
    ("block", "text", "said"),
    [
        (
            "body",
            "a suivi la formation\n« {titr} »",
            "ligne 2, caractère 3\u00a0: le champ {titr} n’existe pas. Vouliez-vous {titre}\u00a0?",
        ),
        (
            "opening",
            "Je soussigné {signataire, atteste",
            "ligne 1, caractère 14\u00a0: l’accolade «\u00a0{\u00a0» est seule. Écrivez le champ "
            "entre deux accolades, {nom}, ou doublez l’accolade.",
        ),
        (
            "closing",
            "Fait [à {ville}",
            "ligne 1, caractère 6\u00a0: le crochet «\u00a0[\u00a0» n’est pas fermé. "
            "Ajoutez «\u00a0]\u00a0» ou doublez-le.",
        ),
        (
            "closing",
            "Fait *à {ville}",
            "ligne 1, caractère 6\u00a0: le gras «\u00a0*\u00a0» n’est pas fermé. "
            "Ajoutez «\u00a0*\u00a0» ou doublez l’étoile.",
        ),
        (
            "closing",
            "Formation reconnue par l’État",
            "«\u00a0reconnu par l’État\u00a0» ne s’imprime pas sans texte qui le permet. Donnez à "
            "la version du modèle sa référence légale (numéro, date, autorité) ou changez ces "
            "mots.",
        ),
    ],
)
def test_a_wording_at_fault_is_refused_with_its_place_and_remedy(
    template: ActTemplate, block: str, text: str, said: str
) -> None:
    with pytest.raises(Refused) as refused:
        save(template, wording={**words(template).wording, block: text})
    assert (refused.value.field, str(refused.value)) == (block, said)
    assert TemplateVersion.objects.filter(template=template).count() == 1


def test_a_text_that_fills_more_than_the_page_is_refused(template: ActTemplate) -> None:
    with pytest.raises(Refused) as refused:
        save(template, wording={**words(template).wording, "body": "Un long discours. " * 200})
    assert str(refused.value).startswith("L’acte de Awa DIALLO prend ")
    assert TemplateVersion.objects.filter(template=template).count() == 1


def test_reserved_words_pass_with_a_whole_legal_reference(template: ActTemplate) -> None:
    wording = {**words(template).wording, "closing": "Certification reconnue par l’État."}
    with pytest.raises(Refused) as refused:
        save(template, wording=wording, legal_number="Arrêté n° 17")
    assert str(refused.value) == (
        "La référence légale est incomplète. Donnez le numéro, la date et l’autorité, "
        "ou aucun des trois."
    )
    legal = {"legal_date": dt.date(2026, 3, 2), "legal_authority": "Ministre de la Santé"}
    made = save(template, wording=wording, legal_number="Arrêté n° 17", **legal)
    assert printed(made)[0].legal == {
        "number": "Arrêté n° 17",
        "date": "2026-03-02",
        "authority": "Ministre de la Santé",
    }


def test_a_proof_keeps_its_fixed_title(template: ActTemplate) -> None:
    made = save(template, title="Diplôme", wording={**words(template).wording, "closing": "Fait."})
    assert made.title == "Attestation de formation"


def test_only_a_certificate_of_competence_ends(admin: Client, template: ActTemplate) -> None:
    """What is typed elsewhere is not kept: no act would ever bear it."""
    assert save(template, validity_months=12).validity_months is None
    shown = admin.get(reverse("act-template-edit", args=[template.uid]))
    assert "validity_months" not in shown.context["form"].fields
    assert "seul un certificat de compétences expire" in shown.content.decode()
    lasting = ActTemplate.objects.get(code="competence")
    page = admin.get(reverse("act-template-edit", args=[lasting.uid]))
    assert page.context["form"].fields["validity_months"].initial == 36
    assert save(lasting, validity_months=24).validity_months == 24


def test_visas_of_law_are_typed_a_line_each(admin: Client, template: ActTemplate) -> None:
    decision = ActTemplate.objects.get(code="decision")
    visas = "Vu la Constitution ;\nVu la loi n° 2008-08"
    sent = {"title": decision.name, **words(decision).wording, "visas": f"{visas}\nVu {{loi}}"}
    refused = admin.post(reverse("act-template-edit", args=[decision.uid]), sent)
    assert "ligne 3, caractère 4\u00a0: le champ {loi} n’existe pas" in refused.content.decode()
    made = save(decision, wording={**words(decision).wording, "visas": visas})
    assert made.wording["visas"] == visas.replace(" ;", "\u00a0;")
    shown = admin.get(reverse("act-template", args=[decision.uid])).content.decode()
    assert "Vu la Constitution\u00a0;<br>Vu la loi n° 2008-08" in shown


def with_more(jpeg: bytes) -> bytes:
    """The place where a photo was taken, a comment, and an archive behind the end."""
    place, said = b"Exif\0\0 14.7 N", b"/ByteRange"
    more = b"".join(
        bytes((0xFF, marker)) + (len(text) + 2).to_bytes(2) + text
        for marker, text in ((0xE1, place), (0xFE, said))
    )
    return jpeg[:2] + more + jpeg[2:] + b"PK\x05\x06"


def test_a_logo_is_kept_printed_and_carried_to_the_next_version(template: ActTemplate) -> None:
    logos = (
        Logo(0, "Armoiries", content=picture(), name="armes.png"),
        Logo(1, "Logo d’Enabel", content=with_more(picture("JPEG")), name="enabel.jpg"),
    )
    made = save(template, logos=logos)
    said, assets = printed(made)
    assert said.arms == {"file": "logo-0.png", "alt": "Armoiries"}
    assert said.logos == ({"file": "logo-1.jpg", "alt": "Logo d’Enabel"},)
    assert assets == {"logo-0.png": logos[0].content, "logo-1.jpg": picture("JPEG")}
    assert services.version_pdf(made).startswith(b"%PDF")
    third = save(template, wording={**words(template).wording, "closing": "Fait."})
    assert [logo.file_id for logo in third.logos.order_by("rank")] == [
        logo.file_id for logo in made.logos.order_by("rank")
    ]


@pytest.mark.parametrize(
    ("logo", "field", "said"),
    [
        (Logo(1, "Logo", content=b"<svg/>", name="x.svg"), "logo_1", "n’est pas une image PNG"),
        (Logo(1, "Logo", content=picture("GIF"), name="x.gif"), "logo_1", "image PNG ou JPEG"),
        (Logo(1, "", content=picture(), name="x.png"), "alt_1", "ce que montre ce logo"),
        (Logo(1, "Logo", content=picture()[:60], name="x.png"), None, "ne se compile pas"),
    ],
)
def test_what_is_no_logo_is_refused(
    template: ActTemplate, logo: Logo, field: str | None, said: str
) -> None:
    with pytest.raises(Refused) as refused:
        save(template, logos=(logo,))
    assert said in str(refused.value)
    assert field is None or refused.value.field == field
    assert TemplateVersion.objects.filter(template=template).count() == 1


def test_a_free_act_takes_the_columns_of_its_spreadsheet(template: ActTemplate) -> None:
    free = ActTemplate.objects.get(code="free")
    wording = {"opening": "", "body": "Stage du {date_de_debut}.", "closing": ""}
    with pytest.raises(Refused):
        save(free, wording=wording)
    made = save(free, title="Attestation de stage", wording=wording, columns=("Date de début",))
    assert services.columns_of(made) == ("Date de début",)
    assert services.version_pdf(made).startswith(b"%PDF")


def test_scope(tree: people.Tree, template: ActTemplate) -> None:
    """Everyone who prepares reads the country's templates; its administrator edits them."""
    manager = people.actor("structure", tree.poste_toubacouta)
    assert templates_visible_to(manager).filter(pk=template.pk).exists()
    assert not templates_visible_to(manager, "templates.edit").exists()
    regional = people.actor("admin", tree.fatick)
    assert not templates_visible_to(regional, "templates.edit").exists()
    with pytest.raises(Refused) as refused:
        services.save_version(actor=regional, template=template, draft=words(template), now=NOW)
    assert refused.value.code == "forbidden"


@pytest.fixture
def admin(client: Client, tree: people.Tree) -> Client:
    sign_in(client, people.account("admin", tree.country))
    return client


def test_the_screens(admin: Client, template: ActTemplate) -> None:
    """Edit, preview without storing, be refused, save, take an older version up again."""
    page = reverse("act-template-edit", args=[template.uid])
    held = words(template)
    sent = {**held.wording, "legal_number": "", "legal_date": "", "legal_authority": ""}
    shown = admin.post(page, {**sent, "preview": "long"})
    assert (shown.status_code, shown["Content-Type"]) == (200, "application/pdf")
    assert TemplateVersion.objects.filter(template=template).count() == 1
    refused = admin.post(page, {**sent, "body": "{nome}"})
    assert refused.status_code == 422
    assert "Vouliez-vous {nom}" in refused.content.decode()
    logo = SimpleUploadedFile("enabel.png", picture(), "image/png")
    saved = admin.post(page, {**sent, "closing": "Fait.", "logo_1": logo, "alt_1": "Logo d’Enabel"})
    assert saved.status_code == 302
    version = TemplateVersion.objects.get(template=template, current=True)
    assert (version.number, version.wording["closing"], version.logos.count()) == (2, "Fait.", 1)
    detail = admin.get(reverse("act-template", args=[template.uid])).content.decode()
    assert "Logo d’Enabel" in detail
    assert "?version=1" in detail
    older = admin.get(page, {"version": "1"}).context["form"]
    assert older.fields["closing"].initial == held.wording["closing"]
    made = admin.get(reverse("act-template-preview", args=[template.uid, 2]))
    assert made.content.startswith(b"%PDF")


def test_a_template_is_made_and_retired(admin: Client, template: ActTemplate) -> None:
    page = reverse("act-template-create")
    made = admin.post(page, {"kind": "free", "name": "Attestation de stage"})
    free = ActTemplate.objects.get(code="attestation-de-stage")
    assert made["Location"] == reverse("act-template-edit", args=[free.uid])
    again = admin.post(page, {"kind": "free", "name": "Attestation de stage"})
    assert again.status_code in (302, 422)  # the same sending twice, or a name that is taken
    assert ActTemplate.objects.filter(name="Attestation de stage").count() == 1
    admin.post(reverse("act-template-retire", args=[free.uid]))
    free.refresh_from_db()
    assert free.retired_at is not None


def test_the_list_asks_the_same_however_long(
    admin: Client, tree: people.Tree, django_assert_num_queries: Any
) -> None:
    acts.version(tree.country)
    with django_assert_num_queries(5):
        admin.get(reverse("act-template-list"))
    acts.version(tree.country)
    acts.version(tree.country)
    with django_assert_num_queries(5):
        admin.get(reverse("act-template-list"))
