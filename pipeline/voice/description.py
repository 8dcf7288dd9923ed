"""A measured voice in the words of a profile."""

from pipeline.voice.measure import Opener, Voice

OPENERS = 4
USUAL_OPENER = 0.01  # of the sentences; what begins fewer is not worth a word
USUAL_CONTRACTIONS, RARE_CONTRACTIONS = 2.0, 0.5  # in 100 words; conversation has some four, written prose hardly one


def sentences_in_words(voice: Voice) -> str:
    """How long the sentences are, how many ask, and how they begin; empty where that was not measured."""
    parts: list[str] = []
    if length := voice.sentence_length:
        parts.append(f"some {length.median:.0f} words long, half of them {length.lower:.0f} to {length.upper:.0f}")
    if voice.sentences:
        parts.append(f"{voice.questions:.0%} are questions")
    if openers := [f"“{opener.text}”" for opener in voice.openers if _is_telling(opener)][:OPENERS]:
        parts.append(f"often begin with {', '.join(openers)}")
    return "; ".join(parts)


def person_in_words(voice: Voice) -> str:
    """Whom the sentences speak of and to, and whether words are contracted; empty where that was not measured."""
    parts: list[str] = []
    if person := voice.person:
        parts.append(f"“I” in {person.i:.0%} of the sentences, “we” in {person.we:.0%}, “you” in {person.you:.0%}")
    if voice.contractions is not None:
        if voice.contractions >= USUAL_CONTRACTIONS:
            parts.append("says “don't” rather than “do not”")
        elif voice.contractions <= RARE_CONTRACTIONS:
            parts.append("says “do not” rather than “don't”")
    return "; ".join(parts)


def _is_telling(opener: Opener) -> bool:
    return opener.share >= USUAL_OPENER and (opener.others is None or opener.share > opener.others)
