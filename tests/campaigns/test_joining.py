"""Coming in by code, beginning, finishing, sharing; what each wrong turn leads to."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from kalan.assessment.models import Sitting
from kalan.assessment.selectors.sittings import readable
from kalan.base.errors import Refused
from kalan.campaigns.models import Campaign, Participant, ParticipantSitting
from kalan.campaigns.services import groups, joining, progress
from kalan.campaigns.services.groups import Rule
from kalan.people.models import Account
from kalan.training.models import Session
from tests.factories import assessment, attendance, campaigns, people, training
from tests.factories.people import NOW, Tree

APRIL = NOW + dt.timedelta(days=30)


@pytest.fixture
def account(tree: Tree) -> Account:
    return people.account(agent=people.agent(tree.centre_sokone))


def the_end(sitting: Sitting) -> Sitting:
    """Answer everything right."""
    from kalan.assessment.services import sittings

    sittings.begin(sitting=sitting, now=NOW)
    while Sitting.objects.get(pk=sitting.pk).state == "running":
        assessment.reply(sitting)
    return Sitting.objects.get(pk=sitting.pk)


def test_a_person_joins_by_code_takes_the_test_and_shares(tree: Tree, account: Account) -> None:
    test = assessment.published(tree.country)
    made = campaigns.campaign(tree.fatick, test=test)
    actor = assessment.actor(account)
    found = joining.find_campaign(code=f" {made.code[:4]}-{made.code[4:].lower()}", address="1",
                                  now=NOW)  # fmt: skip
    place = joining.join(actor=actor, now=NOW, campaign=found)
    assert (place.state, place.joined, place.structure) == ("invited", "code", tree.centre_sokone)
    step = made.steps.get()
    sitting = progress.begin(actor=actor, now=NOW, participant=place, step=step)
    assert progress.begin(actor=actor, now=NOW, participant=place, step=step) == sitting
    place.refresh_from_db()
    assert place.state == "started"
    the_end(sitting)
    place.refresh_from_db()
    assert (place.state, place.finished_at, place.shared_at) == ("finished", NOW, None)
    manager = people.actor("structure", tree.centre_sokone)
    with pytest.raises(Sitting.DoesNotExist):
        readable(manager, sitting.uid)
    joining.share(actor=actor, now=NOW, participant=place)
    assert readable(manager, sitting.uid) == sitting
    with pytest.raises(Sitting.DoesNotExist):
        readable(people.actor("structure", tree.centre_guinguineo), sitting.uid)
    joining.unshare(actor=actor, now=NOW, participant=place)
    with pytest.raises(Sitting.DoesNotExist):
        readable(manager, sitting.uid)


def test_where_the_rule_says_so_the_result_is_shared_at_the_end(
    tree: Tree, account: Account
) -> None:
    test = assessment.published(tree.country)
    made = campaigns.campaign(tree.fatick, test=test, sharing="manager")
    actor = assessment.actor(account)
    place = joining.join(actor=actor, now=NOW, campaign=made)
    the_end(progress.begin(actor=actor, now=NOW, participant=place, step=made.steps.get()))
    place.refresh_from_db()
    assert place.shared_at == NOW
    with pytest.raises(Refused, match="c’était dit avant"):
        joining.unshare(actor=actor, now=NOW, participant=place)


def test_joining_twice_changes_nothing(tree: Tree, account: Account) -> None:
    made = campaigns.campaign(tree.fatick)
    actor = assessment.actor(account)
    first = joining.join(actor=actor, now=NOW, campaign=made)
    assert joining.join(actor=actor, now=NOW, campaign=made) == first
    assert Participant.objects.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        Participant.objects.create(campaign=made, account=account, added_at=NOW)


def test_who_is_on_the_list_joins_their_own_place(tree: Tree, account: Account) -> None:
    made = campaigns.campaign(tree.fatick, anyone=False)
    manager = people.actor("region", tree.fatick)
    listed = people.agent(tree.centre_sokone)
    groups.set_group(actor=manager, now=NOW, campaign=made, rules=[Rule(agents=[listed])])
    groups.refresh_group(actor=manager, now=NOW, campaign=made)
    theirs = assessment.actor(people.account(agent=listed))
    place = joining.join(actor=theirs, now=NOW, campaign=made)
    assert (place.agent, place.account, place.joined) == (listed, theirs.account, "list")
    with pytest.raises(Refused, match="réservée aux personnes invitées"):
        joining.join(actor=assessment.actor(account), now=NOW, campaign=made)
    assert Participant.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"state": "closed", "closed_at": NOW}, "ended", "terminée depuis le 20 mars 2023"),
        ({"opens_on": dt.date(2023, 1, 1), "closes_on": dt.date(2023, 2, 1)}, "ended",
         "terminée depuis le 1er février 2023"),
        ({"opens_on": dt.date(2023, 3, 25)}, "early", "commence le 25 mars 2023"),
        ({"state": "archived"}, "ended", "terminée depuis"),
    ],
)  # fmt: skip
def test_ended_and_early_campaigns_say_so(
    tree: Tree, account: Account, change: dict[str, object], code: str, said: str
) -> None:
    made = campaigns.campaign(tree.fatick, **change)
    found = joining.find_campaign(code=made.code, address="1", now=NOW)
    with pytest.raises(Refused, match=said) as refused:
        joining.join(actor=assessment.actor(account), now=NOW, campaign=found)
    assert refused.value.code == code
    assert Participant.objects.count() == 0


def test_wrong_codes_are_counted_by_address(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    made = campaigns.campaign(tree.fatick)
    draft = campaigns.campaign(tree.fatick, state="draft", opened_at=None)
    monkeypatch.setattr(joining, "WRONG_CODES_PER_ADDRESS", 3)
    for wrong in ("ABCDEFG", draft.code, "--"):
        with pytest.raises(Refused, match="pas celui d’une campagne"):
            joining.find_campaign(code=wrong, address="here", now=NOW)
    with pytest.raises(Refused, match="Trop d’essais de code"):
        joining.find_campaign(code=made.code, address="here", now=NOW)
    assert joining.find_campaign(code=made.code, address="there", now=NOW) == made


def test_a_sitting_begun_in_time_may_be_finished_later(tree: Tree, account: Account) -> None:
    test = assessment.published(tree.country)
    made = campaigns.campaign(tree.fatick, test=test)
    actor = assessment.actor(account)
    place = joining.join(actor=actor, now=NOW, campaign=made)
    step = made.steps.get()
    sitting = progress.begin(actor=actor, now=NOW, participant=place, step=step)
    assert progress.begin(actor=actor, now=APRIL, participant=place, step=step) == sitting


def test_beginning_after_the_end_is_refused(tree: Tree, account: Account) -> None:
    made = campaigns.campaign(tree.fatick)
    actor = assessment.actor(account)
    place = joining.join(actor=actor, now=NOW, campaign=made)
    with pytest.raises(Refused, match="est terminée"):
        progress.begin(actor=actor, now=APRIL, participant=place, step=made.steps.get())
    assert ParticipantSitting.objects.count() == 0


def test_one_test_open_in_two_campaigns_is_said(tree: Tree, account: Account) -> None:
    test = assessment.published(tree.country)
    first = campaigns.campaign(tree.fatick, test=test, name="La première")
    second = campaigns.campaign(tree.fatick, test=test)
    actor = assessment.actor(account)
    for made in (first, second):
        joining.join(actor=actor, now=NOW, campaign=made)
    places = Participant.objects.order_by("pk")
    progress.begin(actor=actor, now=NOW, participant=places[0], step=first.steps.get())
    with pytest.raises(Refused, match="La première"):
        progress.begin(actor=actor, now=NOW, participant=places[1], step=second.steps.get())


def test_a_step_of_another_campaign_and_another_s_place_are_not_found(
    tree: Tree, account: Account
) -> None:
    made, other = campaigns.campaign(tree.fatick), campaigns.campaign(tree.fatick)
    actor = assessment.actor(account)
    place = joining.join(actor=actor, now=NOW, campaign=made)
    with pytest.raises(type(made.steps.get()).DoesNotExist):
        progress.begin(actor=actor, now=NOW, participant=place, step=other.steps.get())
    stranger = assessment.actor(people.account())
    with pytest.raises(Participant.DoesNotExist):
        progress.begin(actor=stranger, now=NOW, participant=place, step=made.steps.get())
    with pytest.raises(Participant.DoesNotExist):
        joining.withdraw(actor=stranger, now=NOW, participant=place)


def test_a_recent_result_is_taken_in_only_with_history(tree: Tree, account: Account) -> None:
    test = assessment.published(tree.country)
    old = assessment.finished(test, account)
    actor = assessment.actor(account)
    without = campaigns.campaign(tree.fatick, test=test)
    place = joining.join(actor=actor, now=NOW, campaign=without)
    assert progress.reusable(place, without.steps.get(), now=NOW) is None
    withit = campaigns.campaign(tree.fatick, test=test, history=True)
    place = joining.join(actor=actor, now=NOW, campaign=withit)
    step = withit.steps.get()
    later = NOW + progress.REUSABLE + dt.timedelta(days=1)
    assert progress.reusable(place, step, now=later) is None
    done = progress.reuse(actor=actor, now=NOW, participant=place, step=step)
    assert (done.state, done.sittings.get().sitting, done.sittings.get().reused) == (
        "finished",
        old,
        True,
    )


def test_a_path_ends_with_its_last_step(tree: Tree) -> None:
    room = attendance.room(tree)
    person = room.persons[0].agent
    account = people.account(agent=person)
    made = campaigns.campaign(tree.fatick, test=assessment.published(tree.country), kind="path")
    theme = training.theme()
    made.steps.create(rank=2, theme=theme)
    actor = assessment.actor(account)
    place = joining.join(actor=actor, now=NOW, campaign=made)
    the_end(progress.begin(actor=actor, now=NOW, participant=place, step=made.steps.get(rank=1)))
    place.refresh_from_db()
    assert place.state == "started"
    attendance.marked(room.persons[0], room.half_days[0])
    assert progress.settle_campaign(made, now=NOW) == 0  # not closed: not counted yet
    Session.objects.filter(pk=room.session.pk).update(state="closed", closed_at=NOW)
    assert progress.settle_paths(now=NOW) == 1
    place.refresh_from_db()
    assert place.state == "finished"


def test_leaving_stops_sharing_and_coming_back_keeps_the_place(
    tree: Tree, account: Account
) -> None:
    made = campaigns.campaign(tree.fatick)
    place = campaigns.participant(made, account.agent)
    campaigns.result(place, shared=True)
    actor = assessment.actor(account)
    joining.withdraw(actor=actor, now=NOW, participant=place)
    place.refresh_from_db()
    assert (place.state, place.shared_at) == ("withdrawn", None)
    back = joining.join(actor=actor, now=NOW, campaign=made)
    assert (back, back.state) == (place, "finished")


def test_somebody_without_an_agent_takes_part(tree: Tree) -> None:
    nurse = people.cadre()
    account = people.account(display_name="Ndèye Libre", self_registered=True, cadre=nurse)
    made = campaigns.campaign(tree.fatick, test=assessment.published(tree.country))
    actor = assessment.actor(account)
    place = joining.join(actor=actor, now=NOW, campaign=made)
    assert (place.agent, place.search, place.cadre) == (None, "ndeye libre", nurse)
    the_end(progress.begin(actor=actor, now=NOW, participant=place, step=made.steps.get()))
    assert Campaign.objects.get().participants.get().state == "finished"
