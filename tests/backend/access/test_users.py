"""Users' tokens: checked with a secret, or with keys that are published, read once, and change."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from backend.access import published_keys
from backend.access.users import Users
from backend.errors import Unauthenticated, Unavailable
from backend.settings_access import UsersSettings
from tests.issuer import AUDIENCE, ISSUER, Issuer


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer().serving() as serving:
        yield serving


@pytest.fixture
async def users(issuer: Issuer) -> AsyncIterator[Users]:
    checking = Users(settings(jwks_url=issuer.jwks_url))
    yield checking
    await checking.close()


def settings(**values: Any) -> UsersSettings:
    good = {"issuer": ISSUER, "audience": AUDIENCE, "jwks_url": None, "algorithms": ("RS256", "ES256", "EdDSA")}
    return UsersSettings(**(good | values))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_a_token_of_each_kind_of_key_names_its_user(users: Users, issuer: Issuer, algorithm: str) -> None:
    identity = await users.check(issuer.token(algorithm, sub="ana@example.org"))
    assert (identity.kind, identity.name, identity.role) == ("user", "user:ana@example.org", "reader")


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256"])
async def test_a_key_of_rsa_that_does_not_say_its_algorithm_checks_those_that_are_allowed(
    issuer: Issuer, algorithm: str
) -> None:
    issuer.published[0].pop("alg")
    token = issuer.token(algorithm, key=issuer.keys["RS256"], headers={"kid": "RS256"})
    for allowed, is_taken in ((("PS256", "RS512", "RS256"), True), (("ES256", "PS384"), False)):
        users = Users(settings(jwks_url=issuer.jwks_url, algorithms=allowed))
        if is_taken:
            assert (await users.check(token)).name == "user:ana"
        else:
            with pytest.raises(Unauthenticated):
                await users.check(token)
        await users.close()


async def test_a_key_that_says_its_algorithm_checks_no_other(issuer: Issuer) -> None:
    users = Users(settings(jwks_url=issuer.jwks_url, algorithms=("RS256", "PS256", "ES256")))
    for algorithm, kid in (("PS256", "RS256"), ("RS256", "ES256")):
        with pytest.raises(Unauthenticated):
            await users.check(issuer.token(algorithm, key=issuer.keys["RS256"], headers={"kid": kid}))
    await users.close()


async def test_a_role_and_the_creators_come_from_the_token_and_unknown_ones_are_a_readers(
    users: Users, issuer: Issuer
) -> None:
    curator = await users.check(issuer.token(footnote_role="curator", footnote_creators=["ana", 7]))
    assert curator.may_curate("ana")
    assert not curator.may_curate("bo")
    assert (await users.check(issuer.token(footnote_role="admin"))).may_curate("anybody")
    for odd in ("root", ["admin"], {"admin": True}, 1, True):
        assert not (await users.check(issuer.token(footnote_role=odd, footnote_creators=["ana"]))).may_curate("ana")
    odd_list = await users.check(issuer.token(footnote_role="curator", footnote_creators="ana"))
    assert not odd_list.may_curate("a")


async def test_published_keys_are_read_once_and_again_for_a_new_one(
    users: Users, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        await users.check(issuer.token())
    assert issuer.asked == 1
    old = issuer.token("ES256")
    renewed = Issuer()
    issuer.keys["ES256"] = renewed.keys["ES256"]
    issuer.published = [issuer.public("ES256") | {"kid": "next"}]
    new = issuer.token("ES256", headers={"kid": "next"})
    with pytest.raises(Unauthenticated):  # it has just looked
        await users.check(new)
    assert issuer.asked == 1
    monkeypatch.setattr(published_keys, "PAUSE_S", 0)
    assert (await users.check(new)).name == "user:ana"
    with pytest.raises(Unauthenticated):  # its key was withdrawn
        await users.check(old)


async def test_names_of_keys_that_are_made_up_do_not_make_us_ask_again_and_again(users: Users, issuer: Issuer) -> None:
    for number in range(20):
        with pytest.raises(Unauthenticated):
            await users.check(issuer.token(headers={"kid": f"made-up-{number}"}))
    assert issuer.asked == 1


async def test_while_the_issuer_is_away_known_keys_are_good_and_unknown_ones_cannot_be_checked(
    users: Users, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer.is_away = True
    with pytest.raises(Unavailable):
        await users.check(issuer.token())
    issuer.is_away = False
    monkeypatch.setattr(published_keys, "PAUSE_S", 0)
    await users.check(issuer.token())
    issuer.is_away = True
    monkeypatch.setattr(published_keys, "FRESH_S", 0)
    assert (await users.check(issuer.token())).name == "user:ana"
    monkeypatch.setattr(published_keys, "STALE_S", 0)
    with pytest.raises(Unavailable):
        await users.check(issuer.token())


async def test_odd_keys_beside_good_ones_do_no_harm(users: Users, issuer: Issuer) -> None:
    good = issuer.published[0]
    issuer.published += [good | {"kid": ["a"]}, good | {"alg": ["RS256"]}, good | {"kty": {}}, {"kty": "EC"}, {}, 7]  # type: ignore[list-item]
    assert (await users.check(issuer.token())).name == "user:ana"


@pytest.mark.parametrize(
    "answer", ["[" * 100_000, "{}", "[]", '{"keys": 1}', "no JSON", '{"keys": [1]}', "9" * (1 << 19)]
)
async def test_an_issuer_that_answers_with_anything_else_publishes_no_key(issuer: Issuer, answer: str) -> None:
    with pytest.raises(published_keys.UNREADABLE):
        published_keys.read_keys(answer.encode())


async def test_a_secret_that_was_published_as_a_key_signs_nothing(users: Users, issuer: Issuer) -> None:
    secret = b"secret-secret-secret-secret-1234"
    written = base64.urlsafe_b64encode(secret).decode().rstrip("=")
    issuer.published.append({"kty": "oct", "kid": "oct", "k": written, "alg": "HS256"})
    for algorithm in ("HS256", "RS256"):
        with pytest.raises(Unauthenticated):
            await users.check(issuer.forged(secret, {"kid": "oct", "alg": algorithm}))


async def test_without_published_keys_tokens_are_checked_with_the_secret() -> None:
    users, issuer = Users(settings(secret="5f1c0b6a9d3e47288c1f0a7be2d94631")), Issuer()
    assert (await users.check(issuer.token("HS256", key=b"5f1c0b6a9d3e47288c1f0a7be2d94631"))).name == "user:ana"
    for other in (b"6f1c0b6a9d3e47288c1f0a7be2d94631", b"x" * 32):
        with pytest.raises(Unauthenticated):
            await users.check(issuer.token("HS256", key=other))
    with pytest.raises(Unauthenticated):
        await users.check(issuer.token("RS256"))


async def test_where_no_users_are_configured_no_token_is_good() -> None:
    users = Users(settings(issuer=None, audience=None))
    with pytest.raises(Unauthenticated):
        await users.check(Issuer().token())


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"issuer": None}, "both"),
        ({"audience": None}, "both"),
        ({}, "one of the two"),
        ({"jwks_url": "https://a.example/k", "secret": "5f1c0b6a9d3e47288c1f0a7be2d94631"}, "one of the two"),
        ({"secret": "password-password-password-password-1234"}, "guessed"),
        ({"secret": "short"}, "guessed"),
    ],
)
def test_settings_that_contradict_each_other_are_named(values: dict[str, Any], named: str) -> None:
    problem = settings(**values).problem()
    assert problem is not None
    assert named in problem


@pytest.mark.parametrize("address", ["http://login.example.org/keys", "ftp://a.example/keys", "keys.json", "https://"])
def test_keys_are_read_only_where_nobody_can_change_them_on_the_way(address: str) -> None:
    with pytest.raises(ValueError, match="https"):
        settings(jwks_url=address)
