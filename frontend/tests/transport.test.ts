// @vitest-environment node
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Frame } from "../src/protocol/frames";
import { Client, type TokenKeeper } from "../src/transport/client";
import { Refused, Unreachable } from "../src/transport/failures";
import { follow, type RunEvent } from "../src/transport/follow";
import { DONE, frame, json, SOURCE, Service, stream } from "./service";

let service: Service;
let token: TokenKeeper & { value: string | null };
let client: Client;
const { signal } = new AbortController();
const QUESTION = { query: "Why?", creator: "mara", widen: false, weight: 0.5, conversationId: null, idempotencyKey: "key-1" };
const EVENTS = "/chat/runs/run-1/events";

beforeEach(async () => {
  service = await Service.start();
  token = {
    value: null,
    read: () => token.value,
    write: (next) => {
      token.value = next;
    },
  };
  client = new Client(service.endpoint, token);
});
afterEach(() => service.close());

async function collect(options: { tries?: number; silenceLimit?: number } = {}): Promise<RunEvent[]> {
  const first = await client.ask(QUESTION, signal);
  const events: RunEvent[] = [];
  const resume = (after: number) => client.resume("run-1", after, signal);
  for await (const event of follow({ first, resume, signal, ...options })) events.push(event);
  return events;
}

const framesOf = (events: RunEvent[]): Frame[] => events.flatMap((event) => ("frame" in event ? [event.frame] : []));
const textOf = (events: RunEvent[]) =>
  framesOf(events).reduce((text, next) => (next.event === "token" ? text + next.text : next.event === "sources" ? "" : text), "");
const kindsOf = (events: RunEvent[]) => framesOf(events).map(({ event }) => event);

describe("a question", () => {
  test("is sent as the protocol says", async () => {
    token.value = "my-token";
    service.on("POST /chat", stream([frame(1, "sources", []), frame(2, "done", DONE)]));
    await collect();
    const [request] = service.requests("POST /chat");
    expect(request!.body).toEqual({ query: "Why?", creator: "mara", widen: false, personality_weight: 0.5, conversation_id: null });
    expect(request!.headers).toMatchObject({ "x-visitor-token": "my-token", "idempotency-key": "key-1", "content-type": "application/json" });
  });

  test("brings a new visitor a token that is sent from then on", async () => {
    service.on("POST /chat", stream([frame(1, "sources", []), frame(2, "done", DONE)]));
    service.on("GET /conversations/c", json({ id: "c", active_run_id: null }));
    await collect();
    await client.conversation("c");
    expect(service.requests("POST /chat")[0]!.headers).not.toHaveProperty("x-visitor-token");
    expect(service.requests("GET /conversations/c")[0]!.headers["x-visitor-token"]).toBe("token-1");
  });

  test("with a token that is no longer valid is sent again without it", async () => {
    token.value = "outdated";
    service.on("POST /chat", json({ code: "unauthenticated" }, 401), stream([frame(1, "sources", []), frame(2, "done", DONE)]));
    expect(kindsOf(await collect())).toEqual(["sources", "done"]);
    expect(token.value).toBe("token-1");
  });

  test("that is refused says why and for how long", async () => {
    service.on("POST /chat", json({ error: "Slow down.", code: "rate_limited", retry_after: 7 }, 429));
    const error = await collect().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(Refused);
    expect((error as Refused).refusal).toEqual({ status: 429, code: "rate_limited", retryAfter: 7 });
  });

  test("to a service that is not there fails as unreachable", async () => {
    await service.close();
    await expect(collect()).rejects.toBeInstanceOf(Unreachable);
    service = await Service.start();
  });
});

describe("a stream", () => {
  test("arrives whole however its bytes are split", async () => {
    const text = "a\u2028b\u0085c\fd 👩🏽‍🎤 é [1]\n\nend";
    const bytes = Buffer.from(frame(1, "sources", [SOURCE]) + frame(2, "token", { text }) + frame(3, "done", DONE));
    const pieces = Array.from({ length: Math.ceil(bytes.length / 3) }, (_, place) => bytes.subarray(place * 3, place * 3 + 3));
    service.on("POST /chat", stream(pieces));
    const events = await collect();
    expect(kindsOf(events)).toEqual(["sources", "token", "done"]);
    expect(textOf(events)).toBe(text);
  });

  test("with comments, unknown events and CRLF is read by the specification", async () => {
    service.on(
      "POST /chat",
      stream([
        ": keepalive\n\n",
        'id: 1\r\nevent: sources\r\ndata: []\r\n\r\n',
        frame(2, "weather", { sky: "blue" }),
        ": keepalive\n\n",
        frame(3, "token", { text: "ok" }),
        frame(4, "done", DONE),
      ]),
    );
    expect(kindsOf(await collect())).toEqual(["sources", "token", "done"]);
  });

  test("ends at its terminal frame, whatever follows", async () => {
    service.on("POST /chat", stream([frame(1, "sources", []), frame(2, "done", DONE), frame(3, "token", { text: "late" })]));
    expect(kindsOf(await collect())).toEqual(["sources", "done"]);
  });

  test("passes on a reset and an error as they are", async () => {
    service.on(
      "POST /chat",
      stream([
        frame(1, "sources", []),
        frame(2, "token", { text: "no" }),
        frame(3, "reset", { cascade_tier: "b", reason: "timeout" }),
        frame(4, "error", { code: "unavailable", message: "x", retryable: true }),
      ]),
    );
    const events = await collect();
    expect(kindsOf(events)).toEqual(["sources", "token", "reset", "error"]);
    expect(framesOf(events).at(-1)).toMatchObject({ code: "unavailable", retryable: true });
  });
});

describe("a broken connection", () => {
  const start = [frame(1, "sources", [SOURCE]), frame(2, "token", { text: "one " }), frame(3, "token", { text: "two 👩🏽" })];
  const rest = [frame(4, "token", { text: "‍🎤 three" }), frame(5, "done", DONE)];

  test("in the middle of a frame is taken up behind the last whole one", async () => {
    const half = Buffer.from(rest[0]!).subarray(0, 40);
    service.on("POST /chat", stream([...start, half], "break"));
    service.on(`GET ${EVENTS}`, stream(rest));
    const events = await collect();
    expect(service.requests(`GET ${EVENTS}`)[0]!.headers["last-event-id"]).toBe("3");
    expect(textOf(events)).toBe("one two 👩🏽‍🎤 three");
    expect(events.filter((event) => "lost" in event)).toEqual([{ lost: true }, { lost: false }]);
  });

  test("that is closed politely without a terminal frame is taken up as well", async () => {
    service.on("POST /chat", stream(start, "end"));
    service.on(`GET ${EVENTS}`, stream(rest));
    expect(textOf(await collect())).toBe("one two 👩🏽‍🎤 three");
  });

  test("that breaks again and again loses nothing and repeats nothing", async () => {
    service.on("POST /chat", stream([start[0]!], "break"));
    service.on(
      `GET ${EVENTS}`,
      stream([start[1]!], "break"),
      json({ code: "unavailable" }, 503),
      stream([start[2]!, rest[0]!.slice(0, 20)], "break"),
      stream([rest[0]!], "break"),
      stream([rest[1]!]),
    );
    expect(textOf(await collect())).toBe("one two 👩🏽‍🎤 three");
    expect(service.requests(`GET ${EVENTS}`).map(({ headers }) => headers["last-event-id"])).toEqual(["1", "2", "2", "3", "4"]);
  });

  test("does not repeat frames that the service sends twice", async () => {
    service.on("POST /chat", stream(start, "break"));
    service.on(`GET ${EVENTS}`, stream([start[1]!, start[2]!, ...rest]));
    expect(textOf(await collect())).toBe("one two 👩🏽‍🎤 three");
  });

  test("to a run that is told again as a whole starts the text over", async () => {
    service.on("POST /chat", stream(start, "break"));
    const whole = [frame(1, "sources", [SOURCE]), frame(2, "token", { text: "one two three" }), frame(3, "done", DONE)];
    service.on(`GET ${EVENTS}`, stream(whole));
    const events = await collect();
    expect(textOf(events)).toBe("one two three");
    expect(kindsOf(events).at(-1)).toBe("done");
  });

  test("that has only gone silent is given up and taken up again", async () => {
    service.on("POST /chat", stream(start, "hold"));
    service.on(`GET ${EVENTS}`, stream(rest));
    expect(textOf(await collect({ silenceLimit: 400 }))).toBe("one two 👩🏽‍🎤 three");
  });

  test("that never comes back is reported after a few tries", async () => {
    service.on("POST /chat", stream(start, "break"));
    service.on(`GET ${EVENTS}`, json({ code: "unavailable" }, 503));
    await expect(collect({ tries: 3 })).rejects.toBeInstanceOf(Unreachable);
    expect(service.requests(`GET ${EVENTS}`)).toHaveLength(3);
  });

  test("to a run that the service no longer knows is not tried again", async () => {
    service.on("POST /chat", stream(start, "break"));
    await expect(collect()).rejects.toBeInstanceOf(Refused);
    expect(service.requests(`GET ${EVENTS}`)).toHaveLength(1);
  });
});

test("all pages of a conversation are read, in their order", async () => {
  const message = (id: string) => ({ id, role: "user", content: id });
  service.on(
    "GET /conversations/c/messages",
    json({ items: [message("1"), message("2")], next_cursor: "two" }),
    json({ items: [message("3")], next_cursor: null }),
  );
  expect((await client.messages("c")).map(({ id }) => id)).toEqual(["1", "2", "3"]);
});
