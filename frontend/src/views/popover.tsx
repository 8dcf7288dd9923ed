// A small preview of the source that a marker leads to.
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Source } from "../protocol/source";
import { texts } from "../texts";
import { clock } from "./moment";
import { SourceFacts } from "./source_facts";

interface Props {
  readonly id: string;
  readonly source: Source;
  readonly marker: HTMLElement;
  readonly onEnter: () => void;
  readonly onLeave: () => void;
}

const GAP = 8;

export function Popover({ id, source, marker, onEnter, onLeave }: Props) {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (element.current !== null) placeAt(element.current, marker);
  }, [marker, source]);
  return (
    <div id={id} ref={element} class="popover" role="tooltip" onMouseEnter={onEnter} onMouseLeave={onLeave}>
      <span class="popover-title" dir="auto">{source.removed ? texts.removedSource : source.title}</span>
      <SourceFacts source={source} />
      {source.snippet !== "" && <span class="popover-snippet" dir="auto">{source.snippet}</span>}
      {marker.classList.contains("doubted") && <span class="popover-doubt">{texts.doubt}</span>}
      {!source.removed && <span class="popover-hint">{hintOf(source)}</span>}
    </div>
  );
}

function hintOf({ url, startSeconds }: Source): string {
  if (url === null) return texts.showsCard;
  return startSeconds === null ? texts.opensPage : texts.opensAt(clock(startSeconds));
}

/** Above the marker where there is room in the scrolled area, else where there is more; never over its sides. */
function placeAt(popover: HTMLElement, marker: HTMLElement): void {
  const frame = (popover.offsetParent ?? popover.parentElement!).getBoundingClientRect();
  const visible = (popover.closest(".scroller") ?? document.documentElement).getBoundingClientRect();
  const target = marker.getBoundingClientRect();
  const { width, height } = popover.getBoundingClientRect();
  const over = target.top - GAP - visible.top;
  const under = visible.bottom - target.bottom - GAP;
  const above = over >= Math.min(height, under);
  const shown = Math.min(height, above ? over : under);
  const left = target.left + target.width / 2 - width / 2 - frame.left;
  popover.style.left = `${Math.max(0, Math.min(left, frame.width - width))}px`;
  popover.style.top = `${(above ? target.top - shown - GAP : target.bottom + GAP) - frame.top}px`;
  popover.style.maxHeight = `${shown}px`;
}
