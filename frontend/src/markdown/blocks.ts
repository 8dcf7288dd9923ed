// Markdown to blocks of tokens. Raw HTML and reference definitions are plain text here; `[1]` is a marker.
import { Marked, type Token } from "marked";

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
