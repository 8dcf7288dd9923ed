import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FootnoteChat } from "../src/element/footnote_chat";
import { launch, TAG } from "../src/element/launch";

describe("the script tag", () => {
  const script = (attributes: Record<string, string>): HTMLScriptElement => {
    const element = document.createElement("script");
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const fresh = () => vi.spyOn(customElements, "get").mockReturnValueOnce(undefined);
  beforeEach(() => {
    document.body.replaceChildren();
    vi.spyOn(customElements, "define").mockImplementation(() => undefined);
  });

  afterEach(() => {
    vi.restoreAllMocks();
  });

  test("puts a floating chat on the page, for the creator, theme and origin that it names", () => {
    fresh();
    launch(script({ src: "https://host.example/a/footnote.js", "data-creator": "mara", "data-theme": "dark" }));
    const element = document.querySelector(TAG)!;
    expect(element.hasAttribute("floating")).toBe(true);
    expect(element.getAttribute("creator")).toBe("mara");
    expect(element.getAttribute("theme")).toBe("dark");
    expect(FootnoteChat.defaultEndpoint).toBe("https://host.example");
  });

  test("may forbid that others answer what its creator cannot", () => {
    fresh();
    launch(script({ src: "https://host.example/footnote.js", "data-creator": "mara", "data-widen": "false" }));
    expect(document.querySelector(TAG)!.getAttribute("widen")).toBe("false");
  });

  test("may name another endpoint, but no address that runs code", () => {
    fresh();
    launch(script({ src: "https://host.example/footnote.js", "data-endpoint": "https://api.example/footnote/" }));
    expect(FootnoteChat.defaultEndpoint).toBe("https://api.example/footnote");
    fresh();
    launch(script({ src: "https://host.example/footnote.js", "data-endpoint": "javascript:alert(1)" }));
    expect(FootnoteChat.defaultEndpoint).toBe("https://host.example");
  });

  test("leaves a page alone that has placed a chat of its own", () => {
    fresh();
    document.body.append(document.createElement(TAG));
    launch(script({ src: "https://host.example/footnote.js" }));
    expect(document.querySelectorAll(TAG)).toHaveLength(1);
  });

  test("puts the chat there once, and again where the site has replaced the body with the chat", () => {
    const tag = script({ src: "https://host.example/footnote.js", "data-creator": "mara" });
    fresh();
    launch(tag);
    vi.spyOn(customElements, "get").mockReturnValue(FootnoteChat);
    launch(tag);
    expect(document.querySelectorAll(TAG)).toHaveLength(1);
    document.body.replaceWith(document.createElement("body"));
    launch(tag);
    expect(document.querySelector(TAG)!.getAttribute("creator")).toBe("mara");
    expect(customElements.define).toHaveBeenCalledTimes(1);
  });
});
