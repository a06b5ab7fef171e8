"""Invitations and reminders: to whom, how often, at what cost."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from kalan.base.errors import Refused
from kalan.base.models import Message
from kalan.campaigns.models import Campaign, Participant
from kalan.campaigns.services import messages
from tests.factories import campaigns, people
from tests.factories.people import NOW, Tree

DAY = dt.timedelta(days=1)


@pytest.fixture
def made(tree: Tree) -> Campaign:
    """A campaign with one person by mail, one by SMS, one out of reach and one who has done."""
    made = campaigns.campaign(tree.fatick, message="Merci d’avance.")
    for contact in ({"email": "awa@exemple.sn"}, {"phone": "+221771234567"}, {}):
        campaigns.participant(made, people.agent(tree.centre_sokone, **contact))
    done = people.agent(tree.centre_sokone, email="fini@exemple.sn")
    campaigns.result(campaigns.participant(made, done))
    return made


def test_invitations_go_to_those_on_the_list_once(tree: Tree, made: Campaign) -> None:
    actor = people.actor("region", tree.fatick)
    plan = messages.preview(
        campaign=made, template=messages.INVITATION, channels=messages.CHANNELS, now=NOW
    )
    assert (plan.emails, plan.sms.number, plan.unreachable) == (1, 1, 1)
    assert Message.objects.count() == 0
    messages.invite(actor=actor, now=NOW, campaign=made)
    sent = Message.objects.order_by("pk")
    assert sorted(one.recipient for one in sent) == ["+221771234567", "awa@exemple.sn"]
    assert all(made.code in one.body for one in sent)
    assert all("{" not in one.body + one.subject for one in sent)
    assert Participant.objects.filter(invited_at=NOW).count() == 2
    again = messages.invite(actor=actor, now=NOW, campaign=made)
    assert (again.drafts, Message.objects.count()) == ([], 2)


def test_reminders_only_to_the_unfinished_and_every_three_days(tree: Tree, made: Campaign) -> None:
    actor = people.actor("region", tree.fatick)
    messages.invite(actor=actor, now=NOW, campaign=made)
    soon = messages.remind(actor=actor, now=NOW + DAY, campaign=made)
    assert (len(soon.drafts), soon.too_soon) == (0, 2)
    messages.remind(actor=actor, now=NOW + 3 * DAY, campaign=made)
    messages.remind(actor=actor, now=NOW + 4 * DAY, campaign=made)
    assert Message.objects.filter(template=messages.REMINDER).count() == 2
    reminded = Participant.objects.filter(reminders=1, last_reminded_at=NOW + 3 * DAY)
    assert reminded.count() == 2
    messages.remind(actor=actor, now=NOW + 6 * DAY, campaign=made)
    assert Message.objects.filter(template=messages.REMINDER).count() == 4


def test_one_person_reminded_too_soon_is_said(tree: Tree, made: Campaign) -> None:
    actor = people.actor("region", tree.fatick)
    person = made.participants.get(agent__email="awa@exemple.sn")
    messages.remind(actor=actor, now=NOW, campaign=made, only=person)
    with pytest.raises(Refused, match="moins de trois jours"):
        messages.remind(actor=actor, now=NOW + DAY, campaign=made, only=person)
    assert Message.objects.count() == 1


@pytest.mark.parametrize("state", ["draft", "closed", "archived"])
def test_nobody_is_written_to_unless_it_is_open(tree: Tree, state: str) -> None:
    made = campaigns.campaign(tree.fatick, state=state)
    actor = people.actor("region", tree.fatick)
    with pytest.raises(Refused, match="on n’écrit plus aux participants"):
        messages.invite(actor=actor, now=NOW, campaign=made)


def test_the_month_s_ceiling_holds(tree: Tree, made: Campaign, settings: Any) -> None:
    settings.KALAN_SMS_PART_COST = Decimal(20)
    settings.KALAN_SMS_MONTHLY_CEILING = 10
    actor = people.actor("region", tree.fatick)
    with pytest.raises(Refused, match="plafond du mois"):
        messages.invite(actor=actor, now=NOW, campaign=made)
    assert Message.objects.count() == 0
    messages.invite(actor=actor, now=NOW, campaign=made, channels=["email"])
    assert Message.objects.count() == 1


def test_a_structure_s_manager_does_not_write_in_the_region_s_name(
    tree: Tree, made: Campaign
) -> None:
    manager = people.actor("structure", tree.centre_sokone)
    with pytest.raises(Campaign.DoesNotExist):
        messages.invite(actor=manager, now=NOW, campaign=made)
