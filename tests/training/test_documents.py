"""Printed documents: what they say, that names come out, that little things do not break them."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pytest
from icalendar import Calendar
from pypdf import PdfReader

from kalan.people.actor import SYSTEM
from kalan.training.documents.calendar import session_ics
from kalan.training.documents.papers import (
    amount,
    convocations_pdf,
    money,
    payments_pdf,
    quantity,
    sheet_columns,
    sheet_pdf,
)
from kalan.training.documents.report import per_cent, report_pdf
from kalan.training.models import (
    AnonymousCount,
    CostLine,
    HalfDay,
    Presence,
    SatisfactionAnswer,
    Session,
    SessionTrainer,
)
from kalan.training.selectors.costs import payment_list
from kalan.training.selectors.registrations import participants_of
from kalan.training.services.planning import set_half_days
from kalan.web.templatetags.kalan import percent
from tests.factories import people, training

NOW = people.NOW
pytestmark = pytest.mark.django_db
NOTICE = "Données de démonstration : personnes et présences fictives"


def text_of(content: bytes) -> str:
    """The document's text, lines joined by one space."""
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]
    return " ".join(" ".join(pages).split())


def pages_of(content: bytes) -> int:
    return len(PdfReader(io.BytesIO(content)).pages)


@pytest.fixture
def session(tree: people.Tree) -> Session:
    programme = training.programme(tree.country, name="DIRECCT", per_diem=10000)
    made = training.session(
        tree.centre_sokone, code="DIRECCT-007", programme=programme, place="Salle polyvalente"
    )
    leads = people.agent(tree.centre_guinguineo, last_name="Sarr", first_names="Modou")
    trainer = SessionTrainer.objects.create(session=made, agent=leads, employer="state", hours=16)
    trainer.half_days.set(made.half_days.all())
    for first, last, sex, present in (
        ("Awa", "N’Diaye", "F", 4),
        ("Émile", "Gœury-Ƴero", "M", 3),
        ("ߊߥߊ", "ߖߊߙߊ", "F", 4),
        ("عائشة", "ديالو", "", 4),
    ):
        agent = people.agent(tree.centre_sokone, first_names=first, last_name=last, sex=sex)
        line = training.registration(made, agent, structure=tree.centre_sokone)
        for half_day in made.half_days.order_by("date", "part")[:present]:
            Presence.objects.create(registration=line, half_day=half_day)
    return Session.objects.select_related("programme", "node", "theme", "organiser", "parent").get(
        pk=made.pk
    )


def test_the_sheet_has_the_countrys_columns_and_everybodys_name(session: Session) -> None:
    text = text_of(sheet_pdf(session))
    for expected in (
        "Feuille de présence",
        "Ministère de la Santé et de l’Action sociale",
        "DIRECCT-007",
        "du 13 au 14 mars 2023",
        "Salle polyvalente, Centre de santé de Sokone",
        "Prénom(s) et nom",
        "Téléphone",
        "Awa N’DIAYE",
        "Émile GŒURY-ƳERO",
        "Signature du formateur",
        "Loi n° 2008-12",
    ):
        assert expected in text
    assert "ߊߥߊ" in text
    assert NOTICE not in text


def test_the_demo_says_so_on_paper(session: Session, settings: Any) -> None:
    settings.KALAN_DEMO = True
    assert NOTICE in text_of(sheet_pdf(session))
    assert NOTICE in text_of(report_pdf(session, with_costs=False, with_satisfaction=True, now=NOW))
    calendar = session_ics(session, now=NOW).decode().replace("\r\n ", "")
    assert NOTICE in calendar.replace("\u00a0", " ")


def test_a_long_session_takes_further_sheets(tree: people.Tree) -> None:
    session = training.session(tree.centre_sokone, days=5)
    content = sheet_pdf(session)
    text = text_of(content)
    assert pages_of(content) == 2
    assert "Feuille de présence (suite)" in text


@pytest.mark.parametrize(("country", "signature"), [("sn", "Signature"), ("ml", "Émargement")])
def test_each_country_has_its_sheet(country: str, signature: str) -> None:
    sheet = sheet_columns(country)
    assert sheet["signature"] == signature
    assert sheet["columns"][0] == {"key": "number", "label": "N°"}
    assert sheet_columns("xx") == sheet_columns("sn")


def test_one_convocation_a_page(session: Session) -> None:
    rows = list(participants_of(session).order_by("pk"))
    content = convocations_pdf(session, rows, now=NOW)
    text = text_of(content)
    assert pages_of(content) == 4
    assert "Le 20 mars 2023" in text
    assert "lundi 13 mars, matin" in text
    assert "Modou SARR" in text


def test_names_are_never_read_as_markup(tree: people.Tree) -> None:
    session = training.session(tree.centre_sokone, title='#panic() *gras* $x$ [x] \\ " // fin')
    line = training.registration(session, people.agent(last_name="#import", first_names="<b>"))
    rows = list(participants_of(session).filter(pk=line.pk))
    text = text_of(convocations_pdf(session, rows, now=NOW))
    assert '#panic() *gras* $x$ [x] \\ " // fin' in text
    assert "<b> #IMPORT" in text


def test_the_report_counts_by_the_rules(session: Session) -> None:
    AnonymousCount.objects.create(
        session=session, label="une vingtaine de relais", unknown=20, approximate=True
    )
    CostLine.objects.create(session=session, category="room", planned=50000, spent=45000)
    Session.objects.filter(pk=session.pk).update(state="closed")
    session.refresh_from_db()
    text = text_of(report_pdf(session, with_costs=True, with_satisfaction=True, now=NOW))
    for expected in (
        "Inscriptions, personnes absentes comprises 4",
        "Agents formés 3",
        "dont femmes 2",
        "Part des femmes 100,00 %",
        "Agents formés sans sexe renseigné 1",
        "Jours-personnes (deux demi-journées pour un jour) 7,5",
        "une vingtaine de relais 0 0 20 approximatif",
        "pas encore validée",
        "Modou SARR État 4 16",
        "Salle 50 000 FCFA 45 000 FCFA",
    ):
        assert expected in text.replace("\u202f", " ").replace("\u00a0", " ")


def test_costs_are_left_out_for_others(session: Session) -> None:
    CostLine.objects.create(session=session, category="room", planned=50000)
    text = text_of(report_pdf(session, with_costs=False, with_satisfaction=True, now=NOW))
    assert "Dépenses" not in text
    assert "provisoires" in text


def test_satisfaction_needs_a_group(session: Session) -> None:
    def answer(number: int) -> None:
        SatisfactionAnswer.objects.create(
            client_id=f"00000000-0000-7000-8000-{number:012d}",
            session=session,
            scores={"useful": 4 + number % 2},
            source="phone",
            received_on=NOW.date(),
        )

    for number in range(4):
        answer(number)
    few = text_of(report_pdf(session, with_costs=False, with_satisfaction=True, now=NOW))
    assert "Moins de 5 réponses" in few
    assert "Moyenne sur 5" not in few
    answer(4)
    many = text_of(report_pdf(session, with_costs=False, with_satisfaction=True, now=NOW))
    assert "5 réponses anonymes." in many
    assert "Ce que j’ai appris me servira dans mon travail. 4,4" in many
    hidden = report_pdf(session, with_costs=False, with_satisfaction=False, now=NOW)
    assert "Satisfaction" not in text_of(hidden)


def test_the_payment_list_is_in_whole_francs(session: Session) -> None:
    content = payments_pdf(payment_list(session))
    text = text_of(content).replace("\u202f", " ").replace("\u00a0", " ")
    assert "Per diem par jour 10 000 FCFA" in text
    assert "Émile GŒURY-ƳERO Centre de santé de Sokone 1,5 15 000 0 15 000" in text
    assert "Total, 4 personnes 75 000 0 75 000" in text
    assert "Signature" in text


def test_documents_are_tagged_for_screen_readers(session: Session) -> None:
    root = PdfReader(io.BytesIO(sheet_pdf(session))).trailer["/Root"]
    assert root["/Lang"] == "fr"
    assert root["/MarkInfo"]["/Marked"]


def test_a_calendar_with_a_gap_has_two_events(session: Session) -> None:
    days = [dt.date(2023, 3, 13), dt.date(2023, 3, 14), dt.date(2023, 3, 20)]
    set_half_days(actor=SYSTEM, now=NOW, session=session, half_days=[(day, "am") for day in days])
    events = Calendar.from_ical(session_ics(session, now=NOW)).walk("VEVENT")
    assert [(e.decoded("dtstart"), e.decoded("dtend")) for e in events] == [
        (dt.date(2023, 3, 13), dt.date(2023, 3, 15)),
        (dt.date(2023, 3, 20), dt.date(2023, 3, 21)),
    ]
    assert "20/03/2023 matin" in str(events[1]["description"])
    assert HalfDay.objects.filter(session=session).count() == 3


def test_numbers_as_people_write_them() -> None:
    assert quantity(Decimal("1.50")) == "1,5"
    assert quantity(Decimal("2.00")) == "2"
    assert quantity(Decimal(10)) == "10"
    assert amount(Decimal(500), "XOF") == "500"
    assert amount(Decimal("12.5"), "EUR") == "12,50"
    assert money(Decimal(500), "XOF") == "500\u00a0FCFA"


HOSTILE = (
    ('#import "x": *', '$x^2$ *gras* _it_ @lien <fin> \\\\ "guillemets" `code`'),
    ("#(1 + 1)", "[contenu] {code} = titre // rien /* rien */"),
    ("Awa \U0001f600 \u4e2d\u6587", "\u1208\u120b \ue000 \U000e0041"),  # no font of ours has these
    ("\u202eAwa\u200f", "N’Diaye\u0301\u0327\u0007\u001b\ufffe"),
    ("A" * 100, "B" * 100),
)


def test_no_name_is_markup_and_none_breaks_a_document(session: Session) -> None:
    for first, last in HOSTILE:
        agent = people.agent(session.node, first_names=first, last_name=last)
        training.registration(session, agent, structure=session.node)
    Session.objects.filter(pk=session.pk).update(
        title="#panic() $ \\ \U0001f600", place="*@x", notice='#read("/etc/passwd")'
    )
    session.refresh_from_db()
    lines = list(participants_of(session).order_by("pk"))
    texts = [
        text_of(sheet_pdf(session)),
        text_of(convocations_pdf(session, lines, now=NOW)),
        text_of(report_pdf(session, with_costs=True, with_satisfaction=True, now=NOW)),
    ]
    for text in texts:
        assert "#panic() $" in text
        assert "root:" not in text
    assert "#(1 + 1) [CONTENU] {CODE} = TITRE // RIEN" in texts[1]


@pytest.mark.parametrize(("value", "shown"), [(50.5, "51"), (51.5, "52"), (50.49, "50")])
def test_the_report_rounds_as_the_screens_do(value: float, shown: str) -> None:
    assert per_cent(value) == percent(value, 0) == f"{shown}\u00a0%"
