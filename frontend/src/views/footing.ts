// What an answer stands on, apart from what was only found, and whether it comes from the creator who was asked.
import type { Answer } from "../conversation/state";
import { citedIn } from "../markdown/blocks";
import type { Source } from "../protocol/source";
import { texts } from "../texts";

export interface Footing {
  /** What the answer cites; until its end all that was found. */
  readonly used: readonly Source[];
  readonly unused: readonly Source[];
  /** The nearest there is, where nothing answers. */
  readonly perhaps: readonly Source[];
}

export function footingOf({ sources, text, ending }: Answer): Footing {
  const found = (sources ?? []).filter((source) => !source.perhaps);
  const perhaps = (sources ?? []).filter((source) => source.perhaps);
  if (ending === null) return { used: found, unused: [], perhaps };
  const cited = citedIn(text);
  return {
    used: found.filter(({ index }) => cited.has(index)),
    unused: found.filter(({ index }) => !cited.has(index)),
    perhaps,
  };
}

/** Of a creator who was asked, this is not. */
export function isFromOthers({ scope }: Source): boolean {
  return scope === "topic" || scope === "global";
}

/** Says that an answer does not, or not only, come from the one who was asked; null where it does. */
export function originOf({ used, unused }: Footing, asked: string | null): string | null {
  const sources = used.length > 0 ? used : unused;
  if (asked === null || !sources.some(isFromOthers)) return null;
  return sources.every(isFromOthers) ? texts.fromOthers(asked) : texts.partlyFromOthers(asked);
}
