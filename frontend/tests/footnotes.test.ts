// What of an answer is a footnote: the service reads the same cases (tests/contract/test_footnotes.py).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AnswerText } from "../src/markdown/answer_text";
import { readSource, type Source } from "../src/protocol/source";
import { SOURCE } from "./service";

interface Case {
  readonly name: string;
  readonly answer: string;
  readonly footnotes: readonly number[];
}

const cases = JSON.parse(readFileSync(join(import.meta.dirname, "../../tests/contract/footnotes.json"), "utf-8")) as Case[];
const sources = [1, 2].map((index) => readSource({ ...SOURCE, index, title: `Title ${index}` })) as Source[];

test.each(cases)("the widget shows what the service counts: $name", ({ answer, footnotes }) => {
  const container = document.createElement("div");
  new AnswerText(container).show(answer, sources, false);
  const shown = [...container.querySelectorAll<HTMLElement>(".marker")].map((marker) => Number(marker.dataset["index"]));
  expect(shown).toEqual(footnotes);
});
