// Where the service is, from what a site's author has written.

/** The origin and path prefix without a slash at its end; null where the text is no web address. */
export function readEndpoint(text: string | null | undefined, base?: string): string | null {
  if (!text) return null;
  try {
    const url = new URL(text, base);
    if (url.protocol !== "http:" && url.protocol !== "https:") return null;
    return (url.origin + url.pathname).replace(/\/+$/, "");
  } catch {
    return null;
  }
}
