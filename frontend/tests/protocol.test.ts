import { describe, expect, test } from "vitest";
import { readCreators } from "../src/protocol/creator";
import { readFrame } from "../src/protocol/frames";
import { readPage } from "../src/protocol/message";
import { readRefusal } from "../src/protocol/refusal";
import { readSource } from "../src/protocol/source";
import { DONE, SOURCE } from "./service";

describe("a frame", () => {
  test("of an unknown event is passed over", () => {
    expect(readFrame("weather", '{"text": "sunny"}')).toBeNull();
    expect(readFrame("message", '{"text": "no event name"}')).toBeNull();
  });

  test("with broken JSON or the wrong shape is passed over", () => {
    for (const data of ["", "{", "null", "[]", '"text"', '{"text": 7}']) expect(readFrame("token", data)).toBeNull();
    expect(readFrame("sources", '{"index": 1}')).toBeNull();
  });

  test("keeps every character of a token, line separators and emoji included", () => {
    const text = " a\u2028b\u0085c\f👩🏽‍🎤\n";
    expect(readFrame("token", JSON.stringify({ text, added_later: true }))).toEqual({ event: "token", text });
  });

  test("of a finished answer is readable without the fields that are added over time", () => {
    expect(readFrame("done", "{}")).toMatchObject({ finishReason: "stop", citations: [], conversationId: null });
    expect(readFrame("done", JSON.stringify({ ...DONE, finish_reason: "invented" }))).toMatchObject({ finishReason: "stop" });
  });

  test("of an error is worth a retry only if the service says so", () => {
    expect(readFrame("error", '{"code": "unavailable"}')).toMatchObject({ retryable: false });
    expect(readFrame("error", '{"code": "unavailable", "retryable": true}')).toMatchObject({ retryable: true });
  });
});

describe("a source", () => {
  test("leads only to the web", () => {
    expect(readSource(SOURCE)?.url).toBe(SOURCE.url);
    for (const url of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "/relative", "", 7, null]) {
      expect(readSource({ ...SOURCE, url })?.url).toBeNull();
    }
  });

  test("without an index is left out, and with unknown fields it is kept", () => {
    const frame = readFrame("sources", JSON.stringify([{ title: "no index" }, { ...SOURCE, mood: "blue" }, null]));
    expect(frame).toMatchObject({ sources: [{ index: 1, title: SOURCE.title }] });
  });

  test("of an unknown kind counts as a document", () => {
    expect(readSource({ ...SOURCE, kind: "hologram" })?.kind).toBe("document");
  });

  test("says how near it is to what was asked of, and is an answer's unless it says that it only may help", () => {
    expect(readSource({ ...SOURCE, scope: "global", perhaps: true })).toMatchObject({ scope: "global", perhaps: true });
    expect(readSource({ ...SOURCE, scope: undefined })).toMatchObject({ scope: null, perhaps: false });
    expect(readSource({ ...SOURCE, scope: "galaxy", perhaps: "yes" })).toMatchObject({ scope: null, perhaps: false });
  });

  test("that has been removed shows neither text nor link", () => {
    expect(readSource({ ...SOURCE, removed: true })).toMatchObject({ removed: true, snippet: "", url: null });
  });
});

test("a page of messages leaves out roles that it does not know", () => {
  const page = readPage({ items: [{ id: "1", role: "system" }, { id: "2", role: "user", content: "Why?" }], next_cursor: "n" });
  expect(page.messages.map(({ content }) => content)).toEqual(["Why?"]);
  expect(page.nextCursor).toBe("n");
});

test("creators without a name go by their slug, and their links lead only to the web", () => {
  const [creator] = readCreators({ items: [{ slug: "mara", links: [{ label: "x", url: "javascript:1" }] }, { name: "no slug" }] });
  expect(creator).toMatchObject({ slug: "mara", name: "mara", links: [], questions: [] });
});

test("a refusal takes the service's code, or one that fits the status, and knows how long to wait", () => {
  expect(readRefusal(429, { code: "budget_spent", retry_after: 9 }, "3")).toEqual({ status: 429, code: "budget_spent", retryAfter: 9 });
  expect(readRefusal(502, undefined, "3")).toEqual({ status: 502, code: "unavailable", retryAfter: 3 });
  expect(readRefusal(503, undefined, "Wed, 21 Oct 2026 07:28:00 GMT").retryAfter).toBeNull();
});
