// The two ways in which a request can fail; everything above knows only these.
import type { Refusal } from "../protocol/refusal";

/** The service answered, and the answer was no. */
export class Refused extends Error {
  override readonly name = "Refused";
  constructor(readonly refusal: Refusal) {
    super(`refused with ${refusal.status}`);
  }
}

/** Nothing usable came back: no network, a broken connection, or silence. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** What was to be done with an answer cannot be done (any more): it is not there, or not the last one. */
export function isElsewhere(error: unknown): boolean {
  return isGone(error) || (error instanceof Refused && error.refusal.status === 422);
}

/** Deleted, expired or another visitor's: the service does not say which. */
export function isGone(error: unknown): boolean {
  return error instanceof Refused && [401, 403, 404].includes(error.refusal.status);
}
