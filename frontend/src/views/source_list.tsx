// The sources of an answer: the first few at once, the rest on request.
import { useState } from "preact/hooks";
import type { Source } from "../protocol/source";
import { texts } from "../texts";
import { SourceCard } from "./source_card";

const SHOWN_AT_FIRST = 4;

interface Props {
  readonly sources: readonly Source[];
  /** The source whose marker the reader is looking at. */
  readonly highlighted: number | null;
  /** The source that was asked for by its marker and has nowhere else to be seen. */
  readonly expanded: number | null;
  readonly onExpand: (index: number | null) => void;
}

export function SourceList({ sources, highlighted, expanded, onExpand }: Props) {
  const [all, setAll] = useState(false);
  const few = sources.slice(0, SHOWN_AT_FIRST);
  const shown = all || (expanded !== null && !few.some((source) => source.index === expanded)) ? sources : few;
  return (
    <section class="sources" aria-label={texts.sources}>
      <ol class="cards">
        {shown.map((source) => (
          <li key={source.index}>
            <SourceCard
              source={source}
              highlighted={source.index === highlighted}
              expanded={source.index === expanded}
              onToggle={() => onExpand(source.index === expanded ? null : source.index)}
            />
          </li>
        ))}
      </ol>
      {sources.length > SHOWN_AT_FIRST && (
        <button type="button" class="quiet show-all" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? texts.showFewer : texts.showAll(sources.length)}
        </button>
      )}
    </section>
  );
}

export function SourceSkeleton() {
  return (
    <div class="sources" aria-hidden="true">
      <div class="cards">
        {[1, 2, 3, 4].map((place) => (
          <div key={place} class="card skeleton">
            <span />
            <span />
            <span />
            <span />
          </div>
        ))}
      </div>
    </div>
  );
}
