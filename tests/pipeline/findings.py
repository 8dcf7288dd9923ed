"""What tests of the checks share: a secret that nobody may print, a tier's settings, and the states of findings."""

from collections.abc import Sequence

from pydantic import SecretStr

from backend.settings import Settings
from pipeline.checks.finding import Finding

SECRET = "hunter2-do-not-print"


def states(findings: Sequence[Finding]) -> list[str]:
    return [finding.state for finding in findings]


def with_tier(settings: Settings, base_url: str | None, model: str | None, api_key: str | None = None) -> Settings:
    key = SecretStr(api_key) if api_key else None
    fast = settings.tiers["fast"].model_copy(update={"base_url": base_url, "model": model, "api_key": key})
    return settings.model_copy(update={"tiers": {**settings.tiers, "fast": fast}})
