// The conversation's next state: pure, so that every order of events can be tried without a network.
import type { DoneFrame, Frame } from "../protocol/frames";
import type { Feedback } from "../protocol/message";
import type { ConversationEvent } from "./event";
import { failureOf } from "./failure";
import { turnsOf } from "./restore";
import { type Answer, type Conversation, type Ending, type Failure, NEW_ANSWER, NEW_CONVERSATION, type Turn } from "./state";

export function reduce(conversation: Conversation, event: ConversationEvent): Conversation {
  switch (event.type) {
    case "asked":
      return asked(conversation, { key: event.key, question: event.question, answer: NEW_ANSWER }, event.again === true);
    case "accepted":
      return withAnswer({ ...conversation, id: event.conversationId ?? conversation.id }, (answer) => ({
        ...answer,
        runId: event.runId,
        reconnecting: false,
      }));
    case "frame":
      return receive(conversation, event.frame);
    case "connection":
      return withAnswer(conversation, (answer) => ({ ...answer, reconnecting: event.lost }));
    case "stopping":
      return withAnswer(conversation, (answer) => ({ ...answer, stopping: event.stopping }));
    case "failed":
      return withAnswer(conversation, (answer) => failed(answer, event.failure));
    case "restored":
      return { ...NEW_CONVERSATION, id: event.conversationId, turns: kept(conversation.turns, turnsOf(event.messages)) };
    case "following":
      return replaceLast(conversation, (turn) => ({ ...turn, answer: { ...inPlaceOf(turn.answer), runId: event.runId } }));
    case "renewing":
      return replaceLast(conversation, (turn) => ({ ...turn, answer: inPlaceOf(turn.answer) }));
    case "rated":
      return { ...conversation, turns: conversation.turns.map((turn) => rated(turn, event.messageId, event.feedback)) };
    case "opened":
      return { ...NEW_CONVERSATION, restoring: true };
    case "unread":
      return { ...NEW_CONVERSATION, unread: event.failure };
    case "cleared":
      return event.keepLast === true ? { ...NEW_CONVERSATION, turns: conversation.turns.slice(-1) } : NEW_CONVERSATION;
  }
}

function asked(conversation: Conversation, turn: Turn, again: boolean): Conversation {
  const earlier = again ? conversation.turns.slice(0, -1) : conversation.turns;
  return { ...conversation, turns: [...earlier, turn] };
}

/** Saved turns under the keys of those that are shown in their places, which are not drawn as new ones then. */
function kept(shown: readonly Turn[], saved: readonly Turn[]): Turn[] {
  return saved.map((turn, place) => {
    const before = shown[place];
    return before?.question === turn.question ? { ...turn, key: before.key } : turn;
  });
}

function receive(conversation: Conversation, frame: Frame): Conversation {
  switch (frame.event) {
    case "sources":
      // Always a run's first frame: text that is already here belongs to a reading that starts over.
      return withAnswer(conversation, (answer) => ({ ...answer, sources: frame.sources, text: "", tool: null }));
    case "token":
      return withAnswer(conversation, (answer) => ({ ...answer, text: answer.text + frame.text, tool: null }));
    case "reset":
      return withAnswer(conversation, (answer) => ({ ...answer, text: "", tool: null }));
    case "tool":
      return withAnswer(conversation, (answer) => ({ ...answer, tool: frame.status === "started" ? frame.name : null }));
    case "done":
      return withAnswer({ ...conversation, id: frame.conversationId ?? conversation.id }, (answer) => done(answer, frame));
    case "error":
      return withAnswer({ ...conversation, id: frame.conversationId ?? conversation.id }, (answer) => ({
        ...failed(answer, failureOf(frame.code, frame.retryAfter, frame.retryable)),
        ...(frame.messageId !== null && { messageId: frame.messageId }),
      }));
  }
}

function done(answer: Answer, frame: DoneFrame): Answer {
  // Stopped before a word: the earlier answer is what the service has.
  if (answer.earlier !== null && answer.earlier.messageId === frame.messageId) return answer.earlier;
  const ending = frame.finishReason === "stop" ? "answered" : frame.finishReason;
  const { messageId, citations, cascadeTier, standaloneQuery } = frame;
  return { ...ended(answer, ending), messageId, earlier: null, citations, cascadeTier, searched: standaloneQuery };
}

/** A new answer that fails has not taken the place of the earlier one; one that is only out of reach may have. */
function failed(answer: Answer, failure: Failure): Answer {
  if (answer.earlier !== null && failure.reason !== "connection") return { ...answer.earlier, failure };
  return { ...ended(answer, "failed"), failure };
}

/** A new answer in the place of a saved one, which is kept until it is known what comes of the new one. */
function inPlaceOf(answer: Answer): Answer {
  const isSaved = answer.ending !== null && answer.messageId !== null;
  const failure = answer.ending === "failed" ? answer.failure : null;
  return { ...NEW_ANSWER, earlier: isSaved ? { ...answer, failure, earlier: null } : answer.earlier };
}

function rated(turn: Turn, messageId: string, feedback: Feedback | null): Turn {
  return turn.answer.messageId === messageId ? { ...turn, answer: { ...turn.answer, feedback } } : turn;
}

function ended(answer: Answer, ending: Ending): Answer {
  return { ...answer, ending, tool: null, reconnecting: false, stopping: false };
}

/** Changes the answer under way; an answer that has ended stays as it is, whatever arrives late. */
function withAnswer(conversation: Conversation, change: (answer: Answer) => Answer): Conversation {
  return replaceLast(conversation, (turn) =>
    turn.answer.ending === null ? { ...turn, answer: change(turn.answer) } : turn,
  );
}

function replaceLast(conversation: Conversation, change: (turn: Turn) => Turn): Conversation {
  const last = conversation.turns.at(-1);
  if (last === undefined) return conversation;
  return { ...conversation, turns: [...conversation.turns.slice(0, -1), change(last)] };
}
