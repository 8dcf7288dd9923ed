// The weight of the creator's voice that the reader has chosen; 0 where the service offers none.
import { useState } from "preact/hooks";
import type { Creator } from "../protocol/creator";
import type { Memory } from "../session/memory";

export interface VoiceChoice {
  readonly offered: boolean;
  readonly weight: number;
  readonly choose: (weight: number) => void;
}

export function useVoice(memory: Memory, creator: Creator | null): VoiceChoice {
  const [, redraw] = useState(0);
  const slug = creator?.persona === true ? creator.slug : null;
  return {
    offered: slug !== null,
    weight: slug === null ? 0 : memory.readWeight(slug),
    choose: (weight) => {
      if (slug !== null) memory.writeWeight(slug, weight);
      redraw((changes) => changes + 1);
    },
  };
}
