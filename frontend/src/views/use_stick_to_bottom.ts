// Follows growing content, but only for a reader who is at its end.
import { useCallback, useLayoutEffect, useRef, useState } from "preact/hooks";

/** This close to the end counts as being there. */
const SLACK = 48;

export function useStickToBottom(content: unknown) {
  const scroller = useRef<HTMLDivElement>(null);
  const sticking = useRef(true);
  const [away, setAway] = useState(false);

  const toBottom = useCallback(() => {
    sticking.current = true;
    setAway(false);
    const element = scroller.current;
    if (element !== null) element.scrollTop = element.scrollHeight;
  }, []);

  const onScroll = useCallback(() => {
    const element = scroller.current!;
    sticking.current = element.scrollHeight - element.scrollTop - element.clientHeight <= SLACK;
    setAway(!sticking.current);
  }, []);

  useLayoutEffect(() => {
    if (sticking.current) toBottom();
  }, [content]);

  return { scroller, away, onScroll, toBottom };
}
