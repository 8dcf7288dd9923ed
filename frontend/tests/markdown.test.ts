import { beforeEach, describe, expect, test } from "vitest";
import { AnswerText, plainText } from "../src/markdown/answer_text";
import { citedIn } from "../src/markdown/blocks";
import { markDoubts } from "../src/markdown/markers";
import { settle } from "../src/markdown/settle";
import { readSource, type Source } from "../src/protocol/source";
import { SOURCE } from "./service";

const sources = [1, 2].map((index) => readSource({ ...SOURCE, index, title: `Title ${index}` })) as Source[];
let container: HTMLElement;

beforeEach(() => {
  container = document.createElement("div");
  document.body.replaceChildren(container);
});

function show(text: string, growing = false): HTMLElement {
  new AnswerText(container).show(text, sources, growing);
  return container;
}

const PAYLOADS = [
  "<script>window.hacked = 1</script>",
  "<img src=x onerror='window.hacked = 1'>",
  "<svg/onload=window.hacked=1>",
  '<a href="javascript:window.hacked=1">x</a>',
  "[x](javascript:window.hacked=1)",
  "[x](JaVaScRiPt:window.hacked=1)",
  "[x](&#106;avascript:window.hacked=1)",
  "[x](data:text/html,<script>1</script>)",
  "[x](vbscript:x)",
  "![x](https://tracker.example/pixel.png)",
  '![x"onerror="window.hacked=1](x)',
  '[x](https://a.example/" onmouseover="window.hacked=1)',
  "<iframe srcdoc='<script>1</script>'></iframe>",
  "<style>*{display:none}</style>",
  "<math><mtext><table><mglyph><style><!--</style><img title='--><img src=x onerror=1>'>",
  "```html\n<script>window.hacked=1</script>\n```",
  "[1]: javascript:window.hacked=1\n\n[x][1]",
  "<sup data-marker='1'></sup>",
  "<button class=marker data-index=1 onclick=window.hacked=1>1</button>",
  "<https://ok.example/\"onclick=window.hacked=1>",
];
const ALLOWED = new Set(
  "DIV P BR STRONG EM DEL CODE PRE UL OL LI BLOCKQUOTE H3 H4 H5 H6 HR A TABLE THEAD TBODY TR TH TD BUTTON".split(" "),
);

function expectHarmless(element: HTMLElement): void {
  for (const node of element.querySelectorAll("*")) {
    expect(ALLOWED).toContain(node.tagName);
    for (const { name } of node.attributes) {
      expect(["class", "href", "target", "rel", "start", "dir", "type", "data-index", "aria-label"]).toContain(name);
    }
    if (node.hasAttribute("href")) expect(node.getAttribute("href")).toMatch(/^https?:\/\//);
  }
  expect(window).not.toHaveProperty("hacked");
}

describe("hostile text", () => {
  test.each(PAYLOADS)("does no harm at once: %s", (payload) => {
    expectHarmless(show(`Before ${payload} after`));
    expectHarmless(show(payload));
  });

  test.each(PAYLOADS)("does no harm character by character: %s", (payload) => {
    const text = new AnswerText(container);
    for (let length = 1; length <= payload.length; length += 1) {
      text.show(payload.slice(0, length), sources, true);
      expectHarmless(container);
    }
  });

  test("is shown as the words that it is made of, not swallowed", () => {
    expect(show("Write <b>bold</b> or <script>alert(1)</script>.").textContent).toBe(
      "Write <b>bold</b> or <script>alert(1)</script>.",
    );
  });
});

describe("Markdown", () => {
  test("becomes the elements that it stands for", () => {
    show("# Title\n\nSome **strong** and `code`.\n\n3. three\n4. four\n\n| a | b |\n|---|---|\n| 1 | 2 |");
    expect(container.querySelector("h3")?.textContent).toBe("Title");
    expect(container.querySelector("strong")?.textContent).toBe("strong");
    expect(container.querySelector("ol")?.getAttribute("start")).toBe("3");
    expect(container.querySelectorAll("td")).toHaveLength(2);
  });

  test("reads in the direction of its words, line by line", () => {
    show("سلام [1]\n\n- one\n\n```\ncode\n```");
    expect([...container.querySelectorAll("[dir=auto]")].map(({ tagName }) => tagName)).toEqual(["P", "UL", "LI"]);
  });

  test("opens links elsewhere without telling where the reader came from", () => {
    const link = show("See [this](https://a.example/?a=1&amp;b=2).").querySelector("a")!;
    expect(link.getAttribute("href")).toBe("https://a.example/?a=1&b=2");
    expect(link.target).toBe("_blank");
    expect(link.rel.split(" ")).toEqual(expect.arrayContaining(["noopener", "nofollow"]));
  });

  test("reads character references and leaves special characters alone", () => {
    expect(show("Tom &amp; Jerry &lt;3 a < b & c").textContent).toBe("Tom & Jerry <3 a < b & c");
  });

  test("keeps line separators and emoji", () => {
    expect(show("a\u2028b 👩🏽‍🎤").textContent).toBe("a\u2028b 👩🏽‍🎤");
  });
});

describe("footnote markers", () => {
  test("are buttons that name their source", () => {
    const markers = [...show("One.[1] Two.[2][1]").querySelectorAll("button.marker")];
    expect(markers.map((marker) => marker.textContent)).toEqual(["1", "2", "1"]);
    expect(markers[1]!.getAttribute("aria-label")).toBe("Source 2: Title 2");
  });

  test("without a source are dropped", () => {
    expect(show("One[1] two[9].").textContent).toBe("One1 two.");
  });

  test("are text inside code and inside links", () => {
    show("`a[1]` and\n\n```\nb[2]\n```\n\n[see [1]](https://a.example)");
    expect(container.querySelectorAll(".marker")).toHaveLength(0);
    expect(container.textContent).toContain("a[1]");
    expect(container.textContent).toContain("b[2]");
  });

  test("stay markers even where the text tries to make links of them", () => {
    show("Claim [1] of [two][note].\n\n[1]: https://evil.example\n\n[note]: https://evil.example");
    expect(container.textContent).toBe("Claim 1 of [two][note].1: https://evil.example[note]: https://evil.example");
    expect([...container.querySelectorAll("a")].map((link) => link.textContent)).toEqual(Array(2).fill("https://evil.example"));
    expect(container.querySelector(".marker")?.textContent).toBe("1");
  });

  test("do not flicker while they arrive", () => {
    const text = new AnswerText(container);
    for (const part of ["Yes.", "Yes.[", "Yes.[1"]) {
      text.show(part, sources, true);
      expect(container.textContent).toBe("Yes.");
    }
    text.show("Yes.[1]", sources, true);
    expect(container.querySelectorAll(".marker")).toHaveLength(1);
    text.show("Yes.[1", sources, false);
    expect(container.textContent).toBe("Yes.[1");
  });

  const verdict = (index: number, sentence: string, supported: boolean) => ({ index, sentence, supported });
  const doubted = () => [...container.querySelectorAll(".marker")].map((marker) => marker.classList.contains("doubted"));

  test("are marked exactly where the service doubts them, and say so", () => {
    show("One **is** so.[1] `Two`, [perhaps](https://a.example) [1]. Three.[2]\n\n- Four [2][1].");
    markDoubts(container, sources, [
      verdict(1, "One is so.", true),
      verdict(1, "Two, perhaps.", false),
      verdict(2, "Three.", true),
      verdict(2, "Four.", false),
      verdict(1, "Four.", true),
    ]);
    expect(doubted()).toEqual([false, true, false, true, false]);
    expect(container.querySelectorAll(".marker")[1]!.getAttribute("aria-label")).toBe("Source 1: Title 1. The source may not say this");
  });

  test("are marked every time that a doubted sentence cites its source", () => {
    show("One [1] and two [1]. Three.[1]");
    markDoubts(container, sources, [verdict(1, "One and two.", false), verdict(1, "Three.", true)]);
    expect(doubted()).toEqual([true, true, false]);
  });

  test("are marked where they begin the doubted sentence, and not where they end the one before", () => {
    show("One.[1]\n\n[1] says two.\n\nThree.[1]");
    markDoubts(container, sources, [verdict(1, "One.", true), verdict(1, "says two.", false), verdict(1, "Three.", true)]);
    expect(doubted()).toEqual([false, true, false]);
  });

  test("are all marked where it cannot be told which one is meant, as a doubt is never hidden", () => {
    show("One.[1] Two.[1] Three.[2]");
    markDoubts(container, sources, [verdict(1, "Written otherwise.", false), verdict(2, "Three.", true)]);
    expect(doubted()).toEqual([true, true, false]);
  });

  test("lose their mark when the answer is given anew", () => {
    show("One.[1]");
    markDoubts(container, sources, [verdict(1, "One.", false)]);
    markDoubts(container, sources, []);
    expect(doubted()).toEqual([false]);
    expect(container.querySelector(".marker")!.getAttribute("aria-label")).toBe("Source 1: Title 1");
  });

  test("say which sources an answer cites; code and links cite nothing", () => {
    expect(citedIn("One [3].\n\n| a |\n|---|\n| b [1] |\n\n- c [3] `[4]` [see [5]](https://a.example)")).toEqual(new Set([3, 1]));
  });
});

describe("a growing answer", () => {
  test("leaves finished paragraphs untouched, so that focus and selection stay", () => {
    const text = new AnswerText(container);
    text.show("First.[1]\n\nSec", sources, true);
    const marker = container.querySelector(".marker");
    text.show("First.[1]\n\nSecond.\n\nThird", sources, true);
    expect(container.querySelector(".marker")).toBe(marker);
    expect(container.children).toHaveLength(3);
  });

  test("gives up its text when that is discarded", () => {
    const text = new AnswerText(container);
    text.show("Wrong.\n\nWrong.", sources, true);
    text.show("", sources, true);
    text.show("Right.", sources, true);
    expect(container.textContent).toBe("Right.");
  });

  test.each([
    ["a **bold", "a **bold**"],
    ["a **bold*", "a **bold**"],
    ["run `npm", "run `npm`"],
    ["see [this](https://a.exa", "see "],
    ["Steps:\n-", "Steps:"],
    ["Steps:\n1.", "Steps:"],
    ["```\ncode [1", "```\ncode [1"],
    ["It costs 5", "It costs 5"],
  ])("shows %j as %j", (text, shown) => {
    expect(settle(text)).toBe(shown);
  });

  test("ends as exactly the text that was sent", () => {
    const whole = "A **b** [1] c `d` _e_ 5 * 3 ~ [x";
    const text = new AnswerText(container);
    for (let length = 1; length <= whole.length; length += 1) text.show(whole.slice(0, length), sources, true);
    text.show(whole, sources, false);
    expect(container.textContent).toBe("A b 1 c d e 5 * 3 ~ [x");
  });
});

test("the words for reading aloud carry no marks", () => {
  expect(plainText("# Hi\n\n**Yes**, `no`.[1][2]\n\n- [link](https://a.example)\n- end.\n- more")).toBe("Hi Yes, no. link end. more");
});
