// One source as a card: a link to its moment, or, where there is nothing to open, a passage that unfolds.
import type { Source } from "../protocol/source";
import { texts } from "../texts";
import { KindIcon } from "./icons";
import { dayOf, placeOf } from "./moment";

interface Props {
  readonly source: Source;
  readonly highlighted: boolean;
  readonly expanded: boolean;
  readonly onToggle: () => void;
}

export function SourceCard({ source, highlighted, expanded, onToggle }: Props) {
  const shared = {
    "data-testid": "source-card",
    "data-index": source.index,
    class: ["card", highlighted && "highlighted", expanded && "expanded", source.removed && "removed"].filter(Boolean).join(" "),
  };
  if (source.url !== null) {
    return (
      <a {...shared} href={source.url} target="_blank" rel="noopener noreferrer">
        <Content source={source} />
      </a>
    );
  }
  return (
    <button {...shared} type="button" aria-expanded={expanded} disabled={source.removed} onClick={onToggle}>
      <Content source={source} />
    </button>
  );
}

function Content({ source }: { source: Source }) {
  const place = placeOf(source);
  const day = dayOf(source.publishedAt);
  return (
    <>
      <span class="card-head">
        <span class="card-index">{source.index}</span>
        <span class="card-title">{source.removed ? texts.removedSource : source.title}</span>
      </span>
      <span class="card-meta">
        <span class="card-kind" title={texts.kinds[source.kind]}>
          <KindIcon kind={source.kind} />
          <span class="hidden">{texts.kinds[source.kind]}</span>
        </span>
        {source.creatorName !== null && <span class="card-creator">{source.creatorName}</span>}
        {place !== null && <span class={source.startSeconds === null ? "card-heading" : "card-time"}>{place}</span>}
        {day !== null && <span class="card-date">{day}</span>}
      </span>
      {source.snippet !== "" && <span class="card-snippet">{source.snippet}</span>}
    </>
  );
}
