// Following a run to its end over as many connections as that takes.
import { type Frame, isTerminal } from "../protocol/frames";
import { Refused, Unreachable } from "./failures";
import { readFrames } from "./frame_stream";
import { delayBefore, pause } from "./patience";

export interface Run {
  /** The response that is already open, or null to begin by opening one. */
  readonly first: Response | null;
  /** Opens the stream behind the frame with this number; null where the run cannot be found again. */
  readonly resume: ((after: number) => Promise<Response>) | null;
  readonly signal: AbortSignal;
  readonly tries?: number;
  readonly silenceLimit?: number;
}

export type RunEvent = { readonly frame: Frame } | { readonly lost: boolean };

const TRIES = 6;
const FIRST_DELAY = 500;
const SILENCE_LIMIT = 45_000;

/**
 * Yields every frame of the run exactly once, in order, and returns after the terminal one. Raises Unreachable when
 * the tries are used up without progress, Refused when the service no longer knows the run.
 */
export async function* follow(run: Run): AsyncGenerator<RunEvent> {
  const tries = run.tries ?? TRIES;
  let response = run.first;
  let after = 0;
  let failures = 0;
  let base = FIRST_DELAY;
  const options = { silenceLimit: run.silenceLimit ?? SILENCE_LIMIT, onRetry: (time: number) => (base = time) };

  for (;;) {
    try {
      if (response === null) {
        if (run.resume === null) throw new Unreachable("the run has no name to ask for");
        response = await run.resume(after);
        yield { lost: false };
      }
      for await (const { id, frame } of readFrames(response, options)) {
        // `sources` opens every run: seeing it means that the service tells the run from the beginning.
        if (frame?.event !== "sources" && id !== null && id <= after) continue;
        after = id ?? after;
        failures = 0;
        if (frame === null) continue;
        yield { frame };
        if (isTerminal(frame)) return;
      }
    } catch (error) {
      if (run.signal.aborted || !mayPass(error)) throw error;
    }
    response = null;
    failures += 1;
    if (run.resume === null || failures > tries) throw new Unreachable("the run could not be followed to its end");
    yield { lost: true };
    await pause(delayBefore(failures, base), run.signal);
  }
}

/** Whether trying again may help: a broken connection, a busy or restarting service. */
function mayPass(error: unknown): boolean {
  if (error instanceof Refused) return error.refusal.status === 429 || error.refusal.status >= 500;
  return error instanceof Unreachable;
}
