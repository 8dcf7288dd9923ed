"""The settings: environment over `.env` over `config.yaml`. A key that nobody knows is an error that names it."""

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, get_origin
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, Field, IPvAnyNetwork, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings.exceptions import SettingsError

from backend.errors import ConfigurationError
from backend.settings_access import (
    MIN_SECRET_BYTES,
    OWN_PAGE,
    RetentionDays,
    SiteId,
    SiteSettings,
    UsersSettings,
    is_weak,
)
from backend.settings_budgets import refuse_budgets
from backend.settings_files import PREFIX, OurDotEnv, OurYaml, at_home, config_file, dot_env
from backend.settings_limits import AskerLimits, BudgetSettings, BudgetsSettings, LimitsSettings, WindowLimits
from backend.settings_networks import joined, unmapped
from backend.settings_section import Address, ApiKey, Section
from backend.settings_sentences import sentence_for, sentence_for_no_json
from backend.settings_tiers import (
    BreakerSettings,
    CascadeSettings,
    OpenAITierSettings,
    TierSettings,
    UpstreamTierSettings,
)

EMBEDDED = "embedded"
LEAST_PROMPT_TOKENS = 1000


class ServerSettings(Section):
    host: str
    port: int = Field(ge=1, le=65535)
    workers: int = Field(ge=1)
    trusted_proxies: tuple[Annotated[IPvAnyNetwork, AfterValidator(unmapped)], ...]
    keepalive_s: float = Field(gt=0)
    receive_timeout_s: float = Field(gt=0)
    send_timeout_s: float = Field(gt=0)
    drain_s: float = Field(ge=0)


class DatabaseSettings(Section):
    url: Address = Field(pattern=r"^(embedded|postgresql\+asyncpg://.+)$")
    pool_size: int = Field(ge=1)


class RedisSettings(Section):
    url: Address = Field(pattern=r"^(embedded|(redis|rediss|unix)://.+)$")
    history_ttl_s: int = Field(gt=0)
    journal_ttl_s: int = Field(gt=0)


class IndexSettings(Section):
    url: Address = Field(pattern=r"^(embedded|https?://.+)$")
    collection: str
    api_key: ApiKey | None = None


class EmbeddingSettings(Section):
    model: str


class RewriteSettings(Section):
    tier: str | None
    deadline_s: float = Field(gt=0)


class RerankSettings(Section):
    model: str | None
    url: Address | None = Field(pattern=r"^https?://.+$")
    served_model: str | None
    api_key: ApiKey | None = None
    deadline_s: float = Field(gt=0)
    candidates: int = Field(ge=1, le=1000)


class RetrievalSettings(Section):
    rewrite: RewriteSettings
    rerank: RerankSettings
    sources: int = Field(ge=1, le=20)
    candidates: int = Field(ge=1, le=1000)
    min_confidence: float = Field(ge=0, le=1)
    widen: bool


class ChatSettings(Section):
    prompt_tokens: int = Field(ge=LEAST_PROMPT_TOKENS)
    answer_tokens: int = Field(ge=16)
    history_messages: int = Field(ge=0)
    grace_s: float = Field(ge=0)


class Settings(BaseSettings):
    """All settings. `load` is the one way to make them outside tests."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
    )

    data_dir: Annotated[Path, AfterValidator(at_home)]
    server: ServerSettings
    database: DatabaseSettings
    redis: RedisSettings
    index: IndexSettings
    embedding: EmbeddingSettings
    retrieval: RetrievalSettings
    chat: ChatSettings
    limits: LimitsSettings
    budgets: BudgetsSettings
    users: UsersSettings
    retention_days: RetentionDays
    sites: dict[SiteId, SiteSettings]
    tiers: dict[str, TierSettings]
    cascade: CascadeSettings
    secret: SecretStr | None = None

    @property
    def sites_by_id(self) -> dict[str, SiteSettings]:
        """The sites as requests name them: the service's own page is the one without a name."""
        return {"" if name == OWN_PAGE else name: site for name, site in self.sites.items()}

    def problem_of_serving(self) -> str | None:
        """Why the service would not start: several machines may share these settings, and each would make its own
        secret. None where nothing speaks against it."""
        if self.secret is None and self.database.url != EMBEDDED:
            return f"{PREFIX}SECRET is missing: beside a database of your own, set it to at least 32 random bytes."
        return None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, OurDotEnv(settings_cls), OurYaml(settings_cls)


def load(**overrides: object) -> Settings:
    """Reads the settings once, at a composition root.

    `overrides` are top-level sections that win over everything (command-line options).
    Raises `ConfigurationError` whose sentence names the key that is wrong.
    """
    if not config_file().is_file():
        raise ConfigurationError(f"{config_file()} is missing: restore it, or set {PREFIX}CONFIG to your own.")
    refuse_unknown_names(os.environ)
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        raise ConfigurationError(sentence_for(error, known_keys())) from error
    except SettingsError as error:
        raise ConfigurationError(sentence_for_no_json(error, {**dotenv_values(dot_env()), **os.environ})) from error
    refuse_contradictions(settings)
    refuse_contradictions_of_access(settings)
    own = [site.budget for site in settings.sites.values() if site.budget is not None]
    refuse_budgets([settings.budgets.site, settings.budgets.creator, *own], settings.tiers, settings.cascade)
    return settings


def refuse_contradictions(settings: Settings) -> None:
    """Settings that are right each by itself and not together."""
    refuse_contradictions_of_tiers(settings)
    rewriting = settings.retrieval.rewrite.tier
    if rewriting is not None and rewriting not in settings.tiers:
        raise ConfigurationError(f"`retrieval.rewrite.tier` names the tier `{rewriting}`, which is not under `tiers`.")
    if rewriting is not None and settings.tiers[rewriting].kind != "openai":
        raise ConfigurationError(
            f"`retrieval.rewrite.tier` names the tier `{rewriting}`, which cannot rewrite: name one of the kind openai."
        )
    rerank = settings.retrieval.rerank
    if rerank.model and rerank.url:
        raise ConfigurationError(
            "`retrieval.rerank.model` and `retrieval.rerank.url` are both set: keep the model to rerank in this "
            "process, or the address of an endpoint that does it."
        )
    if rerank.served_model and not rerank.url:
        raise ConfigurationError(
            "`retrieval.rerank.served_model` is the name of a model at an endpoint: set `retrieval.rerank.url` too, or "
            "write it to `retrieval.rerank.model` to load it here."
        )
    refuse_two_credentials("retrieval.rerank", "url", rerank.url, rerank.api_key)


def refuse_two_credentials(section: str, name: str, address: str | None, key: SecretStr | None) -> None:
    """A user in the address and a key beside it: both go into the same header, so one of them would never arrive."""
    parts = urlsplit(address or "")
    if key is not None and (parts.username or parts.password):
        raise ConfigurationError(
            f"`{section}.{name}` names a user, and `{section}.api_key` is set too: only one of them can be sent, so "
            "take the other away."
        )


def refuse_contradictions_of_access(settings: Settings) -> None:
    """Secrets that somebody guesses, tokens that nobody could check, and limits that one client uses up."""
    if any(network.prefixlen == 0 for network in joined(settings.server.trusted_proxies)):
        raise ConfigurationError(
            "`server.trusted_proxies` trusts every address, so that anybody could say to be anybody else: name your "
            "own proxies."
        )
    if settings.secret is not None and is_weak(settings.secret.get_secret_value()):
        raise ConfigurationError(f"{PREFIX}SECRET can be guessed: use at least {MIN_SECRET_BYTES} random bytes.")
    for name, site in settings.sites.items():
        if not site.origins and name != OWN_PAGE:
            raise ConfigurationError(f"`sites.{name}.origins` is missing: nobody could ask there, so name its pages.")
    problem = settings.users.problem()
    if problem is not None:
        raise ConfigurationError(problem)
    if settings.secret is not None and settings.secret == settings.users.secret:
        raise ConfigurationError(
            f"{PREFIX}SECRET and {PREFIX}USERS__SECRET are the same: who signs your users' tokens could be any "
            "visitor, so make another."
        )
    own = {f"sites.{name}.limits": site.limits for name, site in settings.sites.items() if site.limits is not None}
    too_near = settings.limits.too_near(own)
    if too_near is not None:
        raise ConfigurationError(
            f"`{too_near}` is less than twice what one client may ask: it alone could use up everybody's share, so "
            "raise it, or lower the client's."
        )


def refuse_contradictions_of_tiers(settings: Settings) -> None:
    """Names of tiers that are not there, windows without room for a prompt, a breaker that would not hold its word."""
    cascade = settings.cascade
    named = [("order", name) for name in cascade.order] + ([("strong", cascade.strong)] if cascade.strong else [])
    for key, name in named:
        if name not in settings.tiers:
            raise ConfigurationError(f"`cascade.{key}` names the tier `{name}`, which is not under `tiers`.")
    for name, tier in settings.tiers.items():
        if isinstance(tier, UpstreamTierSettings):
            refuse_two_credentials(f"tiers.{name}", "base_url", tier.base_url, tier.api_key)
            answer = min(settings.chat.answer_tokens, tier.max_answer_tokens or settings.chat.answer_tokens)
            if tier.context_tokens - answer < LEAST_PROMPT_TOKENS:
                raise ConfigurationError(
                    f"`tiers.{name}.context_tokens` leaves less than {LEAST_PROMPT_TOKENS} tokens for a prompt beside "
                    f"an answer of {answer}: give it more, or lower `tiers.{name}.max_answer_tokens`."
                )
    if cascade.breaker.window_s > cascade.breaker.cooldown_s:
        raise ConfigurationError(
            "`cascade.breaker.window_s` is longer than `cascade.breaker.cooldown_s`: a dead tier would be asked "
            "more often than the threshold says, so make it no longer."
        )


def refuse_unknown_names(environment: Mapping[str, str]) -> None:
    """An environment variable with our prefix and no such section is a typo; nested names are checked by the model."""
    sections = list(Settings.model_fields)
    for name in environment:
        if not name.startswith(PREFIX) or name == f"{PREFIX}CONFIG" or name.startswith(f"{PREFIX}TEST_"):
            continue
        section, *nested = name.removeprefix(PREFIX).lower().split("__")
        if section not in sections:
            near = get_close_matches(section, sections, n=1)
            hint = f" Did you mean {PREFIX}{near[0].upper()}?" if near else ""
            raise ConfigurationError(f"The environment variable {name} is not a setting.{hint}")
        kind = Settings.model_fields[section].annotation
        if nested and not (get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, Section))):
            raise ConfigurationError(
                f"The environment variable {name} is not a setting: {PREFIX}{section.upper()} is a single value."
            )


def known_keys() -> list[str]:
    """The last part of every setting's path, for suggestions."""
    sections = (
        ServerSettings, DatabaseSettings, RedisSettings, IndexSettings, EmbeddingSettings, RetrievalSettings,
        RewriteSettings, RerankSettings, ChatSettings, OpenAITierSettings, CascadeSettings,
        BreakerSettings, LimitsSettings, AskerLimits, WindowLimits, BudgetsSettings, BudgetSettings,
        UsersSettings, SiteSettings,
    )  # fmt: skip
    return [*Settings.model_fields, *(key for section in sections for key in section.model_fields)]
