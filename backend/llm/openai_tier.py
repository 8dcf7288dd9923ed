"""The tier `openai`: any endpoint that speaks OpenAI's streaming chat completions."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx2
from openai import OpenAI

from backend.errors import ConfigurationError
from backend.llm.completion_stream import CompletionStream
from backend.llm.deadlines import Deadlines, next_before
from backend.llm.tier import Finish, Prompt, TierFailure, Token
from backend.llm.upstream import Upstream

# The answer is whole once the finish reason is there; usage follows at once or not at all.
USAGE_PATIENCE_S = 1.0
NO_KEY = "none"
# What the openai client adds beside these is what this machine is, and what the environment has for another endpoint
# (`OPENAI_ORG_ID`; `OPENAI_CUSTOM_HEADERS`, which may even hold its key).
HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class Unsent(httpx2.BaseTransport):
    """Sends nothing: it is asked what a request looks like."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """An empty response, which knows its request."""
        return httpx2.Response(200, request=request)


class OpenAITier:
    """Streams answers of one model behind one base URL.

    The openai client says once how a request to this endpoint looks; each question is sent so by `Upstream`, and its
    answer read here, raw. The client itself takes 0.7 ms for a request, and its chunks cost several times as much per
    token and end silently when a stream breaks.
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
        request = drafted(base_url, api_key)
        self._upstream = Upstream(
            str(request.url),
            {name: request.headers[name] for name in HEADERS} | {"Authorization": f"Bearer {api_key or NO_KEY}"},
            connect_timeout_s=connect_timeout_s,
            max_response_bytes=max_response_bytes,
        )

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Token | Finish, None]:
        """Tokens, then one `Finish`; anything else is a `TierFailure` that carries no text of the upstream's."""
        started = asyncio.get_running_loop().time()
        end = started + self._deadlines.total_s
        silent_until = started + self._deadlines.first_token_s
        completion = CompletionStream(max_line_bytes=self._max_line_bytes)
        async with aclosing(self._upstream.stream(self._body(prompt))) as chunks:
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
                    break
                if completion.finish_reason is not None:
                    end = min(end, asyncio.get_running_loop().time() + USAGE_PATIENCE_S)
        yield completion.finish()

    async def close(self) -> None:
        """Closes the connections that are kept open for the next question."""
        await self._upstream.close()

    def _body(self, prompt: Prompt) -> bytes:
        return json.dumps(
            {
                "model": self._model,
                "messages": [{"role": message.role, "content": message.content} for message in prompt.messages],
                "max_tokens": prompt.max_tokens,
                "temperature": prompt.temperature,
                "stream": True,
                "stream_options": {"include_usage": True},
            }
        ).encode()


def drafted(base_url: str, api_key: str | None) -> httpx2.Request:
    """The request that the openai client would send to this endpoint, but for its body. Raises `ConfigurationError` for
    an address that it cannot read."""
    try:
        with OpenAI(
            base_url=base_url,
            # A local endpoint needs no key, but the client insists on one, and would otherwise take the environment's.
            api_key=api_key or NO_KEY,
            max_retries=0,
            # A compressor between us and the model would hold tokens back.
            default_headers={"Accept-Encoding": "identity"},
            http_client=httpx2.Client(transport=Unsent()),
        ) as client:
            return client.post("/chat/completions", cast_to=httpx2.Response, body={}).request
    except httpx2.InvalidURL as error:
        raise ConfigurationError("The base_url of a tier is no address: write http://HOST:PORT/v1.") from error
