"""The citation contract through the whole service: whatever a model says, what was streamed is what is read again."""

import random
import re

import pytest

from backend.chat.claims import find_claims, texts_of
from tests.model_server import Chunking, ModelServer
from tests.service import Visitor

PIECES = (
    "[ ] [[ ]] 【 】 ［ ］ [1] [2] [[1]] [1,2] [1-3] [99] [0] [2024] 【1†talk】 [^2] [1](https://evil.example) \\[1] "
    "&#91;1] ` `` ``` ~~~ `x[1]` > - 1. # ** _ | ![a](/b) ]( ) Word level, loud. – 🎚️ \u2028 \0 \ue000 <b> </source>"
).split()
SPACES = ["", " ", " ", "\n", "\n\n", "    ", "\t"]


def soup(seed: int) -> str:
    """An answer of words, markers and what looks like markers, the same for the same seed."""
    chance = random.Random(seed)
    pieces = (chance.choice(PIECES) + chance.choice(SPACES) for _ in range(chance.randint(5, 60)))
    return f"Keep it low [1]. {''.join(pieces)}"


@pytest.mark.parametrize("seed", range(24))
async def test_what_was_streamed_is_what_is_saved_and_read_again(
    visitor: Visitor, model: ModelServer, seed: int
) -> None:
    chunkings: tuple[Chunking, ...] = ("byte", "token", "whole")
    model.answer, model.chunking = soup(seed), chunkings[seed % 3]
    answer = (await visitor.ask()).checked()
    done = answer.last.json
    assert done["cascade_tier"] == "fast"
    assert answer.text.startswith("Keep it low [1].")

    saved = (await visitor.messages(answer.conversation_id))[1]
    assert saved["content"] == answer.text
    assert saved["sources"] == answer.sources
    assert saved["citations"] == done["citations"]
    again = (await visitor.follow(answer.run_id, 0)).checked()
    assert (again.text, again.sources, again.last.json) == (answer.text, answer.sources, done)

    retrieved = {source["index"] for source in answer.sources}
    cited = [citation["index"] for citation in done["citations"]]
    assert set(cited) <= retrieved
    claims = find_claims(answer.text, retrieved)
    assert cited == [index for claim in claims for index in claim.cited]
    for shown in texts_of(answer.text):
        for match in re.finditer(r"\[(\d+)\]", shown):
            is_index = match[1] == "0" and shown[match.start() - 1 : match.start()].isalnum()
            assert is_index or int(match[1]) in retrieved


async def test_sources_that_are_not_cited_stay_sources_and_are_no_citations(
    visitor: Visitor, model: ModelServer
) -> None:
    model.answer = "Only this one [2]."
    answer = (await visitor.ask()).checked()
    assert len(answer.sources) > 2
    assert [citation["index"] for citation in answer.last.json["citations"]] == [2]


async def test_a_sentence_that_its_source_does_not_bear_out_is_flagged_and_stays(
    visitor: Visitor, model: ModelServer
) -> None:
    invented = "Elephants paint 73 watercolours a year in Zanzibar"
    model.answer = f"{invented} [1]."
    answer = (await visitor.ask()).checked()
    assert answer.text == model.answer
    assert answer.last.json["citations"] == [{"index": 1, "sentence": f"{invented}.", "supported": False}]
    assert (await visitor.messages(answer.conversation_id))[1]["citations"] == answer.last.json["citations"]


async def test_a_sentence_of_the_source_itself_is_supported(visitor: Visitor, model: ModelServer) -> None:
    answer = (await visitor.ask()).checked()
    citations = answer.last.json["citations"]
    assert citations
    assert all(citation["supported"] for citation in citations)
