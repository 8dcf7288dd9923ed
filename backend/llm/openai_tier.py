"""The tier `openai`: any endpoint that speaks OpenAI's streaming chat completions."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Literal

import httpx2
from openai import AsyncOpenAI, AsyncStream, OpenAIError

from backend.llm.aiohttp_transport import AiohttpTransport
from backend.llm.completion_stream import CompletionStream
from backend.llm.deadlines import Deadlines, next_before
from backend.llm.responses import events_of, refuse_unread
from backend.llm.tier import Finish, Prompt, TierFailure, Token

# The answer is whole once the finish reason is there; usage follows at once or not at all.
USAGE_PATIENCE_S = 1.0
NO_KEY = "none"
HEADERS = ("Host", "Accept", "Accept-Encoding", "Content-Type", "Content-Length", "User-Agent")


async def send_ours_alone(api_key: str | None, request: httpx2.Request) -> None:
    """Leaves out what the openai client adds to every request: what this machine is, and what the environment has for
    another endpoint (`OPENAI_ORG_ID`; `OPENAI_CUSTOM_HEADERS`, which may even hold its key)."""
    ours = {name: request.headers[name] for name in HEADERS if name in request.headers}
    request.headers = httpx2.Headers(ours | {"Authorization": f"Bearer {api_key or NO_KEY}"})


class OpenAITier:
    """Streams answers of one model behind one base URL.

    The openai client makes the request (addresses, authentication, connection pool); the response is read here, raw,
    because the client's own chunks cost several times as much per token and end silently when a stream breaks.
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
        self._max_response_bytes = max_response_bytes
        self._max_line_bytes = max_line_bytes
        self._client = AsyncOpenAI(
            base_url=base_url,
            # A local endpoint needs no key, but the client insists on one, and would otherwise take the environment's.
            api_key=api_key or NO_KEY,
            # The cascade alone decides what is tried again.
            max_retries=0,
            # A compressor between us and the model would hold tokens back.
            default_headers={"Accept-Encoding": "identity"},
            http_client=httpx2.AsyncClient(
                transport=AiohttpTransport(connect_timeout_s),
                # Everything else is within our own deadlines.
                timeout=httpx2.Timeout(None, connect=connect_timeout_s),
                follow_redirects=False,
                # A cookie would belong to one visitor and go out with the question of another.
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                event_hooks={"request": [partial(send_ours_alone, api_key)], "response": [refuse_unread]},
            ),
        )

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Token | Finish, None]:
        """Tokens, then one `Finish`; anything else is a `TierFailure` that carries no text of the upstream's."""
        started = asyncio.get_running_loop().time()
        end = started + self._deadlines.total_s
        silent_until = started + self._deadlines.first_token_s
        completion = CompletionStream(max_line_bytes=self._max_line_bytes)
        async with aclosing(self._bytes(prompt)) as chunks:
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
        await self._client.close()

    async def _bytes(self, prompt: Prompt) -> AsyncGenerator[bytes, None]:
        """The body of the response as it arrives. Closing this generator closes the connection."""
        outcome: Literal["unreachable", "broken_stream"] = "unreachable"
        try:
            stream = await self._client.post(
                "/chat/completions",
                cast_to=object,
                # Given as it is: the client's own `create` looks at every part of it, which takes a millisecond.
                body={
                    "model": self._model,
                    "messages": [asdict(message) for message in prompt.messages],
                    "max_tokens": prompt.max_tokens,
                    "temperature": prompt.temperature,
                    "stream": True,
                    "stream_options": {"include_usage": True},
                },
                stream=True,
                stream_cls=AsyncStream[object],
            )
            async with stream, aclosing(events_of(stream.response, self._max_response_bytes)) as chunks:
                outcome = "broken_stream"
                async for chunk in chunks:
                    yield chunk
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OpenAIError, ValueError):
            # Not `from error`: its text may quote the upstream, and a traceback would carry it into the log.
            raise TierFailure(outcome) from None
