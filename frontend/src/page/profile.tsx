// The chosen creator in a few words.
import type { Creator } from "../protocol/creator";
import { texts } from "../texts";
import { pageTexts } from "./texts";

export function Profile({ creators, chosen }: { creators: readonly Creator[]; chosen: string | null }) {
  const creator = creators.find(({ slug }) => slug === chosen);
  if (creator === undefined) {
    return creators.length === 0 ? null : (
      <section class="profile" aria-label={texts.everyone}>
        <p class="bio">{pageTexts.everyoneBio}</p>
      </section>
    );
  }
  return (
    <section class="profile" aria-label={creator.name}>
      {creator.bio !== "" && <p class="bio">{creator.bio}</p>}
      {creator.topics.length > 0 && (
        <ul class="topics" aria-label={pageTexts.topics}>
          {creator.topics.map((topic) => (
            <li key={topic}>{topic}</li>
          ))}
        </ul>
      )}
      {creator.links.length > 0 && (
        <ul class="links">
          {creator.links.map(({ label, url }) => (
            <li key={url}>
              <a href={url} target="_blank" rel="noopener noreferrer">
                {label}
              </a>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
