// A request that the service refused before any stream was opened.
import { asFields, asNumber, asString } from "./values";

export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly retryAfter: number | null;
}

/** The code is the service's own where it gave one, else made from the status. */
export function readRefusal(status: number, body: unknown, retryAfterHeader: string | null): Refusal {
  const fields = asFields(body);
  const header = retryAfterHeader === null ? null : asNumber(Number(retryAfterHeader));
  return {
    status,
    code: asString(fields?.["code"]) ?? codeOf(status),
    retryAfter: asNumber(fields?.["retry_after"]) ?? header,
  };
}

function codeOf(status: number): string {
  switch (status) {
    case 401:
      return "unauthenticated";
    case 403:
      return "forbidden";
    case 404:
      return "not_found";
    case 409:
      return "conversation_busy";
    case 413:
      return "body_too_large";
    case 422:
      return "invalid_request";
    case 429:
      return "rate_limited";
    default:
      return status >= 500 ? "unavailable" : "unknown";
  }
}
