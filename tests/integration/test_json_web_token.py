"""Tokens of a login service: who is let in, and every way of not being it."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ingest.adapters.auth.jwt import (
    MAX_AGE_SECONDS,
    REFRESH_SECONDS,
    STALE_SECONDS,
    KeySet,
    SharedSecret,
    TokenVerifier,
    VerifyingKeys,
)
from ingest.adapters.postgres.admin.key_store import KeyStore
from ingest.domain.errors import ProviderUnavailable, Unauthenticated
from ingest.domain.identity import tenant_id_of
from ingest.domain.scopes import Caller, Scope
from ingest.settings import Auth
from tests.integration.gateway import a_settings, running

ACME = str(tenant_id_of("acme"))
SECRET = "a secret of more than thirty-two bytes"  # noqa: S105 of this test alone
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC_PEM = RSA_KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def claims(**changes: Any) -> dict[str, Any]:
    now = time.time()
    made = {"tenant": "acme", "scope": "read", "aud": "ingest", "iss": "login", "exp": now + 60}
    return {name: value for name, value in (made | changes).items() if value is not None}


def key_set(**keys: rsa.RSAPrivateKey) -> str:
    described = [
        jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": kid}
        for kid, key in keys.items()
    ]
    ec_jwk = jwt.algorithms.ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True)
    secret = {"kty": "oct", "kid": "shared", "k": "c2VjcmV0" * 8, "alg": "HS256"}
    return json.dumps({"keys": [*described, ec_jwk | {"kid": "curve"}, secret]})


def a_verifier(keys: VerifyingKeys, **changes: Any) -> TokenVerifier:
    wanted: dict[str, Any] = {
        "audience": "ingest",
        "issuer": "login",
        "tenant_claim": "tenant",
        "longest_life": timedelta(hours=1),
        "leeway": timedelta(seconds=5),
    }
    return TokenVerifier(keys, **wanted | changes)


def signed(
    changes: dict[str, Any] | None = None, *, kid: str | None = "first", typ: object = "JWT"
) -> str:
    headers = {"typ": typ} | ({"kid": kid} if kid else {})
    return jwt.encode(claims(**changes or {}), RSA_KEY, algorithm="RS256", headers=headers)


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    file = tmp_path / "jwks.json"
    file.write_text(key_set(first=RSA_KEY))
    return file


@pytest.fixture
def public(jwks: Path) -> TokenVerifier:
    return a_verifier(KeySet(str(jwks)))


@pytest.fixture
def shared_secret() -> TokenVerifier:
    return a_verifier(SharedSecret(SECRET))


async def test_a_token_of_each_kind_names_its_caller(
    public: TokenVerifier, shared_secret: TokenVerifier
) -> None:
    curve = jwt.encode(
        claims(tenant="bcme", scope="write admin webhook openid"),
        EC_KEY,
        algorithm="ES256",
        headers={"kid": "curve"},
    )

    acme = Caller(tenant_id_of("acme"), frozenset({Scope.READ}), "acme")
    assert await public.caller(signed()) == acme
    assert await shared_secret.caller(jwt.encode(claims(), SECRET, algorithm="HS256")) == acme
    both = frozenset({Scope.WRITE, Scope.ADMIN})
    assert await public.caller(curve) == Caller(tenant_id_of("bcme"), both, "bcme")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"exp": None}, "a claim is missing"),
        ({"exp": time.time() - 3600}, "it has expired"),
        ({"nbf": time.time() + 3600}, "it is not valid yet"),
        ({"aud": None}, "a claim is missing"),
        ({"aud": "another"}, "it is for another audience"),
        ({"iss": None}, "a claim is missing"),
        ({"iss": "another"}, "it is from another issuer"),
        ({"tenant": None}, "names no tenant"),
        ({"tenant": ""}, "names no tenant"),
        ({"tenant": ["acme"]}, "names no tenant"),
        ({"tenant": "a\0b"}, "names no tenant"),
        ({"tenant": "\ud800"}, "names no tenant"),
        ({"tenant": ACME}, "a UUID in 'tenant', which holds names"),
        ({"tenant": ACME.upper()}, "a UUID in 'tenant', which holds names"),
        ({"tenant": f"urn:uuid:{ACME}"}, "a UUID in 'tenant', which holds names"),
        ({"tenant": f"{{{ACME}}}"}, "a UUID in 'tenant', which holds names"),
        ({"tenant": ACME.replace("-", "")}, "a UUID in 'tenant', which holds names"),
        ({"exp": time.time() + 86_400}, "it lives for too long"),
        ({"exp": time.time() + 86_400, "iat": time.time() - 7200}, "it lives for too long"),
        ({"exp": str(int(time.time()) + 86_400)}, "it lives for too long"),
        ({"exp": time.time() + 95 * 365 * 86_400}, "it lives for too long"),
    ],
)
async def test_a_token_that_says_the_wrong_thing_is_refused(
    public: TokenVerifier, changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(Unauthenticated, match=why):
        await public.caller(signed(changes))


@pytest.mark.parametrize("kind", ["JWT", "jwt", "at+jwt", "application/at+jwt", None])
async def test_access_tokens_are_taken(public: TokenVerifier, kind: str | None) -> None:
    assert (await public.caller(signed(typ=kind))).tenant_id == tenant_id_of("acme")


@pytest.mark.parametrize("kind", ["logout+jwt", "dpop+jwt", "secevent+jwt", 7])
async def test_a_token_for_something_else_is_refused(public: TokenVerifier, kind: object) -> None:
    with pytest.raises(Unauthenticated, match="its type"):
        await public.caller(signed(typ=kind))


async def test_a_claim_holds_ids_when_the_settings_say_so(jwks: Path) -> None:
    verifier = a_verifier(KeySet(str(jwks)), claims_ids=True)

    assert (await verifier.caller(signed({"tenant": ACME}))).tenant_id == tenant_id_of("acme")
    for other in ("acme", ACME.upper(), ACME.replace("-", ""), f"urn:uuid:{ACME}", f"{{{ACME}}}"):
        with pytest.raises(Unauthenticated, match="no tenant's id"):
            await verifier.caller(signed({"tenant": other}))
    with pytest.raises(Unauthenticated, match="names no tenant"):
        await verifier.caller(signed({"tenant": str(UUID(int=0))}))


@pytest.mark.parametrize("scope", [None, "", 7, {"read": True}, "reader", "webhook"])
async def test_a_token_without_a_scope_of_ours_allows_nothing(
    public: TokenVerifier, scope: object
) -> None:
    assert (await public.caller(signed({"scope": scope}))).scopes == frozenset()


def _signed_with_the_public_key() -> str:
    """Algorithm confusion: the public key as the secret of an HMAC."""
    head = jwt.encode(claims(), "x" * 32, algorithm="HS256", headers={"kid": "first"})
    signing_input = head.rpartition(".")[0]
    hmac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signature = hmac.sign(signing_input.encode(), PUBLIC_PEM)
    return f"{signing_input}.{jwt.utils.base64url_encode(signature).decode()}"


FORGED: dict[str, Callable[[], str]] = {
    "no algorithm": lambda: jwt.encode(claims(), "", algorithm="none", headers={"kid": "first"}),
    "public key as secret": _signed_with_the_public_key,
    "secret in the key set": lambda: jwt.encode(
        claims(), b"secret" * 8, algorithm="HS256", headers={"kid": "shared"}
    ),
    "another algorithm of the key": lambda: jwt.encode(
        claims(), RSA_KEY, algorithm="PS256", headers={"kid": "first"}
    ),
    "another key": lambda: jwt.encode(
        claims(), OTHER_RSA_KEY, algorithm="RS256", headers={"kid": "first"}
    ),
    "unknown key": lambda: signed(kid="second"),
    "no key": lambda: signed(kid=None),
    "other claims": lambda: ".".join(
        (signed().split(".")[0], signed({"tenant": "bcme"}).split(".")[1], signed().split(".")[2])
    ),
    "no signature": lambda: signed().rpartition(".")[0] + ".",
    "huge": lambda: signed({"filler": "x" * 10_000}),
    "not a token": lambda: "a.b.c",
    "empty": lambda: "",
    "not text": lambda: "\ud800.é.\0",
}


@pytest.mark.parametrize("forgery", FORGED)
async def test_a_forgery_is_refused(public: TokenVerifier, forgery: str) -> None:
    with pytest.raises(Unauthenticated):
        await public.caller(FORGED[forgery]())


async def test_a_secret_verifies_one_algorithm(shared_secret: TokenVerifier) -> None:
    for token in (
        jwt.encode(claims(), SECRET * 2, algorithm="HS256"),
        jwt.encode(claims(), SECRET * 2, algorithm="HS512"),
        jwt.encode(claims(), "", algorithm="none"),
        signed(),
    ):
        with pytest.raises(Unauthenticated):
            await shared_secret.caller(token)


class _Issuer(BaseHTTPRequestHandler):
    body = b""
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(200 if self.body else 500)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def issuer() -> Iterator[tuple[type[_Issuer], str]]:
    handler = type("Issuer", (_Issuer,), {"body": key_set(first=RSA_KEY).encode(), "asked": 0})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield handler, f"http://127.0.0.1:{server.server_port}/jwks"
    server.shutdown()
    server.server_close()


async def test_a_new_key_is_found_and_unknown_ones_do_not_flood_the_issuer(
    issuer: tuple[type[_Issuer], str],
) -> None:
    handler, url = issuer
    now = [0.0]
    verifier = a_verifier(KeySet(url, clock=lambda: now[0]))
    await verifier.caller(signed())
    handler.body = key_set(second=RSA_KEY).encode()

    for kid in ("x", "y", "second"):
        with pytest.raises(Unauthenticated):
            await verifier.caller(signed(kid=kid))
    asked_early = handler.asked
    now[0] = REFRESH_SECONDS + 1
    await verifier.caller(signed(kid="second"))

    assert (asked_early, handler.asked) == (1, 2)
    with pytest.raises(Unauthenticated):
        await verifier.caller(signed(kid="first"))


async def test_a_key_that_was_taken_out_stops_working(issuer: tuple[type[_Issuer], str]) -> None:
    handler, url = issuer
    now = [0.0]
    verifier = a_verifier(KeySet(url, clock=lambda: now[0]))
    await verifier.caller(signed())
    handler.body = key_set(second=RSA_KEY).encode()

    now[0] = MAX_AGE_SECONDS + 1

    with pytest.raises(Unauthenticated, match="its key is unknown"):
        await verifier.caller(signed())


async def test_known_keys_outlive_an_issuer_that_is_away(
    issuer: tuple[type[_Issuer], str],
) -> None:
    handler, url = issuer
    now = [0.0]
    verifier = a_verifier(KeySet(url, clock=lambda: now[0]))
    await verifier.caller(signed())

    handler.body, now[0] = b"", MAX_AGE_SECONDS + 1

    assert (await verifier.caller(signed())).tenant_id == tenant_id_of("acme")
    with pytest.raises(ProviderUnavailable):
        await a_verifier(KeySet(url)).caller(signed())


async def test_keys_that_cannot_be_looked_at_again_are_not_used_for_ever(
    issuer: tuple[type[_Issuer], str],
) -> None:
    handler, url = issuer
    now = [0.0]
    verifier = a_verifier(KeySet(url, clock=lambda: now[0]))
    body = handler.body
    await verifier.caller(signed())
    handler.body = b""

    for _ in range(int(STALE_SECONDS // MAX_AGE_SECONDS)):
        await verifier.caller(signed())
        now[0] += MAX_AGE_SECONDS
    now[0] += 1
    with pytest.raises(ProviderUnavailable):
        await verifier.caller(signed())
    handler.body = body
    now[0] += REFRESH_SECONDS

    assert (await verifier.caller(signed())).tenant_id == tenant_id_of("acme")


async def test_the_gateway_takes_tokens_beside_keys(database_url: str, tmp_path: Path) -> None:
    settings = a_settings(
        database_url, tmp_path, auth=Auth.BOTH, jwt_secret=SECRET, jwt_audience="ingest"
    )
    token = jwt.encode(claims(), SECRET, algorithm="HS256")
    async with running(settings) as gateway:
        _, key = await KeyStore(gateway.database).create(tenant_id_of("acme"), "test")

        async def status(method: str, path: str, credentials: str) -> tuple[int, str]:
            headers = {"Authorization": f"Bearer {credentials}"}
            answer = await gateway.client.request(method, path, headers=headers, content=b"text")
            return answer.status_code, answer.json().get("code", "")

        upload = ("POST", "/v1/documents?filename=a.txt")
        assert await status(*upload, key) == (202, "")
        assert await status(*upload, token) == (403, "forbidden")
        assert await status("GET", "/v1/documents", token) == (200, "")
        assert await status("GET", "/v1/documents", token[:-2]) == (401, "unauthenticated")
        listed = await gateway.client.get(
            "/v1/documents", headers={"Authorization": f"Bearer {token}"}
        )
        assert len(listed.json()["documents"]) == 1
