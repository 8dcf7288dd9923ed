"""Credentials that are present and not valid are refused everywhere, and never taken for absent."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from backend.access.visitors import AUDIENCE as VISITOR_AUDIENCE
from backend.access.visitors import Visitors, open_secret
from backend.settings import Settings
from backend.settings_access import SiteSettings, UsersSettings
from tests.issuer import AUDIENCE, ISSUER, Issuer
from tests.service import QUESTION, running

OTHER_KEY = rsa.generate_private_key(65537, 2048)
NOW = int(time.time())


def public_pem(issuer: Issuer) -> bytes:
    return issuer.keys["RS256"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def with_signature_changed(token: str) -> str:
    head, body, signature = token.split(".")
    return f"{head}.{body}.{signature[:-6]}AAAAAA"


FORGED: dict[str, Callable[[Issuer], str]] = {
    "not a token": lambda _: "hello",
    "two parts": lambda issuer: issuer.token().rsplit(".", 1)[0],
    "no signature": lambda issuer: issuer.token().rsplit(".", 1)[0] + ".",
    "another signature": lambda issuer: with_signature_changed(issuer.token()),
    "the algorithm none": lambda issuer: issuer.forged(b"", {"alg": "none"}).rsplit(".", 1)[0] + ".",
    "the algorithm None in other letters": lambda issuer: issuer.forged(b"", {"alg": "nOnE"}).rsplit(".", 1)[0] + ".",
    "an algorithm that is not listed": lambda issuer: issuer.token("PS256", key=issuer.keys["RS256"]),
    "HS256 with the public key": lambda issuer: issuer.forged(public_pem(issuer), {"alg": "HS256", "kid": "RS256"}),
    "RS256 that is HS256 with the public key": lambda issuer: issuer.forged(
        public_pem(issuer), {"alg": "RS256", "kid": "RS256"}
    ),
    "the key of another kind": lambda issuer: issuer.token("ES256", headers={"kid": "RS256"}),
    "another key under this name": lambda issuer: issuer.token(key=OTHER_KEY),
    "a name of no key": lambda issuer: issuer.token(headers={"kid": "nobody"}),
    "a name that is no text": lambda issuer: issuer.forged(b"k" * 32, {"alg": "RS256", "kid": {"$ne": None}}),
    "no name among several keys": lambda issuer: issuer.token(headers={}),
    "a key in its own header": lambda issuer: jwt.encode(
        {"iss": ISSUER, "aud": AUDIENCE, "sub": "ana", "exp": NOW + 600},
        OTHER_KEY,
        algorithm="RS256",
        headers={"jwk": issuer.public("RS256"), "jku": "http://127.0.0.1:1/keys", "kid": "RS256"},
    ),
    "no exp": lambda issuer: issuer.token(exp=None),
    "exp over": lambda issuer: issuer.token(exp=NOW - 60),
    "exp that is no number": lambda issuer: issuer.forged(b"k" * 32, {"alg": "RS256", "kid": "RS256"}, exp="soon"),
    "nbf far ahead": lambda issuer: issuer.token(nbf=NOW + 3600),
    "iat far ahead": lambda issuer: issuer.token(iat=NOW + 3600),
    "no iss": lambda issuer: issuer.token(iss=None),
    "another iss": lambda issuer: issuer.token(iss="https://evil.example"),
    "no aud": lambda issuer: issuer.token(aud=None),
    "another aud": lambda issuer: issuer.token(aud="somebody-else"),
    "the aud of visitors": lambda issuer: issuer.token(aud=VISITOR_AUDIENCE),
    "no sub": lambda issuer: issuer.token(sub=None),
    "an empty sub": lambda issuer: issuer.token(sub=""),
    "a sub with NUL": lambda issuer: issuer.token(sub="ana\0"),
    "a sub without end": lambda issuer: issuer.token(sub="a" * 300),
    "an unknown crit": lambda issuer: issuer.token(headers={"kid": "RS256", "crit": ["x-new"], "x-new": 1}),
    "an empty crit": lambda issuer: issuer.token(headers={"kid": "RS256", "crit": []}),
    "an unencoded payload": lambda issuer: issuer.token(headers={"kid": "RS256", "b64": False}),
    "20 kB": lambda issuer: issuer.token(more="x" * 20_000),
    "no base64": lambda issuer: "€€€.€€€.€€€".encode().decode("latin-1"),
    "an API key that is not ours": lambda _: "fnk_" + "a" * 43,
    "half an API key": lambda _: "fnk_abc",
}


@pytest.fixture(scope="module")
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer().serving() as serving:
        yield serving


@pytest.fixture(scope="module")
async def address(library: Settings, issuer: Issuer) -> AsyncIterator[str]:
    users = UsersSettings(
        issuer=ISSUER, audience=AUDIENCE, jwks_url=issuer.jwks_url, algorithms=("RS256", "ES256", "EdDSA")
    )
    sites = {"blog": SiteSettings(origins=("https://blog.example",))}
    async with running(library.model_copy(update={"users": users, "sites": sites})) as service:
        yield service


@pytest.fixture
async def http(address: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=address, timeout=30, verify=False) as client:
        yield client


async def refused(http: httpx.AsyncClient, headers: dict[str, Any]) -> None:
    """Every way of asking says 401, and nothing else of the token or of what is wrong with it."""
    unknown = uuid4()
    for method, path, body in (
        ("POST", "/api/v1/chat", {"query": QUESTION}),
        ("GET", "/api/v1/conversations", None),
        ("DELETE", "/api/v1/conversations", None),
        ("GET", f"/api/v1/conversations/{unknown}/messages", None),
        ("GET", f"/api/v1/chat/runs/{unknown}/events", None),
    ):
        answer = await http.request(method, path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), (method, path)
        assert set(answer.json()) <= {"error", "code", "retry_after"}
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "x-visitor-token" not in answer.headers


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_or_broken_bearer_is_refused(http: httpx.AsyncClient, issuer: Issuer, name: str) -> None:
    token = FORGED[name](issuer)
    await refused(http, {b"Authorization": b"Bearer " + token.encode("latin-1")})


@pytest.mark.parametrize("value", ["Basic YTpi", "Bearer", "Token abc", "", "Bearer a b", "Digest x", "bearer"])
async def test_other_ways_to_authorize_are_refused(http: httpx.AsyncClient, value: str) -> None:
    await refused(http, {"Authorization": value})


async def test_a_good_token_beside_a_bad_one_is_refused(
    http: httpx.AsyncClient, issuer: Issuer, library: Settings
) -> None:
    good = Visitors(open_secret(library)).mint(str(uuid4()), "")
    await refused(http, {"Authorization": "Bearer nonsense", "X-Visitor-Token": good})
    await refused(http, {"Authorization": f"Bearer {issuer.token()}", "X-Visitor-Token": "nonsense"})


async def test_of_two_bearers_none_is_taken(http: httpx.AsyncClient, issuer: Issuer) -> None:
    for first, second in ((issuer.token(), "nonsense"), ("nonsense", issuer.token()), (issuer.token(), issuer.token())):
        headers = [("Authorization", f"Bearer {first}"), ("Authorization", f"Bearer {second}")]
        assert (await http.get("/api/v1/conversations", headers=headers)).status_code == 401


async def test_a_visitors_token_and_a_users_are_not_good_in_each_others_place(
    http: httpx.AsyncClient, issuer: Issuer, library: Settings
) -> None:
    await refused(http, {"Authorization": f"Bearer {Visitors(open_secret(library)).mint(str(uuid4()), '')}"})
    await refused(http, {"X-Visitor-Token": issuer.token()})


async def test_a_visitors_token_of_another_site_is_refused(http: httpx.AsyncClient, library: Settings) -> None:
    visitors, visitor = Visitors(open_secret(library)), str(uuid4())
    await refused(http, {"X-Visitor-Token": visitors.mint(visitor, "blog")})
    await refused(http, {"X-Visitor-Token": visitors.mint(visitor, ""), "X-Footnote-Site": "blog"})
    good = {"X-Visitor-Token": visitors.mint(visitor, "blog"), "X-Footnote-Site": "blog"}
    assert (await http.get("/api/v1/conversations", headers=good)).status_code == 200


async def test_good_tokens_of_every_kind_are_taken(http: httpx.AsyncClient, issuer: Issuer) -> None:
    for algorithm in ("RS256", "ES256", "EdDSA"):
        headers = {"Authorization": f"Bearer {issuer.token(algorithm, sub=f'user of {algorithm}')}"}
        asked = await http.post("/api/v1/chat", json={"query": QUESTION}, headers=headers)
        assert asked.status_code == 200
        assert "x-visitor-token" not in asked.headers
        assert asked.headers["ratelimit-policy"].startswith('"user-minute"')
        listed = (await http.get("/api/v1/conversations", headers=headers)).json()["items"]
        assert [each["id"] for each in listed] == [asked.headers["x-conversation-id"]]
