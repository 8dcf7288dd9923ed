"""The settings of the tiers and of the cascade over them."""

from typing import Annotated, Literal

from pydantic import Field

from backend.settings_section import Address, ApiKey, Section

MIB = 1 << 20


class UpstreamTierSettings(Section):
    """What every tier that asks somebody else has: how long that may take, how much may come, what it costs.

    These are in `config.yaml` for the tier `fast`; the defaults here are for tiers that somebody adds.
    """

    base_url: Address | None = Field(default=None, pattern=r"^(https?://\S+)?$")
    api_key: ApiKey | None = None
    connect_timeout_s: float = Field(default=3, gt=0)
    first_token_timeout_s: float = Field(default=8, gt=0)
    idle_timeout_s: float = Field(default=15, gt=0)
    total_timeout_s: float = Field(default=90, gt=0)
    max_response_bytes: int = Field(default=8 * MIB, ge=1024)
    max_line_bytes: int = Field(default=MIB, ge=1024)
    max_answer_tokens: int | None = Field(default=None, ge=16)
    context_tokens: int = Field(default=8192, ge=1)
    prompt_price: float | None = Field(default=None, ge=0)
    completion_price: float | None = Field(default=None, ge=0)


class OpenAITierSettings(UpstreamTierSettings):
    kind: Literal["openai"]
    model: str | None = None


class AgentTierSettings(UpstreamTierSettings):
    """An agent reads and tries things before it speaks, so it has longer."""

    kind: Literal["agent"]
    first_token_timeout_s: float = Field(default=30, gt=0)
    idle_timeout_s: float = Field(default=60, gt=0)
    total_timeout_s: float = Field(default=180, gt=0)


class ExtractiveTierSettings(Section):
    kind: Literal["extractive"]


TierSettings = Annotated[OpenAITierSettings | AgentTierSettings | ExtractiveTierSettings, Field(discriminator="kind")]


class BreakerSettings(Section):
    threshold: int = Field(ge=1)
    window_s: float = Field(gt=0)
    cooldown_s: float = Field(gt=0)


class CascadeSettings(Section):
    order: tuple[str, ...] = Field(min_length=1)
    strong: str | None
    hedge_after_s: float | None = Field(gt=0)
    breaker: BreakerSettings

    @property
    def tiers(self) -> tuple[str, ...]:
        """The names of all tiers that may answer, in their order; a strong one that is not in it comes last."""
        return tuple(dict.fromkeys([*self.order, *([self.strong] if self.strong else [])]))
