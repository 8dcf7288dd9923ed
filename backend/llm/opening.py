"""The cascade, its tiers and their breakers as the settings want them."""

import logging
from typing import assert_never

from pydantic import SecretStr
from redis.asyncio import Redis

from backend.absence import Absence
from backend.knowledge.reranker import Reranker
from backend.knowledge.similarity import Similarity
from backend.llm.agent_tier import AgentTier, Sessions
from backend.llm.breaker import Breaker, fingerprint
from backend.llm.budget import Budget, Prices
from backend.llm.cascade import Cascade
from backend.llm.circuit import Rules
from backend.llm.deadlines import Deadlines
from backend.llm.extractive_tier import ExtractiveTier
from backend.llm.openai_tier import OpenAITier
from backend.llm.race import Member
from backend.llm.tier import Tier
from backend.llm.tokens import TokenCounter
from backend.settings import Settings
from backend.settings_tiers import (
    AgentTierSettings,
    ExtractiveTierSettings,
    OpenAITierSettings,
    UpstreamTierSettings,
)

log = logging.getLogger(__name__)

LEASE_S = 1.0  # a probe of a worker that died keeps others from trying for so long beyond its first-token deadline


def open_cascade(
    settings: Settings,
    similarity: Similarity | None,
    sessions: Sessions,
    counter: TokenCounter,
    redis: Redis,
    absence: Absence | None = None,
    reranker: Reranker | None = None,
) -> Cascade:
    """The tiers of `cascade.order` and the strong one; one that lacks its base URL or model is left out, with a line
    in the log. `similarity` and `reranker` are what the extractive tier chooses its sentences with."""
    strong = settings.cascade.strong
    members: dict[str, Member] = {}
    for name in settings.cascade.tiers:
        section = settings.tiers[name]
        match section:
            case OpenAITierSettings(base_url=str(base_url), model=str(model)) if base_url and model:
                tier = openai_tier(name, base_url, model, section)
                members[name] = upstream(tier, base_url, model, section, settings, counter, redis, absence)
            case OpenAITierSettings():
                log.info("tier %s is skipped: it has no base_url or no model", name)
            case AgentTierSettings(base_url=str(base_url)) if base_url:
                bridge = agent_tier(name, base_url, section, sessions)
                members[name] = upstream(bridge, base_url, None, section, settings, counter, redis, absence)
            case AgentTierSettings():
                log.info("tier %s is skipped: it has no base_url", name)
            case ExtractiveTierSettings():
                budget = Budget(counter, settings.chat.prompt_tokens, settings.chat.answer_tokens)
                members[name] = Member(ExtractiveTier(name, similarity, reranker), budget, Prices(), None)
            case _:
                assert_never(section)
    return Cascade(
        [members[name] for name in settings.cascade.order if name in members],
        strong=members.get(strong) if strong else None,
        hedge_after_s=settings.cascade.hedge_after_s,
    )


def upstream(
    tier: Tier,
    base_url: str,
    model: str | None,
    section: UpstreamTierSettings,
    settings: Settings,
    counter: TokenCounter,
    redis: Redis,
    absence: Absence | None,
) -> Member:
    """A tier that asks somebody else, with its budget, its prices and its breaker."""
    answer_tokens = min(settings.chat.answer_tokens, section.max_answer_tokens or settings.chat.answer_tokens)
    prompt_tokens = min(settings.chat.prompt_tokens, section.context_tokens - answer_tokens)
    breaker = settings.cascade.breaker
    rules = Rules(breaker.threshold, breaker.window_s, breaker.cooldown_s, section.first_token_timeout_s + LEASE_S)
    configuration = fingerprint(base_url, model, plain(section.api_key))
    return Member(
        tier,
        Budget(counter.for_model(model or ""), prompt_tokens, answer_tokens),
        Prices(section.prompt_price or 0.0, section.completion_price or 0.0),
        Breaker(tier.name, configuration, redis, rules, absence),
    )


def openai_tier(name: str, base_url: str, model: str, section: OpenAITierSettings) -> OpenAITier:
    """A tier from its settings."""
    return OpenAITier(
        name,
        base_url=base_url,
        model=model,
        api_key=plain(section.api_key),
        connect_timeout_s=section.connect_timeout_s,
        deadlines=deadlines(section),
        max_response_bytes=section.max_response_bytes,
        max_line_bytes=section.max_line_bytes,
    )


def agent_tier(name: str, base_url: str, section: AgentTierSettings, sessions: Sessions) -> AgentTier:
    """A tier from its settings."""
    return AgentTier(
        name,
        base_url=base_url,
        api_key=plain(section.api_key),
        connect_timeout_s=section.connect_timeout_s,
        deadlines=deadlines(section),
        max_response_bytes=section.max_response_bytes,
        max_line_bytes=section.max_line_bytes,
        sessions=sessions,
    )


def deadlines(section: UpstreamTierSettings) -> Deadlines:
    """The deadlines of a section."""
    return Deadlines(section.first_token_timeout_s, section.idle_timeout_s, section.total_timeout_s)


def plain(key: SecretStr | None) -> str | None:
    """The key itself."""
    return key.get_secret_value() if key else None
