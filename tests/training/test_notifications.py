"""Messages: parts and cost, wordings, sending with retries, convocations within the ceiling."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from hypothesis import given
from hypothesis import strategies as st

from kalan.base.errors import Refused
from kalan.base.models import Message, MessageTemplate
from kalan.base.notifications import gsm
from kalan.base.notifications.outbox import (
    BACK_OFF,
    Draft,
    deliver_due,
    queue,
    resend,
    spent_this_month,
)
from kalan.base.notifications.templates import (
    fill,
    kinds,
    reset_wording,
    save_wording,
    wording,
)
from kalan.people.actor import SYSTEM
from kalan.training.models import Session
from kalan.training.services.convocations import convoke_session, preview
from kalan.training.services.sessions import cancel_session
from tests.factories import people, training

NOW = people.NOW


# --- Parts of an SMS ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "parts", "ucs2"),
    [
        ("", 1, False),
        ("a" * 160, 1, False),
        ("a" * 161, 2, False),
        ("a" * 306, 2, False),
        ("a" * 307, 3, False),
        ("é" * 160, 1, False),
        ("€" * 80, 1, False),
        ("€" * 81, 2, False),
        ("ê", 1, True),
        ("ê" * 70, 1, True),
        ("ê" * 71, 2, True),
        ("ߒ" * 134, 2, True),
        ("😀" * 35, 1, True),
        ("😀" * 36, 2, True),
        # 152 letters leave one septet: the escape of € goes to the next part, whole.
        ("a" * 152 + "€" + "a" * 152, 3, False),
    ],
)
def test_parts_as_the_standard_counts_them(text: str, parts: int, ucs2: bool) -> None:
    assert (gsm.size(text).parts, gsm.size(text).ucs2) == (parts, ucs2)


def test_french_typography_is_made_cheap_and_other_scripts_kept() -> None:
    assert gsm.cheap("« L’hôpital » : ça… œuvre") == '" L\'hopital " : ca... oeuvre'
    assert gsm.cheap("déjà prévu à 8 €") == "déjà prévu à 8 €"
    assert gsm.cheap("ߒߞߏ") == "ߒߞߏ"


@given(st.text(max_size=400))
def test_parts_always_hold_the_text(text: str) -> None:
    found = gsm.size(text)
    most = (70, 67) if found.ucs2 else (160, 153)
    assert found.units <= (most[0] if found.parts == 1 else most[1] * found.parts)


# --- Wordings -------------------------------------------------------------------------------


@pytest.mark.django_db
def test_every_wording_names_known_variables_only() -> None:
    for kind in kinds():
        values = dict.fromkeys(kind.variables, "x")
        for channel in kind.channels:
            text = wording(kind.code, channel)
            assert "{" not in fill(text.subject + text.body, values)


@pytest.mark.django_db
def test_an_own_wording_wins_and_can_be_given_up() -> None:
    save_wording(
        code="convocation", channel="sms", subject="", body="Venez {dates}", by=None, now=NOW
    )
    assert wording("convocation", "sms").body == "Venez {dates}"
    reset_wording(code="convocation", channel="sms")
    assert wording("convocation", "sms").own is False


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("code", "body", "field"),
    [
        ("convocation", "Bonjour {prenom}", "body"),
        ("convocation", "  ", "body"),
        ("facture", "Payez", None),
    ],
)
def test_bad_wordings_are_refused(code: str, body: str, field: str | None) -> None:
    with pytest.raises(Refused) as caught:
        save_wording(code=code, channel="sms", subject="", body=body, by=None, now=NOW)
    assert caught.value.field == field
    assert MessageTemplate.objects.count() == 0


def test_values_are_not_read_as_variables() -> None:
    assert fill("{nom} {dates}", {"nom": "{dates}", "dates": "lundi"}) == "{dates} lundi"


# --- Sending --------------------------------------------------------------------------------


class Gateway(HTTPServer):
    """A gateway on this machine that answers with ``statuses`` in turn, then 200."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.received: list[tuple[dict[str, Any], str | None]] = []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    server: Gateway

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((json.loads(body), self.headers["Authorization"]))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        pass


@pytest.fixture
def gateway(settings: Any) -> Iterator[Gateway]:
    server = Gateway()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings.KALAN_SMS_URL = f"http://127.0.0.1:{server.server_port}/sms"
    settings.KALAN_SMS_BACKEND = "http"
    settings.KALAN_SMS_AUTHORIZATION = "Bearer secret"
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def sms(number: str = "+221770000001", **fields: object) -> Draft:
    return Draft(channel="sms", template="essai", recipient=number, body="Bonjour", **fields)  # type: ignore[arg-type]


@pytest.mark.django_db
def test_an_sms_goes_to_the_gateway(gateway: Gateway) -> None:
    queue([sms()], now=NOW)
    assert deliver_due(NOW) == 1
    assert gateway.received == [
        ({"to": "+221770000001", "from": "Kalan", "text": "Bonjour"}, "Bearer secret")
    ]
    message = Message.objects.get()
    assert (message.state, message.attempts, message.sent_at) == ("sent", 1, NOW)
    assert deliver_due(NOW) == 0


@pytest.mark.django_db
def test_a_gateway_that_is_down_is_tried_again_later(gateway: Gateway) -> None:
    gateway.statuses = [503, 429]
    queue([sms()], now=NOW)
    assert deliver_due(NOW) == 0
    message = Message.objects.get()
    assert (message.state, message.error) == ("queued", "La passerelle SMS répond 503.")
    assert message.next_attempt == NOW + dt.timedelta(minutes=1)
    assert deliver_due(NOW + dt.timedelta(seconds=59)) == 0
    assert len(gateway.received) == 1
    assert deliver_due(NOW + dt.timedelta(minutes=1)) == 0
    assert deliver_due(NOW + dt.timedelta(minutes=6)) == 1
    assert Message.objects.get().state == "sent"


@pytest.mark.django_db
def test_a_refused_number_fails_at_once_and_can_be_sent_again(gateway: Gateway) -> None:
    gateway.statuses = [400]
    queue([sms()], now=NOW)
    deliver_due(NOW)
    message = Message.objects.get()
    assert (message.state, message.error) == ("failed", "La passerelle SMS répond 400.")
    resend(message=message, now=NOW)
    assert deliver_due(NOW) == 1
    with pytest.raises(Refused, match="n’est pas en échec"):
        resend(message=message, now=NOW)


@pytest.mark.django_db
def test_a_gateway_out_of_reach_ends_in_failure(settings: Any) -> None:
    settings.KALAN_SMS_BACKEND, settings.KALAN_SMS_URL = "http", "http://127.0.0.1:9/"
    queue([sms()], now=NOW)
    moment = NOW
    for wait in (*BACK_OFF, dt.timedelta()):
        deliver_due(moment)
        moment += wait
    message = Message.objects.get()
    assert (message.state, message.attempts) == ("failed", len(BACK_OFF) + 1)


@pytest.mark.django_db
def test_a_file_address_is_no_gateway(settings: Any) -> None:
    settings.KALAN_SMS_BACKEND, settings.KALAN_SMS_URL = "http", "file:///etc/passwd"
    queue([sms()], now=NOW)
    deliver_due(NOW)
    assert Message.objects.get().state == "failed"


@pytest.mark.django_db
def test_one_key_is_stored_once() -> None:
    first = queue([sms(dedupe_key="a"), sms(dedupe_key="a"), sms()], now=NOW)
    again = queue([sms(dedupe_key="a")], now=NOW)
    assert (len(first), len(again), Message.objects.count()) == (2, 0, 2)


@pytest.mark.django_db
def test_a_claimed_message_waits_for_its_lease(gateway: Gateway) -> None:
    """A worker killed between claim and answer: nobody else sends before the lease is over."""
    queue([sms()], now=NOW)
    Message.objects.update(next_attempt=NOW + dt.timedelta(minutes=5), attempts=1)
    assert deliver_due(NOW + dt.timedelta(minutes=4)) == 0
    assert deliver_due(NOW + dt.timedelta(minutes=5)) == 1


@pytest.mark.django_db
def test_development_writes_to_a_file(settings: Any, tmp_path: Path) -> None:
    settings.KALAN_HOME, settings.KALAN_SMS_BACKEND = tmp_path, "file"
    queue([sms()], now=NOW)
    assert deliver_due(NOW) == 1
    assert json.loads((tmp_path / "messages.jsonl").read_text())["text"] == "Bonjour"


@pytest.mark.django_db
def test_mail_leaves_with_subject_on_one_line() -> None:
    queue(
        [Draft(channel="email", template="x", recipient="a@b.sn", subject="Un\nsujet", body="ok")],
        now=NOW,
    )
    deliver_due(NOW)
    assert [(m.to, m.subject, m.body) for m in mail.outbox] == [(["a@b.sn"], "Un sujet", "ok")]


@pytest.mark.django_db
def test_the_month_begins_on_the_first(settings: Any) -> None:
    settings.KALAN_SMS_PART_COST = Decimal(20)
    queue([sms(budget_ref="p")], now=NOW - dt.timedelta(days=30))
    queue([sms(budget_ref="p"), sms(budget_ref="q")], now=NOW)
    assert spent_this_month("p", NOW) == Decimal(20)


# --- Convocations ---------------------------------------------------------------------------


@pytest.fixture
def session(tree: people.Tree) -> Session:
    programme = training.programme(tree.country, sms_monthly_ceiling=100)
    made = training.session(tree.sokone, programme=programme, place="Salle polyvalente")
    for fields in (
        {"last_name": "A", "email": "a@exemple.sn", "phone": "+221770000001"},
        {"last_name": "B", "phone": "+221770000002"},
        {"last_name": "C"},
    ):
        training.registration(made, people.agent(tree.centre_sokone, **fields), state="approved")
    training.registration(made, people.agent(tree.centre_sokone), state="designated")
    return made


@pytest.mark.django_db
def test_the_preview_says_who_and_how_much(session: Session, settings: Any) -> None:
    settings.KALAN_SMS_PART_COST = Decimal(25)
    plan = preview(session=session, template="convocation", channels=("email", "sms"), now=NOW)
    assert [(d.channel, d.recipient) for d in plan.drafts] == [
        ("email", "a@exemple.sn"),
        ("sms", "+221770000002"),
    ]
    assert [str(line.agent) for line in plan.unreachable] == ["Awa C"]
    assert (plan.sms.parts, plan.sms.cost, plan.sms.ceiling, plan.sms.over) == (
        1,
        Decimal(25),
        Decimal(100),
        False,
    )
    assert plan.drafts[1].body == (
        "Formation Outils numériques, du 13 au 14 mars 2023, Salle polyvalente, Sokone. "
        "Vous etes convoqué(e). En cas d'empechement, prévenez votre structure."
    )
    assert "« Outils numériques »" in plan.copy_text
    assert Message.objects.count() == 0


@pytest.mark.django_db
def test_convoking_twice_sends_once(session: Session, tree: people.Tree) -> None:
    actor = people.actor("region", tree.fatick)
    convoke_session(actor=actor, now=NOW, session=session)
    states = session.registrations.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["convoked", "convoked", "convoked", "designated"]
    session.refresh_from_db()
    assert (session.state, Message.objects.count()) == ("convoked", 2)
    convoke_session(actor=actor, now=NOW + dt.timedelta(hours=1), session=session)
    assert Message.objects.count() == 2


@pytest.mark.django_db
def test_the_ceiling_holds_and_nothing_is_stored(session: Session, settings: Any) -> None:
    settings.KALAN_SMS_PART_COST = Decimal(101)
    with pytest.raises(Refused) as caught:
        convoke_session(actor=SYSTEM, now=NOW, session=session)
    assert caught.value.message == (
        "Les SMS coûteraient 101 XOF ; il reste 100 XOF sur le plafond du mois."
    )
    session.refresh_from_db()
    assert (session.state, Message.objects.count()) == ("planned", 0)
    convoke_session(actor=SYSTEM, now=NOW, session=session, channels=("email",))
    assert Message.objects.get().channel == "email"


@pytest.mark.django_db
def test_nobody_approved_nobody_convoked(tree: people.Tree) -> None:
    session = training.session(tree.sokone)
    with pytest.raises(Refused, match="Personne n’est retenu"):
        convoke_session(actor=SYSTEM, now=NOW, session=session)
    with pytest.raises(Session.DoesNotExist):
        convoke_session(actor=people.actor("region", tree.kaolack), now=NOW, session=session)


@pytest.mark.django_db
def test_a_cancelled_session_tells_those_convoked(session: Session) -> None:
    convoke_session(actor=SYSTEM, now=NOW, session=session)
    cancel_session(
        actor=SYSTEM, now=NOW, session=session, notice="Routes coupées", channels=("email", "sms")
    )
    rows = Message.objects.filter(template="cancelled").order_by("pk")
    assert [row.recipient for row in rows] == ["a@exemple.sn", "+221770000002"]
    assert rows[1].body == (
        "Formation Outils numériques (du 13 au 14 mars 2023) annulée. Routes coupées"
    )
    with pytest.raises(Refused, match="ne se convoque plus"):
        convoke_session(actor=SYSTEM, now=NOW, session=session)
