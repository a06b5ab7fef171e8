"""Making, opening, ending campaigns; who is asked; what each bad input leads to."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from kalan.base.errors import Refused
from kalan.campaigns.models import Campaign, CampaignStep, Participant
from kalan.campaigns.selectors import campaigns as reads
from kalan.campaigns.selectors.campaigns import (
    campaigns_visible_to,
    participants_visible_to,
    with_counts,
)
from kalan.campaigns.services import campaigns as services
from kalan.campaigns.services import groups
from kalan.campaigns.services.campaigns import CampaignData
from kalan.campaigns.services.groups import Rule
from kalan.people.models import Post
from tests.factories import campaigns, people, training
from tests.factories.people import NOW, Tree

MARCH = {"opens_on": dt.date(2023, 3, 1), "closes_on": dt.date(2023, 3, 31)}


def data(tree: Tree, **fields: Any) -> CampaignData:
    values: dict[str, Any] = {
        "name": "Positionnement",
        "node": tree.fatick,
        "steps": [campaigns.test_of(tree.country)],
        **MARCH,
        **fields,
    }
    return CampaignData(**values)


def test_a_campaign_is_made_with_a_code_of_its_own(tree: Tree) -> None:
    actor = people.actor("region", tree.fatick)
    made = services.create_campaign(actor=actor, now=NOW, data=data(tree))
    other = services.create_campaign(actor=actor, now=NOW, data=data(tree))
    assert (made.state, made.kind, len(made.code)) == ("draft", "test", 7)
    assert made.code != other.code
    services.open_campaign(actor=actor, now=NOW, campaign=made)
    made.refresh_from_db()
    assert (made.state, made.opened_at) == ("open", NOW)


def test_a_path_has_tests_sessions_and_themes(tree: Tree) -> None:
    actor = people.actor("region", tree.fatick)
    session = training.session(tree.centre_sokone)
    steps = [campaigns.test_of(tree.country), session, training.theme("cyber", "Cybersécurité")]
    made = services.create_campaign(actor=actor, now=NOW, data=data(tree, steps=steps))
    rows = CampaignStep.objects.filter(campaign=made).order_by("rank")
    assert made.kind == "path"
    assert [row.title for row in rows] == [
        "Positionnement",
        "Formation : Outils numériques".replace(" :", "\u00a0:"),
        "Une formation sur «\u00a0Cybersécurité\u00a0»",
    ]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"opens_on": dt.date(2023, 4, 1)}, "closes_on"),
        ({"closes_on": dt.date(2030, 1, 1)}, "closes_on"),
        ({"name": "  "}, "name"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_stored(
    tree: Tree, wrong: dict[str, Any], field: str
) -> None:
    actor = people.actor("region", tree.fatick)
    with pytest.raises(Refused) as refused:
        services.create_campaign(actor=actor, now=NOW, data=data(tree, **wrong))
    assert refused.value.field == field
    assert Campaign.objects.count() == 0


def test_dates_reversed_are_refused_by_the_database_too(tree: Tree) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        campaigns.campaign(tree.fatick, closes_on=dt.date(2023, 2, 1))


def test_a_step_is_one_thing(tree: Tree) -> None:
    made = campaigns.campaign(tree.fatick)
    with pytest.raises(IntegrityError), transaction.atomic():
        CampaignStep.objects.create(campaign=made, rank=2)


def test_territory_and_test_must_be_in_reach(tree: Tree) -> None:
    actor = people.actor("structure", tree.centre_sokone)
    with pytest.raises(Refused, match="tenir de campagne dans ce territoire"):
        services.create_campaign(actor=actor, now=NOW, data=data(tree))
    elsewhere = campaigns.test_of(tree.kaolack)
    draft = campaigns.test_of(tree.country, state="draft", published_at=None)
    exam = campaigns.test_of(tree.country, purpose="certification")
    national = campaigns.test_of(tree.country)
    tests = (elsewhere, draft, exam, national)
    assert list(reads.tests_usable_by(actor).filter(pk__in=[t.pk for t in tests])) == [national]
    for test in (elsewhere, draft, exam):
        wrong = data(tree, node=tree.centre_sokone, steps=[test])
        with pytest.raises(Refused, match="n’est pas publié"):
            services.create_campaign(actor=actor, now=NOW, data=wrong)


def test_states_follow_their_order(tree: Tree) -> None:
    actor = people.actor("region", tree.fatick)
    made = services.create_campaign(actor=actor, now=NOW, data=data(tree))
    with pytest.raises(Refused, match="ne peut pas être terminée"):
        services.close_campaign(actor=actor, now=NOW, campaign=made)
    services.open_campaign(actor=actor, now=NOW, campaign=made)
    with pytest.raises(Refused, match="ne se supprime pas"):
        services.delete_draft(actor=actor, now=NOW, campaign=made)
    services.close_campaign(actor=actor, now=NOW, campaign=made)
    services.archive_campaign(actor=actor, now=NOW, campaign=made)
    with pytest.raises(Refused, match="ne peut pas être ouverte"):
        services.open_campaign(actor=actor, now=NOW, campaign=made)


def test_an_empty_campaign_or_one_that_is_over_does_not_open(tree: Tree) -> None:
    actor = people.actor("region", tree.fatick)
    empty = services.create_campaign(actor=actor, now=NOW, data=data(tree, steps=()))
    with pytest.raises(Refused, match="ne demande encore rien"):
        services.open_campaign(actor=actor, now=NOW, campaign=empty)
    over = services.create_campaign(
        actor=actor,
        now=NOW,
        data=data(tree, opens_on=dt.date(2023, 1, 1), closes_on=dt.date(2023, 1, 31)),
    )
    with pytest.raises(Refused, match="est passée"):
        services.open_campaign(actor=actor, now=NOW, campaign=over)
    shut = services.create_campaign(actor=actor, now=NOW, data=data(tree, anyone=False))
    with pytest.raises(Refused, match="Personne ne pourrait participer"):
        services.open_campaign(actor=actor, now=NOW, campaign=shut)


def test_once_begun_steps_and_sharing_stand(tree: Tree) -> None:
    actor = people.actor("region", tree.fatick)
    made = campaigns.campaign(tree.fatick)
    test = made.steps.get().test
    campaigns.result(campaigns.participant(made, people.agent(tree.centre_sokone)))
    with pytest.raises(Refused, match="règle sur leurs résultats"):
        services.update_campaign(
            actor=actor, now=NOW, campaign=made, data=data(tree, steps=[test], sharing="manager")
        )
    with pytest.raises(Refused, match="étapes ne changent plus"):
        services.update_campaign(actor=actor, now=NOW, campaign=made, data=data(tree))
    new = data(tree, steps=[test], name="Nouveau nom")
    services.update_campaign(actor=actor, now=NOW, campaign=made, data=new)
    made.refresh_from_db()
    assert made.name == "Nouveau nom"


# --- groups ------------------------------------------------------------------------------------


def test_a_group_is_a_place_and_cadres_and_a_list(tree: Tree) -> None:
    nurse, midwife = people.cadre(), people.cadre("sf", "sage-femme")
    here = people.agent(tree.centre_sokone, cadre=nurse)
    also = people.agent(tree.poste_toubacouta, cadre=midwife)
    people.agent(tree.centre_guinguineo)
    gone = people.agent(tree.centre_sokone)
    Post.objects.filter(agent=gone).update(end=dt.date(2022, 1, 1))
    region = [Rule(node=tree.fatick)]
    assert list(groups.agents_of(region, NOW.date()).order_by("pk")) == [here, also]
    nurses = [Rule(node=tree.fatick, cadres=[nurse])]
    assert list(groups.agents_of(nurses, NOW.date())) == [here]
    both = [*nurses, Rule(agents=[also, here])]
    assert groups.agents_of(both, NOW.date()).count() == 2


def test_refreshing_adds_newcomers_once_and_takes_nobody_off(tree: Tree) -> None:
    actor = people.actor("region", tree.fatick)
    first = people.agent(tree.centre_sokone)
    made = campaigns.campaign(tree.fatick)
    groups.set_group(actor=actor, now=NOW, campaign=made, rules=[Rule(node=tree.fatick)])
    assert groups.refresh_group(actor=actor, now=NOW, campaign=made) == 1
    assert groups.refresh_group(actor=actor, now=NOW, campaign=made) == 0
    Post.objects.filter(agent=first).update(end=dt.date(2023, 1, 1))
    second = people.agent(tree.poste_toubacouta)
    seen = groups.preview(rules=groups.rules_kept(made), now=NOW, campaign=made)
    assert (seen.people, seen.newcomers) == (1, 1)
    assert groups.refresh_group(actor=actor, now=NOW, campaign=made) == 1
    rows = Participant.objects.filter(campaign=made).order_by("pk")
    assert [(row.agent, row.structure) for row in rows] == [
        (first, tree.centre_sokone),
        (second, tree.poste_toubacouta),
    ]


def test_an_empty_group_is_refused(tree: Tree) -> None:
    actor = people.actor("region", tree.fatick)
    made = campaigns.campaign(tree.fatick)
    with pytest.raises(Refused, match="Le groupe est vide"):
        groups.refresh_group(actor=actor, now=NOW, campaign=made)
    with pytest.raises(Refused, match="Le groupe est vide"):
        groups.set_group(actor=actor, now=NOW, campaign=made, rules=[Rule()])
    groups.set_group(actor=actor, now=NOW, campaign=made, rules=[Rule(node=tree.poste_toubacouta)])
    with pytest.raises(Refused, match="Personne ne répond"):
        groups.refresh_group(actor=actor, now=NOW, campaign=made)


def test_a_group_stays_inside_the_territory(tree: Tree) -> None:
    actor = people.actor("structure", tree.centre_sokone)
    made = campaigns.campaign(tree.centre_sokone)
    with pytest.raises(Refused, match="pas dans votre territoire"):
        groups.set_group(actor=actor, now=NOW, campaign=made, rules=[Rule(node=tree.fatick)])
    stranger = people.agent(tree.centre_guinguineo, matricule="9")
    with pytest.raises(Refused, match="n’est pas dans votre territoire"):
        groups.set_group(actor=actor, now=NOW, campaign=made, rules=[Rule(agents=[stranger])])
    mine = people.agent(tree.centre_sokone, matricule="7")
    assert groups.agents_named(actor, "7\n9 ; 8\n7", now=NOW) == ([mine], ["9", "8"])


def test_who_has_begun_is_withdrawn_who_has_not_is_taken_off(tree: Tree) -> None:
    actor = people.actor("region", tree.fatick)
    made = campaigns.campaign(tree.fatick)
    waiting = campaigns.participant(made, people.agent(tree.centre_sokone))
    done = campaigns.participant(made, people.agent(tree.centre_sokone))
    campaigns.result(done, shared=True)
    for one in (waiting, done):
        groups.remove_participant(actor=actor, now=NOW, campaign=made, participant=one)
    row = Participant.objects.get()
    assert (row, row.state, row.shared_at) == (done, "withdrawn", None)


# --- who sees what -------------------------------------------------------------------------------


def test_a_structure_sees_its_own_people_in_the_region_s_campaign(tree: Tree) -> None:
    made = campaigns.campaign(tree.fatick)
    mine = campaigns.participant(made, people.agent(tree.centre_sokone))
    theirs = campaigns.participant(made, people.agent(tree.poste_toubacouta))
    manager = people.actor("structure", tree.centre_sokone)
    region = people.actor("region", tree.fatick)
    other = people.actor("region", tree.kaolack)
    assert list(campaigns_visible_to(manager)) == [made]
    assert list(campaigns_visible_to(manager, "campaigns.edit")) == []
    assert list(participants_visible_to(manager, made)) == [mine]
    assert list(participants_visible_to(region, made).order_by("pk")) == [mine, theirs]
    assert list(campaigns_visible_to(other)) == []
    assert list(participants_visible_to(other, made)) == []
    row = with_counts(campaigns_visible_to(manager), manager).get()
    assert (row.invited, row.started, row.finished) == (1, 0, 0)
