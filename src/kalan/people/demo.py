"""The people of the demonstration: invented, seeded, built through the ordinary services.

Structures come from the pack's demonstration list. Every number of people below is a head count
to invent, not a figure: figures are counted from the records by ``indicators``.
"""

from __future__ import annotations

import csv
import datetime as dt
import random
from dataclasses import dataclass, field

from django.conf import settings

from kalan.people.actor import SYSTEM
from kalan.people.models import Account, Agent, Cadre, OrgNode, StructureType
from kalan.people.packs import load_demo_structures, load_pack
from kalan.people.services.accounts import create_account
from kalan.people.services.accounts_demo import DEMO_PASSWORD
from kalan.people.services.accounts_roles import grant_role
from kalan.people.services.registry_agents import AgentData, create_agent, update_agent
from kalan.people.services.registry_structures import create_structure

SEED = 20221114
SINCE = dt.date(2019, 1, 7)
LOADED = dt.datetime(2022, 10, 3, 8, 0, tzinfo=dt.UTC)  # when the registry was first filled

# Who works in a health centre: cadre code of the pack → weight, share of women.
CADRES = {
    "sfe": (24, 0.98),
    "ide": (26, 0.55),
    "inf-brev": (10, 0.55),
    "aide-soign": (14, 0.62),
    "med-gen": (7, 0.35),
    "tsl": (6, 0.45),
    "asc": (9, 0.60),
    "gestion": (4, 0.45),
}


@dataclass
class World:
    """What the other rooms' demonstrations build upon."""

    country: OrgNode
    regions: dict[str, OrgNode]
    structures: list[OrgNode]
    ministry: OrgNode
    trainers: list[Agent]
    accounts: dict[str, Account]
    names: Names
    cadres: dict[str, Cadre]
    random: random.Random = field(default_factory=lambda: random.Random(SEED))  # noqa: S311


class Names:
    """Invented full names, each used once, from the pack's lists of names."""

    def __init__(self, country: str, source: random.Random) -> None:
        self.random = source
        self.used: set[tuple[str, str]] = set()
        self.first: dict[str, list[str]] = {"F": [], "M": []}
        self.last: list[str] = []
        with (settings.PACKS_DIR / "names.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["country"] != country:
                    continue
                if row["kind"] == "first":
                    self.first[row["sex"]].append(row["value"])
                else:
                    self.last.append(row["value"])

    def draw(self, sex: str) -> tuple[str, str]:
        """Return (first names, last name), never the same pair twice."""
        for _ in range(1000):
            pair = (self.random.choice(self.first[sex]), self.random.choice(self.last))
            if pair not in self.used:
                self.used.add(pair)
                return pair
        raise RuntimeError("The lists of names are too short for so many people")


def build(*, now: dt.datetime) -> World:
    """Load the pack, the structures, the trainers and the demonstration accounts."""
    source = random.Random(SEED)  # noqa: S311 - invented data, not a secret
    load_pack("sn", actor=SYSTEM, now=LOADED)
    structures = load_demo_structures("sn", actor=SYSTEM, now=LOADED)
    country = OrgNode.objects.get(kind=OrgNode.Kind.COUNTRY, country="sn")
    regions = {
        code.value: code.node
        for node in OrgNode.objects.filter(kind=OrgNode.Kind.REGION, country="sn")
        .prefetch_related("codes")
        .order_by("path")
        for code in node.codes.all()
        if code.system == "iso3166-2"
    }
    ministry = create_structure(
        actor=SYSTEM,
        now=LOADED,
        parent=country,
        name="Ministère de la Santé et de l’Action sociale, cellule informatique",
        type=StructureType.objects.get(country="sn", code="direction"),
        sector="public",
        codes=[("kalan-demo", "sn-demo-msas")],
    )
    world = World(
        country=country,
        regions=regions,
        structures=structures,
        ministry=ministry,
        trainers=[],
        accounts={},
        names=Names("sn", source),
        cadres={row.code: row for row in Cadre.objects.filter(country="sn")},
        random=source,
    )
    world.trainers = [_trainer(world, number) for number in range(13)]
    return world


def _trainer(world: World, number: int) -> Agent:
    sex = "F" if number in {1, 4, 6, 9, 12} else "M"
    return add_agent(
        world, world.ministry, sex=sex, cadre="info-sante", matricule=f"{600101 + number}/T"
    )


def add_agent(
    world: World,
    structure: OrgNode,
    *,
    sex: str,
    cadre: str | None = None,
    matricule: str | None = None,
    name: tuple[str, str] | None = None,
    now: dt.datetime = LOADED,
    start: dt.date = SINCE,
) -> Agent:
    """Invent one agent of ``structure``; about one in four has no matricule."""
    draw = world.random
    first_names, last_name = name or world.names.draw(sex)
    code = cadre or _cadre_for(world, sex)
    community = code == "asc"
    number = len(world.names.used)
    if matricule is None and not community and draw.random() < 0.8:
        matricule = f"{610000 + number}/{draw.choice('ABCDEFGH')}"
    return create_agent(
        actor=SYSTEM,
        now=now,
        data=AgentData(
            last_name=last_name,
            first_names=first_names,
            sex=sex,
            matricule=matricule,
            birth_year=draw.randint(1963, 1999),
            # A range that no operator of Senegal allots to subscribers would be refused by the
            # phone check; these are random and belong to nobody in particular.
            phone=f"+22177{draw.randint(0, 9999999):07d}" if draw.random() < 0.9 else "",
            cadre=world.cadres.get(code),
            structure=structure,
            post_start=start,
            employer="none" if community else draw.choice(["state", "state", "local", "project"]),
            employment_status="community" if community else draw.choice(["civil", "contract"]),
            origin="démonstration",
        ),
    )


def add_doubles(world: World, agents: list[Agent]) -> None:
    """Enter each of ``agents`` once more, misspelt, as two lists from one structure do."""
    for agent in agents:
        post = agent.posts.select_related("structure").order_by("pk")[0]
        last = agent.last_name
        twin = add_agent(
            world,
            post.structure,
            sex=agent.sex,
            cadre="asc",
            name=(agent.first_names, last[:-1] + last[-1] * 2),
        )
        update_agent(
            actor=SYSTEM, now=LOADED, agent=twin, birth_year=agent.birth_year, phone=agent.phone
        )


def _cadre_for(world: World, sex: str) -> str:
    codes = [code for code in CADRES if code in world.cadres]
    weights = []
    for code in codes:
        weight, women = CADRES[code]
        weights.append(weight * (women if sex == "F" else 1 - women))
    return world.random.choices(codes, weights)[0]


def add_accounts(world: World, *, learner: Agent, manager_of: OrgNode, region: OrgNode) -> None:
    """The demonstration accounts, each with its role and territory."""
    roles: dict[str, tuple[str, str | None, OrgNode, Agent | None]] = {
        "agent": (learner.full_name, None, world.country, learner),
        "formateur": (
            world.trainers[0].full_name,
            "trainer",
            world.country,
            world.trainers[0],
        ),
        "structure": ("Responsable de structure (démo)", "structure", manager_of, None),
        "region": ("Responsable régional (démo)", "region", region, None),
        "programme": ("Responsable de programme (démo)", "programme", world.country, None),
        "signataire": ("Signataire (démo)", "signatory", world.country, None),
        "auteur": ("Auteur (démo)", "author", world.country, None),
        "admin": ("Administrateur (démo)", "admin", world.country, None),
    }
    for key, (display, role, node, agent) in roles.items():
        account = create_account(
            actor=SYSTEM,
            now=LOADED,
            display_name=display,
            email=f"{key}@demo.kalan",
            agent=agent,
            password=DEMO_PASSWORD,
            is_demo=True,
        )
        if role is not None:
            grant_role(
                actor=SYSTEM,
                now=LOADED,
                account=account,
                role=role,
                node=node,
                start=LOADED.date(),
                reason="démonstration",
            )
        world.accounts[key] = account
