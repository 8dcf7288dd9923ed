// @vitest-environment node
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { lastTurn } from "../src/conversation/state";
import { createMemory, type Memory } from "../src/session/memory";
import { newKey } from "../src/session/new_key";
import { cleanQuestion, lengthOf } from "../src/session/question";
import { Session } from "../src/session/session";
import { Client } from "../src/transport/client";
import { DONE, frame, type Handler, json, SOURCE, Service, stoppable, stream } from "./service";

let service: Service;
let memory: Memory;
const EVENTS = "GET /chat/runs/run-1/events";
const sources = frame(1, "sources", [SOURCE]);
const whole = [sources, frame(2, "token", { text: "Because.[1]" }), frame(3, "done", DONE)];
const dropped: Handler = (_, response) => void response.destroy();

beforeEach(async () => {
  service = await Service.start();
  memory = createMemory(service.endpoint, null);
});
afterEach(() => service.close());

const open = (creator: string | null = null) => new Session(new Client(service.endpoint, memory), memory, creator, true);
const answerOf = (session: Session) => lastTurn(session.current)?.answer;

describe("asking", () => {
  test("shows the answer and remembers its conversation for this creator only", async () => {
    service.on("POST /chat", stream(whole));
    const session = open("mara");
    await session.ask("Why?");
    expect(answerOf(session)).toMatchObject({ text: "Because.[1]", ending: "answered" });
    expect(memory.readConversation("mara")).toBe("conversation-1");
    expect(memory.readConversation(null)).toBeNull();
  });

  test("goes on in the same conversation, with a fresh key for every question", async () => {
    service.on("POST /chat", stream(whole));
    const session = open();
    await session.ask("Why?");
    await session.ask("And then?");
    const [first, second] = service.requests("POST /chat");
    expect(second!.body).toMatchObject({ query: "And then?", conversation_id: "conversation-1" });
    expect(second!.headers["idempotency-key"]).not.toBe(first!.headers["idempotency-key"]);
  });

  test("is tried again with the same key when the network fails", async () => {
    service.on("POST /chat", dropped, stream(whole));
    const session = open();
    const lost: boolean[] = [];
    session.subscribe((conversation) => lost.push(lastTurn(conversation)!.answer.reconnecting));
    await session.ask("Why?");
    const keys = service.requests("POST /chat").map(({ headers }) => headers["idempotency-key"]);
    expect(keys).toHaveLength(2);
    expect(keys[0]).toBe(keys[1]);
    expect(lost).toContain(true);
    expect(answerOf(session)?.ending).toBe("answered");
  });

  test("waits for the answer under way", async () => {
    service.on("POST /chat", stream(whole));
    const session = open();
    await Promise.all([session.ask("Why?"), session.ask("Twice?")]);
    expect(service.requests("POST /chat")).toHaveLength(1);
  });

  test("in a conversation that is gone begins a new one with the same question", async () => {
    memory.writeConversation(null, "old");
    service.on("GET /conversations/old", json({ id: "old", active_run_id: null }));
    service.on("GET /conversations/old/messages", json({ items: [{ id: "1", role: "user", content: "Old" }] }));
    service.on("POST /chat", json({ code: "not_found" }, 404), stream(whole));
    const session = open();
    await session.restore();
    await session.ask("New?");
    expect(service.requests("POST /chat").map(({ body }) => (body as { conversation_id: unknown }).conversation_id)).toEqual(["old", null]);
    const [first, second] = service.requests("POST /chat");
    expect(first!.headers["idempotency-key"]).not.toBe(second!.headers["idempotency-key"]);
    expect(session.current.turns.map(({ question }) => question)).toEqual(["New?"]);
    expect(memory.readConversation(null)).toBe("conversation-1");
  });

  test("about an unknown creator fails without a retry", async () => {
    service.on("POST /chat", json({ code: "not_found" }, 404));
    const session = open("nobody");
    await session.ask("Why?");
    expect(answerOf(session)?.failure).toEqual({ reason: "unknown_creator", retryable: false, retryAfter: null });
  });
});

describe("asking again", () => {
  test("after a failure of the service replaces the answer and uses a key of its own", async () => {
    service.on("POST /chat", stream([sources, frame(2, "error", { code: "unavailable", retryable: true })]), stream(whole));
    const session = open();
    await session.ask("Why?", 0.25);
    expect(answerOf(session)?.failure?.retryable).toBe(true);
    await session.retry(1);
    expect(session.current.turns).toHaveLength(1);
    expect(answerOf(session)).toMatchObject({ ending: "answered", text: "Because.[1]" });
    const [first, second] = service.requests("POST /chat");
    expect([first!.body, second!.body]).toMatchObject([{ personality_weight: 0.25 }, { personality_weight: 1 }]);
    expect(first!.headers["idempotency-key"]).not.toBe(second!.headers["idempotency-key"]);
  });

  test("after a lost connection follows the same run instead of asking twice", async () => {
    service.on("POST /chat", stream([sources], "break"));
    service.on(EVENTS, ...Array.from({ length: 6 }, () => dropped), stream(whole));
    const session = open();
    await session.ask("Why?");
    expect(answerOf(session)?.failure?.reason).toBe("connection");
    await session.retry();
    expect(answerOf(session)).toMatchObject({ ending: "answered", text: "Because.[1]" });
    expect(service.requests("POST /chat")).toHaveLength(1);
    expect(service.requests(EVENTS).at(-1)!.headers["last-event-id"]).toBe("0");
  });

  test("after a question that found no way out sends it with the same key and the same weight", async () => {
    service.on("POST /chat", ...Array.from({ length: 4 }, () => dropped), stream(whole));
    const session = open("mara");
    await session.ask("Why?", 0.25);
    expect(answerOf(session)?.failure).toMatchObject({ reason: "connection", retryable: true });
    await session.retry(1);
    expect(answerOf(session)?.ending).toBe("answered");
    const requests = service.requests("POST /chat");
    expect(new Set(requests.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
    expect(requests.map(({ body }) => (body as { personality_weight: number }).personality_weight)).toEqual(Array(5).fill(0.25));
  });
});

describe("stopping", () => {
  test("asks the service to stop and shows what it saved", async () => {
    const { ask, stop } = stoppable([sources, frame(2, "token", { text: "Beca" })], frame(3, "done", { ...DONE, finish_reason: "stopped" }));
    service.on("POST /chat", ask).on("POST /chat/runs/run-1/stop", stop);
    const session = open();
    const asking = session.ask("Why?");
    await until(() => answerOf(session)?.text === "Beca");
    await session.stop();
    await asking;
    expect(answerOf(session)).toMatchObject({ text: "Beca", ending: "stopped", stopping: false });
  });

  test("before the service has answered is done as soon as the run is known", async () => {
    service.on("POST /chat", async (request, response) => {
      await until(() => answerOf(session)?.stopping === true);
      await stream([sources, frame(2, "done", { ...DONE, finish_reason: "stopped" })])(request, response);
    });
    service.on("POST /chat/runs/run-1/stop", json({}, 202));
    const session = open();
    const asking = session.ask("Why?");
    await session.stop();
    await asking;
    await until(() => service.requests("POST /chat/runs/run-1/stop").length === 1);
  });
});

describe("coming back", () => {
  const saved = [
    { id: "1", role: "user", content: "Why?" },
    { id: "2", role: "assistant", content: "Because.[1]", status: "complete", finish_reason: "stop", sources: [SOURCE] },
  ];

  test("shows the remembered conversation", async () => {
    memory.writeConversation("mara", "c");
    service.on("GET /conversations/c", json({ id: "c", active_run_id: null }));
    service.on("GET /conversations/c/messages", json({ items: saved, next_cursor: null }));
    const session = open("mara");
    expect(session.current.restoring).toBe(true);
    await session.restore();
    expect(session.current).toMatchObject({ id: "c", restoring: false, turns: [{ question: "Why?" }] });
    expect(answerOf(session)).toMatchObject({ text: "Because.[1]", sources: [{ index: 1 }] });
  });

  test("follows the answer that is still being written from its first frame", async () => {
    memory.writeConversation(null, "c");
    service.on("GET /conversations/c", json({ id: "c", active_run_id: "run-1" }));
    service.on("GET /conversations/c/messages", json({ items: [saved[0]], next_cursor: null }));
    service.on(EVENTS, stream(whole));
    const session = open();
    await session.restore();
    expect(service.requests(EVENTS)[0]!.headers["last-event-id"]).toBe("0");
    expect(session.current.turns).toHaveLength(1);
    expect(answerOf(session)).toMatchObject({ text: "Because.[1]", ending: "answered" });
  });

  test("does not disturb a question that was faster", async () => {
    service.on("POST /chat", stream(whole));
    const session = open();
    const asking = session.ask("Why?");
    await until(() => memory.readConversation(null) !== null);
    await session.restore();
    await asking;
    expect(answerOf(session)).toMatchObject({ text: "Because.[1]", ending: "answered" });
  });

  test("to a conversation that is gone forgets it and starts clean", async () => {
    memory.writeConversation(null, "gone");
    const session = open();
    await session.restore();
    expect(session.current).toMatchObject({ id: null, restoring: false, turns: [] });
    expect(memory.readConversation(null)).toBeNull();
  });

  test("to a run that has expired shows what was saved of it", async () => {
    service.on("POST /chat", stream([sources, frame(2, "token", { text: "Bec" })], "break"));
    service.on("GET /conversations/conversation-1", json({ id: "conversation-1", active_run_id: null }));
    service.on("GET /conversations/conversation-1/messages", json({ items: saved, next_cursor: null }));
    const session = open();
    await session.ask("Why?");
    expect(answerOf(session)).toMatchObject({ text: "Because.[1]", ending: "answered" });
  });
});

test("starting over leaves the conversation behind and ends the run that nobody will read", async () => {
  service.on("POST /chat", stream([sources], "hold"));
  service.on("POST /chat/runs/run-1/stop", json({}, 202));
  const session = open();
  void session.ask("Why?");
  await until(() => answerOf(session)?.sources !== null);
  session.startOver();
  expect(session.current.turns).toEqual([]);
  expect(memory.readConversation(null)).toBeNull();
  await until(() => service.requests("POST /chat/runs/run-1/stop").length === 1);
});

test("a saved conversation is shown in place of another, which is left to the service", async () => {
  const items = [{ id: "q", role: "user", content: "Earlier?" }, { id: "a", role: "assistant", content: "Yes." }];
  service.on("POST /chat", stream([sources], "hold"), stream(whole));
  service.on("GET /conversations/saved", json({ id: "saved", active_run_id: null }));
  service.on("GET /conversations/saved/messages", json({ items, next_cursor: null }));
  const session = open();
  void session.ask("Why?");
  while (!answerOf(session)?.sources) await new Promise((later) => setTimeout(later, 5));
  const showing = session.show("saved");
  expect(session.current).toMatchObject({ id: null, restoring: true, turns: [] });
  await showing;
  expect(session.current.turns.map(({ question, answer }) => [question, answer.text])).toEqual([["Earlier?", "Yes."]]);
  expect(memory.readConversation(null)).toBe("saved");
  expect(service.received.filter(({ path }) => path.endsWith("/stop"))).toHaveLength(0);
  await session.ask("And?");
  expect(service.requests("POST /chat").at(-1)!.body).toMatchObject({ conversation_id: "saved" });
  await session.show(null);
  expect(session.current.turns).toHaveLength(0);
});

describe("memory", () => {
  const broken = {
    getItem: () => { throw new Error("denied"); },
    setItem: () => { throw new Error("full"); },
    removeItem: () => { throw new Error("denied"); },
  } as unknown as Storage;

  test("lasts for the page where storage is forbidden", () => {
    const kept = createMemory("https://a.example", broken);
    kept.write("token");
    expect(kept.read()).toBe("token");
    kept.write(null);
    expect(kept.read()).toBeNull();
  });

  test("keeps endpoints and creators apart", () => {
    const shelf = new Map<string, string>();
    const storage = {
      getItem: (key: string) => shelf.get(key) ?? null,
      setItem: (key: string, value: string) => void shelf.set(key, value),
      removeItem: (key: string) => void shelf.delete(key),
    } as unknown as Storage;
    createMemory("https://a.example", storage).writeConversation("mara", "c");
    expect(createMemory("https://a.example", storage).readConversation("mara")).toBe("c");
    expect(createMemory("https://a.example", storage).readConversation(null)).toBeNull();
    expect(createMemory("https://b.example", storage).readConversation("mara")).toBeNull();
  });
});

test("a key is a random UUID, also where the page has no secure origin", () => {
  const insecure = { getRandomValues: crypto.getRandomValues.bind(crypto) } as unknown as Crypto;
  const keys = [newKey(), newKey(insecure), newKey(insecure)];
  for (const key of keys) expect(key).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  expect(new Set(keys).size).toBe(3);
});

test("a question is trimmed, freed of what the service refuses, and measured in characters", () => {
  expect(cleanQuestion("  a\0b \ud83d c 👩🏽‍🎤 \udc00 ")).toBe("ab  c 👩🏽‍🎤");
  expect(lengthOf("👍")).toBe(1);
});

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries > 500) throw new Error("it did not happen");
    await new Promise((later) => setTimeout(later, 5));
  }
}
