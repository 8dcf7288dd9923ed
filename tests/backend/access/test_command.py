"""`footnote key` and `footnote token`: what is made with them is taken by the service, and what is revoked is not."""

import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from backend.settings import Settings
from backend.settings_access import SiteSettings, UsersSettings
from tests.conftest import FOOTNOTE
from tests.service import QUESTION, running

SECRET = "5f1c0b6a9d3e47288c1f0a7be2d94631"
ISSUER = {"FOOTNOTE_USERS__ISSUER": "us", "FOOTNOTE_USERS__AUDIENCE": "footnote", "FOOTNOTE_USERS__SECRET": SECRET}


@pytest.fixture
async def http(library: Settings) -> AsyncIterator[httpx.AsyncClient]:
    users = UsersSettings(issuer="us", audience="footnote", jwks_url=None, algorithms=("RS256",), secret=SECRET)
    sites = {"shop": SiteSettings(origins=("https://shop.example",), creators=("dex-morrowby",))}
    own = library.model_copy(update={"users": users, "sites": sites})
    async with running(own) as service, httpx.AsyncClient(base_url=service, timeout=30, verify=False) as client:
        yield client


def footnote(data_dir: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    ours = {"FOOTNOTE_DATA_DIR": str(data_dir)} | environment
    return subprocess.run(
        [str(FOOTNOTE), *arguments], env=os.environ | ours, capture_output=True, text=True, check=False
    )


async def test_a_key_is_shown_once_asks_as_its_own_owner_and_is_revoked(
    http: httpx.AsyncClient, library: Settings
) -> None:
    made = footnote(library.data_dir, "key", "create", "shop-server", "--days", "30")
    key = made.stdout.strip()
    assert made.returncode == 0, made.stderr
    assert key.startswith("fnk_")
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
    asked = await http.post("/api/v1/chat", json={"query": QUESTION}, headers=headers)
    assert asked.headers["ratelimit-policy"].startswith('"key-minute"')
    listed = (await http.get("/api/v1/conversations", headers=headers)).json()["items"]
    assert [each["id"] for each in listed] == [asked.headers["x-conversation-id"]]
    shown = footnote(library.data_dir, "key", "list")
    (line,) = [line.split("\t") for line in shown.stdout.splitlines() if "shop-server" in line]
    assert line[1:5] == ["shop-server", "reader", "", ""]
    assert line[6].startswith("good until 20")
    assert key not in shown.stdout
    ended = footnote(library.data_dir, "key", "revoke", line[0])
    assert "shop-server is revoked" in ended.stdout
    assert "revoked 20" in footnote(library.data_dir, "key", "list").stdout
    async with running(library) as other, httpx.AsyncClient(base_url=other, verify=False) as elsewhere:
        assert (await elsewhere.get("/api/v1/conversations", headers=headers)).status_code == 401


async def test_a_key_of_a_site_asks_there_alone(http: httpx.AsyncClient, library: Settings) -> None:
    sites = '{"shop": {"origins": ["https://shop.example"], "creators": ["dex-morrowby"]}}'
    made = footnote(library.data_dir, "key", "create", "site-server", "--site", "shop", FOOTNOTE_SITES=sites)
    headers = {"Authorization": f"Bearer {made.stdout.strip()}", "Accept": "application/json"}
    here = headers | {"X-Footnote-Site": "shop"}
    answer = (await http.post("/api/v1/chat", json={"query": QUESTION}, headers=here)).json()
    assert {source["creator"]["slug"] for source in answer["sources"]} == {"dex-morrowby"}
    elsewhere = await http.post("/api/v1/chat", json={"query": QUESTION}, headers=headers)
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (403, "forbidden")


async def test_a_key_of_the_services_own_page_asks_there(http: httpx.AsyncClient, library: Settings) -> None:
    own = {"FOOTNOTE_SITES": '{"own": {"creators": ["dex-morrowby"]}}'}
    made = footnote(library.data_dir, "key", "create", "own-server", "--site", "own", **own)
    headers = {"Authorization": f"Bearer {made.stdout.strip()}", "Accept": "application/json"}
    assert (await http.get("/api/v1/conversations", headers=headers)).status_code == 200
    elsewhere = headers | {"X-Footnote-Site": "shop"}
    assert (await http.get("/api/v1/conversations", headers=elsewhere)).status_code == 403
    shown = footnote(library.data_dir, "key", "list").stdout
    assert ["own-server", "reader", "", "own"] in [line.split("\t")[1:5] for line in shown.splitlines()]


async def test_a_token_made_by_the_command_is_taken(http: httpx.AsyncClient, library: Settings) -> None:
    made = footnote(library.data_dir, "token", "ana", **ISSUER)
    headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
    assert (await http.get("/api/v1/conversations", headers=headers)).status_code == 200
    old = footnote(library.data_dir, "token", "ana", "--hours", "0.01", **(ISSUER | {"FOOTNOTE_USERS__ISSUER": "them"}))
    headers = {"Authorization": f"Bearer {old.stdout.strip()}"}
    assert (await http.get("/api/v1/conversations", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["key", "create", "x", "--role", "curator"], "name them with `--creator`"),
        (["key", "create", "x", "--creator", "ana-velloret"], "only for that role"),
        (["key", "create", "x", "--role", "curator", "--creator", "nobody"], "There is no creator `nobody`"),
        (["key", "create", "x", "--role", "admin", "--site", "nowhere"], "leave `--site` out"),
        (["key", "create", "x", "--site", "nowhere"], "There is no site `nowhere`"),
        (["key", "revoke", "no-such-id"], "There is no key with an id"),
        (["key", "create", " "], "Give the key a name"),
        (["token", ""], "A user's id has 1 to 255 characters"),
        (["token", "ana"], "FOOTNOTE_USERS__SECRET, which is not set"),
    ],
)
def test_what_cannot_be_meant_is_a_sentence(library: Settings, arguments: list[str], said: str) -> None:
    done = footnote(library.data_dir, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
