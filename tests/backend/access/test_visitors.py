"""Visitors' tokens."""

import time
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import jwt
import pytest

from backend.access.visitors import ALGORITHM, AUDIENCE, Visitors, read_or_make_secret
from backend.errors import ConfigurationError, Unauthenticated

SECRET = b"s" * 32


def test_a_token_names_its_visitor_and_nobody_else_can_make_one() -> None:
    visitor = str(uuid4())
    assert Visitors(SECRET).check(Visitors(SECRET).mint(visitor, "blog"), "blog").name == visitor
    with pytest.raises(Unauthenticated):
        Visitors(SECRET).check(Visitors(b"t" * 32).mint(visitor, "blog"), "blog")


@pytest.mark.parametrize(("minted", "asked"), [("blog", "shop"), ("blog", ""), ("", "blog")])
def test_a_token_of_one_site_is_worth_nothing_on_another(minted: str, asked: str) -> None:
    with pytest.raises(Unauthenticated):
        Visitors(SECRET).check(Visitors(SECRET).mint(str(uuid4()), minted), asked)


def test_a_token_that_was_minted_before_there_were_sites_holds_for_the_own_page() -> None:
    now = int(time.time())
    claims = {"sub": str(uuid4()), "aud": AUDIENCE, "iat": now, "exp": now + 60}
    assert Visitors(SECRET).check(jwt.encode(claims, SECRET, algorithm=ALGORITHM), "").name == claims["sub"]


@pytest.mark.parametrize(("age_s", "is_old"), [(29 * 24 * 3600, False), (31 * 24 * 3600, True)])
def test_a_token_is_renewed_after_a_month(age_s: int, is_old: bool) -> None:
    now = int(time.time())
    claims = {"sub": str(uuid4()), "aud": AUDIENCE, "iat": now - age_s, "exp": now + 60}
    assert Visitors(SECRET).check(jwt.encode(claims, SECRET, algorithm=ALGORITHM), "").is_old == is_old


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(time.time()) - 1},
        {"aud": "something-else"},
        {"sub": "not-a-uuid"},
        {"sub": None},
        {"exp": None},
        {"aud": None},
        {"iat": None},
        {"nbf": int(time.time()) + 600},
    ],
)
def test_a_token_that_is_old_or_meant_for_something_else_is_refused(claims: dict[str, object]) -> None:
    good: dict[str, object] = {"sub": str(uuid4()), "aud": AUDIENCE, "iat": 1, "exp": int(time.time()) + 60}
    changed = {name: value for name, value in (good | claims).items() if value is not None}
    with pytest.raises(Unauthenticated):
        Visitors(SECRET).check(jwt.encode(changed, SECRET, algorithm=ALGORITHM), "")


def test_a_token_without_a_signature_is_refused() -> None:
    claims = {"sub": str(uuid4()), "aud": AUDIENCE, "iat": 1, "exp": int(time.time()) + 60}
    with pytest.raises(Unauthenticated):
        Visitors(SECRET).check(jwt.encode(claims, None, algorithm="none"), "")


def test_a_first_question_sent_again_is_the_same_newcomer_only_with_a_key_that_nobody_guesses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    visitors, key = Visitors(SECRET), str(uuid4())
    first = visitors.newcomer(key, "10.0.0.1", "body", "")
    assert UUID(first).version == 4
    assert visitors.newcomer(key, "10.0.0.1", "body", "") == first
    assert visitors.newcomer(key, "10.0.0.2", "body", "") != first
    assert visitors.newcomer(key, "10.0.0.1", "other body", "") != first
    assert visitors.newcomer(key, "10.0.0.1", "body", "blog") != first
    monkeypatch.setattr(time, "time", lambda: 1e10)  # another day, on which somebody has found the key in a log
    assert visitors.newcomer(key, "10.0.0.1", "body", "") != first
    assert Visitors(b"t" * 32).newcomer(key, "10.0.0.1", "body", "") != first
    for guessable in ("1", "how-loud-should-my-master-be", str(uuid5(NAMESPACE_URL, "a question")), None):
        assert visitors.newcomer(guessable, "10.0.0.1", "body", "") != visitors.newcomer(
            guessable, "10.0.0.1", "body", ""
        )


def test_the_secret_of_the_embedded_default_is_made_once_and_is_private(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    secret = read_or_make_secret(file)
    assert len(secret) >= 32
    assert read_or_make_secret(file) == secret
    assert file.stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_a_damaged_secret_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("")
    with pytest.raises(ConfigurationError, match="damaged"):
        read_or_make_secret(tmp_path / "secret")
