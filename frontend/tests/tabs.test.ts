// @vitest-environment node
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { lastTurn } from "../src/conversation/state";
import { createMemory, type Memory } from "../src/session/memory";
import { Session } from "../src/session/session";
import { Client } from "../src/transport/client";
import { DONE, frame, type Handler, json, SOURCE, Service, stoppable, stream } from "./service";

let service: Service;
let memory: Memory;
const whole = [frame(1, "sources", [SOURCE]), frame(2, "token", { text: "Because.[1]" }), frame(3, "done", DONE)];
const dropped: Handler = (_, response) => void response.destroy();
const answerOf = (session: Session) => lastTurn(session.current)?.answer;

beforeEach(async () => {
  service = await Service.start();
  memory = createMemory(service.endpoint, null);
});
afterEach(() => service.close());

describe("another tab", () => {
  let tell: () => void;
  const openTab = () => {
    const told: Memory = { ...memory, onRunElsewhere: (_creator, listener) => ((tell = listener), () => undefined) };
    return new Session(new Client(service.endpoint, told), told, null, true);
  };

  test("that asks what this one cannot read has nothing asked again here, whenever the network is back", async () => {
    const listening: (() => void)[] = [];
    const added = globalThis.addEventListener;
    globalThis.addEventListener = ((name: string, heard: () => void) => void (name === "online" && listening.push(heard))) as typeof added;
    try {
      service.on("POST /chat", stream(whole));
      service.on("GET /conversations/conversation-1", dropped);
      const session = openTab();
      await session.ask("Why?");
      tell();
      await until(() => service.requests("GET /conversations/conversation-1").length === 4);
      await aMoment();
      for (const heard of listening) heard();
      await aMoment();
      expect(service.requests("POST /chat")).toHaveLength(1);
      expect(answerOf(session)).toMatchObject({ text: "Because.[1]", ending: "answered" });
    } finally {
      globalThis.addEventListener = added;
    }
  }, 15_000);

  test("that asks does not undo a new conversation, nor a question that nobody has taken", async () => {
    service.on("POST /chat", json({ code: "unavailable" }, 503), stream(whole));
    const session = openTab();
    await session.ask("Why?");
    memory.writeConversation(null, "other");
    tell();
    await aMoment();
    expect(session.current.turns.map(({ question }) => question)).toEqual(["Why?"]);
    session.startOver();
    memory.writeConversation(null, "other");
    tell();
    await aMoment();
    await session.ask("Fresh?");
    expect(service.requests("POST /chat").at(-1)!.body).toMatchObject({ query: "Fresh?", conversation_id: null });
    expect(service.requests("GET /conversations/other")).toHaveLength(0);
  });

  test("that asks while this one is busy is shown once this one is free", async () => {
    const { ask, stop } = stoppable(whole.slice(0, 2), whole[2]!);
    service.on("POST /chat", stream(whole), ask).on("POST /stop", stop);
    const session = openTab();
    await session.ask("Why?");
    const asking = session.ask("How?");
    await until(() => answerOf(session)?.text !== "");
    hasSaved("Why?", "How?", "When?");
    tell();
    await aMoment();
    expect(service.requests(CONVERSATION)).toHaveLength(0);
    await fetch(`${service.endpoint}/stop`, { method: "POST" });
    await asking;
    expect(session.current.turns.map(({ question }) => question)).toEqual(["Why?", "How?", "When?"]);
    expect(answerOf(session)).toMatchObject({ text: "To When?", ending: "answered" });
    await session.ask("Again?");
    expect(service.requests(CONVERSATION)).toHaveLength(1);
  });

  test("that was first is shown before the question that had to wait for it", async () => {
    service.on("POST /chat", stream(whole), json({ code: "conversation_busy" }, 409), stream(whole));
    const session = openTab();
    await session.ask("Why?");
    await session.ask("How?");
    tell();
    hasSaved("Why?", "When?", "How?");
    await session.retry();
    expect(session.current.turns.map(({ question }) => question)).toEqual(["Why?", "When?", "How?"]);
  });

  test("that asks again after a saved answer that had failed is shown at once", async () => {
    const broken = { ...DONE, code: "unavailable", message: "Away.", retryable: true };
    service.on("POST /chat", stream([whole[0]!, frame(2, "error", broken)]));
    const session = openTab();
    await session.ask("Why?");
    hasSaved("Why?", "");
    tell();
    await until(() => session.current.turns.length === 2);
    hasSaved("Why?", "", "When?");
    tell();
    await until(() => session.current.turns.length === 3);
  });

  test("that deletes what this one shows takes it away here, and forgets no other one", async () => {
    let deleted: (id: string | null) => void = () => undefined;
    const told: Memory = { ...memory, onDeletionElsewhere: (listener) => ((deleted = listener), () => undefined) };
    const session = new Session(new Client(service.endpoint, told), told, null, true);
    service.on("POST /chat", stream(whole));
    await session.ask("Why?");
    deleted("other");
    expect(session.current.turns).toHaveLength(1);
    memory.writeConversation(null, "other");
    deleted("conversation-1");
    expect(session.current.turns).toHaveLength(0);
    expect(memory.readConversation(null)).toBe("other");
  });

  /** The conversation with these questions, each answered; a question without words has failed. */
  const hasSaved = (...questions: string[]) => {
    const items = questions.flatMap((question, place) => [
      { id: `q${place}`, role: "user", content: question || "Broken?", status: "complete" },
      { id: `a${place}`, role: "assistant", content: `To ${question}`, status: question ? "complete" : "failed" },
    ]);
    service.on(CONVERSATION, json({ id: "conversation-1", active_run_id: null }));
    service.on(`${CONVERSATION}/messages`, json({ items, next_cursor: null }));
  };
});

const CONVERSATION = "GET /conversations/conversation-1";
const aMoment = () => new Promise((later) => setTimeout(later, 200));

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries > 2000) throw new Error("it did not happen");
    await new Promise((later) => setTimeout(later, 5));
  }
}
