// Sources under their heading: the first few at once, the rest on request; or folded, where they are only by the way.
import { useState } from "preact/hooks";
import type { Source } from "../protocol/source";
import { texts } from "../texts";
import { FoldIcon } from "./icons";
import { SourceCard } from "./source_card";

const SHOWN_AT_FIRST = 4;

interface Props {
  readonly title: string;
  readonly sources: readonly Source[];
  /** The answer does not stand on these. */
  readonly muted?: boolean;
  /** Nothing but the heading is shown until the reader asks for more. */
  readonly folded?: boolean;
  /** The source whose marker the reader is looking at. */
  readonly highlighted?: number | null;
  /** The source that was asked for by its marker and has nowhere else to be seen. */
  readonly expanded: number | null;
  readonly onExpand: (index: number | null) => void;
}

export function SourceList(props: Props) {
  const { title, sources, muted = false, folded = false, highlighted = null, expanded, onExpand } = props;
  const [open, setOpen] = useState(!folded);
  const [all, setAll] = useState(false);
  if (sources.length === 0) return null;
  const few = folded ? sources : sources.slice(0, SHOWN_AT_FIRST);
  const shown = all || sources.some(({ index }) => index === expanded && !few.some((one) => one.index === index)) ? sources : few;
  return (
    <section class={muted ? "sources muted" : "sources"} aria-label={title}>
      {folded ? (
        <button type="button" class="quiet fold" aria-expanded={open} onClick={() => setOpen(!open)}>
          <FoldIcon />
          {title} ({sources.length})
        </button>
      ) : (
        <h3 class="sources-title">{title}</h3>
      )}
      {open && (
        <ol class={all ? "cards all" : "cards"}>
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
      )}
      {few.length < sources.length && (
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
      <p class="sources-title">{texts.sources}</p>
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
