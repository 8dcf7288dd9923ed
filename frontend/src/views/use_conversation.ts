// A session's conversation for drawing: at most one new state per animation frame.
import { useEffect, useState } from "preact/hooks";
import type { Conversation } from "../conversation/state";
import type { Session } from "../session/session";

/** Frames do not come while a tab is hidden; then this often is enough. */
const HIDDEN_TAB_DELAY = 250;

export function useConversation(session: Session): Conversation {
  const [shown, setShown] = useState({ session, conversation: session.current });
  useEffect(() => {
    let frame = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const draw = () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
      timer = undefined;
      setShown({ session, conversation: session.current });
    };
    const drawSoon = () => {
      if (timer !== undefined) return;
      frame = requestAnimationFrame(draw);
      timer = setTimeout(draw, HIDDEN_TAB_DELAY);
    };
    draw();
    const unsubscribe = session.subscribe(drawSoon);
    return () => {
      unsubscribe();
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, [session]);
  return shown.session === session ? shown.conversation : session.current;
}
