// From the codes of the service to the few reasons a reader can understand.
import type { Failure, FailureReason } from "./state";

const REASONS: Readonly<Record<string, FailureReason>> = {
  interrupted: "interrupted",
  conversation_busy: "busy",
  rate_limited: "rate_limited",
  unavailable: "unavailable",
  not_found: "unknown_creator",
  unauthenticated: "forbidden",
  forbidden: "forbidden",
  body_too_large: "invalid",
  invalid_request: "invalid",
};

const WORTH_ASKING_AGAIN: ReadonlySet<FailureReason> = new Set(["connection", "interrupted", "busy", "rate_limited", "unavailable"]);

export const CONNECTION_LOST: Failure = { reason: "connection", retryable: true, retryAfter: null };

export const UNKNOWN: Failure = { reason: "unknown", retryable: true, retryAfter: null };

export const LEFT_UNFINISHED: Failure = { reason: "interrupted", retryable: true, retryAfter: null };

/** `retryable` is the service's own word where it gave one; otherwise the reason decides. */
export function failureOf(code: string, retryAfter: number | null, retryable?: boolean): Failure {
  const reason = REASONS[code] ?? "unknown";
  return { reason, retryAfter, retryable: retryable ?? (reason === "unknown" || WORTH_ASKING_AGAIN.has(reason)) };
}
