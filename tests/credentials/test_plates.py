"""Attestations made from a plate: as Typst makes them, whoever they are made along with."""

from __future__ import annotations

import io
import shutil
import subprocess
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pyhanko.pdf_utils.reader import PdfFileReader

from kalan.base.models import Job
from kalan.credentials.documents import contract, invented
from kalan.credentials.documents.compose import Version, document
from kalan.credentials.documents.likeness import same_document
from kalan.credentials.documents.pdf_parts import put_together, taken_apart
from kalan.credentials.documents.render import Renderer
from kalan.credentials.documents.section import FEWEST, Section
from kalan.credentials.models import Act
from kalan.credentials.selectors import keys
from kalan.credentials.services import sections
from kalan.credentials.services.reading import act_bytes
from kalan.credentials.worker_child import BatchSpec, Chunk, Setup
from kalan.credentials.worker_documents import documents_of
from kalan.engine.signing.verify.own import judge_own
from tests.factories import credentials as make
from tests.factories import jobs, signing
from tests.factories.act_documents import PACKS, act_data, renderer_of, version_of
from tests.factories.people import NOW, Tree
from tests.support.conformance import conformance_faults

CODE = "3K7Q9XZA0BCDEFGHJKMN{:04d}"
# Ligatures, pairs that are drawn closer, letters of the country, breaks that are none, digits.
NAMES = (
    "Awa NDIAYE", "Affi OFFLEY fi ffl", "AVATAR Tokyo VAWA", "Ndèye N’Dèla ÉLODIE-AÏSSATOU",
    "Ŋàndé Ɓóóri ƊIOP", "D'Arc O'NEIL", "Awa\u00a0SY", "L.  B. DIALLO 2 ", "W", "Ĳæŧ Đð ŒUVRÉ Ỹ",
)  # fmt: skip
PLACES = ("Poste de santé de Ndiob", "C.S. (Fatick) \\ 50 % & fils", "Hôpital <Kaolack> [2]", "")


def people(
    kind: str,
    country: str = "sn",
    number: int = FEWEST,
    *,
    version: Version | None = None,
    long: bool = False,
) -> list[dict[str, Any]]:
    """Documents of one batch: names, qualities, codes and addresses of different lengths."""
    made, version = [], version or version_of(kind, country)
    for rank in range(number):
        code = CODE.format(rank)
        record: Any = invented.record(kind, country, long=long)
        name = f"{NAMES[rank % 10]} {'I' * (rank // 10)}".strip()
        own = {"name": name, "cadre": "Sage-femme", "structure": PLACES[rank % 4]}
        record["holder"] |= own
        issue: Any = invented.envelope(country) | {
            "code": code,
            "number": f"SN-2026-{rank + 1:06d}",
            "address": f"https://kalan.exemple/verifier/{code}/#{code * (rank % 12)}",
        }
        made.append(document(record, issue, version))
    return made


def section_of(documents: list[dict[str, Any]], kind: str = contract.TRAINING) -> Section:
    file = version_of(kind).file
    return Section(renderer_of(file), documents, layout=file)


def plated(section: Section, documents: list[Any]) -> list[int]:
    return [rank for rank in range(len(documents)) if section.by_plate(rank)]


@pytest.mark.parametrize("country", ["fr", "ml", "sn"])
@pytest.mark.parametrize("kind", [contract.TRAINING, contract.ATTENDANCE])
def test_a_plate_makes_what_typst_makes(kind: str, country: str) -> None:
    """Every object, text, tag, picture, outline and place of them, and the data carried."""
    documents = people(kind, country)
    section, typst = section_of(documents, kind), renderer_of(version_of(kind).file)
    assert plated(section, documents) == list(range(FEWEST))
    for rank in range(0, FEWEST, 5):
        made = section.pdf(rank)
        assert same_document(made, typst.pdf(documents[rank]))
        assert conformance_faults(made) == []


def test_so_it_does_with_pictures_a_legal_text_and_words_for_two_lines() -> None:
    """Words that look like references to objects, and pictures in the ink that marks a line."""
    mark = (
        b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9" fill="#0102c8"/></svg>'
    )
    version = replace(
        version_of(contract.TRAINING),
        legal={"number": "Arrêté n° 3 0 R", "date": "2026-01-02", "authority": "(5 0 R"},
        arms={"file": "armes.png", "alt": "Armes 4 0 R (a"},
        logos=({"file": "marque.svg", "alt": "Marque"},),
    )
    documents = people(contract.TRAINING, version=version, long=True)
    typst = Renderer(PACKS / version.file, {"armes.png": png(), "marque.svg": mark})
    section = Section(typst, documents, layout=version.file)
    assert plated(section, documents) == list(range(FEWEST))
    for rank in (2, 11):
        assert same_document(section.pdf(rank), typst.pdf(documents[rank]))


def png() -> bytes:
    """A picture that lets its ground through, so that the file holds two for it."""
    picture = io.BytesIO()
    Image.new("RGBA", (40, 30), (1, 2, 200, 128)).save(picture, "PNG")
    return picture.getvalue()


def test_readers_see_the_same(tmp_path: Path) -> None:
    """Text, structure and pixels, by poppler; signed, both judges call it valid and whole."""
    documents = people(contract.TRAINING)
    section, typst = section_of(documents), renderer_of(version_of(contract.TRAINING).file)
    for rank in (1, 5):
        ours = looked_at(section.pdf(rank), tmp_path)
        assert ours == looked_at(typst.pdf(documents[rank]), tmp_path)
        assert documents[rank]["page"]["name"] in ours[0].decode()
    pdf = signing.signer().sign(section.pdf(1), at=signing.SIGNED)
    (tmp_path / "acte.pdf").write_bytes(pdf)
    said = subprocess.run(
        ["pdfsig", "-nocert", tmp_path / "acte.pdf"], capture_output=True, text=True, check=True
    ).stdout
    assert (said.count("Signature is Valid."), said.count("Total document signed")) == (1, 1)
    embedded = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    assert [one.compute_integrity_info() for one in embedded] == [None]
    assert embedded[0].coverage.name == "ENTIRE_FILE"
    own = judge_own(pdf, trust=[signing.authority().certificate], at=signing.SIGNED)
    assert (own.valid, conformance_faults(pdf)) == (True, [])


def looked_at(pdf: bytes, tmp_path: Path) -> list[bytes]:
    path = tmp_path / "vu.pdf"
    path.write_bytes(pdf)
    commands: tuple[list[Any], ...] = (
        ["pdftotext", "-layout", path, "-"],
        ["pdfinfo", "-struct-text", path],
        ["pdftoppm", "-r", "50", path],
    )
    return [subprocess.run(one, capture_output=True, check=True).stdout for one in commands]


ODD = {
    "N'Ko": {"name": "ߝߊ߬ߕߎ߬ ߞߎߦߊߕߋ߫"},
    "Arabic": {"name": "عائشة جلو"},
    "a mark of direction": {"name": "Awa\u200f SOW"},
    "a mark to be put together": {"name": "E\u0301lodie"},
    "brackets": {"name": "Awa (Adja) SOW"},
    "a backslash": {"name": "Awa \\) Tj SOW"},
    "percent": {"name": "Awa %PDF SOW"},
    "markup": {"name": "Awa <b>&amp;</b>"},
    "a control character": {"name": "Awa\tSOW"},
    "Cyrillic": {"name": "Аwa SOW"},
    "two lines": {"name": "W" * 12 + " " + "W" * 12 + " " + "WWWWWWW"},
    "a smaller name": {"name": "Awa Marième Khady Fatoumata NDIAYE DIALLO"},
    "as long as may be": {"name": invented.LONG_NAME},
    "qualities on two lines": {"structure": "Centre de santé de référence " * 6},
    "qualities in Arabic": {"structure": "مركز"},
    "no qualities": {"cadre": "", "structure": ""},
}


def test_whoever_is_unusual_is_set_by_typst() -> None:
    """And the others of the section are not."""
    usual = people(contract.TRAINING, number=FEWEST)
    odd = []
    for rank, (said, holder) in enumerate(ODD.items(), FEWEST):
        record: Any = invented.record(contract.TRAINING, "sn")
        record["holder"] |= holder
        issue: Any = invented.envelope("sn") | {
            "code": CODE.format(rank), "number": f"SN-2026-{rank + 1:06d}",
            "address": f"https://kalan.exemple/{said}/",
        }  # fmt: skip
        odd.append(document(record, issue, version_of(contract.TRAINING)))
    longer: Any = people(contract.TRAINING, number=1)
    longer[0]["page"]["facts"][0][1] = "du 13 au 16 octobre 2026"
    documents = [*usual, *odd, *longer]
    section, typst = section_of(documents), renderer_of(version_of(contract.TRAINING).file)
    assert plated(section, documents) == list(range(FEWEST))
    for rank in (FEWEST, FEWEST + 5, FEWEST + 10, len(documents) - 1):
        assert section.pdf(rank) == typst.pdf(documents[rank])


def naming() -> list[dict[str, Any]]:
    """A wording that names the person: no two pages are alike."""
    documents = people(contract.TRAINING)
    for data in documents:
        data["page"]["text"]["closing"] = [[[f"Remis à {data['page']['name']}.", False]]]
    return documents


def several_pages() -> list[dict[str, Any]]:
    documents = people(contract.TRAINING)
    for data in documents:
        data["page"]["pages"] = None
    return documents


def another(kind: str) -> list[dict[str, Any]]:
    return [act_data(kind)] * FEWEST


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        (contract.TRAINING, naming),
        (contract.TRAINING, several_pages),
        (contract.TRAINING, partial(people, contract.TRAINING, number=FEWEST - 1)),
        *(
            (kind, partial(another, kind))
            for kind in contract.KINDS
            if kind not in (contract.TRAINING, contract.ATTENDANCE)
        ),
    ],
)
def test_a_section_that_no_plate_fits_is_set_by_typst(
    kind: str, made: Callable[[], list[dict[str, Any]]]
) -> None:
    documents = made()
    section = section_of(documents, kind)
    assert plated(section, documents) == []
    assert section.pdf(0) == renderer_of(version_of(kind).file).pdf(documents[0])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # The number stands once more where nothing marks it.
        ("#let notice(p) = ", "#let notice(p) = p.number + "),
        # A line on the sheet is smaller, or elsewhere, than on the page.
        ("let q = p + row + (plate: n > 0)", "let q = p + row + (plate: n > 0, name_size: 20)"),
        ("pad(left: code-width + proof-gutter,", "pad(left: code-width,"),
        # Longer names move what stands below them.
        ("  qualities-line(p)\n", "  qualities-line(p)\n  v(p.name.len() * 0.1pt)\n"),
        # A mark is missing; two lines have the same one.
        ('fill: inked(p, "code", ink)', "fill: ink"),
        ("k => k == key", "k => true"),
    ],
)
def test_a_layout_that_does_not_fit_its_sheet_is_set_by_typst(
    old: str, new: str, tmp_path: Path
) -> None:
    packs = tmp_path / "packs"
    for folder in ("actes", "sn"):
        shutil.copytree(PACKS / folder, packs / folder)
    base = packs / "actes" / "base.typ"
    assert base.read_text().count(old) == 1
    base.write_text(base.read_text().replace(old, new))
    documents = people(contract.TRAINING)
    layout = version_of(contract.TRAINING).file
    section = Section(Renderer(packs / layout), documents, layout=layout)
    assert plated(section, documents) == []


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Awa NDIAYO"},
        {"qualities": "Médecin"},
        {"number": "N°\u00a0SN-2026-000002"},
        {"code": "3K7Q 9XZA 0BCD EFGH JKMN 0001"},
        {"limits": "Elle ne prouve rien."},
        {"name_size": 25},
        {"facts": [["Lieu", "Fatick"]]},
    ],
)
def test_a_document_that_differs_is_not_called_the_same(change: dict[str, Any]) -> None:
    (data,) = people(contract.TRAINING, number=1)
    typst = renderer_of(version_of(contract.TRAINING).file)
    other = typst.pdf({**data, "page": {**data["page"], **change}})
    assert same_document(typst.pdf(data), typst.pdf(data))
    assert not same_document(typst.pdf(data), other)


def test_another_code_other_data_or_a_moved_line_are_seen() -> None:
    (data,) = people(contract.TRAINING, number=1)
    typst = renderer_of(version_of(contract.TRAINING).file)
    pdf, act = typst.pdf(data), data["act"]
    for changed in (
        {**act, "issue": {**act["issue"], "address": "https://kalan.exemple/"}},
        {**act, "schema": "kalan-act-2"},
    ):
        assert not same_document(pdf, typst.pdf({**data, "act": changed}))
    parts = taken_apart(pdf)
    content = parts.objects[parts.pages()[0]].to(b"/Contents")
    drawn = parts.objects[content].plain()
    for old, new in ((b"379.", b"378."), (b"/f1 26 Tf", b"/f0 26 Tf")):
        assert old in drawn
        moved = parts.objects[content].holding(zlib.compress(drawn.replace(old, new, 1)))
        written = {number: part.written(number) for number, part in parts.objects.items()}
        written[content] = moved.written(content)
        other = put_together(written, parts.root, parts.info, b"x")
        assert not same_document(pdf, other)


@pytest.mark.django_db
@pytest.mark.one_database
def test_a_click_cut_short_gives_the_same_files(tree: Tree) -> None:
    """Sections are cut by the batch, not by what is left; so are plates, and so are the bytes."""
    batch = make.approved_batch(tree.fatick, acts=121, key=make.keys_of())
    run = make.ordered(batch)
    job = Job.objects.get(pk=run.job_id or 0)
    whole = list(sections.waiting(job, run))
    assert [len(chunk.acts) for _, chunk in whole] == [30, 22, 17, 13, 12, 12, 12, 3]
    Act.objects.filter(batch=batch, rank__lte=60).exclude(rank__in=(7, 30)).update(state="failed")
    rest = list(sections.waiting(job, run))
    # The second section has nothing left to be made.
    assert told(rest) == [told(whole)[0], *told(whole)[2:]]
    assert [act.number[-3:] for act in rest[0][1].acts if act.waits] == ["007", "030"]
    assert all(made(*whole[0])[number] == pdf for number, pdf in made(*rest[0]).items())
    Act.objects.filter(batch=batch).update(state="planned")
    jobs.run_jobs()
    job.refresh_from_db()
    assert job.result == {
        "planned": 121, "failed": 0, "cpu_ms": job.result["cpu_ms"], "plated": FEWEST
    }  # fmt: skip
    trust, acts = keys.trusted(), list(batch.acts.order_by("rank"))
    assert all(judge_own(act_bytes(act), trust=trust, at=NOW).valid for act in acts[::10])


def told(work: list[tuple[BatchSpec, Chunk]]) -> list[list[int]]:
    return [[act.pk for act in chunk.acts] for _, chunk in work]


def made(spec: BatchSpec, chunk: Chunk) -> dict[str, bytes]:
    """The unsigned documents of what waits, by number; a process that starts anew makes them."""
    setup = Setup(
        key=None, qr=None, at=NOW, base_url="https://kalan.exemple", media="", packs=str(PACKS)
    )
    documents = documents_of(spec, setup, None)
    documents.begin(chunk)
    assert all(map(documents.by_plate, chunk.acts))
    return {act.number: documents.pdf(act) for act in chunk.acts if act.waits}
