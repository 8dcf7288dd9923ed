// What may be sent as a question.

export const LONGEST_QUESTION = 1000;

/** Trimmed, without the characters that the service refuses: NUL and halves of surrogate pairs. */
export function cleanQuestion(text: string): string {
  return text
    .replaceAll("\0", "")
    .replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, "")
    .trim();
}

/** Length in characters as the service counts them: an emoji is one. */
export function lengthOf(text: string): number {
  return [...text].length;
}
