"""The composition root of the service: opens everything once, and closes it."""

import asyncio
import gc
import logging
import multiprocessing
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType
from typing import TypedDict

from fastapi import FastAPI

from backend import settings as configuration
from backend.access.authentication import Authentication
from backend.access.keys import ApiKeys
from backend.access.sites import Sites
from backend.access.users import Users
from backend.access.visitors import Visitors, open_secret
from backend.api import answers, chat, conversations, creators, curation, export, health, sites
from backend.api.body_limit import BodyLimit
from backend.api.cross_origin import CrossOrigin
from backend.api.default_headers import DefaultHeaders
from backend.api.dependencies import Services
from backend.api.documented import Described, operation_id
from backend.api.error_handlers import install_error_handlers
from backend.api.internal_errors import InternalErrors
from backend.api.methods import HeadAsGet
from backend.api.pages import Pages
from backend.chat.deletion import Deletion
from backend.chat.journal import BLOCK_MS
from backend.chat.purse import Purse
from backend.chat.rewriting import open_rewriter
from backend.chat.runs import Runs
from backend.chat.service import ChatService
from backend.conversations.agent_sessions import AgentSessions
from backend.conversations.answers import Answers
from backend.conversations.cached import CachedHistory
from backend.conversations.deleted import DeletedConversations
from backend.conversations.expired import ExpiredConversations
from backend.conversations.postgres import PostgresConversations
from backend.database import close_database, open_database
from backend.errors import FootnoteError
from backend.knowledge.catalogue import Catalogue
from backend.knowledge.embedders import open_embedders
from backend.knowledge.lexical import LexicalEncoder
from backend.knowledge.opening import open_index
from backend.knowledge.recent_documents import RecentDocuments
from backend.knowledge.searcher import Searcher
from backend.knowledge.similarity import PATIENCE_S, Similarity
from backend.limits.client_address import ClientAddresses
from backend.limits.limiter import Limiter
from backend.limits.spending import Spending
from backend.llm.opening import open_cascade
from backend.llm.tokens import TokenCounter
from backend.logs import log_what_python_prints
from backend.processes import end_with_parent, give_back_memory, let_go_of_pages
from backend.redis_client import open_redis
from backend.retrieval.rerank import open_reranker
from backend.retrieval.retriever import Retriever
from backend.settings import Settings

log = logging.getLogger(__name__)

Handler = Callable[[int, FrameType | None], object] | int | None

MAX_BODY_BYTES = 64 * 1024
REDIS_TIMEOUT_S = 0.25  # Redis being away may cost a question this much, once a second
PATIENT_S = 2.0  # for those who look by themselves whether they have waited for too long
PAGES = Path(__file__).parent.parent / "frontend" / "dist"


class State(TypedDict):
    """What handlers find on `request.state`."""

    services: Services


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application. Without `settings` it reads its own, as a worker process does."""
    resolved = settings or configuration.load()
    if settings is None:
        log_what_python_prints()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[State]:
        parent = multiprocessing.parent_process()
        if parent is not None and parent.pid is not None:
            end_with_parent(signal.SIGTERM, parent.pid)
        async with AsyncExitStack() as stack:
            try:
                services = await open_services(resolved, stack)
            except FootnoteError as error:
                log.error("the service cannot start: %s", error.message)
                raise
            except Exception:
                log.exception("the service cannot start")  # what the server says of it has no reason in it
                raise
            with streams_ended_on_signal(services.runs, resolved.server.drain_s), collecting_seldom():
                yield {"services": services}

    app = Described(
        title="Footnote",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # to whatever host the request has named
        openapi_url="/api/v1/openapi.json",
        generate_unique_id_function=operation_id,
    )
    install_error_handlers(app)
    app.add_middleware(HeadAsGet)
    app.add_middleware(BodyLimit, limit=MAX_BODY_BYTES)
    app.add_middleware(InternalErrors)
    origins = tuple({origin for site in resolved.sites_by_id.values() for origin in site.origins})
    if origins:
        app.add_middleware(CrossOrigin, origins=origins)
    app.add_middleware(DefaultHeaders)
    for router in (
        chat.router,
        conversations.router,
        answers.router,
        export.router,
        creators.router,
        curation.router,
        sites.router,
        health.router,
    ):
        app.include_router(router)
    if PAGES.is_dir():
        # Not mounted, as a mount takes what is asked of an address of the API with another method, which is a 405.
        app.router.default = Pages(PAGES, resolved.sites_by_id)
    return app


async def open_services(settings: Settings, stack: AsyncExitStack) -> Services:
    """Opens the parts from the bottom up; `stack` closes them in reverse."""
    engine = open_database(settings.database.url, pool_size=settings.database.pool_size)
    stack.push_async_callback(close_database, engine)
    redis = open_redis(settings, REDIS_TIMEOUT_S, connections=20)
    stack.push_async_callback(redis.aclose)
    blocking_redis = open_redis(
        settings, BLOCK_MS / 1000 + 2, connections=1000
    )  # one for each reader of a run elsewhere
    stack.push_async_callback(blocking_redis.aclose)
    patient_redis = open_redis(settings, PATIENT_S, connections=2)
    stack.push_async_callback(patient_redis.aclose)
    secret = open_secret(settings)
    own_limits = {name: site.limits for name, site in settings.sites_by_id.items() if site.limits is not None}
    limiter = Limiter(patient_redis, settings.limits, own_limits, secret, settings.server.workers)
    limiter.open()
    stack.push_async_callback(limiter.close)
    users = Users(settings.users)
    stack.push_async_callback(users.close)
    visitors = Visitors(secret)

    index = open_index(settings)
    stack.push_async_callback(index.close)
    embedders = await open_embedders(settings, index)
    stack.push_async_callback(embedders.close)
    similarity = Similarity(index, embedders, PATIENCE_S)
    reranker = await open_reranker(settings)
    if reranker:
        stack.push_async_callback(reranker.close)
    counter = await asyncio.to_thread(TokenCounter.open, settings.data_dir)
    cascade = open_cascade(settings, similarity, AgentSessions(engine), counter, redis, limiter.absence, reranker)
    stack.push_async_callback(cascade.close)

    catalogue = Catalogue(engine)
    store = PostgresConversations(engine)
    runs = Runs(
        store=store,
        catalogue=catalogue,
        redis=redis,
        blocking_redis=blocking_redis,
        journal_ttl_s=settings.redis.journal_ttl_s,
        keepalive_s=settings.server.keepalive_s,
        grace_s=settings.chat.grace_s,
    )
    runs.open()
    stack.push_async_callback(runs.close)
    own_days = {
        name: site.retention_days for name, site in settings.sites_by_id.items() if site.retention_days is not None
    }
    expired = ExpiredConversations(engine, settings.retention_days, own_days)
    deletion = Deletion(store, expired, DeletedConversations(engine), runs, redis)
    deletion.open()
    stack.push_async_callback(deletion.close)
    retriever = Retriever(
        Searcher(index, embedders, LexicalEncoder()), RecentDocuments(catalogue), settings.retrieval, reranker
    )
    rewriter = open_rewriter(settings, counter, cascade)
    if rewriter:
        stack.push_async_callback(rewriter.close)
    own_budgets = {name: site.budget for name, site in settings.sites_by_id.items() if site.budget is not None}
    service = ChatService(
        store=store,
        history=CachedHistory(
            store, redis, settings.redis.history_ttl_s, settings.chat.history_messages, limiter.absence
        ),
        catalogue=catalogue,
        retriever=retriever,
        rewriter=rewriter,
        cascade=cascade,
        runs=runs,
        similarity=similarity,
        purse=Purse(Spending(engine, settings.budgets, own_budgets)),
    )
    return Services(
        chat=service,
        runs=runs,
        conversations=store,
        answers=Answers(engine),
        catalogue=catalogue,
        visitors=visitors,
        authentication=Authentication(visitors, users, ApiKeys(engine)),
        sites=Sites(settings.sites_by_id),
        index=index,
        cascade=cascade,
        deletion=deletion,
        addresses=ClientAddresses(settings.server.trusted_proxies),
        limiter=limiter,
        database=engine,
        curating=asyncio.Semaphore(1),
    )


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """What is there now stays, and the collector leaves it alone; of what comes it looks at 10,000 objects at once
    instead of 700. It took an eighth of the time of a question."""
    usual = gc.get_threshold()
    gc.collect()
    give_back_memory()
    let_go_of_pages()
    gc.freeze()
    gc.set_threshold(10_000)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


@contextmanager
def streams_ended_on_signal(runs: Runs, drain_s: float) -> Iterator[None]:
    """The server waits for open streams before it closes the lifespan, so runs must be told to end at the signal."""
    loop = asyncio.get_running_loop()
    draining: set[asyncio.Task[None]] = set()

    def drain() -> None:
        task = loop.create_task(runs.drain(drain_s))
        draining.add(task)
        task.add_done_callback(draining.discard)

    def before(previous: Handler) -> Callable[[int, FrameType | None], None]:
        def handle(signum: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(drain)
            if callable(previous):
                previous(signum, frame)

        return handle

    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number, previous in handlers.items():
        signal.signal(number, before(previous))
    try:
        yield
    finally:
        for number, previous in handlers.items():
            signal.signal(number, previous)
