"""Questions that lean on the conversation: what is searched for them, by rule and by a model where one is named."""

from backend.settings import RewriteSettings, Settings
from tests.model_server import ModelServer, cite_sources
from tests.service import Visitor, running, with_model, with_section

FIRST = "Which microphone should I buy for a podcast?"
LEANING = "And how far away should it be?"
WHOLE = "How far away should the podcast microphone be?"


def rewriting(library: Settings, model: ModelServer, **changed: float) -> Settings:
    """The library's settings with the model as the only tier, which also rewrites."""
    rewrite = RewriteSettings(**{"tier": "fast", "deadline_s": 2.0} | changed)  # type: ignore[arg-type]
    return with_section(with_model(library, model.base_url), "retrieval", rewrite=rewrite)


def rewrites(prompt: str) -> str:
    """The model's answer: a whole question where it is asked for one, else what cites the sources."""
    return WHOLE if "<conversation>" in prompt else cite_sources(prompt)


async def follow_up(settings: Settings, query: str) -> tuple[list[dict[str, object]], dict[str, object]]:
    """The sources and the `done` of a question that comes second."""
    async with running(settings) as address, Visitor(address) as visitor:
        first = (await visitor.ask(FIRST)).checked()
        assert first.last.json["standalone_query"] == FIRST
        answer = (await visitor.ask(query, conversation_id=first.conversation_id)).checked()
        saved = await visitor.messages(first.conversation_id)
        assert saved[-1]["standalone_query"] == answer.last.json["standalone_query"]
        return answer.sources, answer.last.json


async def test_a_leaning_question_is_searched_as_the_model_made_it_whole(library: Settings, model: ModelServer) -> None:
    model.answer = rewrites
    sources, done = await follow_up(rewriting(library, model), LEANING)
    assert done["standalone_query"] == WHOLE
    assert done["finish_reason"] == "stop"
    assert len(model.requests) == 3
    whole, _ = await follow_up(with_model(library, model.base_url), WHOLE)
    assert sources == whole


async def test_a_question_that_stands_alone_is_left_alone(library: Settings, model: ModelServer) -> None:
    model.answer = rewrites
    _, done = await follow_up(rewriting(library, model), "How loud should my master be?")
    assert done["standalone_query"] == "How loud should my master be?"
    assert len(model.requests) == 2


async def test_without_a_model_or_with_a_late_one_the_rule_lends_words(library: Settings, model: ModelServer) -> None:
    _, by_rule = await follow_up(with_model(library, model.base_url), LEANING)
    assert by_rule["standalone_query"] == f"{LEANING} (microphone buy podcast)"
    model.answer, model.first_token_delay_s = rewrites, 0.3
    _, late = await follow_up(rewriting(library, model, deadline_s=0.1), LEANING)
    assert late["standalone_query"] == by_rule["standalone_query"]
    assert late["finish_reason"] == "stop"
