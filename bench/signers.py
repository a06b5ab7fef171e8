"""A programme with many people trained, its batch of attestations, and the click; for benchmarks.

Each step is a process on a KALAN_HOME of its own: ``python -m bench.signers STEP …`` prints JSON.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import random
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[1]
LIMIT = 1800  # seconds
PASSPHRASE = "une phrase de huit mots pour la mesure seulement"


def child(home: Path, *words: str, **more: str) -> dict[str, Any]:
    """Run a step in a process of its own and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.signers", *words],
        env=environment(home, **more),
        stdout=subprocess.PIPE,
        text=True,
        timeout=LIMIT,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KALAN_")}
    return {
        **kept,
        "KALAN_HOME": str(home),
        "KALAN_LOG_LEVEL": "WARNING",
        "DJANGO_SETTINGS_MODULE": "kalan.config.settings",
        "PYTHONPATH": os.pathsep.join([str(TOP / "src"), str(TOP)]),
        **more,
    }


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def make(algorithm: str) -> dict[str, Any]:
    """An empty house with a country, a key, an office and who holds it."""
    from django.core.management import call_command
    from tests.factories.people import node, second_factor

    from kalan.credentials.documents.packs import models
    from kalan.credentials.models import ActTemplate, Office, OfficeHolder, TemplateVersion
    from kalan.credentials.services import keys
    from kalan.people.actor import SYSTEM
    from kalan.people.models import Account, OrgNode, RoleGrant

    call_command("migrate", verbosity=0)
    born = now() - dt.timedelta(days=1)
    country = OrgNode.objects.filter(kind="country").first() or node(None, "country", "Sénégal")
    key = keys.create(
        actor=SYSTEM, now=born, name="Ministère de la Santé", passphrase=PASSPHRASE,
        algorithm=algorithm, country="SN",
    )[0]  # fmt: skip
    template = ActTemplate.objects.create(
        node=country, country="sn", code="formation", kind="training", name="Attestation",
        created_at=born,
    )  # fmt: skip
    from django.conf import settings

    model = models(settings.PACKS_DIR, "sn")["training"]
    TemplateVersion.objects.create(
        template=template, number=1, current=True, file=model.file, title=model.title,
        wording=model.wording, made_at=born,
    )  # fmt: skip
    office = Office.objects.create(
        node=country, title="La Directrice de la formation", body="Direction de la formation",
        place="Dakar", key=key, created_at=born,
    )  # fmt: skip
    account = Account.objects.create_user(
        password=None, email="signataire@exemple.sn", display_name="Signataire", created_at=born
    )
    RoleGrant.objects.create(
        account=account, role="signatory", node=country, start=born.date(), granted_at=born
    )
    second_factor(account)
    OfficeHolder.objects.create(
        office=office, account=account, name="Dr Awa NDIAYE", created_at=born,
        title="Directrice de la formation", start=born.date(),
    )  # fmt: skip
    return {}


def train(people: int) -> dict[str, Any]:
    """A closed session with ``people`` agents, present at its four half-days."""
    from kalan.base import packs
    from kalan.base.text import fold
    from kalan.people.models import Agent, OrgNode
    from kalan.training.models import HalfDay, Presence, Programme, Registration, Session, Theme

    drawn = random.Random(7)
    first = [row["value"] for row in packs.names() if row["kind"] == "first"]
    last = [row["value"] for row in packs.names() if row["kind"] == "last"]
    country = OrgNode.objects.get()
    day = dt.date(2026, 3, 9)
    before = Session.objects.count()
    programme = Programme.objects.create(
        code=f"p{before}", name="Compétences numériques en santé", node=country, start=day, end=day
    )
    theme = Theme.objects.get_or_create(code="t", defaults={"name": "Outils numériques"})[0]
    session = Session.objects.create(
        code=f"S{before}", title="Outils numériques de base", programme=programme, theme=theme,
        node=country, place="Centre de formation", state="validated", start=day, end=day,
        closed_at=now(), validated_at=now(), created_at=now(),
    )  # fmt: skip
    halves = [
        HalfDay.objects.create(session=session, date=day + dt.timedelta(days=n), part=part)
        for n, part in itertools.product(range(2), ("am", "pm"))
    ]
    rows = []
    for number in range(people):
        names = {"last_name": drawn.choice(last), "first_names": f"{drawn.choice(first)} {number}"}
        search = fold(f"{names['last_name']} {names['first_names']}")
        rows.append(Agent(country="sn", search=search, sex="F", created_at=now(), **names))
    agents = Agent.objects.bulk_create(rows, batch_size=500)
    registrations = Registration.objects.bulk_create(
        [Registration(session=session, agent=one, created_at=now()) for one in agents],
        batch_size=500,
    )
    Presence.objects.bulk_create(
        [Presence(registration=one, half_day=half) for one in registrations for half in halves],
        batch_size=1000,
    )
    return {"session": str(session.uid)}


def prepare(session: str) -> dict[str, Any]:
    """From records to an approved batch: what was measured is the preparing alone."""
    from kalan.credentials.models import Batch, Office, TemplateVersion
    from kalan.credentials.services import preparing
    from kalan.people.actor import SYSTEM
    from kalan.training.models import Session

    ref = Session.objects.get(uid=session)
    version = TemplateVersion.objects.select_related("template").get()
    office = Office.objects.select_related("node").get()
    wall, cpu = time.perf_counter(), time.process_time()
    batch = preparing.prepare(
        actor=SYSTEM, version=version, office=office, source="session", ref=ref, now=now()
    )
    took = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    Batch.objects.filter(pk=batch.pk).update(state="approved", checked_at=now(), approved_at=now())
    return {**took, "batch": str(batch.uid)}


def click(batch: str) -> dict[str, Any]:
    """Order the batch as its signatory would; the job waits."""
    from kalan.credentials.models import Batch, OfficeHolder
    from kalan.credentials.services import ordering
    from kalan.credentials.services.second_factor import Factor
    from kalan.people.selectors.core import actor_for

    at = now()
    account = OfficeHolder.objects.select_related("account").get().account
    rows = list(Batch.objects.select_related("office__node", "office__key").filter(uid=batch))
    run = ordering.order(
        actor=actor_for(account, today=at.date()),
        batches=rows,
        factor=Factor(account.pk, "totp", at),
        now=at,
    )
    return {"run": str(run.uid), "job": str(run.job.uid) if run.job else ""}


def sign(batch: str) -> dict[str, Any]:
    """The click and all that follows, in this process and its children, as in the worker."""
    import uuid

    from kalan.base import jobs
    from kalan.base.models import Job
    from kalan.credentials.models import Act, Batch

    watch = Watch()
    wall, cpu = time.perf_counter(), time.process_time()
    given = click(batch)
    ordered = time.perf_counter() - wall
    jobs.execute(uuid.UUID(given["job"]))
    took = time.perf_counter() - wall
    own = time.process_time() - cpu - watch.cost
    watch.over.set()
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    state = Batch.objects.values_list("state", flat=True).get(uid=batch)
    return {
        "wall": took,
        "order": ordered,
        "cpu": own + others.ru_utime + others.ru_stime,
        "parent_cpu": own,
        "pss_parent": watch.parent,
        "pss_child": watch.child,
        "state": state,
        "plated": Job.objects.values_list("result", flat=True).get(uid=given["job"])["plated"],
        "signed": Act.objects.filter(batch__uid=batch, state="signed").count(),
    }


class Watch:
    """The largest PSS of this process and of a child, in MB, looked at ten times a second."""

    def __init__(self) -> None:
        self.parent = self.child = 0.0
        self.cost = 0.0  # CPU seconds of the looking itself, which is no part of the work
        self.over = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        me = os.getpid()
        while not self.over.wait(0.1):
            self.parent = max(self.parent, pss(me))
            for pid in children_of(me):
                self.child = max(self.child, pss(pid))
            self.cost = time.thread_time()


def pss(pid: int) -> float:
    """Proportional set size of a process in MB; 0 when it has gone."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    line = next((one for one in text.splitlines() if one.startswith("Pss:")), "Pss: 0 kB")
    return int(line.split()[1]) / 1024


def children_of(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def judge(batch: str, most: str = "") -> dict[str, Any]:
    """Every signed act before two judges that know nothing of Kalan: pyHanko and pdfsig."""
    import tempfile

    from kalan.credentials.models import Act
    from kalan.credentials.selectors import keys
    from kalan.credentials.services.reading import act_bytes

    rows = Act.objects.filter(batch__uid=batch, state="signed").select_related("pack__file")
    rows = rows.order_by("rank")[: int(most) if most else None]
    found = {"judged": 0, "pyhanko": 0, "pdfsig": 0}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "act.pdf"
        for act in rows.iterator(chunk_size=100):
            pdf = act_bytes(act)
            path.write_bytes(pdf)
            found["judged"] += 1
            found["pyhanko"] += _pyhanko(pdf, keys.trusted())
            found["pdfsig"] += _pdfsig(path)
    return found


def _pyhanko(pdf: bytes, roots: list[bytes]) -> bool:
    import io

    from asn1crypto import x509
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    context = ValidationContext(trust_roots=[x509.Certificate.load(der) for der in roots])
    signatures = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    if len(signatures) != 1:
        return False
    status = validate_pdf_signature(signatures[0], context)
    return bool(status.bottom_line and status.coverage == SignatureCoverageLevel.ENTIRE_FILE)


def _pdfsig(path: Path) -> bool:
    done = subprocess.run(
        ["pdfsig", "-nocert", str(path)], capture_output=True, text=True, check=False
    )
    said = done.stdout
    return said.count("Signature is Valid.") == 1 and said.count("Total document signed") == 1


def naive(batch: str, number: str) -> dict[str, Any]:
    """The loop that a documentation shows: a compiler, a PKCS#12 file and a pyHanko signer made
    anew for each document."""
    import io

    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.serialization import pkcs12
    from cryptography.x509 import load_der_x509_certificate
    from django.conf import settings
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import signers

    from kalan.credentials.documents.compose import document
    from kalan.credentials.documents.render import Renderer
    from kalan.credentials.models import Act
    from kalan.credentials.selectors import keys
    from kalan.credentials.services.printing import spec_of

    rows = list(
        Act.objects.filter(batch__uid=batch)
        .select_related("batch__run__holder__office", "batch__version__template", "batch__office")
        .order_by("rank")[: int(number)]
    )
    run = rows[0].batch.run
    assert run is not None
    assert run.key is not None
    identity = keys.open_identity(run.key)
    p12 = pkcs12.serialize_key_and_certificates(
        b"k",
        identity.key.private,  # type: ignore[attr-defined]
        load_der_x509_certificate(identity.certificate),
        [load_der_x509_certificate(one) for one in identity.chain],
        serialization.BestAvailableEncryption(PASSPHRASE.encode()),
    )
    spec = spec_of(rows[0].batch, run)
    folder = Path(settings.KALAN_HOME) / "naive"
    folder.mkdir()
    (folder / "key.p12").write_bytes(p12)
    wall, cpu = time.perf_counter(), time.process_time()
    for act in rows:
        envelope: Any = {
            **spec.envelope, "number": act.number, "code": act.code, "valid_until": None,
            "address": f"{settings.KALAN_BASE_URL}/verifier/{act.code}/",
        }  # fmt: skip
        record: Any = act.data
        renderer = Renderer(settings.PACKS_DIR / spec.version.file, spec.assets)
        pdf = renderer.pdf(document(record, envelope, spec.version))
        signer = signers.SimpleSigner.load_pkcs12(  # type: ignore[no-untyped-call]
            str(folder / "key.p12"), passphrase=PASSPHRASE.encode()
        )
        made = signers.sign_pdf(
            IncrementalPdfFileWriter(io.BytesIO(pdf)),
            signers.PdfSignatureMetadata(field_name="Signature1"),
            signer=signer,
        )
        with (folder / f"{act.number}.pdf").open("wb") as file:
            file.write(made.getbuffer())
            os.fsync(file.fileno())
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "n": len(rows)}


def world(algorithm: str, people: str) -> dict[str, Any]:
    """All of it up to the click, in one process; the job waits for a worker."""
    make(algorithm)
    batch = prepare(train(int(people))["session"])["batch"]
    return {"batch": batch, **click(batch)}


def retry(run: str) -> dict[str, Any]:
    """What the signatory does when a run has stopped."""
    from kalan.credentials.models import SigningRun
    from kalan.credentials.services import signing
    from kalan.people.selectors.core import actor_for

    row = SigningRun.objects.select_related("account").get(uid=run)
    at = now()
    signing.retry(actor=actor_for(row.account, today=at.date()), run=row, now=at)
    return {}


def verdict(batch: str, sample: str) -> dict[str, Any]:
    """What must hold after any number of kills."""
    from kalan.credentials.models import Act, Batch, RegisterEntry
    from kalan.credentials.services import orphans, register

    acts = Act.objects.filter(batch__uid=batch)
    left = orphans.sweep(now=now() + dt.timedelta(days=2))
    return {
        "state": Batch.objects.values_list("state", flat=True).get(uid=batch),
        "acts": acts.count(),
        "signed": acts.filter(state="signed").count(),
        "numbers": acts.values("number").distinct().count(),
        "codes": acts.values("code").distinct().count(),
        "files": acts.values("sha256").distinct().count(),
        "places": acts.values("pack", "start").distinct().count(),
        "entries": RegisterEntry.objects.filter(kind="signed").count(),
        "problems": register.verify().problems,
        "orphans": left,
        **judge(batch, sample),
    }


STEPS = {
    "world": world, "retry": retry, "verdict": verdict,
    "make": make, "train": lambda people: train(int(people)), "prepare": prepare,
    "click": click, "sign": sign, "judge": judge, "naive": naive,
}  # fmt: skip

if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(STEPS[sys.argv[1]](*sys.argv[2:])))  # type: ignore[operator]
