// From the bytes of one response to frames.
import { createParser } from "eventsource-parser";
import { type Frame, readFrame } from "../protocol/frames";
import { Unreachable } from "./failures";

export interface NumberedFrame {
  readonly id: number | null;
  /** null for an event that this version does not know; its id counts nevertheless. */
  readonly frame: Frame | null;
}

export interface FrameStreamOptions {
  /** The service breaks its silence every 15 s; a connection that stays mute this long is dead. */
  readonly silenceLimit: number;
  readonly onRetry?: (milliseconds: number) => void;
}

/** Yields frames until the response ends. Raises Unreachable when it breaks off or falls silent. */
export async function* readFrames(response: Response, options: FrameStreamOptions): AsyncGenerator<NumberedFrame> {
  if (response.body === null) throw new Unreachable("the response has no body");
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const arrived: NumberedFrame[] = [];
  const parser = createParser({
    onEvent: ({ id, event, data }) => arrived.push({ id: numberOf(id), frame: readFrame(event ?? "message", data) }),
    ...(options.onRetry && { onRetry: options.onRetry }),
  });
  try {
    for (;;) {
      const { done, value } = await readOrGiveUp(reader, options.silenceLimit);
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      yield* arrived.splice(0);
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

async function readOrGiveUp(reader: ReadableStreamDefaultReader<Uint8Array>, silenceLimit: number) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Unreachable("the connection fell silent")), silenceLimit);
  });
  try {
    return await Promise.race([reader.read(), silence]);
  } catch (cause) {
    throw cause instanceof Unreachable ? cause : new Unreachable("the connection broke off", { cause });
  } finally {
    clearTimeout(timer);
  }
}

function numberOf(id: string | undefined): number | null {
  return id !== undefined && /^\d+$/.test(id) ? Number(id) : null;
}
