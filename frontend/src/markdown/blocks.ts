// Markdown to blocks of tokens. Raw HTML and reference definitions are plain text here; `[1]` is a marker.
import { Marked, type Token, Tokenizer } from "marked";

export interface Block {
  /** The Markdown that the block was made of; equal Markdown makes an equal block. */
  readonly markdown: string;
  readonly token: Token;
}

const marked = new Marked({
  gfm: true,
  extensions: [
    {
      name: "marker",
      level: "inline",
      start: (text) => text.search(/\[\d{1,3}\]/),
      tokenizer(text) {
        const match = /^\[(\d{1,3})\]/.exec(text);
        // A button cannot live inside a link.
        if (match === null || this.lexer.state.inLink) return undefined;
        return { type: "marker", raw: match[0], index: Number(match[1]) };
      },
    },
  ],
  tokenizer: {
    html: () => undefined,
    tag: () => undefined,
    def: () => undefined,
    // A marker right behind a bare address belongs to the sentence and not to the address.
    url(text) {
      const end = text.search(/\[\d{1,3}\]/);
      return end > 0 ? Tokenizer.prototype.url.call(this, text.slice(0, end)) : false;
    },
  },
});

/** The numbers of the sources whose markers a reader finds in the text. */
export function citedIn(markdown: string): Set<number> {
  const cited = new Set<number>();
  marked.walkTokens(marked.lexer(markdown), (token) => {
    if (token.type === "marker") cited.add((token as unknown as { index: number }).index);
  });
  return cited;
}

export function blocksOf(markdown: string): Block[] {
  return marked
    .lexer(markdown)
    .filter((token) => token.type !== "space")
    .map((token) => ({ markdown: token.raw, token }));
}
