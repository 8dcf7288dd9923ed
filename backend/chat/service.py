"""The way of a question: refused or begun, then answered by a run that nobody's connection can end."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from contextlib import aclosing
from functools import cache, partial

from backend.chat.citations import check
from backend.chat.draft import Draft, conclude, stands
from backend.chat.events import ResetEvent, SourcesEvent, TokenEvent
from backend.chat.markers import CitationFilter
from backend.chat.persona import is_forbidden
from backend.chat.prompt import assemble
from backend.chat.purse import STATES, Purse
from backend.chat.repeaters import Repeaters
from backend.chat.replay import ending
from backend.chat.rewriting import ModelRewriter
from backend.chat.run import Run
from backend.chat.runs import Runs
from backend.chat.saving import save, unsaved
from backend.chat.sources import as_json, number_sources, offered
from backend.conversations.cached import CachedHistory
from backend.conversations.models import Question, RunRecord, Turn
from backend.conversations.store import ConversationStore
from backend.errors import NotFound, Unavailable
from backend.knowledge.catalogue import Catalogue
from backend.knowledge.models import Creator
from backend.knowledge.similarity import Similarity
from backend.limits.limiter import Allowance
from backend.llm.budget import Budget
from backend.llm.cascade import Cascade, Finished, Reset, Started
from backend.llm.order import is_hard
from backend.llm.tier import Place, Prompt, Token
from backend.retrieval.models import Retrieved
from backend.retrieval.retriever import Retriever
from backend.retrieval.rewrite import leans_on_history

PAY_S = 0.5  # a database that was there for the answer takes a millisecond; a reader waits no longer for sums

log = logging.getLogger(__name__)


class ChatService:
    """Answers questions."""

    def __init__(
        self,
        *,
        store: ConversationStore,
        history: CachedHistory,
        catalogue: Catalogue,
        retriever: Retriever,
        rewriter: ModelRewriter | None,
        cascade: Cascade,
        runs: Runs,
        similarity: Similarity,
        purse: Purse,
    ) -> None:
        self._store = store
        self._history = history
        self._catalogue = catalogue
        self._retriever = retriever
        self._rewriter = rewriter
        self._cascade = cascade
        self._runs = runs
        self._similarity = similarity
        self._purse = purse
        self._repeaters = Repeaters()

    async def ask(self, question: Question, allowance: Allowance) -> RunRecord:
        """Commits the user's turn and starts its run, or finds the run that the idempotency key names, for which
        nothing of the allowance is taken.

        Raises `NotFound`, `ConversationBusy`, `InvalidRequest`, `RateLimited` or `Unavailable`; nothing has begun then.
        """
        if self._runs.draining:
            raise Unavailable("The service is restarting; try again in a moment.", retry_after=2)
        if question.idempotency_key is None:
            allowance.check()
        creator = await self._find_creator(question)
        # A client that leaves between the commit and the start must not leave a run that nobody drives.
        return await asyncio.shield(asyncio.create_task(self._begin(question, creator, allowance)))

    async def _find_creator(self, question: Question) -> Creator | None:
        if question.creator is None:
            return None
        is_offered = question.among is None or question.creator in question.among
        creator = await self._catalogue.find_creator(question.creator) if is_offered else None
        if creator is None:
            raise NotFound("There is no such creator.")
        return creator

    async def _begin(self, question: Question, creator: Creator | None, allowance: Allowance) -> RunRecord:
        is_counted = not allowance.exhausted and question.owner not in self._repeaters
        early = self._search_early(question) if is_counted else None
        is_new = False
        try:
            await asyncio.sleep(0)  # the encoder has the question before the statements are made, which takes 2 ms
            record = await self._store.find_repeated(question.owner, question.idempotency_key, question.body_hash)
            if record is None:
                await allowance.take()  # beside the search too, and before anything is committed
                try:
                    record, is_new = await self._store.begin(question)
                except Unavailable:
                    self._runs.disown(question.run_id, question.owner)  # it may have been committed all the same
                    raise
            if is_new:
                self._runs.start(record, partial(self._answer, question, creator, early, allowance))
        finally:
            if not is_new:
                if early is not None:
                    early.cancel()
                    self._repeaters.add(question.owner)
                await allowance.release()
        return record

    def _search_early(self, question: Question) -> asyncio.Task[Retrieved] | None:
        """The search, begun while the database commits the turn; None where it depends on the conversation."""
        if question.conversation_id is not None and leans_on_history(question.query):
            return None
        early = asyncio.create_task(self._retrieve(question, ()))
        early.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be left to ask for it
        return early

    def _retrieve(
        self, question: Question, earlier: Sequence[str], rewritten: str | None = None
    ) -> Coroutine[None, None, Retrieved]:
        return self._retriever.retrieve(
            question.query,
            earlier=earlier,
            rewritten=rewritten,
            creator=question.creator,
            topic=question.topic,
            among=question.among,
            widen=question.widen,
        )

    async def _rewrite(self, question: Question, history: Sequence[Turn]) -> str | None:
        """The question made whole by a model, None where none is configured, the budgets do not allow for it, or the
        rule is to do it."""
        if self._rewriter is None or await self._purse.thrift(question) != "none":
            return None
        return await self._rewriter.rewrite(question.query, history)

    async def _answer(
        self,
        question: Question,
        creator: Creator | None,
        early: asyncio.Task[Retrieved] | None,
        allowance: Allowance,
        run: Run,
    ) -> None:
        """Produces, saves, and then says so: the terminal frame comes after the commit."""
        draft = Draft(query=question.query, creator=question.creator, persona="off" if is_forbidden(creator) else 0.0)
        run.producer = asyncio.create_task(self._produce(question, creator, early, run, draft))
        if run.stop_reason is not None:
            run.producer.cancel()
        await asyncio.wait({run.producer})
        releasing = asyncio.create_task(allowance.release())  # beside what follows, and before the reader may ask again
        if early is not None:
            early.cancel()  # a stop may have come before anybody asked for it
        failure = None if run.producer.cancelled() else run.producer.exception()
        stopped = run.stop_reason if run.producer.cancelled() else None
        if failure is not None and not isinstance(failure, Unavailable):
            log.error("run %s failed", run.id, exc_info=failure)
        if draft.sources is None:
            run.append(SourcesEvent([]))
        if stopped != "shutdown":  # there is no time for it then
            draft.citations = await check(draft.content, draft.prompt_sources, self._similarity)
        answer = conclude(draft, run.record, stopped, failure)
        if answer.cost is not None:
            log.info("run %s: tier %s takes %.6f for the answer", run.id, draft.tier, answer.cost)
        paying = asyncio.create_task(self._purse.pay(question, draft))  # before the reader may ask again, too
        last = await save(self._store, run, answer, self._runs.drained)
        await releasing
        if last is None:
            answer = unsaved(answer, run.record)
            paying.cancel()  # which would keep the process at its end
        else:
            await asyncio.wait({paying}, timeout=PAY_S)
        for event in last or [ending(answer.terminal)]:
            run.append(event)
        if last is None:
            self._runs.save_late(run, answer)
        is_saved = last == [ending(answer.terminal)]  # and not what somebody else has ended the run with
        if draft.history is not None and is_saved and stands(answer, run.record):
            said = [] if answer.status == "failed" else [Turn("assistant", answer.content)]
            turns = [*draft.history, Turn("user", question.query), *said]
            await self._history.write(run.record, turns)

    async def _produce(
        self,
        question: Question,
        creator: Creator | None,
        early: asyncio.Task[Retrieved] | None,
        run: Run,
        draft: Draft,
    ) -> None:
        """History, passages, sources, and then the answer as it comes."""
        draft.history = history = await self._history.read(run.record)
        earlier = [turn.content for turn in history if turn.role == "user"]
        retrieved = await (early or self._retrieve(question, earlier, await self._rewrite(question, history)))
        draft.query = retrieved.query
        draft.clock("retrieval")
        sources = number_sources(retrieved)
        draft.sources = as_json(sources)
        run.append(SourcesEvent(draft.sources))
        await asyncio.sleep(0)  # readers have them before the prompt is made, which keeps the loop for a while
        if not retrieved.answerable:
            say(abstention(creator, any_source=bool(sources)), run, draft)
            draft.finish_reason = "abstained"
            return
        draft.scope = retrieved.scope
        await self._stream(question, creator, retrieved, run, draft, history)

    async def _stream(
        self,
        question: Question,
        creator: Creator | None,
        retrieved: Retrieved,
        run: Run,
        draft: Draft,
        history: list[Turn],
    ) -> None:
        @cache
        def prompt_for(budget: Budget) -> Prompt:
            return assemble(
                question=question.query,
                standalone=retrieved.query,
                sources=offered(retrieved),
                history=history,
                # Nobody speaks for somebody else: the voice is left out where the sources are not the creator's.
                creator=creator if retrieved.scope == "creator" else None,
                personality_weight=question.personality_weight,
                counter=budget.counter,
                prompt_tokens=budget.prompt_tokens,
                answer_tokens=budget.answer_tokens,
                place=Place(run.record.conversation_id, run.record.seq),
            )

        strengths = [(passage.document.id, passage.score) for passage in retrieved.passages]
        hard = is_hard(question.query, strengths, len(history))
        thrift = await self._purse.thrift(question)
        draft.budget = STATES[thrift]
        async with aclosing(self._cascade.answer(prompt_for, draft.turns.append, hard=hard, thrift=thrift)) as events:
            async for event in events:
                match event:
                    case Started(tier, prompt):
                        draft.asked(event)
                        markers = CitationFilter(len(prompt.sources))
                        if draft.persona != "off":
                            draft.persona = prompt.personality_weight if self._cascade.writes(tier) else 0.0
                        draft.clock("first_token")
                    case Token(text):
                        say(markers.feed(text.replace("\0", "")), run, draft)
                    case Reset(tier, reason):
                        draft.text.clear()
                        run.append(ResetEvent(tier, reason))
                    case Finished():
                        say(markers.finish(), run, draft)
                        draft.finish_reason = event.finish_reason
                        draft.usage = event.usage


def say(text: str, run: Run, draft: Draft) -> None:
    """Adds a piece of the answer to the draft and to the stream alike; nothing for an empty one."""
    if text:
        draft.text.append(text)
        run.append(TokenEvent(text))


def abstention(creator: Creator | None, *, any_source: bool) -> str:
    """What is said where nothing answers the question."""
    whose = f"what {creator.name} has published" if creator else "what has been published here"
    rest = "The sources come nearest to it, and perhaps they help." if any_source else ""
    return f"I found no answer to this in {whose}. {rest or 'Try other words, or ask about something close to it.'}"
