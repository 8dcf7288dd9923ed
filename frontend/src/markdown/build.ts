// Tokens to nodes. No HTML is written or parsed on the way: whatever an answer says, the page only ever receives the
// elements named here, text, and links to the web. So there is nothing to sanitise, and trusted types hold.
import type { MarkedToken, Token, Tokens } from "marked";
import { asWebAddress } from "../protocol/values";
import { decodeEntities } from "./entities";

/** Makes the node for the marker of a source; null leaves the marker out. */
export type MarkerMaker = (index: number) => Node | null;

/** What has a line of its own reads in the direction of its words. */
const DIRECTED: ReadonlySet<string> = new Set(["p", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "th", "td"]);

export function build(tokens: readonly Token[] | undefined, marker: MarkerMaker): Node[] {
  return (tokens ?? []).flatMap((token) => buildOne(token as MarkedToken | MarkerToken, marker));
}

interface MarkerToken {
  readonly type: "marker";
  readonly raw: string;
  readonly index: number;
}

function buildOne(token: MarkedToken | MarkerToken, marker: MarkerMaker): Node[] {
  const inside = (children: readonly Token[] | undefined) => build(children, marker);
  switch (token.type) {
    case "marker":
      return [marker(token.index)].filter((node) => node !== null);
    case "paragraph":
      return [element("p", inside(token.tokens))];
    case "heading":
      // The page around the answer owns the higher levels.
      return [element(`h${Math.min(token.depth + 2, 6)}`, inside(token.tokens))];
    case "blockquote":
      return [element("blockquote", inside(token.tokens))];
    case "list":
      return [list(token, marker)];
    case "code":
      return [element("pre", [element("code", [text(token.text)])])];
    case "table":
      return [table(token, marker)];
    case "hr":
      return [element("hr")];
    case "br":
      return [element("br")];
    case "strong":
    case "em":
    case "del":
      return [element(token.type, inside(token.tokens))];
    case "codespan":
      return [element("code", [text(token.text)])];
    case "link":
      return link(token, marker);
    case "checkbox":
      return [text(token.checked ? "☑ " : "☐ ")];
    case "image":
      return [text(decodeEntities(token.text))];
    case "escape":
      return [text(token.text)];
    case "text":
      return "tokens" in token && token.tokens ? inside(token.tokens) : [text(decodeEntities(token.text))];
    case "space":
      return [];
    default:
      return [text(token.raw)];
  }
}

function list(token: Tokens.List, marker: MarkerMaker): HTMLElement {
  const items = token.items.map((item) => element("li", build(item.tokens, marker)));
  const node = element(token.ordered ? "ol" : "ul", items);
  if (token.ordered && typeof token.start === "number" && token.start !== 1) node.setAttribute("start", String(token.start));
  return node;
}

function table(token: Tokens.Table, marker: MarkerMaker): HTMLElement {
  const row = (name: string, cells: Tokens.TableCell[]) =>
    element("tr", cells.map((cell) => element(name, build(cell.tokens, marker))));
  return element("table", [
    element("thead", [row("th", token.header)]),
    element("tbody", token.rows.map((cells) => row("td", cells))),
  ]);
}

/** A link that does not lead to the web keeps its words and loses its target. */
function link(token: Tokens.Link, marker: MarkerMaker): Node[] {
  const children = build(token.tokens, marker);
  const address = asWebAddress(decodeEntities(token.href));
  if (address === null) return children;
  const node = element("a", children);
  node.setAttribute("href", address);
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer nofollow");
  return [node];
}

function element(name: string, children: readonly Node[] = []): HTMLElement {
  const node = document.createElement(name);
  if (DIRECTED.has(name)) node.setAttribute("dir", "auto");
  node.append(...children);
  return node;
}

function text(value: string): Text {
  return document.createTextNode(value);
}
