// A site as the service tells of it.
import { asFields, asOneOf } from "./values";

/** How the widget is to look there; null where nobody says. */
export function readTheme(body: unknown): string | null {
  return asOneOf(asFields(body)?.["theme"], ["auto", "light", "dark"]);
}
