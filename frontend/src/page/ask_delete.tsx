// Asks once more before something is deleted for good; who keeps it need only press Enter.
import { texts } from "../texts";

interface Props {
  readonly question: string;
  readonly onKeep: () => void;
  readonly onDelete: () => void;
}

export function AskDelete({ question, onKeep, onDelete }: Props) {
  // The question appears under the pointer, where the second click of a double one is no answer to it.
  const onClick = (event: MouseEvent) => event.detail < 2 && onDelete();
  return (
    <div role="group" aria-label={question}>
      <p>{question}</p>
      <button type="button" data-first onClick={onKeep}>{texts.saved.keep}</button>
      <button type="button" class="grave" onClick={onClick}>{texts.saved.delete}</button>
    </div>
  );
}
