// Saved conversations: what is read back after a reload.
import { FINISH_REASONS, type FinishReason } from "./frames";
import { type Citation, readCitation, readSource, type Source } from "./source";
import { asFields, asListOf, asOneOf, asString } from "./values";

export interface SavedConversation {
  readonly id: string;
  readonly activeRunId: string | null;
}

/** What the reader thinks of an answer. */
export interface Feedback {
  readonly rating: "up" | "down";
  readonly comment: string | null;
}

export interface SavedMessage {
  readonly id: string;
  readonly role: "user" | "assistant";
  readonly content: string;
  readonly status: "complete" | "interrupted" | "failed";
  readonly sources: readonly Source[];
  readonly citations: readonly Citation[];
  readonly cascadeTier: string | null;
  readonly finishReason: FinishReason | null;
  readonly standaloneQuery: string | null;
  readonly feedback: Feedback | null;
}

export interface Page {
  readonly messages: readonly SavedMessage[];
  readonly nextCursor: string | null;
}

export function readConversation(value: unknown): SavedConversation | null {
  const fields = asFields(value);
  const id = asString(fields?.["id"]);
  return fields === null || id === null ? null : { id, activeRunId: asString(fields["active_run_id"]) };
}

/** A conversation as a list shows it. */
export interface Listed {
  readonly id: string;
  readonly title: string;
  readonly creator: string | null;
}

export interface ListPage {
  readonly items: readonly Listed[];
  readonly nextCursor: string | null;
}

export function readList(value: unknown): ListPage {
  const fields = asFields(value);
  return { items: asListOf(fields?.["items"], readListed), nextCursor: asString(fields?.["next_cursor"]) };
}

export function readListed(value: unknown): Listed | null {
  const fields = asFields(value);
  const id = asString(fields?.["id"]);
  if (fields === null || id === null) return null;
  return { id, title: asString(fields["title"]) ?? "", creator: asString(fields["creator"]) };
}

export function readPage(value: unknown): Page {
  const fields = asFields(value);
  return {
    messages: asListOf(fields?.["items"], readMessage),
    nextCursor: asString(fields?.["next_cursor"]),
  };
}

function readMessage(value: unknown): SavedMessage | null {
  const fields = asFields(value);
  const role = asOneOf(fields?.["role"], ["user", "assistant"]);
  if (fields === null || role === null) return null;
  return {
    id: asString(fields["id"]) ?? "",
    role,
    content: asString(fields["content"]) ?? "",
    status: asOneOf(fields["status"], ["complete", "interrupted", "failed"]) ?? "complete",
    sources: asListOf(fields["sources"], readSource),
    citations: asListOf(fields["citations"], readCitation),
    cascadeTier: asString(fields["cascade_tier"]),
    finishReason: asOneOf(fields["finish_reason"], FINISH_REASONS),
    standaloneQuery: asString(fields["standalone_query"]),
    feedback: readFeedback(fields["feedback"]),
  };
}

function readFeedback(value: unknown): Feedback | null {
  const fields = asFields(value);
  const rating = asOneOf(fields?.["rating"], ["up", "down"]);
  return rating === null ? null : { rating, comment: asString(fields?.["comment"]) };
}
