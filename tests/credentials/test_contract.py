"""What the data of an act must hold, the words of a wording, the letters that can be printed."""

from __future__ import annotations

from typing import Any

import pytest

from kalan.credentials.documents import completeness, contract, french, invented, preview, wording
from kalan.credentials.documents.completeness import missing, missing_envelope, problems, too_long
from kalan.credentials.documents.compose import document
from kalan.credentials.documents.glyphs import unprintable
from kalan.credentials.documents.words import reserved
from tests.factories.act_documents import version_of


def said(kind: str, record: Any, country: str = "sn") -> list[str]:
    return [str(problem) for problem in problems(kind, record, country=country)]


@pytest.mark.parametrize("kind", contract.KINDS)
@pytest.mark.parametrize("long", [False, True])
def test_invented_records_are_whole(kind: str, long: bool) -> None:
    found = [said(kind, invented.record(kind, c, long=long), c) for c in ("fr", "ml", "sn")]
    assert found == [[], [], []]
    assert missing_envelope(invented.envelope("sn", long=long)) == []


@pytest.mark.parametrize("kind", contract.KINDS)
def test_an_empty_record_misses_all_that_is_required_and_each_has_a_name(kind: str) -> None:
    assert missing(kind, {"kind": kind}) == list(completeness.REQUIRED[kind])
    assert [path for path in completeness.REQUIRED[kind] if completeness.label(path) == path] == []


@pytest.mark.parametrize("path", completeness.ENVELOPE_REQUIRED)
def test_what_the_click_must_add_is_named(path: str) -> None:
    envelope: Any = invented.envelope("sn")
    inside = envelope
    *steps, last = path.split(".")
    for step in steps:
        inside = inside[step]
    inside[last] = ""
    assert missing_envelope(envelope) == [path]
    (problem,) = completeness.envelope_problems(envelope)
    assert completeness.label(path) != path
    assert problem.message == f"Il manque\u00a0: {completeness.label(path)}."


def test_a_certificate_exists_only_after_a_supervised_exam() -> None:
    record = invented.record(contract.COMPETENCE, "sn")
    record["exam"]["supervised"] = False
    assert said(contract.COMPETENCE, record) == [
        "Il manque\u00a0: examen surveillé. Complétez la fiche, puis reprenez."
    ]


def test_france_asks_for_aims_and_nature_of_the_action() -> None:
    """Labour Code, L6353-1; certificat de réalisation."""
    record = invented.record(contract.TRAINING, "fr")
    record["training"] |= {"nature": "", "objectives": ""}
    assert missing(contract.TRAINING, record, country="fr") == [
        "training.objectives",
        "training.nature",
    ]
    assert missing(contract.TRAINING, record, country="sn") == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("A" * 41, "nom de la personne\u00a0: un mot de 41 caractères, la page en tient 40."),
        ("Awa " * 41, "nom de la personne\u00a0: 164 caractères, la page en tient 160."),
    ],
)
def test_a_name_longer_than_the_page_is_named(name: str, expected: str) -> None:
    record = invented.record(contract.TRAINING, "sn")
    record["holder"]["name"] = name
    assert [p.message for p in too_long(contract.TRAINING, record)] == [expected]


def test_a_theme_longer_than_its_column_is_named_by_its_rank() -> None:
    record = invented.record(contract.TRAINING, "sn")
    record["themes"] = ["Court", "x" * 51]
    assert [p.message for p in too_long(contract.TRAINING, record)] == [
        "thèmes suivis, ligne 2\u00a0: un mot de 51 caractères, la page en tient 50."
    ]


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("Awa Ndèye Ɓóóri Ŋàndé", None),
        ("ߝߊ߬ߕߎ߬", None),
        ("عَائِشَة", None),
        ("O’Brien", None),
        ("Awa\u00a0DIALLO\u202f", None),
        ("Awa 😀", "😀"),
        ("李明", "李"),
        ("Awa\u202eOLLAID", "\u202e"),  # would be read backwards
        ("Awa\tDIALLO", "\t"),
        ("Awa\0", "\0"),  # fonts have a sign for it
        ("A\u200bwa", "\u200b"),  # would look like another name
        ("\ufeffAwa", "\ufeff"),
        ("Aw\u00ada", "\u00ad"),
        ("12\u200f 13", "\u200f"),  # would be read 13 12
        ("عا\u200dئشة\u200f", None),
    ],
)
def test_letters_that_can_be_printed(text: str, sign: str | None) -> None:
    assert unprintable(text) == sign


def test_a_sign_that_no_font_has_is_refused_with_person_place_and_remedy() -> None:
    record = invented.record(contract.TRAINING, "sn")
    record["training"]["title"] = "Bases 😀"
    assert said(contract.TRAINING, record) == [
        "intitulé de la formation de Awa DIALLO\u00a0: le caractère «\u00a0😀\u00a0» (U+1F600, "
        "GRINNING FACE) ne s’imprime pas («\u00a0Bases ?\u00a0»). Corrigez ce texte sur la fiche, "
        "puis préparez l’acte de nouveau."
    ]


@pytest.mark.parametrize(
    ("name", "field", "code", "place"),
    [
        ("Awa", "/ByteRange [0 1 2 3]", "forbidden", "fields.Objet"),
        ("Awa", "mot " * 5001, "too_long", "fields.Objet"),
        ("Awa", "W" * 201, "too_long", "fields.Objet"),
        ("Awa\nDIOP", "x", "unprintable", "holder.name"),
        ("\u00a0", "x", "unprintable", "holder.name"),
    ],
)
def test_texts_that_would_break_the_document_are_named(
    name: str, field: str, code: str, place: str
) -> None:
    record = {"kind": "free", "holder": {"name": name}, "fields": {"Objet": field}}
    assert [(one.code, one.place) for one in problems(contract.FREE, record)] == [(code, place)]


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("a suivi[, à {lieu}]", {"lieu": ""}, "a suivi"),
        ("a suivi[, à {lieu}]", {"lieu": "Fatick"}, "a suivi, à Fatick"),
        ("{{nom}} [[x]] **", {}, "{nom} [x] *"),
        ("Un.\n\nDeux.", {}, "Un.\nDeux."),
        ("{nom}", {"nom": "#read[*x*] {lieu}"}, "#read[*x*] {lieu}"),
        ("{fonction}, moi, {fonction}", {"fonction": "Le Chef"}, "Le Chef, moi, le Chef"),
    ],
)
def test_a_wording_is_filled(text: str, values: dict[str, str], expected: str) -> None:
    """A value is never read as wording in its turn."""
    assert wording.plain(wording.expand(text, values)) == expected


def test_bold_is_kept() -> None:
    assert wording.expand("le *{nom}* ici", {"nom": "X"}) == [
        [("le ", False), ("X", True), (" ici", False)]
    ]


@pytest.mark.parametrize("kind", contract.KINDS)
def test_the_first_wordings_have_no_fault_and_every_field_an_example(kind: str) -> None:
    for country in ("fr", "ml", "sn"):
        version = version_of(kind, country)
        known = [name for name, _ in preview.examples(kind, country)]
        found = [f for b, t in version.wording.items() for f in wording.faults(t, known, block=b)]
        assert found == []
        assert set(version.wording) <= set(preview.BLOCKS[kind])


@pytest.mark.parametrize(
    "text",
    [
        "Certificat de compétences",
        "reconnu par ses pairs",
        "infirmier d’État reconnu",
        "certifié conforme",
        "Vérification certaine",
    ],
)
def test_ordinary_words_are_not_reserved(text: str) -> None:
    assert reserved(text) is None


def test_the_page_of_a_hand_signed_act_has_room_for_ink() -> None:
    envelope = invented.envelope("sn") | {"mode": "hand", "level": ""}
    record = invented.record(contract.MISSION, "sn")
    made = document(record, envelope, version_of(contract.MISSION))  # type: ignore[arg-type]
    assert made["page"]["sign"]["hand"] is True


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1.0, "1\u00a0heure"), (18.0, "18\u00a0heures"), (33.75, "33\u00a0heures\u00a045")],
)
def test_hours(value: float, expected: str) -> None:
    assert french.hours(value) == expected
