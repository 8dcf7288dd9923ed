"""Who asks in a conversation, told from how often they do. Pure."""

from collections import Counter
from collections.abc import Sequence

from backend.llm.passage_sentences import Sentence

# A host asks this often, by sentences, and a guest so much more seldom.
HOSTS_ASK = 0.18
GUESTS_ASK = 0.4


def hosts_of(titles: Sequence[str], passages: Sequence[Sequence[Sentence]]) -> list[frozenset[str]]:
    """By passage, who asks in its recording, where somebody else there answers; nobody where all of them ask."""
    recordings = {
        title: [sentence for own, passage in zip(titles, passages, strict=True) if own == title for sentence in passage]
        for title in titles
    }
    hosts = {title: askers(sentences) for title, sentences in recordings.items()}
    return [hosts[title] for title in titles]


def askers(sentences: Sequence[Sentence]) -> frozenset[str]:
    """Whose sentences are questions often, where those of somebody else seldom are."""
    said = Counter(sentence.speaker for sentence in sentences if sentence.speaker)
    asked = Counter(sentence.speaker for sentence in sentences if sentence.text.endswith("?"))
    shares = {speaker: asked[speaker] / count for speaker, count in said.items()}
    least = min(shares.values(), default=0.0)
    return frozenset(speaker for speaker, share in shares.items() if share >= HOSTS_ASK and least <= GUESTS_ASK * share)
