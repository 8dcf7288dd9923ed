// One source as a card: a link to its moment, or, where there is nothing to open, a passage that unfolds.
import type { Source } from "../protocol/source";
import { texts } from "../texts";
import { SourceFacts } from "./source_facts";

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
  return (
    <>
      <span class="card-head">
        {!source.perhaps && <span class="card-index">{source.index}</span>}
        <span class="card-title" dir="auto">{source.removed ? texts.removedSource : source.title}</span>
      </span>
      <SourceFacts source={source} />
      {source.snippet !== "" && <span class="card-snippet" dir="auto">{source.snippet}</span>}
    </>
  );
}
