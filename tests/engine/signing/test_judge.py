"""What ``judge`` says of honest files: each level, several signatures, dates, trust, revocation."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding

from kalan.engine.signing import keys, pades
from kalan.engine.signing.verify.judge import judge
from kalan.engine.signing.verify.own import judge_own
from kalan.engine.signing.verify.verdict import Reason, Verdict
from tests.support.pki import NOW, YEAR, authority, revocation_list, rsa_key, signer, stamper
from tests.support.signed import archive, document, sign, stamping


def judged(pdf: bytes, at: datetime = NOW, crls: tuple[bytes, ...] = ()) -> Verdict:
    return judge(pdf, trust=[authority().der], at=at, crls=crls)


def levels(verdict: Verdict) -> list[tuple[str, str | None, str]]:
    return [(one.kind, one.level, one.revocation) for one in verdict.signatures]


@pytest.fixture(scope="module")
def plain() -> bytes:
    return sign(document(), signer())


@pytest.fixture(scope="module")
def stamped() -> bytes:
    return sign(document(), signer(), stamp=stamping(stamper()))


@pytest.fixture(scope="module")
def archived() -> bytes:
    """B-LTA, whose time-stamping certificate lives longer than the signer's."""
    stamp = stamping(stamper("Horodateur durable", end=NOW + 4 * YEAR))
    lists = [revocation_list(authority(), {})]
    return sign(document(), signer(), stamp=stamp, long_term=(authority(), lists), archive=True)


def test_a_b_b_signature_is_valid_and_its_date_is_only_claimed(plain: bytes) -> None:
    verdict = judged(plain)
    one = verdict.signatures[0]
    assert (verdict.reason, verdict.valid) == (Reason.OK, True)
    assert (verdict.signer, one.proved) == ("Directeur de la planification", False)
    assert levels(verdict) == [("signature", "B-B", "not_checked")]


def test_an_rsa_signature_is_valid() -> None:
    party = signer("Signataire RSA", key=rsa_key("Signataire RSA"))
    assert judged(sign(document(), party)).reason is Reason.OK


def test_an_ed25519_signature_is_valid_though_it_is_not_a_shape_of_ours() -> None:
    party = signer("Ed", key=ed25519.Ed25519PrivateKey.generate())
    pdf = sign(document(), party, md_algorithm="sha512")
    assert judged(pdf).reason is Reason.OK
    assert judge_own(pdf, trust=[authority().der], at=NOW).reason is Reason.MALFORMED


def test_a_chain_of_three_is_valid() -> None:
    party = signer("Chef de service", by="Autorité de la direction", under="Autorité du ministère")
    assert judged(sign(document(), party)).reason is Reason.OK


def test_each_level_is_recognised(stamped: bytes, archived: bytes) -> None:
    lists = [revocation_list(authority(), {})]
    long_term = sign(
        document(), signer(), stamp=stamping(stamper()), long_term=(authority(), lists)
    )
    found = [judged(pdf) for pdf in (stamped, long_term, archived)]
    assert [verdict.reason for verdict in found] == [Reason.OK] * 3
    assert levels(found[0]) == [("signature", "B-T", "not_checked")]
    assert levels(found[1]) == [("signature", "B-LT", "good")]
    assert levels(found[2]) == [("signature", "B-LTA", "good"), ("timestamp", None, "good")]
    assert {verdict.signed_at for verdict in found} == {NOW}


def test_a_second_signature_is_valid_and_may_be_archived(plain: bytes) -> None:
    second = signer("Ministre")
    assert judged(sign(plain, second, field="Ministre")).reason is Reason.OK
    stamp, lists = stamping(stamper()), [revocation_list(authority(), {})]
    kept = sign(plain, second, field="Ministre", stamp=stamp, long_term=(authority(), lists),
                archive=True)  # fmt: skip
    verdict = judged(kept)
    assert verdict.reason is Reason.OK
    assert [one.signer for one in verdict.signatures] == [
        "Directeur de la planification", "Ministre", "Horodateur",
    ]  # fmt: skip


def test_an_act_by_our_own_signer_is_valid_and_may_be_raised() -> None:
    """Kalan's signer certifies (no change allowed); validation data and a time-stamp still may
    follow, and nothing else."""
    party = signer()
    chain = [one.public_bytes(Encoding.DER) for one in (party.certificate, *party.above)]
    identity = keys.identity(keys.SoftwareKey(party.key), chain)
    pdf = pades.Signer(identity, reason="Délivrance").sign(document(), at=NOW)
    verdict = judged(pdf)
    own = judge_own(pdf, trust=[authority().der], at=NOW)
    assert (verdict.reason, own.reason) == (Reason.OK, Reason.OK)
    assert (verdict.signer, verdict.signed_at) == (own.signer, own.signed_at)
    assert own.signed_at == NOW
    kept = archive(pdf, stamping(stamper()), authority(), [revocation_list(authority(), {})])
    # The validation data follow the stamp, which covers none: no archive yet.
    assert levels(judged(kept)) == [("signature", "B-LT", "good"), ("timestamp", None, "good")]
    assert judged(kept).reason is Reason.OK
    assert judge_own(kept, trust=[authority().der], at=NOW).reason is Reason.MODIFIED


def test_an_expired_certificate_needs_a_proof_of_the_date(
    plain: bytes, stamped: bytes, archived: bytes
) -> None:
    later = NOW + 2 * YEAR
    assert judged(plain, later).reason is Reason.EXPIRED
    assert judged(stamped, later).reason is Reason.EXPIRED  # the stamp's own has expired too
    assert judged(archived, later).reason is Reason.OK
    assert judged(archived, NOW + 5 * YEAR).reason is Reason.EXPIRED


def test_a_certificate_not_valid_yet_is_not_trusted(plain: bytes) -> None:
    assert judged(plain, NOW - 2 * YEAR).reason is Reason.UNTRUSTED


def test_nobody_is_trusted_by_default(plain: bytes) -> None:
    assert judge(plain, trust=[], at=NOW).reason is Reason.UNTRUSTED
    other = authority("Autre autorité")
    assert judge(plain, trust=[other.der], at=NOW).reason is Reason.UNTRUSTED
    both = [other.pem + authority().pem]
    assert judge(plain, trust=both, at=NOW).reason is Reason.OK
    assert judge_own(plain, trust=both, at=NOW).reason is Reason.OK


def test_a_revoked_certificate_counts_from_its_date(plain: bytes, stamped: bytes) -> None:
    listing = (revocation_list(authority(), {signer(): NOW + timedelta(days=5)}),)
    assert judged(plain, NOW, listing).reason is Reason.OK
    assert judged(plain, NOW + timedelta(days=9), listing).reason is Reason.REVOKED
    assert judged(stamped, NOW + timedelta(days=9), listing).reason is Reason.OK  # proved before


def test_an_old_list_still_revokes_but_says_nothing_good(plain: bytes) -> None:
    made = NOW - timedelta(days=200)
    named = revocation_list(authority(), {signer(): made}, made=made)
    silent = revocation_list(authority(), {}, made=made)
    assert judged(plain, NOW, (named,)).reason is Reason.REVOKED
    assert levels(judged(plain, NOW, (silent,))) == [("signature", "B-B", "not_checked")]
    current = revocation_list(authority(), {})
    assert levels(judged(plain, NOW, (current,))) == [("signature", "B-B", "good")]


def test_a_list_of_somebody_else_revokes_nobody(plain: bytes) -> None:
    listing = revocation_list(authority("Autre autorité"), {signer(): NOW - YEAR})
    assert judged(plain, NOW, (listing,)).reason is Reason.OK
