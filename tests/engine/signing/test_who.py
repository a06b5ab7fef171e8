"""Signatures that are right but not good: who signed, with what, in which form."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO

import pikepdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kalan.engine.signing.verify.judge import judge
from kalan.engine.signing.verify.own import judge_own
from tests.support import cms as c
from tests.support import forgeries as f
from tests.support.pki import (
    NOW,
    YEAR,
    Party,
    authority,
    issue,
    revocation_list,
    rsa_key,
    signer,
    stamper,
)
from tests.support.signed import document, sign, stamping

UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
MALFORMED, UNTRUSTED, ALTERED = "malformed", "untrusted", "altered"
MODIFIED = "modified_after_signing"


def said(pdf: bytes, crls: tuple[bytes, ...] = ()) -> tuple[str, str]:
    trust = [authority().der]
    return (
        judge(pdf, trust=trust, at=NOW, crls=crls).reason.value,
        judge_own(pdf, trust=trust, at=NOW, crls=crls).reason.value,
    )


def chain_without_its_root() -> Party:
    """Of another authority, whose root is not in the file: nobody vouches for what is."""
    party = signer("Étranger", by="Autre direction", under="Autre autorité")
    return Party(party.certificate, party.key, party.above[:1])


def self_signed() -> Party:
    return issue("Directeur de la planification", None)


def same_name() -> Party:
    """An authority that only bears the name of ours, and a signer under it."""
    false = issue("Autorité du ministère", None, ca=True, key=rsa_key("false"))
    return issue("Directeur de la planification", false)


def under_a_signer() -> Party:
    return issue("Faux", signer("Directeur de la planification"))


def of_an_expired_authority() -> Party:
    old = issue("Ancienne direction", authority(), ca=True, start=NOW - 3 * YEAR, end=NOW - YEAR)
    return issue("Retardataire", old)


def under_a_limited_authority() -> Party:
    """Names in France only, said in an extension that is not marked critical."""
    france = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "FR")])
    only = x509.NameConstraints([x509.DirectoryName(france)], None)
    return issue("Ailleurs", issue("Limitée", authority(), ca=True, more=((only, False),)))


def under_a_bare_authority() -> Party:
    """An authority above a second one, though the first allows none."""
    first = issue("Première", authority(), ca=True, length=0)
    return issue("Troisième", issue("Seconde", first, ca=True))


WHO: dict[str, tuple[Callable[[], Party], str]] = {
    "another authority": (lambda: signer(by="Autre autorité"), UNTRUSTED),
    "another authority, root apart": (chain_without_its_root, UNTRUSTED),
    "an authority of the same name": (same_name, UNTRUSTED),
    "nobody (self-signed)": (self_signed, UNTRUSTED),
    "a signer who plays the authority": (under_a_signer, UNTRUSTED),
    "expired": (lambda: signer("Parti", end=NOW - timedelta(days=1)), "expired"),
    "not valid yet": (lambda: signer("Futur", start=NOW + timedelta(days=1)), UNTRUSTED),
    "an expired authority": (of_an_expired_authority, "expired"),
    "key for encryption": (lambda: signer("Chiffre", usage="key_encipherment"), UNTRUSTED),
    "for web servers": (
        lambda: signer("Serveur", purposes=(ExtendedKeyUsageOID.SERVER_AUTH,)),
        UNTRUSTED,
    ),
    "for time-stamps": (
        lambda: signer("Horloge", purposes=(ExtendedKeyUsageOID.TIME_STAMPING,)),
        UNTRUSTED,
    ),
    "the authority itself": (lambda: authority(), UNTRUSTED),
    "an authority limited to other names": (under_a_limited_authority, UNTRUSTED),
    "one authority too many": (under_a_bare_authority, UNTRUSTED),
    "something critical that nobody knows": (
        lambda: signer("Inconnu", more=((UNKNOWN, True),)),
        UNTRUSTED,
    ),
    "a short curve": (
        lambda: signer("Courbe", key=ec.generate_private_key(ec.SECP192R1())),
        UNTRUSTED,
    ),
    "a short key": (lambda: signer("Court", key=rsa_key("Court", 1024)), UNTRUSTED),
}


@pytest.mark.parametrize("name", WHO)
def test_who_signed_is_not_who_may(name: str) -> None:
    party, reason = WHO[name]
    assert said(c.signed_by(party())) == (reason, reason)


def test_a_certificate_that_says_nothing_of_its_use_may_sign() -> None:
    assert said(c.signed_by(signer("Sans usage", usage=""))) == ("ok", "ok")


def test_a_signer_may_be_trusted_without_authority() -> None:
    alone = self_signed()
    pdf = c.signed_by(alone)
    assert judge(pdf, trust=[alone.der], at=NOW).reason.value == "ok"
    assert judge_own(pdf, trust=[alone.der], at=NOW).reason.value == "ok"


def test_a_revoked_signer_and_a_revoked_authority() -> None:
    party = signer("Chef de service", by="Autorité de la direction", under="Autorité du ministère")
    pdf, middle = sign(document(), party), authority("Autorité de la direction",
                                                     "Autorité du ministère")  # fmt: skip
    assert said(pdf) == ("ok", "ok")
    one = revocation_list(middle, {party: NOW - timedelta(days=1)})
    above = revocation_list(authority(), {middle: NOW - timedelta(days=1)})
    forged = revocation_list(same_name(), {middle: NOW - timedelta(days=1)})
    assert said(pdf, (one,)) == ("revoked", "revoked")
    assert said(pdf, (above,)) == ("revoked", "revoked")
    assert said(pdf, (forged,)) == ("ok", "ok")


FORMS: dict[str, tuple[c.Form, str]] = {
    "as it should be": (c.Form(), "ok"),
    "SHA-1": (c.Form(digest="sha1"), MALFORMED),
    "MD5": (c.Form(digest="md5"), MALFORMED),
    "signed with SHA-1": (c.Form(signed_with="sha1"), MALFORMED),
    "no signed attributes": (c.Form(attributes=False), MALFORMED),
    "no signing-certificate": (c.Form(named=None), MALFORMED),
    "signing-certificate of another": (c.Form(named="another"), MALFORMED),
    "signing-certificate by SHA-1": (c.Form(named="sha1"), MALFORMED),
    "content of another type": (c.Form(content="signed_data"), MALFORMED),
    "an attribute twice": (c.Form(twice=True), MALFORMED),
    "two signers": (c.Form(signers=2), MALFORMED),
    "no signer": (c.Form(signers=0), MALFORMED),
    "no certificate": (c.Form(certificates=False), MALFORMED),
    "a stranger's certificate": (c.Form(stranger=True), MALFORMED),
    "another signer's number": (c.Form(serial=7), MALFORMED),
    "another version": (c.Form(version="v5"), MALFORMED),
    "content inside": (c.Form(inside=True), MALFORMED),
    "digest of nothing": (c.Form(of=b""), ALTERED),
    "signature of something else": (c.Form(signature=bytes(64)), ALTERED),
}


@pytest.mark.parametrize("name", FORMS)
def test_the_form_of_the_signature(name: str) -> None:
    form, reason = FORMS[name]
    assert said(c.resigned(sign(document(), signer()), signer(), form)) == (reason, reason)


def test_what_fills_the_hole_is_nothing_but_zeros() -> None:
    pdf = sign(document(), signer())
    p = f.parts(pdf)
    cms = c.unpadded(bytes.fromhex(pdf[p.start + 1 : p.end - 1].decode()))

    def holding(text: bytes) -> bytes:
        return f.contents_in_place(pdf, b"<" + text.ljust(p.end - p.start - 2, b"0") + b">")

    assert said(holding(cms.hex().encode())) == ("ok", "ok")
    assert said(holding(cms.hex().encode() + b"00ff")) == (MALFORMED, MALFORMED)
    assert said(holding(cms.hex().upper().encode() + b"0a")) == (MALFORMED, MALFORMED)
    mixed = cms.hex().encode()[:-40] + cms.hex().upper().encode()[-40:]
    assert said(holding(mixed)) == (MALFORMED, MALFORMED)
    assert said(holding(b" " + cms.hex().encode())) == (MALFORMED, MALFORMED)


def test_an_older_kind_of_signature_is_not_pades() -> None:
    from pyhanko.sign.fields import SigSeedSubFilter

    pdf = sign(document(), signer(), subfilter=SigSeedSubFilter.ADOBE_PKCS7_DETACHED)
    assert said(pdf) == (MALFORMED, MALFORMED)
    assert said(f.text_changed(pdf)) == (MODIFIED, MODIFIED)


def test_a_time_stamp_of_another_signature_alters_the_file() -> None:
    one = sign(document(), signer(), stamp=stamping(stamper()))
    two = sign(document("Fatou Sow"), signer(), stamp=stamping(stamper()))
    assert said(one)[0] == "ok"
    assert said(c.with_token_of(one, two))[0] == ALTERED


@pytest.mark.parametrize("name", ["Autorité inconnue"])
def test_a_time_stamp_that_nobody_answers_for_proves_nothing(name: str) -> None:
    pdf = sign(document(), signer(), stamp=stamping(stamper("Horloge", by=name)))
    verdict = judge(pdf, trust=[authority().der], at=NOW)
    assert (verdict.reason.value, verdict.signatures[0].level) == ("ok", "B-B")
    assert verdict.signatures[0].proved is False
    later = judge(pdf, trust=[authority().der], at=NOW + 2 * YEAR)
    assert later.reason.value == "expired"


def test_a_second_signature_must_be_good_too() -> None:
    pdf = sign(document(), signer())
    for other, reason in (
        (self_signed(), UNTRUSTED),
        (signer("Parti", end=NOW - timedelta(days=1)), "expired"),
    ):
        assert said(sign(pdf, other, field="B")) == (reason, MODIFIED)


# --- files of other people's programs: honest ones stay valid -----------------------------------


def saved(**options: object) -> bytes:
    out = BytesIO()
    with pikepdf.open(BytesIO(document())) as pdf:
        pdf.save(out, **options)
    return out.getvalue()


def test_object_streams_and_linearised_files_are_judged_too() -> None:
    packed = sign(saved(object_stream_mode=pikepdf.ObjectStreamMode.generate), signer())
    assert said(packed) == ("ok", MALFORMED)  # not a shape of ours
    assert said(sign(packed, signer("Ministre"), field="B"))[0] == "ok"
    assert said(packed + b"\n")[0] == MODIFIED
    fast = sign(saved(linearize=True), signer())
    assert said(fast)[0] == "ok"


def test_a_place_kept_for_a_second_signature_may_be_filled_where_all_see_it() -> None:
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.fields import SigFieldSpec, append_signature_field

    writer = IncrementalPdfFileWriter(BytesIO(document()))
    append_signature_field(writer, SigFieldSpec("Ministre", box=(10, 10, 110, 60)))
    out = BytesIO()
    writer.write(out)
    once = sign(out.getvalue(), signer())
    assert said(once)[0] == "ok"
    assert said(sign(once, signer("Ministre"), field="Ministre"))[0] == "ok"


def test_a_certified_document_takes_no_second_signature() -> None:
    from pyhanko.sign.fields import MDPPerm
    from pyhanko.sign.general import SigningError

    certified = sign(document(), signer(), certify=True, docmdp_permissions=MDPPerm.NO_CHANGES)
    assert said(certified) == ("ok", "ok")
    assert said(f.store_added(certified))[0] == "ok"
    with pytest.raises(SigningError):
        sign(certified, signer("Ministre"), field="B")


def test_a_visible_signature_added_later_could_hide_what_was_signed() -> None:
    """Sneaky signature attack [RMM21 §4.2]."""
    pdf = sign(document(), signer())
    assert said(sign(pdf, signer("Ministre"), field="B", box=(0, 0, 300, 200))) == (
        MODIFIED,
        MODIFIED,
    )


def test_the_digest_is_of_the_whole_file() -> None:
    pdf = sign(document(), signer())
    p = f.parts(pdf)
    assert c.digest_in(pdf) == hashlib.sha256(pdf[: p.start] + pdf[p.end :]).digest()
    assert authority().certificate.public_bytes(Encoding.DER) == authority().der
