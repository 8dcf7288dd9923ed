import { describe, expect, test } from "vitest";
import type { ConversationEvent } from "../src/conversation/event";
import { reduce } from "../src/conversation/reducer";
import { isAnswering, lastTurn, NEW_CONVERSATION } from "../src/conversation/state";
import { type Frame, readFrame } from "../src/protocol/frames";
import { readPage } from "../src/protocol/message";
import { DONE, SOURCE } from "./service";

const asked: ConversationEvent = { type: "asked", key: "k", question: "Why?" };
const frame = (event: string, data: unknown): ConversationEvent => ({
  type: "frame",
  frame: readFrame(event, JSON.stringify(data)) as Frame,
});
const sources = frame("sources", [SOURCE]);
const token = (text: string) => frame("token", { text });
const after = (...events: ConversationEvent[]) => events.reduce(reduce, NEW_CONVERSATION);
const answerAfter = (...events: ConversationEvent[]) => lastTurn(after(...events))!.answer;

describe("an answer", () => {
  test("has its sources before its text, and its text is the tokens put together", () => {
    expect(answerAfter(asked).sources).toBeNull();
    expect(answerAfter(asked, sources)).toMatchObject({ sources: [{ index: 1 }], text: "" });
    expect(answerAfter(asked, sources, token("a\u2028"), token(" b")).text).toBe("a\u2028 b");
  });

  test("that is reset discards its text and keeps its sources", () => {
    const answer = answerAfter(asked, sources, token("wrong"), frame("reset", {}), token("right"));
    expect(answer).toMatchObject({ text: "right", sources: [{ index: 1 }] });
  });

  test("that is told again from the beginning does not repeat itself", () => {
    expect(answerAfter(asked, sources, token("one "), sources, token("one "), token("two")).text).toBe("one two");
  });

  test("is under way until its terminal frame, and later frames change nothing", () => {
    expect(isAnswering(after(asked, sources, token("a")))).toBe(true);
    const finished = after(asked, sources, token("a"), frame("done", DONE));
    expect(isAnswering(finished)).toBe(false);
    expect(reduce(finished, token("late"))).toEqual(finished);
  });

  test.each([
    ["stop", "answered"],
    ["length", "length"],
    ["stopped", "stopped"],
    ["abstained", "abstained"],
  ])("that finishes by %s ends as %s", (finish_reason, ending) => {
    expect(answerAfter(asked, sources, frame("done", { ...DONE, finish_reason })).ending).toBe(ending);
  });

  test("that fails keeps its text and says whether asking again may help", () => {
    const answer = answerAfter(asked, sources, token("half"), frame("error", { code: "unavailable", retryable: true, retry_after: 5 }));
    expect(answer).toMatchObject({ text: "half", ending: "failed", failure: { reason: "unavailable", retryable: true, retryAfter: 5 } });
  });

  test("shows a lost connection only while it is lost", () => {
    expect(answerAfter(asked, { type: "connection", lost: true }).reconnecting).toBe(true);
    expect(answerAfter(asked, { type: "connection", lost: true }, { type: "connection", lost: false }).reconnecting).toBe(false);
    expect(answerAfter(asked, { type: "connection", lost: true }, frame("done", DONE)).reconnecting).toBe(false);
  });

  test("names the tool at work until the tool or the text goes on", () => {
    const tool = (status: string) => frame("tool", { name: "calendar", status, summary: "" });
    expect(answerAfter(asked, sources, tool("started")).tool).toBe("calendar");
    expect(answerAfter(asked, sources, tool("started"), tool("finished")).tool).toBeNull();
    expect(answerAfter(asked, sources, tool("started"), token("a")).tool).toBeNull();
  });
});

describe("a conversation", () => {
  test("takes its identity from the service", () => {
    expect(after(asked, { type: "accepted", runId: "r", conversationId: "c" }).id).toBe("c");
    expect(after(asked, frame("done", { ...DONE, conversation_id: "d" })).id).toBe("d");
  });

  test("replaces the last answer when its question is asked again", () => {
    const failed = after(asked, frame("error", { code: "internal" }));
    expect(reduce(failed, { ...asked, key: "k2", again: true } as ConversationEvent).turns.map(({ key }) => key)).toEqual(["k2"]);
    expect(reduce(failed, { ...asked, key: "k2" } as ConversationEvent).turns.map(({ key }) => key)).toEqual(["k", "k2"]);
  });

  test("that is gone keeps only the question being asked", () => {
    const gone = after(asked, frame("done", DONE), { ...asked, key: "k2" } as ConversationEvent, { type: "cleared", keepLast: true });
    expect(gone).toMatchObject({ id: null, turns: [{ key: "k2" }] });
    expect(reduce(gone, { type: "cleared" })).toEqual(NEW_CONVERSATION);
  });
});

describe("saved messages", () => {
  const { messages } = readPage({
    items: [
      { id: "1", role: "user", content: "Why?" },
      { id: "2", role: "assistant", content: "Because.[1]", status: "complete", finish_reason: "stop", sources: [SOURCE], citations: [{ index: 1, sentence: "Because.", supported: false }], cascade_tier: "extractive" },
      { id: "3", role: "user", content: "And then?" },
      { id: "4", role: "assistant", content: "Th", status: "interrupted", finish_reason: "stopped", sources: [] },
      { id: "5", role: "user", content: "Lost?" },
      { id: "6", role: "user", content: "Last?" },
    ],
  });
  const restored = after({ type: "restored", conversationId: "c", messages });

  test("come back as the turns that they were, with sources, citations and tier", () => {
    expect(restored.turns.map(({ question }) => question)).toEqual(["Why?", "And then?", "Lost?", "Last?"]);
    expect(restored.turns[0]!.answer).toMatchObject({
      text: "Because.[1]",
      ending: "answered",
      sources: [{ index: 1, title: SOURCE.title }],
      citations: [{ index: 1, sentence: "Because.", supported: false }],
      cascadeTier: "extractive",
    });
  });

  test("tell a stopped answer from one that was cut off and one that never came", () => {
    expect(restored.turns[1]!.answer.ending).toBe("stopped");
    expect(restored.turns[2]!.answer).toMatchObject({ ending: "failed", failure: { retryable: true } });
    const cut = readPage({ items: [{ id: "1", role: "assistant", content: "Th", status: "interrupted" }] }).messages;
    expect(lastTurn(after({ type: "restored", conversationId: "c", messages: cut }))!.answer.ending).toBe("interrupted");
  });

  test("leave turns that are shown already where they are, and put those between them that were missed", () => {
    const shown = after({ type: "asked", key: "own", question: "Why?" }, frame("done", DONE), {
      type: "asked",
      key: "late",
      question: "Last?",
    });
    const { turns } = reduce(shown, { type: "restored", conversationId: "c", messages });
    expect(turns.map(({ question }) => question)).toEqual(["Why?", "And then?", "Lost?", "Last?"]);
    expect(turns[0]!.key).toBe("own");
    expect(new Set(turns.map(({ key }) => key)).size).toBe(4);
    expect(turns[3]!.key).toBe(restored.turns[3]!.key);
  });

  test("leave the last answer open for the run that is still writing it", () => {
    const following = reduce(restored, { type: "following", runId: "r" });
    expect(lastTurn(following)!.answer).toMatchObject({ runId: "r", ending: null, text: "", failure: null });
    expect(following.turns[1]).toBe(restored.turns[1]);
  });
});
