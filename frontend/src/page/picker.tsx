// Who is asked: one creator or everyone.
import { useEffect, useRef } from "preact/hooks";
import type { Creator } from "../protocol/creator";
import { texts } from "../texts";
import { pageTexts } from "./texts";

interface Props {
  readonly creators: readonly Creator[];
  readonly chosen: string | null;
  readonly onChoose: (slug: string | null) => void;
}

export function Picker({ creators, chosen, onChoose }: Props) {
  return (
    <div class="picker" role="radiogroup" aria-label={pageTexts.creators}>
      <Choice name={texts.everyone} initial="∗" checked={chosen === null} onChoose={() => onChoose(null)} />
      {creators.map(({ slug, name, documents }) => (
        <Choice
          key={slug}
          name={name}
          detail={documents > 0 ? pageTexts.pieces(documents) : ""}
          initial={initialOf(name)}
          checked={slug === chosen}
          onChoose={() => onChoose(slug)}
        />
      ))}
    </div>
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly detail?: string;
  readonly initial: string;
  readonly checked: boolean;
  readonly onChoose: () => void;
}

function Choice({ name, detail = "", initial, checked, onChoose }: ChoiceProps) {
  const label = useRef<HTMLLabelElement>(null);
  useEffect(() => {
    // In a row that is wider than a phone it may be out of sight.
    if (checked) label.current!.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [checked]);
  return (
    <label ref={label} class="choice">
      <input type="radio" name="creator" aria-label={name} checked={checked} onChange={onChoose} />
      <span class="initial" aria-hidden="true">
        {initial}
      </span>
      <span class="choice-name">{name}</span>
      <span class="choice-detail">{detail}</span>
    </label>
  );
}

function initialOf(name: string): string {
  return ([...name.trim()][0] ?? "").toUpperCase();
}
