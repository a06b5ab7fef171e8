"""Agents and their posts: what is stored, what is refused, who may."""

from __future__ import annotations

import datetime as dt

import pytest
from auditlog.models import LogEntry
from hypothesis import given
from hypothesis import strategies as st

from kalan.base.errors import Refused
from kalan.base.phones import display, to_e164
from kalan.people.actor import SYSTEM
from kalan.people.models import Agent, Post
from kalan.people.selectors.core import agents_visible_to
from kalan.people.selectors.territory import structure_of, structures_on
from kalan.people.services.registry_agents import (
    AgentData,
    clean_identity,
    clean_matricule,
    confirm_agent,
    create_agent,
    update_agent,
)
from kalan.people.services.registry_posts import add_post, change_post, end_post
from tests.factories import people
from tests.factories.people import NOW, Tree

pytestmark = pytest.mark.usefixtures("journal")

TODAY = NOW.date()


def _data(**fields: object) -> AgentData:
    values: dict[str, object] = {"last_name": "Ndiaye", "first_names": "Awa", **fields}
    return AgentData(**values)  # type: ignore[arg-type]


def test_an_agent_is_stored_clean_with_a_main_post_and_a_history(tree: Tree) -> None:
    actor = people.actor("structure", tree.centre_sokone)
    made = create_agent(
        actor=actor,
        now=NOW,
        data=_data(
            last_name="  N’Diaye ",
            first_names="Ndèye  Awa",
            sex="F",
            matricule=" 612 345/b ",
            birth_year=1985,
            phone="77 123 45 67",
            email="Awa.Ndiaye@Exemple.SN",
            cadre=people.cadre(),
            structure=tree.centre_sokone,
            post_start=dt.date(2020, 2, 1),
            employer="state",
            employment_status="civil",
        ),
    )
    stored = Agent.objects.get(pk=made.pk)
    assert (stored.full_name, stored.search) == ("Ndèye Awa N’DIAYE", "n diaye ndeye awa")
    assert (stored.matricule, stored.phone, stored.email) == (
        "612 345/B",
        "+221771234567",
        "awa.ndiaye@exemple.sn",
    )
    assert (stored.country, stored.created_at, stored.origin) == ("sn", NOW, "saisie")
    post = Post.objects.get(agent=stored)
    assert (post.structure, post.start, post.end, post.is_main) == (
        tree.centre_sokone,
        dt.date(2020, 2, 1),
        None,
        True,
    )
    by_actor = LogEntry.objects.filter(actor=actor.account).order_by("pk")
    assert [entry.content_type.model for entry in by_actor] == ["agent", "post"]


def test_an_agent_without_matricule_and_in_nko_letters(tree: Tree) -> None:
    made = create_agent(
        actor=SYSTEM,
        now=NOW,
        data=_data(last_name="ߕߙߊߥߟߋ", first_names="ߡߊߡߊߘߎ", structure=tree.centre_sokone),
    )
    other = create_agent(actor=SYSTEM, now=NOW, data=_data(matricule="  "))
    assert Agent.objects.get(pk=made.pk).search == "ߕߙߊߥߟߋ ߡߊߡߊߘߎ"
    assert [Agent.objects.get(pk=a.pk).matricule for a in (made, other)] == [None, None]


def test_several_agents_share_a_phone(tree: Tree) -> None:
    for name in ("Awa", "Binta"):
        create_agent(actor=SYSTEM, now=NOW, data=_data(first_names=name, phone="771234567"))
    assert Agent.objects.filter(phone="+221771234567").count() == 2


def test_a_matricule_is_unique_in_its_country_only(tree: Tree) -> None:
    create_agent(actor=SYSTEM, now=NOW, data=_data(matricule="612345"))
    create_agent(actor=SYSTEM, now=NOW, data=_data(matricule="612345", country="ml"))
    assert Agent.objects.count() == 2
    with pytest.raises(Refused) as excinfo:
        create_agent(actor=SYSTEM, now=NOW, data=_data(matricule="612345"))
    assert (excinfo.value.field, excinfo.value.message) == (
        "matricule",
        "Le matricule 612345 est déjà attribué à Awa NDIAYE.",
    )
    assert Agent.objects.count() == 2


def test_the_holder_of_a_matricule_is_not_named_out_of_scope(tree: Tree) -> None:
    people.agent(tree.centre_guinguineo, matricule="612345")
    with pytest.raises(Refused) as excinfo:
        create_agent(
            actor=people.actor("structure", tree.centre_sokone),
            now=NOW,
            data=_data(matricule="612345", structure=tree.centre_sokone),
        )
    assert excinfo.value.message == "Le matricule 612345 est déjà attribué à un autre agent."


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"last_name": " "}, ("last_name", "Le nom manque.")),
        ({"first_names": "’’"}, ("first_names", "Le prénom manque.")),
        (
            {"last_name": "<script>x"},
            ("last_name", "Le nom contient un caractère qui n’est pas une lettre."),
        ),
        ({"last_name": "x" * 101}, ("last_name", "Le nom dépasse 100 caractères.")),
        ({"sex": "Z"}, ("sex", "« Z » n’est pas un sexe connu.")),
        (
            {"birth_year": 1022},
            ("birth_year", "L’année de naissance 1022 n’est pas plausible."),
        ),
        (
            {"birth_year": 2020},
            ("birth_year", "L’année de naissance 2020 n’est pas plausible."),
        ),
        ({"phone": "12"}, ("phone", "« 12 » n’est pas un numéro de téléphone.")),
        ({"email": "awa@"}, ("email", "« awa@ » n’est pas une adresse e-mail.")),
        ({"matricule": "9" * 41}, ("matricule", "Le matricule dépasse 40 caractères.")),
        (
            {"post_start": dt.date(1022, 11, 16)},
            ("start", "L’année 1022 n’est pas plausible."),
        ),
    ],
)
def test_bad_input_is_named_with_its_remedy_and_nothing_is_stored(
    tree: Tree, fields: dict[str, object], expected: tuple[str, str]
) -> None:
    with pytest.raises(Refused) as excinfo:
        create_agent(actor=SYSTEM, now=NOW, data=_data(structure=tree.centre_sokone, **fields))
    assert (excinfo.value.field, excinfo.value.message) == expected
    assert excinfo.value.remedy != ""
    assert (Agent.objects.count(), Post.objects.count()) == (0, 0)


def test_a_cadre_of_another_country_is_refused(tree: Tree) -> None:
    abroad = people.Cadre.objects.create(country="ml", code="x", title="matrone")
    with pytest.raises(Refused) as excinfo:
        create_agent(actor=SYSTEM, now=NOW, data=_data(cadre=abroad))
    assert excinfo.value.field == "cadre"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("77 123 45 67", "+221771234567"),
        ("77.123.45.67", "+221771234567"),
        ("+221 77 123 45 67", "+221771234567"),
        ("00221771234567", "+221771234567"),
        ("+33 6 12 34 56 78", "+33612345678"),
        ("  ", ""),
    ],
)
def test_phones_in_local_and_international_form(typed: str, stored: str) -> None:
    assert to_e164(typed, country="sn") == stored


def test_phones_are_shown_as_people_write_them() -> None:
    assert display("+221771234567", country="sn") == "77 123 45 67"
    assert display("+33612345678", country="sn") == "+33 6 12 34 56 78"
    assert display("inconnu", country="sn") == "inconnu"


@given(st.text(max_size=60))
def test_cleaning_a_matricule_twice_changes_nothing(raw: str) -> None:
    try:
        once = clean_matricule(raw)
    except Refused:
        return
    assert clean_matricule(once) == once


@given(st.text(min_size=1, max_size=99), st.text(min_size=1, max_size=99))
def test_identity_is_refused_or_clean_for_ever(last: str, first: str) -> None:
    values = {
        "last_name": last,
        "first_names": first,
        "sex": "F",
        "matricule": None,
        "birth_year": None,
        "phone": "",
        "email": "",
        "cadre": None,
    }
    try:
        once = clean_identity(values, country="sn", now=NOW)
    except Refused:
        return
    assert clean_identity(once, country="sn", now=NOW) == once


def test_an_update_records_only_what_changes(tree: Tree) -> None:
    agent = people.agent(tree.centre_sokone, last_name="Diouf", first_names="Awa")
    LogEntry.objects.all().delete()
    actor = people.actor("structure", tree.centre_sokone)
    for _ in range(2):
        update_agent(
            actor=actor,
            now=NOW,
            agent=agent,
            last_name="Diouf",
            first_names="Awa Marie",
            reason="état civil",
        )
    entry = LogEntry.objects.get_for_object(agent).get()
    assert entry.changes_dict == {"first_names": ["Awa", "Awa Marie"]}
    assert (entry.actor, entry.additional_data) == (actor.account, {"reason": "état civil"})
    assert Agent.objects.get(pk=agent.pk).search == "diouf awa marie"


def test_an_agent_out_of_scope_cannot_be_reached(tree: Tree) -> None:
    agent = people.agent(tree.centre_guinguineo)
    with pytest.raises(Agent.DoesNotExist):
        update_agent(
            actor=people.actor("structure", tree.centre_sokone),
            now=NOW,
            agent=agent,
            first_names="X",
        )
    with pytest.raises(Refused):
        create_agent(
            actor=people.actor("structure", tree.centre_sokone),
            now=NOW,
            data=_data(structure=tree.centre_guinguineo),
        )
    assert Agent.objects.get(pk=agent.pk).first_names == "Awa"


def test_a_trainer_adds_a_walk_in_to_reconcile_and_nobody_else(tree: Tree) -> None:
    actor = people.actor("trainer", tree.fatick)
    made = create_agent(
        actor=actor,
        now=NOW,
        data=_data(structure=tree.centre_guinguineo, to_reconcile=True, origin="terrain"),
    )
    assert Agent.objects.get(pk=made.pk).to_reconcile
    with pytest.raises(Refused):
        create_agent(actor=actor, now=NOW, data=_data(structure=tree.centre_guinguineo))
    confirm_agent(actor=people.actor("region", tree.kaolack), now=NOW, agent=made)
    assert not Agent.objects.get(pk=made.pk).to_reconcile
    assert Agent.objects.count() == 1


def test_main_posts_may_not_overlap(tree: Tree) -> None:
    agent = people.agent(tree.centre_sokone)
    with pytest.raises(Refused) as excinfo:
        add_post(
            actor=SYSTEM,
            now=NOW,
            agent=agent,
            structure=tree.poste_toubacouta,
            start=dt.date(2022, 1, 1),
        )
    assert excinfo.value.message == (
        "Ce poste principal chevauche celui à « Centre de santé de Sokone », "
        "du 01/01/2015 à aujourd’hui."
    )
    assert excinfo.value.field == "start"
    assert Post.objects.count() == 1


def test_a_main_post_may_begin_the_day_after_the_last_one_ended(tree: Tree) -> None:
    agent = people.agent(tree.centre_sokone)
    first = Post.objects.get()
    end_post(actor=SYSTEM, now=NOW, post=first, end=dt.date(2021, 12, 31))
    with pytest.raises(Refused) as excinfo:
        add_post(
            actor=SYSTEM,
            now=NOW,
            agent=agent,
            structure=tree.poste_toubacouta,
            start=dt.date(2021, 12, 31),
        )
    assert "du 01/01/2015 au 31/12/2021" in excinfo.value.message
    add_post(
        actor=SYSTEM,
        now=NOW,
        agent=agent,
        structure=tree.poste_toubacouta,
        start=dt.date(2022, 1, 1),
    )
    days = [dt.date(2014, 1, 1), dt.date(2021, 12, 31), dt.date(2022, 1, 1)]
    assert [structure_of(agent, day) for day in days] == [
        None,
        tree.centre_sokone,
        tree.poste_toubacouta,
    ]
    with pytest.raises(Refused):  # nor may the old post be stretched over the new one
        change_post(actor=SYSTEM, now=NOW, post=first, end=dt.date(2022, 1, 1))


def test_a_transfer_ends_the_running_main_post_the_day_before(tree: Tree) -> None:
    agent = people.agent(tree.centre_sokone)
    add_post(
        actor=people.actor("region", tree.fatick),
        now=NOW,
        agent=agent,
        structure=tree.poste_toubacouta,
        start=dt.date(2022, 3, 1),
        end_previous=True,
    )
    rows = Post.objects.filter(agent=agent).order_by("start")
    assert list(rows.values_list("structure__name", "start", "end")) == [
        ("Centre de santé de Sokone", people.LONG_AGO, dt.date(2022, 2, 28)),
        ("Poste de santé de Toubacouta", dt.date(2022, 3, 1), None),
    ]
    # A manager does not end a post outside their territory: all or nothing.
    with pytest.raises(Refused):
        add_post(
            actor=people.actor("structure", tree.centre_guinguineo),
            now=NOW,
            agent=agent,
            structure=tree.centre_guinguineo,
            start=dt.date(2023, 1, 1),
            end_previous=True,
        )
    assert rows.count() == 2
    assert rows.last().end is None


def test_secondary_posts_may_overlap_and_the_main_one_counts(tree: Tree) -> None:
    agent = people.agent(tree.centre_sokone)
    other = people.agent()
    for person in (agent, other):
        add_post(
            actor=SYSTEM,
            now=NOW,
            agent=person,
            structure=tree.poste_toubacouta,
            start=dt.date(2010, 1, 1),
            is_main=False,
        )
    found = structures_on([agent.pk, other.pk], TODAY)
    assert found == {agent.pk: tree.centre_sokone.pk, other.pk: tree.poste_toubacouta.pk}


def test_posts_that_cannot_be(tree: Tree) -> None:
    agent = people.agent()
    closed = tree.poste_toubacouta
    closed.closed_on = dt.date(2020, 6, 30)
    closed.save()
    for fields, field in (
        ({"structure": tree.centre_sokone, "end": dt.date(2019, 1, 1)}, "end"),
        ({"structure": closed}, "structure"),
        ({"structure": tree.country}, "structure"),
        ({"structure": tree.centre_sokone, "employer": "x"}, "employer"),
    ):
        with pytest.raises(Refused) as excinfo:
            add_post(actor=SYSTEM, now=NOW, agent=agent, start=dt.date(2020, 1, 1), **fields)  # type: ignore[arg-type]
        assert excinfo.value.field == field
    assert Post.objects.count() == 0


def test_a_manager_loses_sight_of_who_moved_away_not_of_who_left(tree: Tree) -> None:
    gone, moved = people.agent(tree.centre_sokone), people.agent(tree.centre_sokone)
    for agent in (gone, moved):
        end_post(actor=SYSTEM, now=NOW, post=Post.objects.get(agent=agent), end=TODAY)
    add_post(
        actor=SYSTEM,
        now=NOW,
        agent=moved,
        structure=tree.centre_guinguineo,
        start=TODAY + dt.timedelta(days=1),
    )
    actor = people.actor("structure", tree.centre_sokone)
    tomorrow = TODAY + dt.timedelta(days=1)
    assert list(agents_visible_to(actor, today=tomorrow)) == [gone]


def test_structures_on_costs_one_query_for_one_and_for_three(
    tree: Tree, django_assert_num_queries: object
) -> None:
    ids = [people.agent(tree.centre_sokone).pk for _ in range(3)]
    for wanted in (ids[:1], ids):
        with django_assert_num_queries(1):  # type: ignore[operator]
            assert len(structures_on(wanted, TODAY)) == len(wanted)
