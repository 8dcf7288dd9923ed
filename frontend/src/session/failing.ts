// What a reader is told of a request that failed.
import { CONNECTION_LOST, failureOf } from "../conversation/failure";
import type { Failure } from "../conversation/state";
import { Refused, Unreachable } from "../transport/failures";

/** null for what is no failure of a request, but a fault of ours. */
export function failureFrom(error: unknown): Failure | null {
  if (error instanceof Unreachable) return CONNECTION_LOST;
  return error instanceof Refused ? failureOf(error.refusal.code, error.refusal.retryAfter) : null;
}
