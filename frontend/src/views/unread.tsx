// In place of a saved conversation that cannot be read at the moment.
import type { Failure } from "../conversation/state";
import { texts, unreadText } from "../texts";
import { NewIcon, RetryIcon } from "./icons";

interface Props {
  readonly failure: Failure;
  readonly onRetry: () => void;
  /** Begins a new conversation instead. */
  readonly onLeave: () => void;
}

export function Unread({ failure, onRetry, onLeave }: Props) {
  return (
    <div class="failure unread" role="alert">
      <p>{unreadText(failure)}</p>
      <button type="button" class="retry" onClick={onRetry}>
        <RetryIcon /> {texts.retry}
      </button>
      <button type="button" class="retry" onClick={onLeave}>
        <NewIcon /> {texts.newConversation}
      </button>
    </div>
  );
}
