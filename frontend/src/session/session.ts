// One reader's conversation within one scope: joins the client, the memory and the reducer.
import type { ConversationEvent } from "../conversation/event";
import { CONNECTION_LOST, UNKNOWN } from "../conversation/failure";
import { reduce } from "../conversation/reducer";
import { type Conversation, hasUntaken, isAnswering, lastTurn, mayAsk, NEW_ANSWER, NEW_CONVERSATION } from "../conversation/state";
import type { Feedback } from "../protocol/message";
import type { Client } from "../transport/client";
import { isElsewhere, isGone } from "../transport/failures";
import { follow } from "../transport/follow";
import { insist } from "../transport/patience";
import { failureFrom } from "./failing";
import type { Memory } from "./memory";
import { newKey } from "./new_key";
import { Ratings } from "./ratings";

export type Listener = (conversation: Conversation) => void;

export class Session {
  private conversation: Conversation;
  private readonly listeners = new Set<Listener>();
  private work = new AbortController();
  private stopWanted = false;
  private startedOver = false;
  /** Another tab asked in this conversation while this one was busy. */
  private missed = false;
  private readonly unlisten: readonly (() => void)[];
  /** The weight that went out with the last question: a repeat under its key must be the same request. */
  private sentWeight = 0;
  /** The key under which a new answer was last asked for. */
  private renewalKey = "";
  private readonly ratings: Ratings;

  constructor(
    private readonly client: Client,
    private readonly memory: Memory,
    readonly creator: string | null,
    private readonly widen: boolean,
  ) {
    // Known from the start, so that the empty state does not flash up before a conversation returns.
    this.conversation = { ...NEW_CONVERSATION, restoring: memory.readConversation(creator) !== null };
    this.ratings = new Ratings(client, (event) => this.dispatch(event));
    this.unlisten = [
      memory.onRunElsewhere(creator, () => void this.join()),
      memory.onDeletionElsewhere((id) => (id === null || id === this.conversation.id) && this.startOver()),
    ];
  }

  get current(): Conversation {
    return this.conversation;
  }

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Shows the remembered conversation again and follows the answer that is still being written, if any. */
  async restore(): Promise<void> {
    const id = this.memory.readConversation(this.creator);
    // What was remembered after this session had begun is its own conversation.
    if (id !== null && this.conversation.restoring) await this.catchUp(id);
  }

  /** The answer sounds like the creator as far as `weight` says, from 0 to 1. */
  async ask(question: string, weight = 0): Promise<void> {
    if (question === "" || !mayAsk(this.conversation)) return;
    await this.converse(question, newKey(), weight, false);
  }

  /** Asks the last question again, or picks up its run where only the connection was lost. */
  async retry(weight = 0): Promise<void> {
    const turn = lastTurn(this.conversation);
    if (turn === null || turn.answer.ending === null) return;
    const { runId, failure, messageId, earlier } = turn.answer;
    if (failure?.reason !== "connection") {
      // What is saved as failed is answered anew; a question that was not taken is asked again.
      return messageId === null ? this.converse(turn.question, newKey(), weight, true) : this.renewLast(messageId, newKey());
    }
    // The service may have accepted the question unseen: the same key finds that run instead of asking twice.
    if (runId === null) {
      const renewed = earlier?.messageId ?? null;
      if (renewed !== null) return this.renewLast(renewed, this.renewalKey);
      return this.converse(turn.question, turn.key, this.sentWeight, true);
    }
    const { signal } = this.begin();
    this.dispatch({ type: "following", runId });
    await this.guard(signal, () => this.read(null, runId, signal));
  }

  /** Has the last answer made anew. */
  async renew(): Promise<void> {
    const answer = lastTurn(this.conversation)?.answer;
    if (answer === undefined || answer.ending === null || answer.messageId === null) return;
    await this.renewLast(answer.messageId, newKey());
  }

  /** Shows at once what the reader thinks of an answer (null: nothing any more). Answers whether it could be kept. */
  rate(messageId: string, feedback: Feedback | null): Promise<boolean> {
    return this.ratings.rate(this.conversation, messageId, feedback);
  }

  async stop(): Promise<void> {
    if (!isAnswering(this.conversation)) return;
    this.dispatch({ type: "stopping", stopping: true });
    const runId = lastTurn(this.conversation)?.answer.runId ?? null;
    this.stopWanted = runId === null;
    if (runId === null) return;
    try {
      await this.client.stop(runId);
    } catch {
      this.dispatch({ type: "stopping", stopping: false });
    }
  }

  /** Leaves this conversation; the next question begins a new one. An answer that is made anew is no half one then. */
  startOver(): void {
    const { runId, ending, earlier } = lastTurn(this.conversation)?.answer ?? NEW_ANSWER;
    if (runId !== null && ending === null && earlier === null) this.client.stop(runId).catch(() => undefined);
    this.begin();
    this.startedOver = true;
    this.missed = false;
    this.memory.forgetConversation(this.creator, this.conversation.id);
    this.dispatch({ type: "cleared" });
  }

  /** Leaves this conversation, whose answer the service goes on with for a while, for a saved one; with null for a new one. */
  async show(id: string | null): Promise<void> {
    if (id === null) return this.startOver();
    if (id === this.conversation.id && !this.conversation.restoring) return;
    this.startedOver = false;
    this.memory.writeConversation(this.creator, id);
    this.dispatch({ type: "opened" });
    await this.catchUp(id);
  }

  /** Stops reading. The service finishes or ends the run by itself. */
  dispose(): void {
    this.work.abort();
    this.listeners.clear();
    for (const end of this.unlisten) end();
  }

  /** Another tab has asked: shows that too, as soon as this one is free, unless it is in another conversation. */
  private async join(): Promise<void> {
    const id = this.memory.readConversation(this.creator);
    const { id: own, restoring } = this.conversation;
    // A new conversation stays new.
    if (id === null || restoring || this.startedOver || (own !== null && own !== id)) return;
    if (isAnswering(this.conversation) || hasUntaken(this.conversation)) this.missed = own === id;
    else await this.catchUp(id);
  }

  /** Reads the saved messages, and then the answer that is under way, if any. */
  private async catchUp(id: string): Promise<void> {
    const { signal } = this.begin();
    await this.guard(signal, async () => {
      const runId = await insist(signal, () => this.load(id, signal));
      this.missed = false;
      if (runId === null) return;
      this.dispatch({ type: "following", runId });
      await this.read(null, runId, signal);
    });
  }

  private async converse(question: string, key: string, weight: number, again: boolean): Promise<void> {
    const { signal } = this.begin();
    this.sentWeight = weight;
    this.dispatch({ type: "asked", key, question, again });
    await this.guard(signal, async () => {
      await this.accept(await this.openAnswer(question, key, signal), signal);
    });
  }

  private async renewLast(messageId: string, key: string): Promise<void> {
    const { id, turns } = this.conversation;
    if (id === null) return;
    const { signal } = this.begin();
    this.renewalKey = key;
    this.dispatch({ type: "renewing" });
    await this.guard(signal, async () => {
      const response = await this.insist(signal, () => this.client.renew(id, messageId, key, signal)).catch((error: unknown) => {
        if (isElsewhere(error)) return null;
        throw error;
      });
      if (response !== null) return this.accept(response, signal);
      // Another tab has had it made anew, or has asked on.
      await this.load(id, signal).catch((error: unknown) => {
        if (!isGone(error)) throw error;
        return this.converse(turns.at(-1)!.question, newKey(), this.sentWeight, true);
      });
    });
  }

  /** Reads an answer that the service has begun to give. */
  private async accept(response: Response, signal: AbortSignal): Promise<void> {
    const runId = response.headers.get("X-Run-Id");
    const conversationId = response.headers.get("X-Conversation-Id");
    this.startedOver = false;
    if (conversationId !== null) this.memory.writeConversation(this.creator, conversationId);
    if (runId !== null) this.memory.tellOfRun(this.creator, runId);
    this.dispatch({ type: "accepted", runId, conversationId });
    if (this.stopWanted) void this.stop();
    await this.read(response, runId, signal);
  }

  /** Shows the saved messages. Answers with the run that is still writing the last of them, if any. */
  private async load(id: string, signal: AbortSignal): Promise<string | null> {
    const saved = await this.client.conversation(id, signal);
    const messages = await this.client.messages(id, signal);
    this.dispatch({ type: "restored", conversationId: id, messages });
    return messages.length === 0 ? null : (saved?.activeRunId ?? null);
  }

  private async openAnswer(query: string, idempotencyKey: string, signal: AbortSignal): Promise<Response> {
    const conversationId = this.conversation.id;
    const { creator, widen, sentWeight: weight } = this;
    const question = { query, creator, widen, weight, conversationId, idempotencyKey };
    try {
      return await this.insist(signal, () => this.client.ask(question, signal));
    } catch (error) {
      if (conversationId === null || !isGone(error)) throw error;
      // The conversation is gone: the question begins a new one, which is another request with a key of its own.
      this.memory.writeConversation(creator, null);
      this.dispatch({ type: "cleared", keepLast: true });
      const fresh = { ...question, conversationId: null, idempotencyKey: newKey() };
      this.dispatch({ type: "asked", key: fresh.idempotencyKey, question: query, again: true });
      return await this.insist(signal, () => this.client.ask(fresh, signal));
    }
  }

  private insist(signal: AbortSignal, request: () => Promise<Response>): Promise<Response> {
    return insist(signal, request, () => this.dispatch({ type: "connection", lost: true }));
  }

  private async read(first: Response | null, runId: string | null, signal: AbortSignal): Promise<void> {
    try {
      await this.readFrames(first, runId, signal);
    } catch (error) {
      // A run that nobody knows any more has left its answer, or what there is of it, in the conversation.
      const id = this.conversation.id;
      if (signal.aborted || id === null || !isGone(error)) throw error;
      await this.load(id, signal);
    }
  }

  private async readFrames(first: Response | null, runId: string | null, signal: AbortSignal): Promise<void> {
    const resume = runId === null ? null : (after: number) => this.client.resume(runId, after, signal);
    for await (const event of follow({ first, resume, signal })) {
      if (signal.aborted) return;
      if ("lost" in event) {
        this.dispatch({ type: "connection", lost: event.lost });
        continue;
      }
      const { frame } = event;
      if ("conversationId" in frame && frame.conversationId !== null) {
        this.memory.writeConversation(this.creator, frame.conversationId);
      }
      this.dispatch({ type: "frame", frame });
    }
  }

  /** Runs a piece of work and turns its failure into something the reader can see; then shows what it has missed. */
  private async guard(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (signal.aborted) return;
      return this.giveUp(error, signal);
    }
    if (this.missed && !signal.aborted) await this.join();
  }

  /** Says so, and goes on once the network is back. A saved conversation stays remembered unless it is gone. */
  private giveUp(error: unknown, signal: AbortSignal): void {
    const { restoring } = this.conversation;
    const failure = failureFrom(error) ?? (restoring ? UNKNOWN : null);
    if (failure === null) throw error;
    if (restoring && isGone(error)) {
      this.memory.writeConversation(this.creator, null);
      return this.dispatch({ type: "cleared" });
    }
    this.dispatch({ type: restoring ? "unread" : "failed", failure });
    // What another tab asked could not be read: nothing of this one's is to be asked again.
    if (!restoring && (failure !== CONNECTION_LOST || lastTurn(this.conversation)?.answer.failure !== CONNECTION_LOST)) return;
    const goOn = restoring ? () => this.show(this.memory.readConversation(this.creator)) : () => this.retry();
    globalThis.addEventListener?.("online", () => void goOn(), { once: true, signal });
  }

  private begin(): AbortController {
    this.work.abort();
    this.work = new AbortController();
    this.stopWanted = false;
    return this.work;
  }

  private dispatch(event: ConversationEvent): void {
    this.conversation = reduce(this.conversation, event);
    for (const listener of this.listeners) listener(this.conversation);
  }
}
