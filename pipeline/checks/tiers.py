"""The tiers that may answer: there, with the right key, and with the model that is wanted."""

import asyncio
from typing import assert_never

import httpx2
from openai import (
    APIConnectionError,
    APIStatusError,
    AsyncOpenAI,
    AuthenticationError,
    OpenAIError,
    PermissionDeniedError,
)

from backend.settings import Settings
from backend.settings_files import PREFIX
from backend.settings_tiers import AgentTierSettings, ExtractiveTierSettings, OpenAITierSettings, TierSettings
from pipeline.checks.finding import Finding, place_of, within

PATIENCE_S = 3.0
MODELS_NAMED = 5
LONGEST_NAME = 60


async def tiers(settings: Settings) -> list[Finding]:
    """Every tier that is used, in the order of the cascade, all asked at once, then those that are not."""
    names = dict.fromkeys(filter(None, [*settings.cascade.tiers, settings.retrieval.rewrite.tier]))
    asked = await asyncio.gather(*(tier(name, settings.tiers[name]) for name in names))
    found = [finding for findings in asked for finding in findings]
    if not any(_can_answer(settings.tiers[name]) for name in settings.cascade.order):
        advice = "Give one a base_url and a model, or add `extractive`, which needs nothing, to `cascade.order`."
        found.append(Finding("broken", "tiers", "none is configured: no question can be answered.", advice))
    if unused := [name for name in settings.tiers if name not in names]:
        found.append(Finding("note", "tiers", f"{', '.join(unused)} not in `cascade.order`, and never asked."))
    return found


async def tier(name: str, section: TierSettings) -> list[Finding]:
    """One tier. No question is asked of it: the list of its models costs nothing."""
    about = f"tier {name}"
    variable = f"{PREFIX}TIERS__{name.upper()}"
    advice = f"Start it, or correct {variable}__BASE_URL; until then the next tier answers."
    match section:
        case ExtractiveTierSettings():
            return [Finding("ok", about, "extractive, needs nothing.")]
        case OpenAITierSettings(base_url=str(base_url), model=str(model)) if base_url and model:
            return await within(about, PATIENCE_S + 1, _ask(about, variable, base_url, model, section), advice)
        case OpenAITierSettings():
            says = "skipped: it has no base_url or no model."
            return [Finding("note", about, says, f"Set {variable}__BASE_URL and {variable}__MODEL to use it.")]
        case AgentTierSettings(base_url=str(base_url)) if base_url:
            return await within(about, PATIENCE_S + 1, _knock(about, base_url, advice), advice)
        case AgentTierSettings():
            says = "skipped: it has no base_url."
            return [Finding("note", about, says, f"Set {variable}__BASE_URL to use it.")]
        case _:
            assert_never(section)


async def _ask(about: str, variable: str, base_url: str, model: str, section: OpenAITierSettings) -> list[Finding]:
    where = f"{model} at {place_of(base_url)}"
    key = section.api_key.get_secret_value() if section.api_key else None
    client = AsyncOpenAI(base_url=base_url, api_key=key or "none", max_retries=0, timeout=PATIENCE_S)
    unreachable = f"Start it, or correct {variable}__BASE_URL; until then the next tier answers."
    try:
        async with client:
            listed = [offered.id for offered in (await client.models.list()).data]
    except (AuthenticationError, PermissionDeniedError):
        says = "refuses the key." if key else "wants a key."
        return [Finding("broken", about, f"{where} {says}", f"Set {variable}__API_KEY.")]
    except APIStatusError as error:
        if error.status_code == 404:
            return [Finding("note", about, f"{where} answers, but lists no models.", f"Check {variable}__BASE_URL.")]
        return [Finding("broken", about, f"{where} answers with status {error.status_code}.", unreachable)]
    except APIConnectionError:
        return [Finding("broken", about, f"{where} cannot be reached within {PATIENCE_S:g} s.", unreachable)]
    except (OpenAIError, httpx2.HTTPError, httpx2.InvalidURL, UnicodeError, TypeError, AttributeError, ValueError):
        says = f"{where} does not answer as an OpenAI-compatible endpoint."
        return [Finding("broken", about, says, f"Check {variable}__BASE_URL: it often ends with /v1.")]
    if model not in listed:
        few = ", ".join(sorted(map(printable, listed))[:MODELS_NAMED]) or "none"
        return [Finding("note", about, f"{where} answers, but does not list this model.", f"It has: {few}.")]
    return [Finding("ok", about, f"{where} answers.")]


async def _knock(about: str, base_url: str, advice: str) -> list[Finding]:
    """A bridge has nothing that could be asked for nothing, so it need only say something, whatever it is."""
    where = f"agent at {place_of(base_url)}"
    try:
        async with httpx2.AsyncClient(timeout=PATIENCE_S) as client, client.stream("GET", base_url):
            return [Finding("ok", about, f"{where} answers.")]
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError, ValueError):
        return [Finding("broken", about, f"{where} cannot be reached within {PATIENCE_S:g} s.", advice)]


def _can_answer(section: TierSettings) -> bool:
    match section:
        case ExtractiveTierSettings():
            return True
        case AgentTierSettings():
            return bool(section.base_url)
        case OpenAITierSettings():
            return bool(section.base_url and section.model)


def printable(name: object) -> str:
    """A name that a server gave, short and without anything that a terminal would obey."""
    return "".join(character for character in str(name)[:LONGEST_NAME] if character.isprintable())
