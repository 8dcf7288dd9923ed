"""The tier `openai`: any endpoint that speaks OpenAI's streaming chat completions."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx2
from openai import OpenAI, OpenAIError

from backend.errors import ConfigurationError
from backend.llm.completion_stream import CompletionStream
from backend.llm.deadlines import Deadlines, next_before, read_out
from backend.llm.tier import Finish, Prompt, TierFailure, Token
from backend.llm.upstream import Upstream

# The answer is whole once the finish reason is there; usage follows at once or not at all.
USAGE_PATIENCE_S = 1.0
NO_KEY = "none"


class OpenAITier:
    """Streams answers of one model behind one base URL.

    The openai client says once where a request to this endpoint goes; each question is sent there by `Upstream`, and
    its answer read here, raw. The client itself takes almost a millisecond for a request; its chunks cost several times
    as much per token and end silently when a stream breaks. Nothing of the environment goes out with a question, which
    the client would add (`OPENAI_ORG_ID`; `OPENAI_CUSTOM_HEADERS`, which may hold the key of another endpoint).
    Only answer text counts as a token: comments, empty deltas and `reasoning_content` do not hold a deadline open.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str,
        model: str,
        api_key: str | None,
        connect_timeout_s: float,
        deadlines: Deadlines,
        max_response_bytes: int,
        max_line_bytes: int,
    ) -> None:
        self.name = name
        self._model = model
        self._deadlines = deadlines
        self._max_line_bytes = max_line_bytes
        self._upstream = Upstream(
            address_of_completions(name, base_url),
            # A local endpoint needs no key, but some want to see one.
            {"Accept": "application/json", "Authorization": f"Bearer {api_key or NO_KEY}"},
            connect_timeout_s=connect_timeout_s,
            max_response_bytes=max_response_bytes,
        )

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Token | Finish, None]:
        """Tokens, then one `Finish`; anything else is a `TierFailure` that carries no text of the upstream's."""
        started = asyncio.get_running_loop().time()
        end = started + self._deadlines.total_s
        silent_until = started + self._deadlines.first_token_s
        completion = CompletionStream(max_line_bytes=self._max_line_bytes)
        async with aclosing(self._upstream.stream(self._request(prompt))) as chunks:
            while True:
                try:
                    chunk = await next_before(min(silent_until, end), chunks)
                except (TimeoutError, TierFailure) as failure:
                    if completion.finish_reason is not None:
                        break  # it is whole: whatever happens now is an end and no failure
                    raise (failure if isinstance(failure, TierFailure) else TierFailure("timeout")) from None
                if chunk is None:
                    break
                text = completion.feed(chunk)
                if text:
                    yield Token(text)
                    silent_until = asyncio.get_running_loop().time() + self._deadlines.idle_s
                if completion.failure is not None:
                    raise completion.failure
                if completion.done:
                    await read_out(chunks)
                    break
                if completion.finish_reason is not None:
                    end = min(end, asyncio.get_running_loop().time() + USAGE_PATIENCE_S)
        yield completion.finish()

    async def close(self) -> None:
        """Closes the connections that are kept open for the next question."""
        await self._upstream.close()

    def _request(self, prompt: Prompt) -> dict[str, object]:
        return {
            "model": self._model,
            "messages": [{"role": message.role, "content": message.content} for message in prompt.messages],
            "max_tokens": prompt.max_tokens,
            "temperature": prompt.temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
        }


def address_of_completions(tier: str, base_url: str) -> str:
    """Where the openai client sends questions to this endpoint. Raises `ConfigurationError` for a base URL that it
    cannot read."""
    try:
        # It sends nothing, so it needs no certificates, which take 30 ms to read.
        with OpenAI(base_url=base_url, api_key=NO_KEY, http_client=httpx2.Client(verify=False)) as client:
            return str(client.base_url.join("chat/completions"))
    except (httpx2.InvalidURL, ValueError, OpenAIError) as error:
        raise ConfigurationError(
            f"The base_url of the tier {tier} is no address: write http://HOST:PORT/v1."
        ) from error
