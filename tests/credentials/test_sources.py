"""Acts from a spreadsheet, from PDFs made elsewhere and from an exam; what is checked before."""

from __future__ import annotations

import io
import tomllib
import warnings
import zipfile
from typing import Any

import pikepdf
import pytest
from django.conf import settings

from kalan.base import files
from kalan.base.errors import Refused
from kalan.credentials.models import Batch
from kalan.credentials.services import checking, preparing, visa
from kalan.credentials.services.showing import preview
from kalan.engine.signing.pades import Signer
from tests.factories import credentials as make
from tests.factories import exams, jobs, people, signing
from tests.factories.people import NOW, Tree

pytestmark = pytest.mark.django_db


def from_file(tree: Tree, kind: str, name: str, content: bytes, **fields: Any) -> Batch:
    region = people.actor("region", tree.fatick)
    office = fields.pop("office", None) or make.office(tree.fatick)
    return preparing.prepare(
        actor=region,
        version=make.version(tree.country, kind, **fields),
        office=office,
        source="files" if kind == "files" else "spreadsheet",
        file=files.store(content=content, name=name, kind="acts", by=region.account, now=NOW),
        now=NOW,
    )


WORDS = {"wording": {"body": "{nom}, {grade}, est nommé(e) relais à {poste}."}}
TABLE = "Nom;Prénoms;Grade;Poste;E-mail\nDIOP;Awa;sage-femme;Sokone;awa@exemple.sn\n"


def table(tree: Tree, text: str) -> Batch:
    return from_file(tree, "free", "noms.csv", text.encode(), **WORDS)


def test_each_row_of_a_table_is_an_act(tree: Tree) -> None:
    batch = table(tree, TABLE + "FALL;Modou;infirmier;Toubacouta;\n")
    assert list(batch.acts.order_by("rank").values_list("name", "email")) == [
        ("Awa DIOP", "awa@exemple.sn"),
        ("Modou FALL", ""),
    ]
    assert batch.acts.get(rank=2).data["fields"] == {
        "Nom": "FALL", "Prénoms": "Modou", "Grade": "infirmier", "Poste": "Toubacouta",
        "E-mail": "",
    }  # fmt: skip
    assert checking.check(batch) == []


def test_a_free_act_that_nobody_has_worded_is_not_handed_over(tree: Tree) -> None:
    """The wording that the pack ships says what to write; no signature goes under it."""
    shipped = tomllib.loads((settings.PACKS_DIR / "actes" / "modeles.toml").read_text())["free"]
    batch = from_file(tree, "free", "noms.csv", TABLE.encode(), wording=shipped["wording"])
    assert [(str(one), one.blocking) for one in checking.check(batch)] == [
        ("Le modèle n’a pas encore de texte : il dit encore quoi écrire.", True)
    ]


def test_a_table_without_a_column_of_the_wording_is_refused(tree: Tree) -> None:
    with pytest.raises(Refused, match="Colonnes absentes du tableau\u00a0: poste"):
        table(tree, "Nom;Prénoms;Grade\nDIOP;Awa;sage-femme\n")


def test_every_bad_row_is_named_and_nothing_is_made(tree: Tree) -> None:
    with pytest.raises(Refused) as refused:
        table(
            tree,
            TABLE + ";;infirmier;Sokone;\nSARR;Ali 🙂;x;y;\nBA;Ly;x;y;ba(at)exemple\n"
            "DIOP;Awa;sage-femme;Sokone;awa@exemple.sn\n",
        )
    said = str(refused.value)
    assert "ligne 3, colonne «\u00a0Nom\u00a0»\u00a0: la case est vide (Écrivez le nom)" in said
    assert "ligne 4, colonne «\u00a0Nom\u00a0»" in said
    assert "ligne 5, colonne «\u00a0E-mail\u00a0»" in said
    assert "ligne 6, colonne «\u00a0Nom\u00a0»\u00a0: répète la ligne 2" in said
    assert Batch.objects.count() == 0


def archive(**contents: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as found:
        for name, content in contents.items():
            found.writestr(name.replace("__", "."), content)
    return made.getvalue()


def test_pdfs_made_elsewhere_are_signed_as_they_are(tree: Tree) -> None:
    key = make.keys_of()
    office = make.office(tree.fatick, key=key)
    make.holder(office)
    one = signing.document("Convention")
    batch = from_file(tree, "files", "actes.zip", archive(convention__pdf=one), office=office)
    act = batch.acts.get()
    assert (act.name, preview(actor=people.actor("region", tree.fatick), act=act, now=NOW)) == (
        "convention",
        one,
    )
    make.ordered(make.approved(batch))
    jobs.run_jobs()
    batch.refresh_from_db()
    assert batch.state == "signed"


def with_bad_validation_data(pdf: bytes) -> bytes:
    """It can be signed; no judge would ever call it valid."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as made:
        certificates = pikepdf.Array([made.make_stream(b"not a certificate")])
        made.Root.DSS = pikepdf.Dictionary(Certs=certificates)
        made.save(out)
    return out.getvalue()


def test_every_file_that_cannot_be_signed_is_named(tree: Tree) -> None:
    good = signing.document()
    signed = Signer(signing.identity()).sign(good, at=signing.SIGNED)
    with zipfile.ZipFile(whole := io.BytesIO(), "w") as held, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of two files of one name
        held.writestr("a.pdf", good)
        held.writestr("b.txt", b"x")
        held.writestr("c.pdf", b"<html>")
        held.writestr("d.pdf", signed)
        held.writestr("e.pdf", good)
        held.writestr("f.pdf", signing.document("Un"))
        held.writestr("f.pdf", signing.document("Deux"))
        held.writestr("g.pdf", with_bad_validation_data(good))
    content = whole.getvalue()
    with pytest.raises(Refused) as refused:
        from_file(tree, "files", "actes.zip", content)
    said = str(refused.value).replace("\u00a0", " ")
    assert "« b.txt » : ce n’est pas un PDF" in said
    assert "« c.pdf » : ce n’est pas un PDF" in said
    assert "« d.pdf » : Ce PDF porte déjà une signature" in said
    assert "« e.pdf » : le même fichier que « a.pdf »" in said
    assert "« f.pdf » : deux fichiers de l’archive portent ce nom" in said
    assert "« g.pdf » : Ce PDF, une fois signé, ne se vérifierait pas" in said
    with pytest.raises(Refused, match="abîmée, ou n’est pas un ZIP"):
        from_file(tree, "files", "actes.zip", content[:-30])
    assert Batch.objects.count() == 0


def test_certificates_go_to_those_whom_the_jury_passed(tree: Tree) -> None:
    exam = exams.exam(tree.fatick, title="Examen de Fatick")
    passed, failed = (
        exams.finished(exams.candidate(exam, tree.centre_sokone), choice) for choice in ("a", "b")
    )
    region = people.actor("region", tree.fatick)
    fields: dict[str, Any] = {
        "actor": region, "version": make.version(tree.country, "competence", validity_months=36),
        "office": make.office(tree.country), "source": "exam", "ref": exam, "now": NOW,
    }  # fmt: skip
    with pytest.raises(Refused, match="ne sont pas publiés"):
        preparing.prepare(**fields)
    type(exam).objects.filter(pk=exam.pk).update(state="published", published_at=NOW)
    for row, decision in ((passed, "passed"), (failed, "failed")):
        type(row).objects.filter(pk=row.pk).update(decision=decision, decided_at=NOW)
    exam.refresh_from_db()
    batch = preparing.prepare(**fields)
    act = batch.acts.get()
    assert passed.account.agent is not None
    assert act.name == passed.account.agent.full_name
    assert str(act.valid_until) == "2026-03-19"
    assert act.data["exam"]["supervised"] is True
    assert act.data["levels"][0]["domain"] == "Ensemble"
    assert checking.check(batch) == []


def test_what_does_not_fit_a_page_is_named_before_the_visa(tree: Tree) -> None:
    batch = make.batch(tree.fatick, acts=2)
    act = batch.acts.get(rank=2)
    act.data["holder"]["name"] = "A" * 200
    act.data["themes"] = []
    act.save(update_fields=["data"])
    with pytest.raises(Refused) as refused:
        visa.hand_over(actor=people.actor("region", tree.fatick), batch=batch, now=NOW)
    said = str(refused.value).replace("\u00a0", " ")
    assert "Il manque : thèmes suivis" in said
    assert "200 caractères" in said
    batch.refresh_from_db()
    assert batch.state == "draft"
