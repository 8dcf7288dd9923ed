// The text of an answer that is still growing, without the half-written mark at its end.

const HALF_MARKER = /\[\d{0,3}$/;
const HALF_LINK = /!?\[[^\]\n]{0,200}\]\([^)\s]*$/;
/** A line of one sign could become a list, a heading or an underline; only its continuation tells. */
const HALF_LINE = /\n[ \t]*(?:#{1,6}|[-+*=]+|\d{1,3}[.)]?)[ \t]*$/;
const HALF_EMPHASIS = /[*_~`]+$/;
const FENCE = /^ {0,3}(?:```|~~~)/gm;

export function settle(text: string): string {
  if (count(text, FENCE) % 2 === 1) return text.replace(/\n {0,3}[`~]{1,2}$/, "");
  const settled = text
    .replace(HALF_LINE, "")
    .replace(HALF_MARKER, "")
    .replace(HALF_LINK, "")
    .replace(HALF_EMPHASIS, "");
  return settled + missingEnd(settled.slice(settled.lastIndexOf("\n\n") + 1));
}

/** Closes the code span or strong emphasis that is open in the last paragraph. */
function missingEnd(paragraph: string): string {
  if (count(paragraph, /`/g) % 2 === 1) return "`";
  const prose = paragraph.replace(/`[^`]*`/g, "");
  return count(prose, /\*\*/g) % 2 === 1 && /\S$/.test(prose) ? "**" : "";
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
