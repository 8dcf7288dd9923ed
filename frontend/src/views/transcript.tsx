// Questions and answers in their order. Not announced while they grow: see announcer.tsx.
import { Component } from "preact";
import type { Turn } from "../conversation/state";
import { texts } from "../texts";
import { AnswerView } from "./answer_view";

interface Props {
  readonly turns: readonly Turn[];
  readonly onRetry: () => void;
}

export function Transcript({ turns, onRetry }: Props) {
  return (
    <div class="transcript" role="log" aria-live="off" aria-label={texts.conversation}>
      {turns.map((turn, place) => (
        <TurnView key={turn.key} turn={turn} onRetry={place === turns.length - 1 ? onRetry : null} />
      ))}
    </div>
  );
}

interface TurnProps {
  readonly turn: Turn;
  readonly onRetry: (() => void) | null;
}

/** Drawn again only when its own turn has changed, so that a long conversation costs no more than a short one. */
class TurnView extends Component<TurnProps> {
  override shouldComponentUpdate(next: TurnProps): boolean {
    return next.turn !== this.props.turn || next.onRetry !== this.props.onRetry;
  }

  override render({ turn, onRetry }: TurnProps) {
    return (
      <article class="turn">
        {turn.question !== "" && (
          <div class="question" data-testid="question">
            <span class="hidden">{texts.asker}: </span>
            {turn.question}
          </div>
        )}
        <AnswerView question={turn.question} answer={turn.answer} onRetry={onRetry} />
      </article>
    );
  }
}
