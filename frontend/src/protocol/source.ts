// A source as the reader sees it: what a footnote points to.
import { asFields, asNumber, asOneOf, asString, asWebAddress } from "./values";

export const KINDS = ["video", "audio", "article", "document"] as const;
export type Kind = (typeof KINDS)[number];

/** How near a source is to what was asked of. */
export const SCOPES = ["creator", "topic", "global"] as const;
export type Scope = (typeof SCOPES)[number];

export interface Source {
  readonly index: number;
  readonly title: string;
  readonly creatorName: string | null;
  readonly kind: Kind;
  /** Deep link; only ever http or https. */
  readonly url: string | null;
  readonly heading: string | null;
  /** Who says or wrote all of it, where one person does. */
  readonly speaker: string | null;
  readonly startSeconds: number | null;
  readonly endSeconds: number | null;
  readonly snippet: string;
  readonly publishedAt: string | null;
  /** null where the service did not say. */
  readonly scope: Scope | null;
  /** Nothing answers the question; this is only the nearest there is. */
  readonly perhaps: boolean;
  /** The document has been deleted since; only its place in the list is left. */
  readonly removed: boolean;
}

export interface Citation {
  readonly index: number;
  /** As the service read it, without its markers. */
  readonly sentence: string;
  readonly supported: boolean;
}

export function readSource(value: unknown): Source | null {
  const fields = asFields(value);
  const index = asNumber(fields?.["index"]);
  if (fields === null || index === null) return null;
  const removed = fields["removed"] === true;
  return {
    index,
    title: asString(fields["title"]) ?? "",
    creatorName: asString(asFields(fields["creator"])?.["name"]),
    kind: asOneOf(fields["kind"], KINDS) ?? "document",
    url: removed ? null : asWebAddress(fields["url"]),
    heading: asString(fields["heading"]),
    speaker: asString(fields["speaker"]),
    startSeconds: asNumber(fields["start_s"]),
    endSeconds: asNumber(fields["end_s"]),
    snippet: removed ? "" : (asString(fields["snippet"]) ?? ""),
    publishedAt: asString(fields["published_at"]),
    scope: asOneOf(fields["scope"], SCOPES),
    perhaps: fields["perhaps"] === true,
    removed,
  };
}

export function readCitation(value: unknown): Citation | null {
  const fields = asFields(value);
  const index = asNumber(fields?.["index"]);
  if (fields === null || index === null) return null;
  return { index, sentence: asString(fields["sentence"]) ?? "", supported: fields["supported"] !== false };
}
