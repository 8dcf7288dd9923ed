"""Reranking by an endpoint, against a real server on loopback that answers, or misbehaves."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from backend.retrieval.rerank_endpoint import RerankEndpoint
from tests.model_server import CANARY
from tests.rerank_server import Endpoint, as_results, serving

QUERY = "How loud should a master be?"
TEXTS = ["first", "second", "third"]
SCORES = [0.25, -7.5, 3]


@asynccontextmanager
async def asking(
    endpoint: Endpoint, *, model: str | None = None, deadline_s: float = 20
) -> AsyncIterator[RerankEndpoint]:
    async with serving(endpoint) as url:
        reranker = RerankEndpoint(url, model=model, api_key=CANARY, deadline_s=deadline_s)
        try:
            yield reranker
        finally:
            await reranker.close()


async def test_with_a_model_it_is_asked_as_jina_and_cohere_are_and_their_answer_is_read() -> None:
    body = {"id": "1", "model": "m", "results": as_results(SCORES), "meta": {"billed_units": {"search_units": 1}}}
    endpoint = Endpoint(json.dumps(body).encode())
    async with asking(endpoint, model="m") as reranker:
        assert await reranker.scores(QUERY, TEXTS) == SCORES
    path, headers, asked = endpoint.requests[0]
    assert path == "/v1/rerank"
    assert headers["authorization"] == f"Bearer {CANARY}"
    assert asked == {"model": "m", "query": QUERY, "documents": TEXTS}


async def test_without_a_model_it_is_asked_as_text_embeddings_inference_is_and_its_answer_is_read() -> None:
    endpoint = Endpoint(json.dumps(as_results(SCORES, "score")).encode())
    async with asking(endpoint) as reranker:
        assert await reranker.scores(QUERY, TEXTS) == SCORES
    assert endpoint.requests[0][2] == {"query": QUERY, "texts": TEXTS, "truncate": True}


async def test_all_texts_are_one_request_and_none_at_all_are_no_request() -> None:
    endpoint = Endpoint(lambda asked: json.dumps(as_results([len(text) for text in asked["texts"]], "score")).encode())
    async with asking(endpoint) as reranker:
        texts = ["🎚️ \u2028" * count for count in range(100)]
        assert await reranker.scores(QUERY, texts) == [len(text) for text in texts]
        assert await reranker.scores(QUERY, []) == []
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not JSON, " + CANARY.encode(),
        b"\xff\xfe",
        b"[" * 100_000,
        b"null",
        b"3",
        b'"abc"',
        b'["a", "b", "c"]',
        b"[[0, 1], [1, 1], [2, 1]]",
        b'{"results": null}',
        b'{"error": "sk-canary-4f1d"}',
        json.dumps(as_results(SCORES)[:2]).encode(),
        json.dumps([*as_results(SCORES), {"index": 3, "score": 1}]).encode(),
        json.dumps([*as_results(SCORES)[:2], as_results(SCORES)[0]]).encode(),
        json.dumps([*as_results(SCORES), as_results(SCORES)[0]]).encode(),
        b'[{"index": 0, "score": 1}, {"index": 1, "score": 1}, {"index": 3, "score": 1}]',
        b'[{"index": 0, "score": 1}, {"index": 1, "score": 1}, {"index": -1, "score": 1}]',
        b'[{"index": 0, "score": 1}, {"index": 1, "score": 1}, {"index": 2.0, "score": 1}]',
        b'[{"index": 0, "score": 1}, {"index": true, "score": 1}, {"index": 2, "score": 1}]',
        b'[{"index": 0, "score": 1}, {"index": [], "score": 1}, {"index": 2, "score": 1}]',
        b'[{"index": 0, "score": 1}, {"index": 1}, {"index": 2, "score": 1}]',
        b'[{"index": 0, "score": 1}, {"index": 1, "score": NaN}, {"index": 2, "score": 1}]',
        b'[{"index": 0, "score": 1}, {"index": 1, "score": 1e999}, {"index": 2, "score": 1}]',
        b'[{"index": 0, "score": 1}, {"index": 1, "score": 1' + b"0" * 400 + b'}, {"index": 2, "score": 1}]',
        b'[{"index": 0, "score": 1}, {"index": 1, "score": "0.5"}, {"index": 2, "score": 1}]',
        b'[{"index": 0, "score": 1}, {"index": 1, "score": true}, {"index": 2, "score": 1}]',
    ],
)
async def test_an_answer_that_is_not_one_finite_score_for_each_text_is_none(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with asking(Endpoint(body)) as reranker:
        assert await reranker.scores(QUERY, TEXTS) is None
    assert "reranker failed" in caplog.text
    assert CANARY not in caplog.text


@pytest.mark.parametrize("status", [201, 204, 400, 401, 413, 422, 429, 500, 503])
async def test_a_refusal_is_none_even_with_scores(status: int) -> None:
    body = b"" if status == 204 else json.dumps(as_results(SCORES)).encode()
    async with asking(Endpoint(body, status)) as reranker:
        assert await reranker.scores(QUERY, TEXTS) is None


async def test_a_redirect_is_not_followed_so_the_key_stays_with_its_endpoint() -> None:
    elsewhere = Endpoint(json.dumps(as_results(SCORES, "score")).encode())
    async with serving(elsewhere) as url:
        endpoint = Endpoint(b"", 307, [(b"location", url.encode())])
        async with asking(endpoint) as reranker:
            assert await reranker.scores(QUERY, TEXTS) is None
    assert not elsewhere.requests


async def test_a_slow_endpoint_costs_its_deadline_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    async with asking(Endpoint(json.dumps(as_results(SCORES)).encode(), delay_s=5), deadline_s=0.2) as reranker:
        asked = time.monotonic()
        assert await reranker.scores(QUERY, TEXTS) is None
        assert 0.15 < time.monotonic() - asked < 2
    assert "not ready" in caplog.text


async def test_a_giant_answer_is_not_read_to_its_end() -> None:
    endpoint = Endpoint(endless=True)
    async with asking(endpoint) as reranker:
        asked = time.monotonic()
        assert await reranker.scores(QUERY, TEXTS) is None
        assert time.monotonic() - asked < 5
        assert endpoint.sent < 100 << 20
        endpoint.endless = False


async def test_an_answer_is_asked_for_unpacked_and_a_packed_one_is_none() -> None:
    import gzip

    packed = gzip.compress(json.dumps(as_results(SCORES)).encode())
    endpoint = Endpoint(packed, headers=[(b"content-encoding", b"gzip")])
    async with asking(endpoint) as reranker:
        assert await reranker.scores(QUERY, TEXTS) is None
    assert endpoint.requests[0][1]["accept-encoding"] == "identity"


async def test_nobody_at_the_address_is_none_and_the_log_names_no_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    async with serving(Endpoint()) as url:
        pass
    for address in (url, "http://[broken/rerank", f"http://user:{CANARY}@127.0.0.1:1/rerank"):
        reranker = RerankEndpoint(address, model=None, api_key=None, deadline_s=5)
        assert await reranker.scores(QUERY, TEXTS) is None
        await reranker.close()
    assert CANARY not in caplog.text
    assert "127.0.0.1" not in caplog.text


async def test_it_goes_on_after_a_failure() -> None:
    endpoint = Endpoint(b"", 500)
    async with asking(endpoint) as reranker:
        assert await reranker.scores(QUERY, TEXTS) is None
        endpoint.status, endpoint.body = 200, json.dumps(as_results(SCORES)).encode()
        assert await reranker.scores(QUERY, TEXTS) == SCORES


async def test_an_answer_in_the_smallest_chunks_leaves_the_loop_to_others() -> None:
    body = b" " * 20_000 + json.dumps(as_results(SCORES)).encode()
    chunked = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunked)
        await writer.drain()
        writer.close()

    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    reranker = RerankEndpoint(url, model=None, api_key=None, deadline_s=20)
    working = asyncio.create_task(others())
    assert await reranker.scores(QUERY, TEXTS) == SCORES
    working.cancel()
    assert turns > len(body) / 100
    await reranker.close()
    server.close()
