// What is known of a conversation at one moment. Plain data; the reducer makes the next one.
import type { Feedback } from "../protocol/message";
import type { Citation, Source } from "../protocol/source";
import { LEFT_UNFINISHED } from "./failure";

/** How an answer came to its end. `null` in Answer.ending means that it is still under way. */
export type Ending = "answered" | "length" | "abstained" | "stopped" | "interrupted" | "failed";

/** Why an answer failed, in the reader's terms: each has a sentence of its own in texts.ts. */
export type FailureReason =
  | "connection"
  | "interrupted"
  | "busy"
  | "rate_limited"
  | "unavailable"
  | "unknown_creator"
  | "forbidden"
  | "invalid"
  | "unknown";

export interface Failure {
  readonly reason: FailureReason;
  readonly retryable: boolean;
  readonly retryAfter: number | null;
}

export interface Answer {
  readonly runId: string | null;
  /** The name under which it is saved. */
  readonly messageId: string | null;
  readonly feedback: Feedback | null;
  /** The answer that this one is to take the place of, which comes back where nothing comes of this one. */
  readonly earlier: Answer | null;
  /** null until the search is over. */
  readonly sources: readonly Source[] | null;
  readonly text: string;
  readonly citations: readonly Citation[];
  readonly cascadeTier: string | null;
  /** What was searched, which differs from the question where that leant on the conversation. */
  readonly searched: string | null;
  /** Name of the tool at work, if any. */
  readonly tool: string | null;
  readonly reconnecting: boolean;
  readonly stopping: boolean;
  readonly ending: Ending | null;
  readonly failure: Failure | null;
}

export interface Turn {
  readonly key: string;
  readonly question: string;
  readonly answer: Answer;
}

export interface Conversation {
  readonly id: string | null;
  /** Saved messages are being fetched. */
  readonly restoring: boolean;
  /** Why a saved conversation is not shown: it could not be read, and may be later. */
  readonly unread: Failure | null;
  readonly turns: readonly Turn[];
}

export const NEW_ANSWER: Answer = {
  runId: null,
  messageId: null,
  feedback: null,
  earlier: null,
  sources: null,
  text: "",
  citations: [],
  cascadeTier: null,
  searched: null,
  tool: null,
  reconnecting: false,
  stopping: false,
  ending: null,
  failure: null,
};

export const NEW_CONVERSATION: Conversation = { id: null, restoring: false, unread: null, turns: [] };

/** What is to be seen of an answer: while nothing has come of it, the one whose place it is to take. */
export function shownAnswer(answer: Answer): Answer {
  const { earlier, ending, failure, text } = answer;
  return ending === "failed" && text === "" && earlier !== null ? { ...earlier, failure } : answer;
}

export function lastTurn(conversation: Conversation): Turn | null {
  return conversation.turns.at(-1) ?? null;
}

/** An answer is under way, so the next question has to wait. */
export function isAnswering(conversation: Conversation): boolean {
  return lastTurn(conversation)?.answer.ending === null;
}

/** A conversation that is not shown (yet) must not go on unseen, nor may another be begun in its place. */
export function mayAsk(conversation: Conversation): boolean {
  return !conversation.restoring && conversation.unread === null && !isAnswering(conversation);
}

/** The last question is known only here: the service has not taken it, and it can be asked again. */
export function hasUntaken(conversation: Conversation): boolean {
  const last = lastTurn(conversation)?.answer;
  if (last === undefined || last.messageId !== null) return false;
  return last.runId === null && last.failure !== null && last.failure !== LEFT_UNFINISHED;
}
