// How much answers sound like the creator: a slider from 0 to 1 in quarters.
import { texts } from "../texts";

interface Props {
  readonly name: string;
  readonly weight: number;
  readonly onChange: (weight: number) => void;
}

export function VoiceSlider({ name, weight, onChange }: Props) {
  const { neutral, like, label, steps } = texts.voice;
  return (
    <div class={weight > 0 ? "voice speaking" : "voice"}>
      <span aria-hidden="true">{neutral}</span>
      <input
        type="range"
        min="0"
        max="1"
        step="0.25"
        value={weight}
        title={label(name)}
        aria-label={label(name)}
        aria-valuetext={steps[Math.round(weight * (steps.length - 1))]}
        onInput={(event) => onChange(Number(event.currentTarget.value))}
      />
      <span class="like" aria-hidden="true">
        {like(name)}
      </span>
    </div>
  );
}
