// Trying again: how often, and how long to wait in between.
import { Unreachable } from "./failures";

const LONGEST = 10_000;
const TRIES = 4;
const FIRST_DELAY = 500;

/** Makes a request that may safely be repeated until there is a response; `waiting` is called before each pause. */
export async function insist<Result>(
  signal: AbortSignal,
  request: () => Promise<Result>,
  waiting: () => void = () => undefined,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await request();
    } catch (error) {
      if (signal.aborted || !(error instanceof Unreachable) || attempt === TRIES) throw error;
      waiting();
      await pause(delayBefore(attempt, FIRST_DELAY), signal);
    }
  }
}

/** Doubles from `base` with every attempt (counted from 1), a little irregular so that readers do not return in step. */
export function delayBefore(attempt: number, base: number): number {
  return Math.min(base * 2 ** (attempt - 1), LONGEST) * (0.8 + Math.random() * 0.4);
}

/** Resolves after the time, at once when the network is back, and rejects when the signal is aborted. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abandon);
      globalThis.removeEventListener?.("online", proceed);
      finish();
    };
    const proceed = settle(resolve);
    const abandon = settle(() => reject(signal.reason as Error));
    const timer = setTimeout(proceed, milliseconds);
    signal.addEventListener("abort", abandon);
    globalThis.addEventListener?.("online", proceed);
    if (signal.aborted) abandon();
  });
}
