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
