"""The stream of `POST /api/v1/chat`, frame by frame, read by a reader of the specification."""

import re

from backend.settings import Settings
from tests.model_server import ModelServer
from tests.service import QUESTION, Visitor, running, with_model, with_section

SOURCE_FIELDS = {
    "index", "document_id", "chunk_id", "title", "creator", "kind", "url", "heading", "speaker", "start_s", "end_s",
    "snippet", "score", "scope", "published_at", "perhaps",
}  # fmt: skip
DONE_FIELDS = {
    "cascade_tier", "conversation_id", "message_id", "run_id", "finish_reason", "creator", "scope", "persona", "budget",
    "citations", "standalone_query", "usage", "tiers_tried", "timings_ms",
}  # fmt: skip
FRAME = re.compile(rb"(retry: \d+\n)?id: (\d+)\nevent: (\w+)\ndata: ([^\n]*)\n\n")


async def test_sources_come_first_then_tokens_then_done(visitor: Visitor) -> None:
    answer = (await visitor.ask()).checked()
    names = [event.event for event in answer.events]
    assert names[0] == "sources"
    assert set(names[1:-1]) == {"token"}
    assert names[-1] == "done"
    assert [source["index"] for source in answer.sources] == list(range(1, len(answer.sources) + 1))
    for source in answer.sources:
        assert set(source) == SOURCE_FIELDS
        assert set(source["creator"]) == {"slug", "name"}
        assert source["scope"] == "global"
    done = answer.last.json
    assert set(done) == DONE_FIELDS
    assert done["finish_reason"] == "stop"
    assert done["cascade_tier"] == "fast"
    assert done["run_id"] == answer.run_id
    assert done["conversation_id"] == answer.conversation_id
    assert done["tiers_tried"][0]["outcome"] == "answered"
    assert done["timings_ms"]["retrieval"] <= done["timings_ms"]["first_token"] <= done["timings_ms"]["total"]


async def test_every_byte_of_the_stream_is_a_frame_and_the_first_one_says_when_to_reconnect(visitor: Visitor) -> None:
    answer = await visitor.ask()
    frames = FRAME.findall(answer.raw)
    assert b"".join(match.group() for match in FRAME.finditer(answer.raw)) == answer.raw
    assert frames[0][0].startswith(b"retry: ")
    assert not any(retry for retry, *_ in frames[1:])


async def test_the_response_has_the_headers_of_a_stream(visitor: Visitor) -> None:
    headers = (await visitor.ask()).response.headers
    assert headers["content-type"].split(";")[0] == "text/event-stream"
    assert headers["cache-control"] == "no-cache, no-transform"
    assert headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in headers
    assert headers["x-visitor-token"]


async def test_a_known_visitor_gets_no_new_token(visitor: Visitor) -> None:
    await visitor.ask()
    assert "x-visitor-token" not in (await visitor.ask()).response.headers


async def test_line_separators_emoji_and_split_characters_arrive_and_are_saved_intact(
    visitor: Visitor, model: ModelServer
) -> None:
    said = "One\u2028two\u2029three\u0085four\x0cfive 🎚️👩🏽‍🎤 ünï — «ok»\n\n- list\r\n- end [1]."
    model.answer, model.chunking = said, "byte"
    answer = (await visitor.ask()).checked()
    assert answer.text == said
    assert (await visitor.messages(answer.conversation_id))[1]["content"] == said


async def test_nul_in_a_models_answer_is_dropped_and_what_is_saved_is_what_was_sent(
    visitor: Visitor, model: ModelServer
) -> None:
    model.answer = "a\0b [1]"
    answer = (await visitor.ask()).checked()
    assert answer.text == "ab [1]"
    assert (await visitor.messages(answer.conversation_id))[1]["content"] == "ab [1]"


async def test_a_marker_without_a_source_never_reaches_the_client(visitor: Visitor, model: ModelServer) -> None:
    model.answer, model.chunking = "True [1]. Invented [99] and [0] here [2].", "byte"
    answer = (await visitor.ask()).checked()
    assert re.findall(r"\[(\d+)\]", answer.text) == ["1", "2"]
    cited = {citation["index"] for citation in answer.last.json["citations"]}
    assert cited == {1, 2}


async def test_a_creator_is_asked_alone(visitor: Visitor) -> None:
    for creator in ("ana-velloret", "dex-morrowby", "imke-tarvold"):
        answer = (await visitor.ask(creator=creator)).checked()
        assert {source["creator"]["slug"] for source in answer.sources} == {creator}
        assert {source["scope"] for source in answer.sources} == {"creator"}
        assert answer.last.json["scope"] == "creator"


async def test_a_topic_restricts_the_sources(visitor: Visitor) -> None:
    everywhere = await visitor.ask("What should I listen to first?")
    answer = (await visitor.ask("What should I listen to first?", topic="podcasting", widen=False)).checked()
    assert answer.sources
    assert {source["scope"] for source in answer.sources} == {"topic"}
    assert answer.sources != everywhere.sources


async def test_a_timed_source_opens_its_moment(visitor: Visitor) -> None:
    answer = await visitor.ask("How do I set a compressor on vocals?")
    timed = [source for source in answer.sources if source["start_s"] is not None]
    assert timed
    for source in timed:
        assert source["url"].endswith(f"t={int(source['start_s'])}")
        assert source["end_s"] > source["start_s"]


async def test_silence_is_filled_with_comments(library: Settings, model: ModelServer) -> None:
    model.first_token_delay_s = 0.7
    quiet = with_section(with_model(library, model.base_url), "server", keepalive_s=0.2)
    async with running(quiet) as address, Visitor(address) as visitor:
        answer = (await visitor.ask()).checked()
    assert answer.comments.count("keepalive") >= 2


async def test_a_question_about_nothing_here_is_answered_kindly_and_without_a_model(
    visitor: Visitor, model: ModelServer
) -> None:
    answer = (await visitor.ask("zxqv blorptang wug?", creator="ana-velloret")).checked()
    done = answer.last.json
    assert done["finish_reason"] == "abstained"
    assert done["scope"] == "none"
    assert len(answer.sources) == 3
    assert all(source["perhaps"] for source in answer.sources)
    assert {source["creator"]["slug"] for source in answer.sources} == {"ana-velloret"}
    assert "no answer to this in what Ana Velloret has published" in answer.text
    assert done["citations"] == []
    assert not model.requests


async def test_the_model_gets_sources_history_and_a_prompt_within_its_budget(
    library: Settings, model: ModelServer
) -> None:
    small = with_section(with_model(library, model.base_url), "chat", prompt_tokens=1000)
    async with running(small) as address, Visitor(address) as visitor:
        first = await visitor.ask(QUESTION)
        model.answer = "Turn it down [1]."
        await visitor.ask("And for a podcast?", conversation_id=first.conversation_id)
    prompt = model.requests[-1].prompt
    assert QUESTION in prompt
    assert "And for a podcast?" in prompt
    assert first.sources[0]["snippet"][:40] in model.requests[0].prompt
    import tiktoken

    size = len(tiktoken.get_encoding("o200k_base").encode(prompt))
    assert size <= 1000


async def test_a_follow_up_is_searched_with_what_it_leans_on(visitor: Visitor) -> None:
    first = await visitor.ask("Which microphone should I buy for a podcast?")
    answer = await visitor.ask("How far away from it?", conversation_id=first.conversation_id)
    assert "podcast" in answer.last.json["standalone_query"]
    alone = await visitor.ask("Do I need acoustic treatment?", conversation_id=first.conversation_id)
    assert alone.last.json["standalone_query"] == "Do I need acoustic treatment?"


async def test_with_the_model_away_the_extractive_tier_answers_and_says_so(
    visitor: Visitor, model: ModelServer
) -> None:
    model.fault = "refuse_500"
    answer = (await visitor.ask()).checked()
    done = answer.last.json
    assert done["cascade_tier"] == "extractive"
    assert [tried["outcome"] for tried in done["tiers_tried"]] == ["refused", "answered"]
    assert re.search(r"\[\d\]", answer.text)


async def test_with_nobody_at_the_models_address_the_extractive_tier_answers(library: Settings) -> None:
    async with running(with_model(library, "http://127.0.0.1:1/v1")) as address, Visitor(address) as visitor:
        done = (await visitor.ask()).checked().last.json
    assert done["cascade_tier"] == "extractive"
    assert [tried["outcome"] for tried in done["tiers_tried"]] == ["unreachable", "answered"]


async def test_a_tier_that_fails_within_its_answer_is_replaced_whole(visitor: Visitor, model: ModelServer) -> None:
    model.fault, model.fault_after = "close_unfinished", 3
    answer = (await visitor.ask()).checked()
    assert "reset" in [event.event for event in answer.events]
    assert answer.last.json["cascade_tier"] == "extractive"
    saved = await visitor.messages(answer.conversation_id)
    assert saved[1]["content"] == answer.text
