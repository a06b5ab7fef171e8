"""The integer protocol: Python one by one, Python in step and JavaScript give the same bytes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from kalan.engine.psychometrics import protocol
from kalan.engine.psychometrics.data import GRADED, Bank
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.protocol.batch import Batch, simulate
from kalan.engine.psychometrics.protocol.package import Package, package
from kalan.engine.psychometrics.protocol.sitting import Generator, Sitting, replay, seed_of

TWIN = Path(protocol.__file__).parent / "crosscheck.mjs"
SITTINGS = 25_000  # of each of four packages: 10⁵ in all


def bank(kind: str, number: int = 120) -> Bank:
    rng = np.random.default_rng(12)
    a, b = np.exp(rng.normal(0.2, 0.3, number)), rng.normal(0, 1.2, number)
    area = [f"d{n % 5}" for n in range(number)]
    if kind == "GRM":
        return Bank.polytomous(GRADED, a, np.sort(rng.normal(0, 1, (number, 3)), axis=1), area=area)
    return Bank.logistic(a, b, rng.uniform(0.1, 0.25, number) if kind == "3PL" else 0.0, area=area)


def tables(kind: str) -> Package:
    quotas = {f"d{n}": (2, 4) for n in range(5)}
    if kind == "free":
        return package(bank("2PL"), shortest=10, longest=10, points=61)
    if kind == "stop":
        return package(bank("3PL"), shortest=5, longest=15, sd_target=0.45, points=61)
    if kind == "GRM":
        return package(bank("GRM"), shortest=10, longest=10, quotas=quotas, points=61)
    # Half of the items held back: the row runs out and the fallback is used.
    return package(
        bank("3PL"), shortest=10, longest=12, quotas=quotas, points=61, eligible=np.full(120, 0.15)
    )


KINDS = ("free", "stop", "GRM", "held")


def of_node(made: Package, folder: Path, sittings: int) -> bytes:
    (folder / "package.json").write_text(made.to_json(), encoding="utf-8")
    out = folder / "out.bin"
    subprocess.run(
        ["node", TWIN, folder / "package.json", out, str(sittings), "77"], check=True, timeout=200
    )
    return out.read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_python_and_javascript_write_the_same_bytes(kind: str, tmp_path: Path) -> None:
    made = tables(kind)
    parts = [simulate(made, 5000, seed=77, first=n) for n in range(0, SITTINGS, 5000)]
    ours = b"".join(part.bytes() for part in parts)
    assert len(ours) == SITTINGS * 4 * (3 + 2 * made.longest)
    assert of_node(made, tmp_path, SITTINGS) == ours


@pytest.mark.parametrize("kind", KINDS)
def test_one_by_one_is_in_step(kind: str) -> None:
    made = tables(kind)
    many = simulate(made, 60, seed=5)
    for number in range(60):
        sitting = walk(made, many, number, seed=5 + number)
        assert sitting.next_item() is None
        assert (sitting.estimate, sitting.sd) == (many.estimate[number], many.sd[number])
        again = replay(made, 5 + number, sitting.given, made.version)
        assert (again.outcome, again.estimate) == ("identical", sitting.estimate)


def walk(made: Package, many: Batch, number: int, seed: int) -> Sitting:
    sitting = Sitting(made, seed)
    length = int((many.path[number] >= 0).sum())
    for item, category in zip(many.path[number], many.answers[number], strict=True):
        if len(sitting.given) < length:
            assert sitting.next_item() == item
            sitting.answer(int(item), int(category))
    return sitting


def test_quotas_hold_and_no_item_comes_twice() -> None:
    for kind in ("GRM", "held"):
        made = tables(kind)
        path = simulate(made, 3000).path
        assert (path >= 0).all()
        assert all(len(set(row)) == len(row) for row in path.tolist())
        counts = np.stack([(made.area[path] == area).sum(axis=1) for area in range(5)])
        assert counts.min() >= 2
        assert counts.max() <= 4


def test_whole_numbers_cost_next_to_nothing_in_precision() -> None:
    made = package(bank("2PL"), shortest=25, longest=25)
    many = simulate(made, 4000)
    error = (many.estimate - 1000 * many.true) / 1000 * made.step
    claimed = np.sqrt(((many.sd / 1000 * made.step) ** 2).mean())
    assert abs(error.std() / claimed - 1) < 0.05
    assert abs(error.mean()) < 0.02


def test_a_log_that_was_touched_differs_where_it_was() -> None:
    made = tables("free")
    many = simulate(made, 1, seed=3)
    given = walk(made, many, 0, seed=3).given
    flipped = [*given]
    flipped[4] = (given[4][0], 1 - given[4][1])
    found = replay(made, 3, flipped)
    assert found.outcome == "differs"
    assert found.place is not None
    assert found.place > 4
    other = [(item + 1, category) for item, category in given[:1]] + given[1:]
    assert replay(made, 3, other).place == 0
    assert replay(made, 3, given, version="autre").outcome == "unknown"


def test_a_package_comes_back_from_its_text() -> None:
    made = tables("stop")
    assert Package.from_json(made.to_json()).version == made.version
    assert tables("free").version != made.version
    with pytest.raises(DataError, match="kalan-protocol-1"):
        Package.from_json('{"format": "autre"}')


def test_the_generator_is_marsaglias() -> None:
    random = Generator(2463534242)
    assert [random.next() for _ in range(3)] == [723471715, 2497366906, 2064144800]
    assert seed_of("") == 0x811C9DC5
    assert seed_of("foobar") == 0xBF9CF968  # FNV-1a test vector


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"shortest": 10, "longest": 200}, "la banque en a 120"),
        ({"shortest": 5, "longest": 8, "quotas": {"d0": (3, 30), "z": (1, 2)}}, "« z »"),
        ({"shortest": 5, "longest": 8, "quotas": {"d0": (30, 30)}}, "« d0 » : 30 à 30"),
        ({"shortest": 5, "longest": 8, "quotas": {"d0": (6, 8)}}, "au moins 6"),
    ],
)
def test_rules_that_the_bank_cannot_carry(options: dict[str, object], said: str) -> None:
    with pytest.raises(DataError, match=said):
        package(bank("2PL"), **options)  # type: ignore[arg-type]


def test_an_answer_given_twice_is_an_error() -> None:
    sitting = Sitting(tables("free"), 1)
    item = sitting.next_item()
    assert item is not None
    sitting.answer(item, 1)
    with pytest.raises(ValueError, match="answered before"):
        sitting.answer(item, 0)
