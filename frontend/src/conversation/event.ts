// Everything that can happen to a conversation.
import type { Frame } from "../protocol/frames";
import type { Feedback, SavedMessage } from "../protocol/message";
import type { Failure } from "./state";

export type ConversationEvent =
  /** The reader asks. With `again`, the last turn's unfinished answer makes way for a new one. */
  | { readonly type: "asked"; readonly key: string; readonly question: string; readonly again?: boolean }
  /** The last answer is to be made anew. */
  | { readonly type: "renewing" }
  /** What the reader thinks of an answer. */
  | { readonly type: "rated"; readonly messageId: string; readonly feedback: Feedback | null }
  /** The service has accepted the question. */
  | { readonly type: "accepted"; readonly runId: string | null; readonly conversationId: string | null }
  | { readonly type: "frame"; readonly frame: Frame }
  | { readonly type: "connection"; readonly lost: boolean }
  | { readonly type: "stopping"; readonly stopping: boolean }
  | { readonly type: "failed"; readonly failure: Failure }
  /** The saved messages are here. */
  | { readonly type: "restored"; readonly conversationId: string; readonly messages: readonly SavedMessage[] }
  /** The last turn's answer is still being written by the service and will be read from its first frame. */
  | { readonly type: "following"; readonly runId: string }
  /** A saved conversation is being fetched in place of this one. */
  | { readonly type: "opened" }
  /** It could not be read. */
  | { readonly type: "unread"; readonly failure: Failure }
  /** The conversation is gone or left behind. With `keepLast`, the question being asked stays. */
  | { readonly type: "cleared"; readonly keepLast?: boolean };
