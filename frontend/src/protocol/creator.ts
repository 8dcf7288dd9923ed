// The creators that can be asked.
import { asFields, asListOf, asNumber, asString, asStrings, asWebAddress } from "./values";

export interface Creator {
  readonly slug: string;
  readonly name: string;
  readonly bio: string;
  readonly topics: readonly string[];
  readonly links: readonly { readonly label: string; readonly url: string }[];
  readonly questions: readonly string[];
  readonly documents: number;
  /** Whether answers can sound like them. */
  readonly persona: boolean;
}

export function readCreators(value: unknown): Creator[] {
  return asListOf(asFields(value)?.["items"], readCreator);
}

function readCreator(value: unknown): Creator | null {
  const fields = asFields(value);
  const slug = asString(fields?.["slug"]);
  if (fields === null || slug === null || slug === "") return null;
  return {
    slug,
    name: asString(fields["name"]) ?? slug,
    bio: asString(fields["bio"]) ?? "",
    topics: asStrings(fields["topics"]),
    links: asListOf(fields["links"], readLink),
    questions: asStrings(fields["questions"]),
    documents: asNumber(fields["documents"]) ?? 0,
    persona: fields["persona"] === true,
  };
}

function readLink(value: unknown): { label: string; url: string } | null {
  const fields = asFields(value);
  const url = asWebAddress(fields?.["url"]);
  return url === null ? null : { label: asString(fields?.["label"]) ?? new URL(url).hostname, url };
}
