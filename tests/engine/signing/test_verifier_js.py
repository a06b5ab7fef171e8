"""The page's reader says of every credential what Python says of it."""

from __future__ import annotations

import json
import random
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kalan.engine.signing import cbor, code, cose, published, revocation
from tests.factories import credential_qr as made

SCRIPT = Path(cose.__file__).parents[2] / "credentials" / "static" / "credentials" / "verifier.js"
FUZZED = 600


@dataclass(frozen=True)
class Key:
    """As published: what cles.json says of a trusted key."""

    trusted: cose.TrustedKey

    @property
    def public(self) -> published.Public:
        return self.trusted.public

    def __getattr__(self, name: str) -> Any:
        return getattr(self.trusted, name)


KEY_SET = published.jwks([Key(key) for key in made.KEYS.values()])


def _in_node(
    cases: list[made.Case] = [],  # noqa: B006
    lists: list[dict[str, Any]] = [],  # noqa: B006
    links: list[str] = [],  # noqa: B006
) -> dict[str, Any]:
    asked = {
        "script": str(SCRIPT),
        "keys": KEY_SET,
        "lists": lists,
        "links": links,
        "cases": [
            {"text": case.text, "now": made.NOW.isoformat(), "code": case.code} for case in cases
        ],
    }
    done = subprocess.run(
        ["node", Path(__file__).with_name("verifier_check.mjs")],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _in_python(case: made.Case) -> dict[str, Any]:
    try:
        claims: cose.Claims | None = cose.open_(case.text, made.KEYS, made.NOW, code=case.code)
        says = "ok"
    except cose.CredentialError as error:
        says, claims = error.code, error.claims
    return {"says": says, "claims": claims and _as_json(claims)}


def _as_json(claims: cose.Claims) -> dict[str, Any]:
    return {
        "code": claims.code,
        "kind": claims.kind,
        "mode": claims.mode,
        "issuer": claims.issuer,
        "title": claims.title,
        "name": claims.name,
        "issued": claims.issued.isoformat(),
        "expires": claims.expires and claims.expires.isoformat(),
        "levels": [list(level) for level in claims.levels],
    }


def test_both_readers_say_the_same_of_every_case() -> None:
    cases = made.cases()
    answers = _in_node(cases)["answers"]
    assert [(case.name, answer["says"]) for case, answer in zip(cases, answers, strict=True)] == [
        (case.name, case.says) for case in cases
    ]
    assert answers == [_in_python(case) for case in cases]


def test_both_readers_say_the_same_of_what_chance_makes() -> None:
    """Payloads, headers and envelopes with a few bytes changed, then honestly signed."""
    chance = random.Random(20261122)
    body, header = cbor.encode(made.payload()), cbor.encode(made.HEADER)
    cases = []
    for number in range(FUZZED):
        match number % 4:
            case 0 | 1:
                data = made.signed(_shaken(body, chance))
            case 2:
                data = made.signed(body, header=_shaken(header, chance))
            case _:
                data = _shaken(made.signed(body), chance)
        cases.append(made.Case(str(number), cose.to_text(data), "?"))
    answers = _in_node(cases)["answers"]
    expected = [_in_python(case) for case in cases]
    assert [a for a, e in zip(answers, expected, strict=True) if a != e] == []
    # The shaking reaches all sorts of refusals, and some credentials that still hold.
    assert len({answer["says"] for answer in expected}) >= 9


def _shaken(data: bytes, chance: random.Random) -> bytes:
    shaken = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(shaken))
        match chance.randrange(4):
            case 0:
                shaken[at] = chance.randrange(256)
            case 1:
                shaken[at] ^= 1 << chance.randrange(8)
            case 2:
                del shaken[at]
            case _:
                shaken.insert(at, chance.choice((0, 0x18, 0x61, 0x80, 0xA0, 0xFF)))
    return bytes(shaken)


def test_the_revocation_list_is_read_only_when_it_is_ours() -> None:
    codes = [made.GOOD.code, "0" * 24]
    issuer = "https://kalan.sante.gouv.sn"

    def listed(key: Any = made.KEY) -> dict[str, str]:
        return revocation.revocation_list(codes, key, issuer=issuer, now=made.NOW)

    good, empty = listed(), revocation.revocation_list([], made.KEY, issuer=issuer, now=made.NOW)
    asked = [code.to_bytes(one).hex() for one in (*codes, "1" * 24)]
    lists = [
        {"jws": good, "codes": asked},
        {"jws": empty, "codes": asked},
        {"jws": {**good, "payload": empty["payload"]}, "codes": asked},
        {"jws": listed(made.OTHER), "codes": asked},
        {"jws": listed(made.STOLEN), "codes": asked},
    ]
    at = int(made.NOW.timestamp())
    assert _in_node(lists=lists)["revoked"] == [
        {"at": at, "found": [True, True, False]},
        {"at": at, "found": [False, False, False]},
        "altered",
        "unknown_key",
        "unknown_key",
    ]


def test_a_pasted_link_is_taken_apart() -> None:
    base, credential = "https://kalan.sante.gouv.sn/verifier/", "K1.ABC"
    links = {
        f"{base}{made.GOOD.code}/#{credential}": (made.GOOD.code, credential),
        f"  {base}{made.GOOD.code.lower()}/?lang=en#{credential}\n": (made.GOOD.code, credential),
        f"{base}xyz/#{credential}": ("xyz", credential),
        f"https://example.org/#{credential}": (None, credential),
        credential: (None, credential),
        base + made.GOOD.code + "/": (None, base + made.GOOD.code + "/"),
    }
    assert _in_node(links=list(links))["split"] == [
        {"code": found, "credential": rest} for found, rest in links.values()
    ]


def test_both_readers_use_the_same_words() -> None:
    of_signing, of_the_page = {"too_long", "not_sayable"}, {"no_keys", "not_secure"}
    said = {word: text for word, text in cose.MESSAGES.items() if word not in of_signing}
    found = _in_node()["messages"]
    assert {word: text for word, text in found.items() if word not in of_the_page} == said
    assert of_the_page < found.keys()
