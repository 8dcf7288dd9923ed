"""Ratings of answers over HTTP: whose they are, where they are shown, and that they go with what they are about."""

import asyncio
import subprocess
from typing import Any
from uuid import uuid4

import httpx
import pytest

from backend.settings import Settings
from tests.backend.api.test_conversations import HERE, told
from tests.conftest import FOOTNOTE
from tests.model_server import ModelServer
from tests.service import Answer, Visitor


def feedback_path(answer: Answer) -> str:
    return f"{HERE}/{answer.conversation_id}/messages/{answer.last.json['message_id']}/feedback"


async def rate(visitor: Visitor, path: str, body: Any) -> httpx.Response:
    return await visitor.http.put(path, json=body, headers=visitor.headers)


async def feedback_of(visitor: Visitor, answer: Answer) -> list[Any]:
    return [message["feedback"] for message in await visitor.messages(answer.conversation_id)]


async def test_a_rating_is_kept_changed_and_taken_back(visitor: Visitor) -> None:
    answer = await visitor.ask()
    path = feedback_path(answer)
    assert await feedback_of(visitor, answer) == [None, None]
    rated = await rate(visitor, path, {"rating": "down", "comment": "  It is too <b>quiet</b>.\n"})
    assert (rated.status_code, rated.content) == (204, b"")
    assert await feedback_of(visitor, answer) == [None, {"rating": "down", "comment": "It is too <b>quiet</b>."}]
    assert (await rate(visitor, path, {"rating": "up"})).status_code == 204
    assert await feedback_of(visitor, answer) == [None, {"rating": "up", "comment": None}]
    for _ in range(2):
        assert (await visitor.http.delete(path, headers=visitor.headers)).status_code == 204
    assert await feedback_of(visitor, answer) == [None, None]


async def test_only_the_owner_rates_and_only_an_answer_and_what_is_missing_looks_the_same(
    visitor: Visitor, service: str
) -> None:
    mine = await visitor.ask()
    question = (await visitor.messages(mine.conversation_id))[0]["id"]
    async with Visitor(service) as other:
        theirs = await other.ask()
        deleted = await other.ask()
        await other.http.delete(f"{HERE}/{deleted.conversation_id}", headers=other.headers)
        own_question = (await other.messages(theirs.conversation_id))[0]["id"]
        paths = [
            feedback_path(mine),
            feedback_path(deleted),
            f"{HERE}/{theirs.conversation_id}/messages/{uuid4()}/feedback",
            f"{HERE}/{theirs.conversation_id}/messages/{own_question}/feedback",
            f"{HERE}/{theirs.conversation_id}/messages/{mine.last.json['message_id']}/feedback",
            f"{HERE}/{mine.conversation_id}/messages/{question}/feedback",
            f"{HERE}/{uuid4()}/messages/{theirs.last.json['message_id']}/feedback",
        ]
        for ask in (lambda path: rate(other, path, {"rating": "up"}),
                    lambda path: other.http.delete(path, headers=other.headers),
                    lambda path: other.post(path.replace("feedback", "regenerate"))):  # fmt: skip
            responses = [await ask(path) for path in paths]
            assert {response.status_code for response in responses} == {404}
            assert all(told(response) == told(responses[0]) for response in responses)
    async with Visitor(service) as nobody:
        assert (await rate(nobody, feedback_path(mine), {"rating": "up"})).status_code == 404
        nobody.token = "broken"
        assert (await rate(nobody, feedback_path(mine), {"rating": "up"})).status_code == 401
    assert await feedback_of(visitor, mine) == [None, None]


@pytest.mark.parametrize("body", [{}, {"rating": "sideways"}, {"rating": 1}, {"rating": "up", "comment": ""},
                                  {"rating": "up", "comment": "x" * 1001}, {"rating": "up", "comment": "a\0b"},
                                  {"rating": "up", "comment": "\u200b"}, {"rating": "up", "owner": "me"},
                                  {"comment": "Good."}])  # fmt: skip
async def test_a_rating_that_cannot_be_one_is_422(visitor: Visitor, body: dict[str, Any]) -> None:
    await visitor.ask()
    response = await rate(visitor, f"{HERE}/{uuid4()}/messages/{uuid4()}/feedback", body)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


async def test_a_long_comment_of_any_characters_is_kept_as_it_is(visitor: Visitor) -> None:
    answer = await visitor.ask()
    comment = "😀“é\n" * 249 + "last"
    assert (await rate(visitor, feedback_path(answer), {"rating": "up", "comment": comment})).status_code == 204
    assert (await feedback_of(visitor, answer))[1]["comment"] == comment


async def test_a_rating_is_in_the_export_and_its_comment_is_text_there(visitor: Visitor, model: ModelServer) -> None:
    model.answer = "So it is [1]."
    answer = await visitor.ask()
    comment = "# Not *so*\n<script>alert(1)</script>"
    await rate(visitor, feedback_path(answer), {"rating": "down", "comment": comment})
    export = f"{HERE}/{answer.conversation_id}/export"
    exported = (await visitor.get(f"{export}?format=json")).json()
    assert exported["messages"][1]["feedback"] == {"rating": "down", "comment": comment}
    markdown = (await visitor.get(f"{export}?format=markdown")).text
    assert "\n\n*You did not find this helpful.*\n\n> \\# Not \\*so\\*\n> \\<script\\>alert(1)" in markdown
    await rate(visitor, feedback_path(answer), {"rating": "up"})
    assert "\n\n*You found this helpful.*\n" in (await visitor.get(f"{export}?format=markdown")).text


async def test_curators_read_it_by_a_command(visitor: Visitor, library: Settings) -> None:
    creators = [item["slug"] for item in (await visitor.get("/api/v1/creators")).json()["items"]]
    answer = await visitor.ask("How loud\tshould it be?", creator=creators[0])
    await rate(visitor, feedback_path(answer), {"rating": "down", "comment": "No,\nit \x1b[31mis not."})

    async def printed(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"FOOTNOTE_DATA_DIR": str(library.data_dir), "PATH": "/usr/bin:/bin"}
        command = [str(FOOTNOTE), "feedback", *arguments]
        return await asyncio.to_thread(
            subprocess.run, command, env=environment, capture_output=True, text=True, check=False
        )

    of_all, of_one, of_another, of_nobody = await asyncio.gather(
        printed(), printed("--creator", creators[0], "--limit", "1"), printed("--creator", creators[1]),
        printed("--creator", "nobody"),
    )  # fmt: skip
    (line,) = of_one.stdout.splitlines()
    assert line.split("\t")[1:4] == [creators[0], "down", "How loud␉should it be?"]
    assert line.split("\t")[4] == "No,␊it ␛[31mis not."
    assert "\x1b" not in of_one.stdout
    assert line in of_all.stdout.splitlines()
    assert line not in of_another.stdout
    assert of_another.returncode == 0
    assert (of_nobody.returncode, "footnote status" in of_nobody.stderr) == (2, True)
