"""Follow-up, distributions from ten people on, what is shown of one person, the export."""

from __future__ import annotations

import csv
import io
import math

import pytest
from django.test import Client

from kalan.assessment.models import Result
from kalan.campaigns.models import Campaign, Participant
from kalan.campaigns.selectors import people as reads
from kalan.campaigns.selectors.campaigns import participants_visible_to
from kalan.campaigns.selectors.follow import follow_up
from kalan.campaigns.selectors.results import results
from kalan.people.actor import SYSTEM
from kalan.people.models import Agent
from kalan.people.services import privacy
from tests.factories import assessment, campaigns, people
from tests.factories.people import NOW, Tree
from tests.support.signin import sign_in


@pytest.fixture
def made(tree: Tree) -> Campaign:
    """Twelve results at Sokone (θ 0 … 1.1, three shared), two people waiting at Toubacouta."""
    made = campaigns.campaign(tree.fatick)
    for number in range(12):
        place = campaigns.participant(made, people.agent(tree.centre_sokone))
        theta = number / 10
        level = "N3" if theta >= 1 else "N2"
        campaigns.result(place, theta=theta, level=level, shared=number < 3, to_confirm=number < 5)
    for _ in range(2):
        campaigns.participant(made, people.agent(tree.poste_toubacouta))
    return made


def test_follow_up_counts_and_places(tree: Tree, made: Campaign) -> None:
    follow = follow_up(SYSTEM, made)
    counts = follow.counts
    assert (counts.invited, counts.started, counts.finished, counts.shared) == (14, 12, 12, 3)
    assert [(row.name, row.counts.finished, row.counts.waiting) for row in follow.structures] == [
        ("Centre de santé de Sokone", 12, 0),
        ("Poste de santé de Toubacouta", 0, 2),
    ]
    assert [(day.started, day.finished) for day in follow.days] == [(12, 12)]
    mine = follow_up(people.actor("structure", tree.poste_toubacouta), made).counts
    assert (mine.invited, mine.finished) == (2, 0)


def test_a_distribution_has_its_mean_and_interval(made: Campaign) -> None:
    found = results(SYSTEM, made, made.steps.select_related("test").get())
    assert (found.people, found.hidden) == (12, "")
    overall = found.overall
    assert overall is not None
    assert (overall.counts, overall.to_confirm) == ([0, 10, 2], 0)
    mean = overall.mean
    assert mean is not None
    # θ = 0, 0.1 … 1.1: mean 0.55, variance 0.13.
    half = 1.959964 * math.sqrt(0.13 / 12)
    assert (mean.mean, mean.low, mean.high) == pytest.approx((0.55, 0.55 - half, 0.55 + half))
    assert [(one.code, one.counts, one.to_confirm) for one in found.domains] == [
        ("D1", [0, 10, 2], 5),
        ("D2", [0, 10, 2], 5),
    ]


def test_the_needs_page_says_what_is_unsure_and_what_is_simulated(
    tree: Tree, made: Campaign, client: Client
) -> None:
    sign_in(client, people.account("region", tree.fatick))
    address = f"/gestion/campagnes/{made.uid}/besoins/"
    page = client.get(address).content.decode()
    assert page.count("5 à confirmer") == 2
    assert "simulé" not in page
    Result.objects.update(simulated=True)
    assert "Réponses simulées, calibrage simulé" in client.get(address).content.decode()


def test_fewer_than_ten_show_nothing(tree: Tree, made: Campaign) -> None:
    step = made.steps.select_related("test").get()
    nine = Participant.objects.filter(state="finished").order_by("pk")[:3]
    Participant.objects.filter(pk__in=[row.pk for row in nine]).update(state="withdrawn")
    found = results(SYSTEM, made, step)
    assert (found.people, found.hidden, found.overall, found.domains) == (9, "few", None, [])


def test_a_part_whose_rest_is_small_shows_nothing(tree: Tree, made: Campaign) -> None:
    step = made.steps.select_related("test").get()
    other = campaigns.participant(made, people.agent(tree.poste_toubacouta, sex="M"))
    campaigns.result(other)
    assert results(SYSTEM, made, step).people == 13
    assert results(SYSTEM, made, step, sex="F").hidden == "complement"
    assert results(SYSTEM, made, step, sex="M").hidden == "few"
    place = str(tree.centre_sokone.uid)
    assert results(SYSTEM, made, step, structure=place).hidden == "complement"


def test_two_filters_together_give_nobody_back(tree: Tree) -> None:
    """Twenty women and four men of one cadre among fifty: the men are what the women leave."""
    made = campaigns.campaign(tree.fatick)
    nurse, midwife = people.cadre(), people.cadre("sfe", "sage-femme d’État")
    crowd = [(nurse, "F")] * 20 + [(nurse, "M")] * 4 + [(midwife, "F")] * 13 + [(midwife, "M")] * 13
    for cadre, sex in crowd:
        agent = people.agent(tree.centre_sokone, cadre=cadre, sex=sex)
        campaigns.result(campaigns.participant(made, agent))
    step = made.steps.select_related("test").get()

    def hidden(**filters: str) -> str:
        return results(SYSTEM, made, step, **filters).hidden

    assert hidden(cadre=str(nurse.pk)) == ""
    assert hidden(cadre=str(nurse.pk), sex="M") == "few"
    assert hidden(cadre=str(nurse.pk), sex="F") == "complement"


def test_the_parts_beside_give_nobody_back(tree: Tree) -> None:
    """Fifteen, eleven and four people in three structures: two shown would tell the third."""
    made = campaigns.campaign(tree.country)
    places = [(tree.centre_sokone, 15), (tree.poste_toubacouta, 11), (tree.centre_guinguineo, 4)]
    for place, number in places:
        for _ in range(number):
            campaigns.result(campaigns.participant(made, people.agent(place)))
    step = made.steps.select_related("test").get()
    found = [results(SYSTEM, made, step, structure=str(place.uid)) for place, _ in places]
    assert [one.hidden for one in found] == ["", "complement", "few"]


def test_one_s_result_shows_only_where_shared(made: Campaign) -> None:
    step = made.steps.select_related("test").get()
    rows = list(participants_visible_to(SYSTEM, made).select_related("agent").order_by("pk"))
    shown = [row.result is not None for row in reads.with_results(rows, step)]
    assert shown == [True] * 3 + [False] * 11
    level = reads.for_list(SYSTEM, made, level="N2", domain="D1", step=step)
    assert level.count() == 3


def test_a_shared_result_of_somebody_without_account_is_read(tree: Tree, client: Client) -> None:
    made = campaigns.campaign(tree.fatick, test=assessment.published(tree.country))
    place = campaigns.participant(made, people.agent(tree.centre_sokone))
    sitting = campaigns.result(place, shared=True)
    assert sitting.account is None
    assert place.agent is not None
    sign_in(client, people.account("region", tree.fatick))
    page = client.get(f"/test/{sitting.uid}/")
    assert page.status_code == 200
    assert place.agent.full_name in page.content.decode()


def test_erasure_hides_the_name_and_the_result(tree: Tree, made: Campaign) -> None:
    place = made.participants.order_by("pk")[0]
    agent = place.agent
    assert agent is not None
    privacy.erase_agent(actor=people.actor("admin", tree.country), now=NOW, agent=agent,
                        reason="Demande de la personne")  # fmt: skip
    place.refresh_from_db()
    assert (place.search, place.shared_at, place.state) == ("", None, "finished")
    assert Agent.objects.get(pk=agent.pk).status == "erased"
    assert follow_up(SYSTEM, made).counts.finished == 12


# --- export --------------------------------------------------------------------------------------


def table(made: Campaign) -> list[list[object]]:
    rows = participants_visible_to(SYSTEM, made)
    found = reads.export(made, rows)
    return [list(found.headers), *found.rows]


def test_the_export_holds_everybody_and_only_shared_results(made: Campaign) -> None:
    head, *lines = table(made)
    assert head[:3] == ["Nom", "Prénoms", "Matricule"]
    assert head[13:] == [
        "Niveau",
        "Probabilité du niveau",
        "Réussite (%)",
        "Réponses simulées",
        "Données de santé",
        "Données de santé, à confirmer",
        "Cybersécurité en santé",
        "Cybersécurité en santé, à confirmer",
    ]
    assert len(lines) == 14
    assert sum(line[13] is not None for line in lines) == 3
    shared = next(line for line in lines if line[13])
    assert shared[13:] == ["Indépendant", 0.8, 70.0, "", "Indépendant", "oui", "Indépendant", "oui"]


def test_the_list_says_what_is_simulated(tree: Tree, made: Campaign, client: object) -> None:
    sign_in(client, people.account("region", tree.fatick))
    url = f"/gestion/campagnes/{made.uid}/participants/?state=shared"
    badge = '<span class="badge badge-warn">simulé</span>'
    assert badge not in client.get(url).content.decode()  # type: ignore[attr-defined]
    Result.objects.update(simulated=True)
    assert badge in client.get(url).content.decode()  # type: ignore[attr-defined]


def test_the_export_rounds_as_the_screen_and_says_what_is_simulated(made: Campaign) -> None:
    Result.objects.update(level_probability=0.8149999, percent=70.4999999, simulated=True)
    shared = next(line for line in table(made)[1:] if line[13])
    assert shared[13:17] == ["Indépendant", 0.81, 70.0, "oui"]


@pytest.mark.parametrize("block", [1, 3, 100])
def test_blocks_do_not_change_the_export(
    made: Campaign, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    Participant.objects.filter(campaign=made).update(search="les memes")
    whole = table(made)
    monkeypatch.setattr(reads, "BLOCK", block)
    assert table(made) == whole


def test_the_export_comes_as_a_file(tree: Tree, made: Campaign, client: object) -> None:
    sign_in(client, people.account("region", tree.fatick))
    url = f"/gestion/campagnes/{made.uid}/participants/?format=csv&state=waiting"
    content = client.get(url).content.decode("utf-8-sig")  # type: ignore[attr-defined]
    lines = list(csv.reader(io.StringIO(content), delimiter=";"))
    assert len(lines) == 3
    assert {line[4] for line in lines[1:]} == {"Poste de santé de Toubacouta"}


def test_three_queries_a_block(made: Campaign, django_assert_num_queries: object) -> None:
    rows = participants_visible_to(SYSTEM, made)
    # Steps, domains, levels; one block: people, results, domains; then the empty block.
    with django_assert_num_queries(7):  # type: ignore[operator]
        list(reads.export(made, rows).rows)
