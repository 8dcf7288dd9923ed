// Hands a file to the browser, which saves it as it saves any download.

/** A browser begins to read the file a moment after the click. */
const FORGET_AFTER_MS = 60_000;

export function saveFile(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), FORGET_AFTER_MS);
}
