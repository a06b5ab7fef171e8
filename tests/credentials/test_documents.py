"""The PDFs of acts: their conformance, their words, their letters, their bytes."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from kalan.credentials.documents import contract, invented
from kalan.credentials.documents.compose import document
from kalan.credentials.documents.errors import DocumentRefused
from kalan.credentials.documents.render import Renderer, count_pages
from kalan.credentials.documents.statements import DEMO_NOTICE, LIMITS, TITLES
from kalan.credentials.documents.words import reserved
from tests.factories import signing
from tests.factories.act_documents import CODE, PACKS, act_data, act_pdf, renderer_of, version_of
from tests.support.conformance import conformance_faults

NKO = "ߝߊ߬ߕߎ߬ ߞߎߦߊߕߋ߫"
ARABIC = "عائشة جلو"
VOWELS = "عَائِشَة جَلُو"
AJAMI = "ݝَاوٗ نْجَاي"
COUNTRIES = ("fr", "ml", "sn")


def words(pdf: bytes, tmp_path: Path) -> str:
    """The text of a PDF as pdftotext reads it, spaces joined."""
    path = tmp_path / "acte.pdf"
    path.write_bytes(pdf)
    made = subprocess.run(
        ["pdftotext", "-layout", path, "-"], check=True, capture_output=True, text=True
    )
    return " ".join(made.stdout.split())


def attachment(pdf: bytes) -> Any:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return json.loads(document.attachments["acte.json"].get_file().read_bytes())


@pytest.mark.parametrize("kind", contract.KINDS)
def test_every_act_conforms_in_every_country(kind: str) -> None:
    """PDF/A-3a, PDF/UA-1, data attached; short in one country, long in the others."""
    found = {
        country: conformance_faults(act_pdf(kind, country, long=country != "fr"))
        for country in COUNTRIES
    }
    assert found == {"fr": [], "ml": [], "sn": []}


@pytest.mark.parametrize("kind", contract.KINDS)
def test_every_act_still_conforms_once_signed(kind: str) -> None:
    """PDF/A and PDF/UA must hold after signing; the data attached and the trailer stay."""
    data = act_data(kind)
    plain = renderer_of(version_of(kind).file).pdf(data)
    signed = signing.signer().sign(plain, at=signing.SIGNED)
    assert signed.startswith(plain)
    assert conformance_faults(signed) == []
    assert attachment(signed) == json.loads(json.dumps(data["act"]))
    with (
        pikepdf.open(io.BytesIO(plain)) as before,
        pikepdf.open(io.BytesIO(signed)) as after,
    ):
        assert len(after.Root.AcroForm.Fields) == 1
        assert bytes(before.trailer.ID[0]) == bytes(after.trailer.ID[0])


def test_the_checker_finds_what_is_not_there() -> None:
    """A document without tags, output intent, attachment and embedded fonts has all the faults."""
    blank = io.BytesIO()
    with pikepdf.new() as document:
        document.add_blank_page()
        document.save(blank)
    assert conformance_faults(blank.getvalue()) == [
        "no mark that it is tagged",
        "no structure tree",
        "no language",
        "no title shown",
        "no claims in its metadata",
        "no output intent",
        "no attachment",
        "page 1: tab order does not follow the structure",
    ]


if shutil.which("verapdf"):  # in no package of Debian, PyPI or npm: shown where it is present

    @pytest.mark.parametrize("flavour", ["3a", "ua1"])
    def test_verapdf_agrees(flavour: str, tmp_path: Path) -> None:
        path = tmp_path / "acte.pdf"
        path.write_bytes(act_pdf(contract.COMPETENCE))
        said = subprocess.run(
            ["verapdf", "--flavour", flavour, path], capture_output=True, text=True, check=False
        )
        assert said.returncode == 0, said.stdout


def test_the_data_of_the_act_is_attached_as_it_is() -> None:
    data = act_data(contract.COMPETENCE, name=NKO)
    pdf = renderer_of(version_of(contract.COMPETENCE).file).pdf(data)
    assert attachment(pdf) == json.loads(json.dumps(data["act"]))


def test_equal_data_give_equal_bytes_from_another_renderer() -> None:
    """Whatever was made before, and in whichever process: a resumed batch can be proved."""
    data = act_data(contract.TRAINING, long=True)
    first = renderer_of(version_of(contract.TRAINING).file)
    first.pdf(act_data(contract.TRAINING, name="Quelqu’un d’autre"))
    again = Renderer(PACKS / version_of(contract.TRAINING).file)
    assert first.pdf(data) == again.pdf(data)


@pytest.mark.parametrize(
    "name",
    [
        "Ndèye N’Dèla ÉLODIE-AÏSSATOU Ŋàndé Ɓóóri",
        invented.LONG_NAME,
    ],
)
def test_names_come_out_as_they_are(name: str, tmp_path: Path) -> None:
    said = words(act_pdf(contract.ATTENDANCE, name=name), tmp_path)
    assert unicodedata.normalize("NFC", name) in unicodedata.normalize("NFC", said)


def test_arabic_letters_come_out_joined_and_in_the_order_of_reading(tmp_path: Path) -> None:
    said = words(act_pdf(contract.ATTENDANCE, name=ARABIC), tmp_path)
    assert ARABIC in said.translate(dict.fromkeys(map(ord, "\u202b\u202c")))


@pytest.mark.parametrize("name", [NKO, VOWELS, AJAMI])
@pytest.mark.parametrize("kind", [contract.ATTENDANCE, contract.CONVOCATION, contract.FREE])
def test_a_name_with_tones_or_vowels_is_also_said_in_its_own_order(name: str, kind: str) -> None:
    """pdftotext doubles what carries a vowel, so the name stands in the tags and the title too."""
    with pikepdf.open(io.BytesIO(act_pdf(kind, name=name))) as document:
        figures = [str(obj.Alt) for obj in document.objects if is_figure(obj)]
        assert figures.count(name) == 1
        assert f" — {name} — " in str(document.docinfo.Title)


def is_figure(obj: Any) -> bool:
    return (
        isinstance(obj, pikepdf.Dictionary)
        and obj.get("/S") == pikepdf.Name.Figure
        and "/Alt" in obj
    )


def test_the_code_square_reads_back_as_the_address(tmp_path: Path) -> None:
    """From a page rendered at 150 dots an inch, with a credential as long as those of Kalan."""
    address = f"https://kalan.exemple/verifier/{CODE}/#{'7WBK:P%3*X' * 31}"
    path = tmp_path / "acte.pdf"
    path.write_bytes(act_pdf(contract.COMPETENCE, address=address))
    page = tmp_path / "page"
    subprocess.run(["pdftoppm", "-r", "150", "-png", "-singlefile", path, page], check=True)
    read = subprocess.run(
        ["zbarimg", "--quiet", "--raw", f"{page}.png"], check=True, capture_output=True, text=True
    )
    assert read.stdout == f"{address}\n"


@pytest.mark.parametrize("kind", contract.PROOFS)
def test_a_proof_has_its_title_and_says_what_it_does_not_prove(kind: str, tmp_path: Path) -> None:
    version = replace(version_of(kind), title="Diplôme d’État")
    said = words(act_pdf(kind, version=version), tmp_path)
    assert TITLES[kind] in said
    assert "Diplôme" not in said
    # The sentence stands in a narrow column beside others: its words, in any order.
    assert set(LIMITS[kind].split()) - set(said.split()) == set()


def test_no_layout_and_no_first_wording_says_reserved_words(tmp_path: Path) -> None:
    """The check reads data; what the layouts say by themselves is read here."""
    said = [
        kind
        for kind in contract.KINDS
        if reserved(words(act_pdf(kind, "fr"), tmp_path).replace("\u00ad", ""))
    ]
    assert said == []


@pytest.mark.parametrize(
    "text",
    [
        "certification",
        "CERTIFICATION",
        "Cértificâtion",
        "certi\u00adfication",
        "certi\u200bfi\u200dcation",
        "certi-\nfication",
        "c e r t i f i c a t i o n",
        "ｃｅｒｔｉｆｉｃａｔｉｏｎ",
        "сеrtification",  # Cyrillic с and е
        "certi*fica*tion",
        "reconnu par l’État",
        "RECONNUE PAR L'ETAT",
        "reconnus\u00a0par\u202fl’É\u00adtat",
        "reconnu officiellement et partout par l’Etat",
    ],
)
def test_reserved_words_need_a_legal_reference(text: str) -> None:
    """Whatever their accents, capitals, spaces and invisible signs (issue: fixed in code)."""
    wording = {**version_of(contract.FREE).wording, "body": f"Acte {text}."}
    version = replace(version_of(contract.FREE), wording=wording)
    renderer = renderer_of(version.file)
    with pytest.raises(DocumentRefused) as refused:
        renderer.pdf(act_data(contract.FREE, version=version))
    assert [problem.code for problem in refused.value.problems] == ["forbidden"]


def test_reserved_words_in_a_field_are_refused_too() -> None:
    data = act_data(contract.ATTENDANCE)
    data["page"]["facts"][1][1] = "Certification de Fatick"
    with pytest.raises(DocumentRefused) as refused:
        renderer_of(version_of(contract.ATTENDANCE).file).pdf(data)
    assert [(p.code, p.place) for p in refused.value.problems] == [("forbidden", "facts.2.2")]


def test_with_a_legal_reference_they_are_printed_and_the_reference_too(tmp_path: Path) -> None:
    legal = {
        "number": "Arrêté n° 2026-17",
        "date": "2026-03-02",
        "authority": "Ministre de la Santé",
    }
    wording = {**version_of(contract.FREE).wording, "body": "Certification reconnue par l’État."}
    version = replace(version_of(contract.FREE), wording=wording, legal=legal)
    said = words(act_pdf(contract.FREE, version=version), tmp_path)
    assert "Certification reconnue par l’État." in said
    assert "Arrêté n° 2026-17 du 2 mars 2026, Ministre de la Santé" in said


@pytest.mark.parametrize(
    ("issue", "expected"),
    [
        ({"mode": "hand", "level": ""}, "Inscrit au registre ; signature manuscrite"),
        ({"level": "ministry"}, "Signé électroniquement — autorité interne du ministère"),
        ({"level": "accredited"}, "Signé électroniquement — prestataire accrédité"),
        ({"demo": True}, DEMO_NOTICE),
        ({"valid_until": "2029-11-02"}, "Valable jusqu’au 2 novembre 2029"),
        ({}, "3K7Q 9XZA 0BCD EFGH JKMN PQRS"),
        ({}, "Fait à Dakar, le 3 novembre 2026"),
    ],
)
def test_the_page_says_how_it_was_signed(
    issue: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    said = words(act_pdf(contract.CONVOCATION, **issue), tmp_path)
    assert " ".join(expected.split()) in said


@pytest.mark.parametrize(
    ("capacity", "expected"),
    [
        ("title", ["Directrice"]),
        ("delegate", ["P.O. — pour le Directeur de la planification", "Directrice"]),
        ("interim", ["Le Directeur de la planification, par intérim", "Directrice"]),
    ],
)
def test_the_signatory_stands_in_the_capacity_of_the_day(
    capacity: str, expected: list[str]
) -> None:
    data = act_data(
        contract.MISSION,
        signatory={
            "name": "Awa NDIAYE",
            "title": "Directrice",
            "office": "Le Directeur de la planification",
            "capacity": capacity,
        },
    )
    assert data["page"]["sign"]["lines"] == expected


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("decision", "Directrice de la formation,", "Décide"),
        ("mission", "ORDRE", "Il est ordonné"),
        ("free", "ATTESTATION", "Je soussigné"),
    ],
)
def test_visas_of_law_stand_before_what_rests_upon_them(
    kind: str, before: str, after: str, tmp_path: Path
) -> None:
    """One a line, ended alike however they were typed; without any, nothing is printed."""
    bare = version_of(kind)
    said = {**bare.wording, "visas": "Vu la Constitution,\n\n*Vu* le plan [{lieu_absent}] ;\n"}
    version = replace(bare, wording=said)
    text = words(renderer_of(bare.file).pdf(act_data(kind, version=version)), tmp_path)
    printed = "Vu la Constitution ; Vu le plan ;"
    places = [text.lower().find(part.lower()) for part in (before, printed, after)]
    assert places == sorted(places)
    assert places[0] >= 0
    assert "Vu " not in words(act_pdf(kind), tmp_path)


def test_a_certificate_is_one_page_or_is_refused() -> None:
    """Forty themes of two hundred letters: no size of letters saves it, and the person is named."""
    assert count_pages(act_pdf(contract.TRAINING, long=True)) == 1
    data = act_data(contract.TRAINING)
    data["page"]["themes"] = [[f"{'Thème très long ' * 12}{n}" for n in range(40)]]
    with pytest.raises(DocumentRefused) as refused:
        renderer_of(version_of(contract.TRAINING).file).pdf(data)
    assert str(refused.value.problems[0]) == (
        "L’acte de Awa DIALLO prend 2 pages au lieu de 1. Abrégez les textes les plus "
        "longs\u00a0: intitulés, thèmes, structure."
    )


def test_a_trainer_of_forty_sessions_gets_the_pages_it_takes() -> None:
    data = act_data(contract.TRAINER)
    record = data["act"]["record"]
    record["led"]["sessions"] *= 40
    made = document(record, data["act"]["issue"], version_of(contract.TRAINER))
    pdf = renderer_of(version_of(contract.TRAINER).file).pdf(made)
    assert count_pages(pdf) == 2
    assert conformance_faults(pdf) == []


def test_a_layout_that_does_not_compile_names_its_place(tmp_path: Path) -> None:
    for folder in ("actes", "sn"):
        shutil.copytree(PACKS / folder, tmp_path / folder)
    broken = tmp_path / "actes" / "libre.typ"
    broken.write_text(f"{broken.read_text()}\n#let x = nothing-of-that-name\n")
    line = broken.read_text().count("\n")
    with pytest.raises(DocumentRefused) as refused:
        Renderer(broken).pdf(act_data(contract.FREE))
    problem = refused.value.problems[0]
    assert (problem.code, problem.place) == (
        "template",
        f"actes/libre.typ, ligne {line}, caractère 9",
    )
    assert "nothing-of-that-name" in problem.message


def test_text_is_never_read_as_layout(tmp_path: Path) -> None:
    name = '#read("/etc/passwd") \\ "+ *x* $y$ [z]'
    assert name in words(act_pdf(contract.ATTENDANCE, name=name), tmp_path)


def test_a_text_that_ends_the_compiler_is_one_document_refused() -> None:
    """50 000 Arabic letters in a row: krilla panics, which is no Exception for Python."""
    data = act_data(contract.FREE)
    data["page"]["text"] = {"body": [[["\u0627" * 50_000, False]]]}
    with pytest.raises(DocumentRefused) as refused:
        renderer_of(version_of(contract.FREE).file).pdf(data)
    assert refused.value.problems[0].code == "template"
    assert act_pdf(contract.FREE).startswith(b"%PDF-1.7")  # the compiler goes on


def test_words_that_a_reader_takes_for_a_signature_are_refused_wherever_they_come_from() -> None:
    data = act_data(contract.FREE)
    data["page"]["meta"]["author"] = "/ByteRange [0 1 2 3]"
    with pytest.raises(DocumentRefused) as refused:
        renderer_of(version_of(contract.FREE).file).pdf(data)
    assert refused.value.problems[0].code == "forbidden"


def test_a_process_without_django_renders() -> None:
    """The processes of a batch have no database: what they import must not ask for one."""
    code = (
        "import sys; from kalan.credentials.documents import render, compose, contract; "
        "print(any(name.split('.')[0] == 'django' for name in sys.modules))"
    )
    made = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKS
    )
    assert made.stdout == "False\n"
