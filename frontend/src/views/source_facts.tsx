// Kind, creator, speaker, place and day of a source, in one line where they fit.
import { useContext } from "preact/hooks";
import type { Source } from "../protocol/source";
import { texts } from "../texts";
import { AskedCreator } from "./asked_creator";
import { isFromOthers } from "./footing";
import { KindIcon } from "./icons";
import { dayOf, placeOf } from "./moment";

export function SourceFacts({ source }: { source: Source }) {
  const kind = texts.kinds[source.kind];
  const place = placeOf(source);
  const day = dayOf(source.publishedAt);
  const foreign = useContext(AskedCreator) !== null && isFromOthers(source);
  return (
    <span class="card-meta">
      <span class={foreign ? "card-kind foreign" : "card-kind"} title={kind}>
        <KindIcon kind={source.kind} />
        {source.creatorName === null ? kind : <span class="hidden">{kind}, </span>}
        {source.creatorName}
      </span>
      {foreign && <span class="card-foreign">{texts.anotherCreator}</span>}
      {source.speaker !== null && source.speaker !== source.creatorName && <span dir="auto">{source.speaker}</span>}
      {place !== null && <span class={source.startSeconds === null ? "card-heading" : "card-time"}>{place}</span>}
      {day !== null && <span class="card-date">{day}</span>}
    </span>
  );
}
