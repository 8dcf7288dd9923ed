"""What the extractive tier answers."""

from backend.knowledge.reranker import Reranker
from backend.knowledge.similarity import Similarity
from backend.llm.extractive_tier import ExtractiveTier
from backend.llm.tier import Finish, Prompt, PromptSource, Token


def prompt_for(question: str, *sources: PromptSource) -> Prompt:
    return Prompt(messages=(), question=question, sources=sources, tokens=0, max_tokens=100)


async def answer(
    question: str, *sources: PromptSource, similarity: Similarity | None = None, reranker: Reranker | None = None
) -> str:
    tier = ExtractiveTier("extractive", similarity, reranker)
    events = [event async for event in tier.stream(prompt_for(question, *sources))]
    assert events[-1] == Finish("stop")
    tokens = [event.text for event in events[:-1] if isinstance(event, Token)]
    assert len(tokens) == len(events) - 1
    assert all(len(token.split()) == 1 for token in tokens)
    return "".join(tokens)
