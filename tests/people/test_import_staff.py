"""A staff list brought in: verdicts, decisions, merge, scope, re-import."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from auditlog.models import LogEntry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kalan.base.imports import pipeline, registry
from kalan.base.models import ImportRow, ImportRun
from kalan.people.actor import Actor
from kalan.people.models import Agent, OrgNode, Post
from kalan.people.services import imports as services
from tests.factories import people
from tests.factories.imports import checked, csv_bytes, merged, verdicts
from tests.factories.people import NOW

pytestmark = pytest.mark.usefixtures("journal")

HEAD = ["Matricule", "Nom", "Prénoms", "Sexe", "Téléphone", "Structure", "Prise de service"]
SOKONE = "Centre de santé de Sokone"


def row(**changed: Any) -> list[str]:
    usual = {
        "matricule": "612345A",
        "nom": "Diouf",
        "prenoms": "Awa",
        "sexe": "F",
        "tel": "77 123 45 67",
        "structure": SOKONE,
        "debut": "01/10/2021",
    } | changed
    return list(usual.values())


@pytest.fixture
def region(tree: people.Tree) -> Actor:
    return people.actor("region", tree.fatick)


def test_a_new_agent_is_created_with_a_post_and_a_history_entry(
    tree: people.Tree, region: Actor
) -> None:
    run = checked(region, "staff", [HEAD, row()])
    assert verdicts(run) == {2: "new"}
    merged(region, run)
    agent = Agent.objects.get()
    assert (agent.matricule, agent.last_name, agent.sex, agent.phone, agent.origin) == (
        "612345A",
        "Diouf",
        "F",
        "+221771234567",
        "import",
    )
    post = Post.objects.get()
    assert (post.agent, post.structure, post.start, post.end, post.is_main) == (
        agent,
        tree.centre_sokone,
        dt.date(2021, 10, 1),
        None,
        True,
    )
    entry = LogEntry.objects.get_for_object(agent).get()
    assert entry.action == LogEntry.Action.CREATE
    assert entry.actor == region.account
    assert entry.changes["last_name"] == ["None", "Diouf"]
    assert entry.additional_data["import"] == str(run.uid)


def test_the_same_file_again_changes_nothing(tree: people.Tree, region: Actor) -> None:
    rows = [HEAD, row(), row(matricule="", nom="Ndiaye", prenoms="Moussa", sexe="M", tel="")]
    merged(region, checked(region, "staff", rows))
    again = checked(region, "staff", rows)
    assert verdicts(again) == {2: "same", 3: "same"}
    before = LogEntry.objects.get_for_model(Agent).count()
    merged(region, again)
    assert Agent.objects.count() == 2
    assert LogEntry.objects.get_for_model(Agent).count() == before


def test_a_change_is_shown_field_by_field_then_written(tree: people.Tree, region: Actor) -> None:
    merged(region, checked(region, "staff", [HEAD, row()]))
    run = checked(region, "staff", [HEAD, row(nom="DIOUF", prenoms="Awa Marie", tel="781234567")])
    staged = run.rows.get()
    assert staged.verdict == "changed"
    assert staged.detail["changes"] == [
        ["Prénoms", "Awa", "Awa Marie"],
        ["Téléphone", "+221771234567", "+221781234567"],
    ]
    merged(region, run)
    agent = Agent.objects.get()
    assert (agent.last_name, agent.first_names, agent.phone, agent.search) == (
        "Diouf",
        "Awa Marie",
        "+221781234567",
        "diouf awa marie",
    )
    entry = LogEntry.objects.get_for_object(agent).filter(action=LogEntry.Action.UPDATE).get()
    assert entry.changes["Téléphone"] == ["+221771234567", "+221781234567"]


def test_an_empty_cell_erases_nothing(tree: people.Tree, region: Actor) -> None:
    merged(region, checked(region, "staff", [HEAD, row()]))
    run = checked(region, "staff", [HEAD, row(tel="", sexe="")])
    assert verdicts(run) == {2: "same"}


def test_a_change_of_structure_closes_the_post_the_day_before(
    tree: people.Tree, region: Actor
) -> None:
    merged(region, checked(region, "staff", [HEAD, row()]))
    moved = [HEAD, row(structure="Poste de santé de Toubacouta", debut="01/02/2023")]
    run = checked(region, "staff", moved)
    assert run.rows.get().detail["changes"] == [
        ["Structure", SOKONE, "Poste de santé de Toubacouta"],
        ["Début du poste", "", "01/02/2023"],
    ]
    merged(region, run)
    assert list(Post.objects.order_by("start").values_list("structure", "start", "end")) == [
        (tree.centre_sokone.pk, dt.date(2021, 10, 1), dt.date(2023, 1, 31)),
        (tree.poste_toubacouta.pk, dt.date(2023, 2, 1), None),
    ]
    assert verdicts(checked(region, "staff", moved)) == {2: "same"}


def test_a_change_of_structure_needs_an_effective_date(tree: people.Tree, region: Actor) -> None:
    merged(region, checked(region, "staff", [HEAD, row()]))
    moved = [HEAD, row(structure="Poste de santé de Toubacouta")]
    run = checked(region, "staff", moved)
    problem = run.rows.get().detail["problems"][0]
    assert problem["column"] == "Prise de service"
    assert problem["reason"] == (
        "L’agent change de structure (de « Centre de santé de Sokone ») sans date d’effet."
    )
    run = checked(region, "staff", moved, effective_on="2023-03-01")
    assert verdicts(run) == {2: "changed"}
    merged(region, run)
    # The file still gives the date of the first post: that is no change.
    assert verdicts(checked(region, "staff", moved, effective_on="2023-03-01")) == {2: "same"}


def test_posts_that_would_overlap_are_refused(tree: people.Tree, region: Actor) -> None:
    merged(region, checked(region, "staff", [HEAD, row()]))
    run = checked(
        region,
        "staff",
        [HEAD, row(structure="Poste de santé de Toubacouta")],
        effective_on="2021-10-01",
    )
    assert run.rows.get().detail["problems"][0]["reason"] == (
        "La date d’effet (01/10/2021) n’est pas après le 01/10/2021 : les postes se "
        "chevaucheraient."
    )


def test_a_missing_start_takes_the_effective_date(tree: people.Tree, region: Actor) -> None:
    run = checked(region, "staff", [HEAD, row(debut="")])
    assert run.rows.get().detail["problems"][0]["reason"] == ("La date de prise de service manque.")
    run = checked(region, "staff", [HEAD, row(debut="")], effective_on="2022-01-01")
    merged(region, run)
    assert Post.objects.get().start == dt.date(2022, 1, 1)


@pytest.fixture
def known(tree: people.Tree) -> Agent:
    return people.agent(
        tree.centre_sokone, last_name="Diouf", first_names="Awa", phone="+221771234567"
    )


class TestPossibleDuplicates:
    def test_a_near_name_at_the_structure_waits_for_a_person(
        self, tree: people.Tree, region: Actor, known: Agent
    ) -> None:
        run = checked(region, "staff", [HEAD, row(matricule="", nom="Dioufe", tel="")])
        staged = run.rows.get()
        assert (staged.verdict, staged.action) == ("doubt", "")
        candidate = staged.detail["candidates"][0]
        assert candidate["id"] == known.pk
        assert candidate["why"] == ["même structure", "nom proche (95 %)", "même sexe"]
        assert candidate["label"] == "Awa DIOUF · Centre de santé de Sokone"
        merged(region, run)
        assert Agent.objects.count() == 1
        run.refresh_from_db()
        assert run.counts["undecided"] == 1

    def test_same_person(self, tree: people.Tree, region: Actor, known: Agent) -> None:
        run = checked(region, "staff", [HEAD, row(nom="Dioufe")])
        services.decide(actor=region, now=NOW, run=run, decisions={2: f"use:{known.pk}"})
        merged(region, run)
        known.refresh_from_db()
        assert (known.matricule, known.last_name) == ("612345A", "Dioufe")
        assert Agent.objects.count() == 1

    def test_another_person(self, tree: people.Tree, region: Actor, known: Agent) -> None:
        run = checked(region, "staff", [HEAD, row(nom="Dioufe")])
        services.decide(actor=region, now=NOW, run=run, decisions={2: f"use:{known.pk}"})
        services.decide(actor=region, now=NOW, run=run, decisions={2: "create"})
        merged(region, run)
        assert Agent.objects.count() == 2
        assert verdicts(checked(region, "staff", [HEAD, row(nom="Dioufe")])) == {2: "same"}

    def test_skip(self, tree: people.Tree, region: Actor, known: Agent) -> None:
        run = checked(region, "staff", [HEAD, row(nom="Dioufe")])
        services.decide(actor=region, now=NOW, run=run, decisions={2: "skip"})
        merged(region, run)
        assert Agent.objects.count() == 1
        run.refresh_from_db()
        assert (run.counts["skipped"], run.counts["undecided"]) == (1, 0)

    def test_all_at_once(self, tree: people.Tree, region: Actor, known: Agent) -> None:
        rows = [HEAD, row(nom="Dioufe"), row(matricule="B2", nom="Dioouf", tel="")]
        run = checked(region, "staff", rows)
        assert services.decide_all(actor=region, now=NOW, run=run, decision="create") == 2
        merged(region, run)
        assert Agent.objects.count() == 3

    def test_two_rows_decided_to_be_one_agent_write_the_first(
        self, tree: people.Tree, region: Actor, known: Agent
    ) -> None:
        rows = [HEAD, row(nom="Dioufe"), row(matricule="B2", nom="Dioouf", tel="")]
        run = checked(region, "staff", rows)
        use = f"use:{known.pk}"
        services.decide(actor=region, now=NOW, run=run, decisions={2: use, 3: use})
        merged(region, run)
        known.refresh_from_db()
        assert known.last_name == "Dioufe"
        assert dict(run.rows.values_list("number", "action")) == {2: "update", 3: "stale"}

    def test_another_sex_or_another_matricule_is_another_person(
        self, tree: people.Tree, region: Actor, known: Agent
    ) -> None:
        Agent.objects.filter(pk=known.pk).update(matricule="999")
        rows = [HEAD, row(sexe="M"), row(matricule="B2", tel="")]
        assert verdicts(checked(region, "staff", rows)) == {2: "new", 3: "new"}

    def test_same_name_and_phone_elsewhere_in_the_territory(
        self, tree: people.Tree, region: Actor, known: Agent
    ) -> None:
        rows = [HEAD, row(matricule="", structure="Poste de santé de Toubacouta")]
        staged = checked(region, "staff", rows).rows.get()
        assert staged.verdict == "doubt"
        assert staged.detail["candidates"][0]["why"] == [
            "autre structure",
            "même nom",
            "même sexe",
            "même téléphone",
        ]

    def test_decisions_survive_a_second_check_of_the_same_rows(
        self, tree: people.Tree, region: Actor, known: Agent
    ) -> None:
        run = checked(region, "staff", [HEAD, row(nom="Dioufe")])
        services.decide(actor=region, now=NOW, run=run, decisions={2: "create"})
        services.recheck(actor=region, now=NOW, run=run)
        pipeline.check(run.pk)
        assert list(run.rows.values_list("decision", "action")) == [("create", "create")]

    def test_a_decision_that_is_not_offered_is_not_taken(
        self, tree: people.Tree, region: Actor, known: Agent
    ) -> None:
        stranger = people.agent(tree.centre_guinguineo)
        run = checked(region, "staff", [HEAD, row(nom="Dioufe")])
        assert (
            services.decide(actor=region, now=NOW, run=run, decisions={2: f"use:{stranger.pk}"})
            == 0
        )


class TestInsideTheFile:
    def test_a_matricule_twice(self, tree: people.Tree, region: Actor) -> None:
        run = checked(region, "staff", [HEAD, row(), row(nom="Fall")])
        assert verdicts(run) == {2: "new", 3: "refused"}
        assert run.rows.get(number=3).detail["problems"] == [
            {
                "column": "Matricule",
                "value": "612345A",
                "reason": "Ce matricule est déjà à la ligne 2.",
                "remedy": "Gardez une seule ligne par agent.",
            }
        ]

    def test_a_person_registered_twice(self, tree: people.Tree, region: Actor) -> None:
        run = checked(region, "staff", [HEAD, row(matricule=""), row(matricule="")])
        assert run.rows.get(number=3).detail["problems"][0]["reason"] == (
            "Cette personne est déjà à la ligne 2."
        )

    def test_namesakes_with_two_phones_are_asked_about(
        self, tree: people.Tree, region: Actor
    ) -> None:
        rows = [HEAD, row(matricule=""), row(matricule="", tel="781112233")]
        run = checked(region, "staff", rows)
        assert verdicts(run) == {2: "new", 3: "doubt"}
        services.decide(actor=region, now=NOW, run=run, decisions={3: "create"})
        merged(region, run)
        assert Agent.objects.count() == 2
        assert verdicts(checked(region, "staff", rows)) == {2: "same", 3: "same"}


class TestTerritory:
    def test_a_structure_outside_is_refused(self, tree: people.Tree, region: Actor) -> None:
        run = checked(region, "staff", [HEAD, row(structure="Centre de santé de Guinguinéo")])
        assert run.rows.get().detail["problems"][0]["reason"] == (
            "La structure « Centre de santé de Guinguinéo » est hors de votre territoire."
        )

    def test_an_agent_posted_outside_is_refused_without_saying_where(
        self, tree: people.Tree, region: Actor
    ) -> None:
        people.agent(tree.centre_guinguineo, matricule="612345A")
        problem = checked(region, "staff", [HEAD, row()]).rows.get().detail["problems"][0]
        assert problem["reason"] == "Ce matricule est celui d’un agent hors de votre territoire."
        assert "Guinguinéo" not in str(problem)

    def test_a_namesake_outside_is_not_proposed(self, tree: people.Tree, region: Actor) -> None:
        people.agent(tree.centre_guinguineo, last_name="Diouf", phone="+221771234567")
        assert verdicts(checked(region, "staff", [HEAD, row()])) == {2: "new"}

    def test_the_run_of_another_region_is_not_seen(self, tree: people.Tree, region: Actor) -> None:
        from kalan.people.selectors.imports import runs_visible_to

        run = checked(region, "staff", [HEAD, row()])
        assert list(runs_visible_to(people.actor("admin", tree.country))) == [run]
        assert list(runs_visible_to(people.actor("region", tree.kaolack))) == []
        assert list(runs_visible_to(people.actor("structure", tree.centre_sokone))) == []


class TestNames:
    def test_a_misspelt_structure_is_proposed_and_never_taken(
        self, tree: people.Tree, region: Actor
    ) -> None:
        run = checked(region, "staff", [HEAD, row(structure="CENTRE DE SANTE SOKONNE")])
        assert verdicts(run) == {2: "refused"}
        question = run.questions[0]
        assert (question["value"], question["rows"]) == ("CENTRE DE SANTE SOKONNE", 1)
        assert question["candidates"][0]["id"] == tree.centre_sokone.pk

    def test_even_accents_alone_are_asked_about(self, tree: people.Tree, region: Actor) -> None:
        run = checked(region, "staff", [HEAD, row(structure="Centre de sante de Sokone")])
        assert run.questions[0]["candidates"][0]["score"] == 100

    def test_confirmed_once_it_is_remembered(self, tree: people.Tree, region: Actor) -> None:
        rows = [HEAD, row(structure="CS Sokonne")]
        run = checked(region, "staff", rows)
        services.answer_names(
            actor=region, now=NOW, run=run, answers={0: str(tree.centre_sokone.pk)}
        )
        pipeline.check(run.pk)
        assert verdicts(run) == {2: "new"}
        assert verdicts(checked(region, "staff", rows)) == {2: "new"}

    def test_none_of_them(self, tree: people.Tree, region: Actor) -> None:
        run = checked(region, "staff", [HEAD, row(structure="CS Sokonne")])
        services.answer_names(actor=region, now=NOW, run=run, answers={0: "none"})
        pipeline.check(run.pk)
        run.refresh_from_db()
        assert run.questions == []
        assert run.rows.get().detail["problems"][0]["reason"] == (
            "« CS Sokonne » n’est aucun des noms connus, avez-vous dit."
        )

    def test_one_name_in_two_districts_needs_the_district(
        self, tree: people.Tree, region: Actor
    ) -> None:
        foundiougne = people.node(tree.fatick, "district", "Foundiougne")
        twin = people.node(foundiougne, "structure", SOKONE)
        assert verdicts(checked(region, "staff", [HEAD, row()])) == {2: "refused"}
        rows = [[*HEAD, "District"], [*row(), "Foundiougne"]]
        merged(region, checked(region, "staff", rows))
        assert Post.objects.get().structure == twin


class TestApplyLooksAgain:
    def test_an_agent_changed_since_the_check_is_left_for_review(
        self, tree: people.Tree, region: Actor
    ) -> None:
        rows = [HEAD, row(), row(matricule="B2", nom="Fall")]
        merged(region, checked(region, "staff", rows))
        changed = [HEAD, row(tel="781112233"), row(matricule="B2", nom="Fall", tel="781112244")]
        run = checked(region, "staff", changed)
        Agent.objects.filter(matricule="612345A").update(first_names="Aïssatou")
        merged(region, run)
        assert dict(run.rows.values_list("number", "action")) == {2: "stale", 3: "update"}
        assert dict(Agent.objects.values_list("matricule", "phone")) == {
            "612345A": "+221771234567",
            "B2": "+221781112244",
        }
        run.refresh_from_db()
        assert run.counts["stale"] == 1

    def test_a_matricule_taken_since_the_check_is_left_for_review(
        self, tree: people.Tree, region: Actor
    ) -> None:
        run = checked(region, "staff", [HEAD, row()])
        people.agent(tree.centre_sokone, matricule="612345A")
        merged(region, run)
        assert run.rows.get().action == "stale"
        assert Agent.objects.count() == 1

    def test_a_person_entered_since_the_check_is_left_for_review(
        self, tree: people.Tree, region: Actor
    ) -> None:
        run = checked(region, "staff", [HEAD, row(matricule="")])
        people.agent(
            tree.centre_sokone,
            last_name="Diouf",
            first_names="Awa",
            created_at=run.checked_at + dt.timedelta(seconds=1),
        )
        merged(region, run)
        assert run.rows.get().action == "stale"

    def test_a_post_changed_since_the_check_is_left_for_review(
        self, tree: people.Tree, region: Actor
    ) -> None:
        merged(region, checked(region, "staff", [HEAD, row()]))
        moved = [HEAD, row(structure="Poste de santé de Toubacouta", debut="01/02/2023")]
        run = checked(region, "staff", moved)
        Post.objects.update(end=dt.date(2022, 12, 31))
        merged(region, run)
        assert run.rows.get().action == "stale"
        assert Post.objects.count() == 1

    def test_a_structure_moved_out_of_the_territory_is_left_for_review(
        self, tree: people.Tree, region: Actor
    ) -> None:
        run = checked(region, "staff", [HEAD, row()])
        OrgNode.objects.get(pk=tree.sokone.pk).move(
            OrgNode.objects.get(pk=tree.kaolack.pk), "last-child"
        )
        merged(region, run)
        assert run.rows.get().action == "stale"
        assert Agent.objects.count() == 0

    def test_merged_once_however_often_asked(self, tree: people.Tree, region: Actor) -> None:
        run = checked(region, "staff", [HEAD, row()])
        merged(region, run)
        pipeline.apply(run.pk)
        assert Agent.objects.count() == 1


def test_the_database_refusing_leaves_nothing(tree: people.Tree, region: Actor) -> None:
    """A row that breaks a constraint takes the whole merge with it."""
    run = checked(region, "staff", [HEAD, row(), row(matricule="B2", nom="Fall")])
    staged = run.rows.get(number=3)
    staged.plan["agent"]["sex"] = "X"
    staged.save()
    services.start_apply(actor=region, now=NOW, run=run)
    with pytest.raises(pipeline.Refused):
        pipeline.apply(run.pk)
    assert Agent.objects.count() == 0
    assert ImportRun.objects.get(pk=run.pk).state == "applying"
    pipeline.fail(run.pk, "erreur")
    services.recheck(actor=region, now=NOW, run=ImportRun.objects.get(pk=run.pk))
    pipeline.check(run.pk)
    merged(region, ImportRun.objects.get(pk=run.pk))
    assert Agent.objects.count() == 2


def test_names_keep_apostrophes_nko_and_formula_looking_text(
    tree: people.Tree, region: Actor
) -> None:
    rows = [
        HEAD,
        row(matricule="1", nom="N’Diaye"),
        row(matricule="2", nom="ߖߊߙߊ", prenoms="ߡߎߛߊ"),
        row(matricule="3", nom="=HYPERLINK(1)", prenoms="+Awa"),
    ]
    merged(region, checked(region, "staff", rows))
    assert list(
        Agent.objects.order_by("matricule").values_list("last_name", "first_names", "search")
    ) == [
        ("N’Diaye", "Awa", "n diaye awa"),
        ("ߖߊߙߊ", "ߡߎߛߊ", "ߖߊߙߊ ߡߎߛߊ"),
        ("=HYPERLINK(1)", "+Awa", "=hyperlink 1 +awa"),
    ]


def test_a_full_name_is_split_by_its_capitals_or_refused(tree: people.Tree, region: Actor) -> None:
    head = ["Prénoms et nom", "Structure", "Date de prise de service"]
    rows = [
        head,
        ["Awa Marie NDIAYE SOW", SOKONE, "2021-01-01"],
        ["Awa Diop", SOKONE, "2021-01-01"],
    ]
    run = checked(region, "staff", rows)
    assert verdicts(run) == {2: "new", 3: "refused"}
    merged(region, run)
    agent = Agent.objects.get()
    assert (agent.last_name, agent.first_names) == ("NDIAYE SOW", "Awa Marie")


def test_an_unknown_cadre_is_proposed(tree: people.Tree, region: Actor) -> None:
    people.cadre()
    rows = [[*HEAD, "Cadre"], [*row(), "INFIRMIER D'ETAT"], [*row(matricule="2"), "infirmer État"]]
    run = checked(region, "staff", rows)
    assert verdicts(run) == {2: "new", 3: "refused"}
    assert run.questions[0]["candidates"][0]["label"] == "infirmier d’État"


def test_the_check_reads_in_a_constant_number_of_queries(
    tree: people.Tree, region: Actor, django_assert_num_queries: Any
) -> None:
    def queries(rows: list[list[str]]) -> None:
        run = checked(region, "staff", [HEAD, *rows], check=False)
        kind = registry.get("staff")
        assert kind is not None
        checker = kind.checker(run)
        with django_assert_num_queries(4):
            checker.check(list(pipeline._parsed(run, kind)[1]))

    queries([row()])
    queries([row(matricule=str(n), nom=f"Fall{n}") for n in range(3)])


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    lines=st.lists(
        st.tuples(
            st.sampled_from(["", "A1", "A2", "A3"]),
            st.sampled_from(["Diouf", "Dioufe", "Fall", "N’Diaye"]),
            st.sampled_from(["Awa", "Moussa"]),
            st.sampled_from(["F", "M", "", "femme"]),
            st.sampled_from(["", "771234567", "+221 78 111 22 33"]),
            st.sampled_from([SOKONE, "Poste de santé de Toubacouta"]),
        ),
        max_size=8,
    )
)
def test_whatever_the_file_a_second_import_writes_nothing(
    tree: people.Tree, lines: list[tuple[str, ...]]
) -> None:
    actor = people.actor("region", tree.fatick)
    Post.objects.all().delete()
    Agent.objects.all().delete()
    rows = [HEAD, *([*line, "2021-01-01"] for line in lines)]
    first = checked(actor, "staff", rows)
    services.decide_all(actor=actor, now=NOW, run=first, decision="create")
    merged(actor, first)
    state = sorted(Agent.objects.values_list("matricule", "search", "sex", "phone"), key=str)
    second = checked(actor, "staff", rows)
    assert not second.rows.filter(verdict="new").exists()
    assert not second.rows.filter(verdict="changed").exists()
    services.decide_all(actor=actor, now=NOW, run=second, decision="skip")
    merged(actor, second)
    after = sorted(Agent.objects.values_list("matricule", "search", "sex", "phone"), key=str)
    assert after == state
    assert ImportRow.objects.filter(run=second, action="create").count() == 0
    assert csv_bytes(rows)
