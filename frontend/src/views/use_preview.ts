// Which marker the reader is looking at: by pointer after a moment, by keyboard at once.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";

const HOVER_DELAY = 120;
const LEAVE_DELAY = 180;

export function usePreview() {
  const [marker, setMarker] = useState<HTMLElement | null>(null);
  const shown = useRef<HTMLElement | null>(null);
  shown.current = marker;
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const controls = useMemo(() => {
    const after = (delay: number, next: HTMLElement | null) => {
      clearTimeout(timer.current);
      if (delay === 0) setMarker(next);
      else timer.current = setTimeout(() => setMarker(next), delay);
    };
    const markerAt = (event: Event) => (event.target as Element).closest<HTMLElement>(".marker");
    return {
      show: () => clearTimeout(timer.current),
      hide: (delay = LEAVE_DELAY) => after(delay, null),
      onMouseOver: (event: Event) => {
        const at = markerAt(event);
        after(at === null ? LEAVE_DELAY : HOVER_DELAY, at);
      },
      onMouseLeave: () => after(LEAVE_DELAY, null),
      onFocusIn: (event: Event) => {
        const at = markerAt(event);
        if (at?.matches(":focus-visible")) after(0, at);
      },
      onFocusOut: () => after(0, null),
      onKeyDown: (event: KeyboardEvent) => {
        if (event.key !== "Escape" || shown.current === null) return;
        // The first Escape takes the preview away; only the next one closes the panel.
        event.stopPropagation();
        event.preventDefault();
        after(0, null);
      },
    };
  }, []);
  useEffect(() => () => clearTimeout(timer.current), []);
  return { marker: marker?.isConnected ? marker : null, ...controls };
}
