// The frames of an answer's stream. An unknown event or a malformed frame reads as null and is passed over.
import { type Citation, readCitation, readSource, type Source } from "./source";
import { asFields, asListOf, asNumber, asOneOf, asString, type Fields, parseJson } from "./values";

export const FINISH_REASONS = ["stop", "length", "stopped", "abstained"] as const;
export type FinishReason = (typeof FINISH_REASONS)[number];

export type Frame =
  | { readonly event: "sources"; readonly sources: readonly Source[] }
  | { readonly event: "token"; readonly text: string }
  | { readonly event: "reset" }
  | { readonly event: "tool"; readonly name: string; readonly status: "started" | "finished" | "failed" }
  | DoneFrame
  | ErrorFrame;

export interface DoneFrame {
  readonly event: "done";
  readonly cascadeTier: string | null;
  readonly conversationId: string | null;
  readonly messageId: string | null;
  readonly finishReason: FinishReason;
  readonly citations: readonly Citation[];
  readonly standaloneQuery: string | null;
}

export interface ErrorFrame {
  readonly event: "error";
  readonly code: string;
  readonly retryable: boolean;
  readonly retryAfter: number | null;
  readonly conversationId: string | null;
  /** There where something was saved. */
  readonly messageId: string | null;
}

export function isTerminal(frame: Frame): boolean {
  return frame.event === "done" || frame.event === "error";
}

export function readFrame(event: string, data: string): Frame | null {
  const value = parseJson(data);
  if (event === "sources") {
    return Array.isArray(value) ? { event, sources: asListOf(value, readSource) } : null;
  }
  const fields = asFields(value);
  if (fields === null) return null;
  switch (event) {
    case "token": {
      const text = asString(fields["text"]);
      return text === null ? null : { event, text };
    }
    case "reset":
      return { event };
    case "tool":
      return readTool(fields);
    case "done":
      return readDone(fields);
    case "error":
      return readError(fields);
    default:
      return null;
  }
}

function readTool(fields: Fields): Frame | null {
  const name = asString(fields["name"]);
  const status = asOneOf(fields["status"], ["started", "finished", "failed"]);
  return name === null || status === null ? null : { event: "tool", name, status };
}

function readDone(fields: Fields): DoneFrame {
  return {
    event: "done",
    cascadeTier: asString(fields["cascade_tier"]),
    conversationId: asString(fields["conversation_id"]),
    messageId: asString(fields["message_id"]),
    finishReason: asOneOf(fields["finish_reason"], FINISH_REASONS) ?? "stop",
    citations: asListOf(fields["citations"], readCitation),
    standaloneQuery: asString(fields["standalone_query"]),
  };
}

function readError(fields: Fields): ErrorFrame {
  return {
    event: "error",
    code: asString(fields["code"]) ?? "unknown",
    retryable: fields["retryable"] === true,
    retryAfter: asNumber(fields["retry_after"]),
    conversationId: asString(fields["conversation_id"]),
    messageId: asString(fields["message_id"]),
  };
}
