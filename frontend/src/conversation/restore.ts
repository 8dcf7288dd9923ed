// From saved messages to turns, as if the reader had been here all the time.
import type { SavedMessage } from "../protocol/message";
import { LEFT_UNFINISHED } from "./failure";
import { type Answer, type Ending, NEW_ANSWER, type Turn } from "./state";

export function turnsOf(messages: readonly SavedMessage[]): Turn[] {
  const turns: Turn[] = [];
  for (const message of messages) {
    const open = turns.at(-1);
    if (message.role === "user") {
      turns.push({ key: message.id, question: message.content, answer: unanswered });
    } else if (open !== undefined && open.answer === unanswered) {
      turns[turns.length - 1] = { ...open, answer: answerOf(message) };
    } else {
      turns.push({ key: message.id, question: "", answer: answerOf(message) });
    }
  }
  return turns;
}

const unanswered: Answer = { ...NEW_ANSWER, ending: "failed", failure: LEFT_UNFINISHED };

function answerOf(message: SavedMessage): Answer {
  const ending = endingOf(message);
  return {
    ...NEW_ANSWER,
    messageId: message.id,
    feedback: message.feedback,
    sources: message.sources,
    text: message.content,
    citations: message.citations,
    cascadeTier: message.cascadeTier,
    searched: message.standaloneQuery,
    ending,
    failure: ending === "failed" ? LEFT_UNFINISHED : null,
  };
}

function endingOf(message: SavedMessage): Ending {
  switch (message.status) {
    case "failed":
      return "failed";
    case "interrupted":
      return message.finishReason === "stopped" ? "stopped" : "interrupted";
    case "complete":
      return message.finishReason === null || message.finishReason === "stop" ? "answered" : message.finishReason;
  }
}
