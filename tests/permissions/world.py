"""Every object that an address can name, twice: here (in scope) and there (out of scope)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from kalan.assessment.models import CalibrationRun, Candidate, CutPanel, Exam, Sitting, Test
from kalan.assessment.services import panels, sittings
from kalan.base.models import ImportRun, Job, Message
from kalan.campaigns.models import Campaign, OutsideResult, Participant
from kalan.credentials.models import Act, ActTemplate, Batch, Office, OfficeHolder, RegisterEntry
from kalan.credentials.services.sharing import link_key
from kalan.indicators.models import DeclaredFigure, FrozenFigures
from kalan.people.actor import SYSTEM
from kalan.people.models import (
    Account,
    ActivationSlip,
    Agent,
    DataRequest,
    DuplicatePair,
    Merge,
    OrgNode,
    OrgNodeCode,
    Post,
    ProcessingActivity,
    RoleGrant,
)
from kalan.people.vault import fingerprint
from kalan.skills.models import Framework, Item, ItemBank
from kalan.training.models import (
    AnonymousCount,
    CostLine,
    Programme,
    Registration,
    Resource,
    Session,
    SessionTrainer,
    Theme,
)
from tests.factories import (
    acts,
    assessment,
    attendance,
    calibration,
    campaigns,
    credentials,
    exams,
    indicators,
    learning,
    people,
    skills,
    training,
)
from tests.factories.imports import checked
from tests.permissions.patterns import ROLES, Row

# Stands in the names of everything out of scope; no list may show it.
ELSEWHERE = "Horsportée"


@dataclass
class Place:
    """One territory with one of everything."""

    region: OrgNode
    structure: OrgNode
    agent: Agent
    account: Account
    programme: Programme
    session: Session
    registration: Registration
    cost: CostLine
    anonymous: AnonymousCount
    message: Message  # about the session; not sent
    grant: RoleGrant  # withdrawn: it gives nothing
    twin: Agent  # looks like ``agent``
    other_structure: OrgNode  # a second one of the same territory
    pair: DuplicatePair
    merge: Merge
    data_request: DataRequest
    activity: ProcessingActivity
    bank: ItemBank
    test: Test
    calibration: CalibrationRun  # of the test's bank, to be looked at
    draft_test: Test
    fixed_test: Test  # two forms, with the simulator's verdict
    sitting: Sitting  # a question is on screen; who holds its address may answer
    item: Item  # in service, with a picture
    framework: Framework
    other_framework: Framework
    import_run: ImportRun  # checked: nothing of it is written yet
    campaign: Campaign  # open, held by the region, with ``agent`` on its list
    exam: Exam  # its room is open, at ``structure``
    act: Act  # signed, about ``agent``, in a batch of the region
    act_template: ActTemplate
    office: Office  # of the region; held by the signatory of the world
    draft_batch: Batch  # of the structure: one act to be, one set aside
    checked_batch: Batch
    approved: Batch
    template_number: int = 1
    import_kind: str = "staff"
    import_tab: str = "refused"
    slip_code: str = "ABCDEFGH23"
    act_list: int = 1
    act_badge: str = "jwt"
    # Parts of addresses that name nothing: the answer is the same for everyone.
    provider: str = "aucun"
    token: str = "perime"
    kind: str = "agents"
    indicator: str = "agents_formes"
    passkey: int = 0
    campaign_rank: int = 1
    moment: str = "fin"
    test_form: str = "A"
    test_moment: str = "avant"
    test_act: str = "ouvrir"
    wording_code: str = "convocation"
    wording_channel: str = "sms"

    @property
    def signed_batch(self) -> Batch:
        return self.act.batch

    @property
    def signing_run(self) -> object:
        return self.act.batch.run

    @property
    def draft_act(self) -> Act:
        return self.draft_batch.acts.get(state="draft")

    @property
    def excluded_act(self) -> Act:
        return self.draft_batch.acts.get(state="excluded")

    @property
    def holder(self) -> OfficeHolder:
        return self.office.holders.get(reference="")

    @property
    def bundle(self) -> Job:
        """Asked for by the account of the region."""
        return Job.objects.get(kind="acts.bundle", arguments__batch=str(self.signed_batch.uid))

    @property
    def act_code(self) -> str:
        return str(self.act.code)

    @property
    def act_key(self) -> str:
        return link_key(self.act)

    @property
    def act_version(self) -> object:
        return self.act.batch.version

    @property
    def candidate(self) -> Candidate:
        """Enrolled, not there yet."""
        return self.exam.candidates.get(account=self.account)

    @property
    def own_candidate(self) -> Candidate:
        """Answering; here it is the account without a role."""
        return self.exam.candidates.get(sitting__isnull=False)

    @property
    def certification(self) -> Test:
        return self.exam.test

    @property
    def panel(self) -> CutPanel:
        return self.exam.test.panels.get()

    @property
    def picture(self) -> str:
        return str(self.item.media.get().uid)

    @property
    def domain(self) -> str:
        return str(self.framework.nodes.get(kind="domain", code="d1").uid)

    @property
    def calibrated_bank(self) -> ItemBank:
        return self.calibration.bank

    @property
    def scan(self) -> str:
        """A page of the session's signed sheet."""
        return str(self.session.sheets.get().file.uid)

    @property
    def theme(self) -> Theme:
        return self.session.theme

    @property
    def handout(self) -> Resource:
        return self.theme.resources.get()

    @property
    def handout_file(self) -> str:
        file = self.handout.file
        assert file is not None
        return str(file.uid)

    @property
    def link(self) -> str:
        return self.session.link_code

    @property
    def freeze(self) -> FrozenFigures:
        return FrozenFigures.objects.get(programme=self.programme)

    @property
    def declared(self) -> DeclaredFigure:
        return DeclaredFigure.objects.get(node=self.region)

    @property
    def campaign_code(self) -> str:
        return self.campaign.code

    @property
    def participant(self) -> Participant:
        return self.campaign.participants.get(agent=self.agent)

    @property
    def post(self) -> Post:
        """The agent's main post, at ``structure``."""
        return self.agent.posts.get()


@dataclass
class World:
    here: Place
    there: Place
    accounts: dict[str, Account]


def _place(region: OrgNode, structure: OrgNode, surname: str) -> Place:
    agent = people.agent(structure, last_name=surname)
    programme = training.programme(region, name=f"Programme {surname}")
    session = training.session(structure, programme=programme, title=f"Session {surname}")
    account = people.account(display_name=f"Awa {surname}", agent=agent)
    twin = people.agent(structure, last_name=surname, first_names="Awa Marie")
    OrgNodeCode.objects.create(node=structure, system="msas", value=surname)
    _framework("sante")
    bank = skills.bank(region, name=f"Banque {surname}")
    test = assessment.published(region, title=f"Test {surname}")
    indicators.kept(programme, region, surname)
    attendance.paper(session)
    learning.pair(session)
    papers = _papers(region, structure, session, surname)
    return Place(
        cost=CostLine.objects.create(session=session, category="room", label=surname, planned=1000),
        anonymous=AnonymousCount.objects.create(
            session=session, label=f"relais de {surname}", unknown=20
        ),
        message=Message.objects.create(
            channel="email",
            template="convocation",
            recipient="awa@exemple.sn",
            body=f"Bonjour Awa {surname}",
            state="failed",
            subject_ref=f"training.session:{session.uid}",
            subject_id=session.pk,
            created_at=people.NOW,
        ),
        region=region,
        structure=structure,
        agent=agent,
        account=account,
        programme=programme,
        session=session,
        registration=training.registration(session, agent),
        grant=RoleGrant.objects.create(
            account=account,
            role="trainer",
            node=structure,
            start=people.LONG_AGO,
            granted_at=people.NOW,
            revoked_at=people.NOW,
        ),
        twin=twin,
        other_structure=people.node(
            structure.get_parent(), "structure", f"Case de santé {surname}", type=structure.type
        ),
        pair=DuplicatePair.objects.create(
            kind="agent", first_id=agent.pk, second_id=twin.pk, node=region, score=90
        ),
        merge=Merge.objects.create(
            kind="agent",
            kept_id=agent.pk,
            absorbed_id=people.agent(structure, last_name=f"{surname} absorbée").pk,
            reason="Même personne",
            moved={},
            merged_at=people.NOW,
        ),
        data_request=DataRequest.objects.create(
            kind="access", agent=agent, opened_at=people.NOW, due_on=people.NOW.date()
        ),
        activity=ProcessingActivity.objects.get_or_create(country="sn", code="registre")[0],
        import_run=_import_run(region, structure, surname),
        bank=bank,
        test=test,
        calibration=calibration.ready(test.bank, surname),
        draft_test=assessment.draft(region, bank=test.bank, title=f"Brouillon {surname}"),
        fixed_test=assessment.published(
            region, "fixed", bank=test.bank, title=f"Formes {surname}", persons=40
        ),
        sitting=_sitting(test),
        item=skills.with_picture(skills.item(bank, code=f"Q-{surname}")),
        campaign=_campaign(region, agent, surname),
        exam=_exam(region, structure, account, surname),
        act=acts.act(region, agent, structure=structure),
        **papers,
        framework=_framework("sante"),
        other_framework=_framework("digcomp"),
    )


def _papers(region: OrgNode, structure: OrgNode, session: Session, surname: str) -> dict[str, Any]:
    """A template, an office, and batches of the structure at each step before signature."""
    version = credentials.version(region)
    ActTemplate.objects.filter(pk=version.template_id).update(name=f"Modèle {surname}")
    office = credentials.office(region, title=f"Le Directeur {surname}", key=acts.key())
    made = [
        credentials.batch(
            structure,
            acts=2,
            version=version,
            office=office,
            session=session,
            title=f"Lot {surname}",
        )
        for _ in range(3)
    ]
    made[0].acts.filter(rank=2).update(state="excluded", problem="Personne partie")
    return {
        "act_template": version.template,
        "office": office,
        "draft_batch": made[0],
        "checked_batch": credentials.checked(made[1]),
        "approved": credentials.approved(made[2]),
    }


def _sitting(test: Test) -> Sitting:
    made = sittings.start(actor=SYSTEM, test=test, now=people.NOW, context="session", by_link=True)
    return sittings.begin(sitting=made, now=people.NOW)


def _framework(code: str) -> Framework:
    """One for both territories: it belongs to none."""
    return Framework.objects.filter(code=code).first() or skills.framework(code)


def _campaign(region: OrgNode, agent: Agent, surname: str) -> Campaign:
    """Open until long after these tests, with one finished result that is shared."""
    made = campaigns.campaign(
        region, name=f"Campagne {surname}", closes_on=dt.date(2120, 1, 1), message="Pour vous."
    )
    campaigns.result(campaigns.participant(made, agent), shared=True)
    OutsideResult.objects.create(
        agent=agent,
        source="Pix Orga",
        campaign=f"Parcours {surname}",
        date=people.NOW.date(),
        mastery=62,
        levels={"Sécuriser": "3"},
        imported_at=people.NOW,
    )
    return made


def _exam(region: OrgNode, structure: OrgNode, account: Account, surname: str) -> Exam:
    """A room that is open; a panel that has judged."""
    test = exams.certification(region, title=f"Certification {surname}")
    panel = panels.create(
        actor=SYSTEM, test=test, name=f"Panel {surname}", judges=["Awa", "Binta", "Coumba"],
        count=6, now=people.NOW,
    )  # fmt: skip
    cells = {(judge, item): 0.6 for judge in (1, 2, 3) for item in (1, 2, 3, 4, 5, 6)}
    panels.rate(actor=SYSTEM, panel=panel, ratings=cells, now=people.NOW)
    made = exams.exam(structure, test=test, title=f"Examen {surname}")
    exams.candidate(made, structure, account=account)
    return made


def _import_run(region: OrgNode, structure: OrgNode, surname: str) -> ImportRun:
    head = ["Matricule", "Nom", "Prénoms", "Structure", "Prise de service"]
    rows = [
        [f"N-{surname}", surname, "Nouvelle", structure.name, "01/10/2021"],
        ["", surname, "Sans date", structure.name, ""],
        ["", surname, "Inconnue", f"{structure.name} bis", "01/10/2021"],
    ]
    return checked(people.actor("region", region), "staff", [head, *rows])


def build() -> World:
    """The tree of the factories; roles are held in Fatick, out of scope is Kaolack."""
    tree = people.tree()
    there_structure = tree.centre_guinguineo
    OrgNode.objects.filter(pk=there_structure.pk).update(name=f"Centre {ELSEWHERE}")
    there_structure.refresh_from_db()
    world = World(
        here=_place(tree.fatick, tree.centre_sokone, "Ndiaye"),
        there=_place(tree.kaolack, there_structure, ELSEWHERE),
        accounts={},
    )
    ActivationSlip.objects.create(
        account=world.here.account,
        code_hash=fingerprint("slip", world.here.slip_code),
        created_at=people.NOW,
        expires_at=people.NOW + dt.timedelta(days=36500),
    )
    for role in ROLES:
        world.accounts[role] = _account(role, tree, world.here)
    for place, account in (
        (world.here, world.accounts["agent"]),
        (world.there, people.account(display_name=f"Candidate {ELSEWHERE}")),
    ):
        exams.begun(exams.candidate(place.exam, place.structure, account=account))
    Sitting.objects.filter(context="exam").update(deadline=None)  # these tests come years later
    for seq, place in enumerate((world.here, world.there), start=1):
        credentials.holder(place.office, world.accounts["signatory"])
        _handed_out(world, place, seq)
    # No work waits: /sante/ would say since when.
    Job.objects.update(state=Job.State.DONE)
    return world


def _handed_out(world: World, place: Place, seq: int) -> None:
    """The signed batch stands in the register, and the region has asked for its files."""
    batch = place.signed_batch
    RegisterEntry.objects.create(
        seq=seq, kind="signed", at=people.NOW, batch=batch, body={}, previous=f"{seq - 1:064x}",
        hash=f"{seq:064x}",
    )  # fmt: skip
    Job.objects.create(
        kind="acts.bundle",
        label="Archive de 300 actes",
        task="",
        arguments={"batch": str(batch.uid), "form": "zip", "structure": ""},
        result_file=place.act.pack.file if place.act.pack else None,
        created_by=world.accounts["region"],
        created_at=people.NOW,
        enqueued_at=people.NOW,
    )


def _account(role: str, tree: people.Tree, here: Place) -> Account:
    own = people.agent(tree.centre_sokone, last_name=f"Compte {role}")
    if role == "agent":
        return people.account(agent=own, display_name=role)
    local, national = role in ("structure", "trainer"), role == "national"
    node = tree.centre_sokone if local else tree.country if national else tree.fatick
    account = people.account(
        "admin" if national else role,
        node,
        agent=own,
        display_name=role,
        email=f"{role}@exemple.sn",
    )
    if role == "trainer":
        SessionTrainer.objects.create(session=here.session, agent=own, hours=12)
    return account


def grants(world: World) -> dict[str, str]:
    """Who → path of the node of their role, to check that the world says what it should."""
    rows = RoleGrant.objects.filter(account__in=world.accounts.values(), revoked_at__isnull=True)
    rows = rows.select_related("node", "account").order_by("pk")
    return {row.account.display_name: row.node.path for row in rows}


def query(row: Row, place: Place) -> str:
    """The row's query string with the place's objects in it."""
    return row.query.format(**vars(place))


def address_arguments(row: Row, parts: list[str], place: Place) -> dict[str, Any]:
    """The keyword arguments of ``reverse`` for the object of ``row`` in ``place``."""
    if row.of is None:
        return {}
    names = row.of if isinstance(row.of, dict) else dict.fromkeys(parts, row.of)
    values = {}
    for part, name in names.items():
        value: Any = getattr(place, name)
        if not isinstance(value, str | int):
            value = getattr(value, part if hasattr(value, part) else "uid")
        values[part] = value
    return values
