"""A reranker through the whole service: it is shown passages, then stretches of them, and the answer begins with its
choice."""

import pytest

from backend.llm.extractive_tier import NOT_DIRECT
from backend.settings import Settings
from tests.rerank_server import Endpoint, preferring, serving
from tests.service import QUESTION, Answer, Visitor, running, with_section

CHOICE = "Leave the loudness race to the people"


async def ask(settings: Settings) -> Answer:
    async with running(settings) as address, Visitor(address) as visitor:
        return (await visitor.ask()).checked()


def with_endpoint(library: Settings, url: str, deadline_s: float = 20) -> Settings:
    changed = library.retrieval.rerank.model_copy(update={"url": url, "deadline_s": deadline_s})
    return with_section(library, "retrieval", rerank=changed)


async def test_the_answer_without_a_model_begins_with_what_the_reranker_chose(library: Settings) -> None:
    assert CHOICE not in (await ask(library)).text
    endpoint = preferring(CHOICE)
    async with serving(endpoint) as url:
        answer = await ask(with_endpoint(library, url))
    assert answer.last.json["cascade_tier"] == "extractive"
    assert answer.text.removeprefix(NOT_DIRECT).lstrip().split(":** ", 1)[-1].startswith(CHOICE)
    passages, stretches = (asked["texts"] for _, _, asked in endpoint.requests)
    assert {asked["query"] for _, _, asked in endpoint.requests} == {QUESTION}
    assert sum(len(text.split()) for text in stretches) <= 800
    assert all(any(" ".join(stretch.split()[-3:]) in passage for passage in passages) for stretch in stretches)


@pytest.mark.parametrize("endpoint", [Endpoint(b"", 503), Endpoint(delay_s=5)], ids=["refuses", "late"])
async def test_one_that_does_not_come_leaves_the_answer(library: Settings, endpoint: Endpoint) -> None:
    plain = await ask(library)
    async with serving(endpoint) as url:
        answer = await ask(with_endpoint(library, url, deadline_s=0.3))
    assert answer.text == plain.text
    assert [source["chunk_id"] for source in answer.sources] == [source["chunk_id"] for source in plain.sources]
    assert len(endpoint.requests) == 2
