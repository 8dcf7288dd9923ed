// @vitest-environment node
import { afterEach, beforeEach, expect, test } from "vitest";
import { createMemory, type Memory } from "../src/session/memory";
import { Session } from "../src/session/session";
import { Client } from "../src/transport/client";
import { json, Service } from "./service";

let service: Service;
let memory: Memory;
const saved = [{ id: "1", role: "user", content: "Why?" }];

beforeEach(async () => {
  service = await Service.start();
  memory = createMemory(service.endpoint, null);
});
afterEach(() => service.close());

test("a conversation that cannot be read is said to be there, has no other one begun in its place, and is shown as soon as it can be read", async () => {
  memory.writeConversation(null, "c");
  service.on("GET /conversations/c", json({ code: "unavailable" }, 503));
  const session = new Session(new Client(service.endpoint, memory), memory, null, true);
  await session.restore();
  expect(session.current).toMatchObject({ restoring: false, unread: { reason: "unavailable" } });
  await session.ask("New?");
  expect(service.requests("POST /chat")).toHaveLength(0);
  expect(memory.readConversation(null)).toBe("c");
  service.on("GET /conversations/c", json({ id: "c", active_run_id: null }));
  service.on("GET /conversations/c/messages", json({ items: saved, next_cursor: null }));
  await session.show("c");
  expect(session.current).toMatchObject({ id: "c", unread: null, turns: [{ question: "Why?" }] });
});
