// Questions and answers in their order. Not announced while they grow: see announcer.tsx.
import { Component } from "preact";
import type { Turn } from "../conversation/state";
import { texts } from "../texts";
import { type AnswerActions, AnswerView } from "./answer_view";

interface Props {
  readonly turns: readonly Turn[];
  readonly actions: AnswerActions;
}

export function Transcript({ turns, actions }: Props) {
  return (
    <div class="transcript" role="log" aria-live="off" aria-label={texts.conversation}>
      {turns.map((turn, place) => (
        <TurnView key={turn.key} turn={turn} actions={actions} last={place === turns.length - 1} />
      ))}
    </div>
  );
}

interface TurnProps {
  readonly turn: Turn;
  readonly actions: AnswerActions;
  readonly last: boolean;
}

/** Drawn again only when its own turn has changed, so that a long conversation costs no more than a short one. */
class TurnView extends Component<TurnProps> {
  override shouldComponentUpdate(next: TurnProps): boolean {
    const { turn, actions, last } = this.props;
    return next.turn !== turn || next.actions !== actions || next.last !== last;
  }

  override render({ turn, actions, last }: TurnProps) {
    return (
      <article class="turn">
        {turn.question !== "" && (
          <div class="question" data-testid="question">
            <span class="hidden">{texts.asker}: </span>
            <div dir="auto">{turn.question}</div>
          </div>
        )}
        <AnswerView question={turn.question} answer={turn.answer} actions={actions} last={last} />
      </article>
    );
  }
}
