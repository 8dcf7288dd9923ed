"""The words of a text that carry its meaning, as stems, so that "mixes" and "mixing" meet."""

import re

from backend.knowledge.stem import meaning

WORD = re.compile(r"[^\W_]+(?:['’.][^\W_]+)*")

# Function words, question words and what speech is padded with: they say nothing about the subject.
STOPWORDS = frozenset(
    """
    a about after again against all also although always am an and another any anybody anyone anything are as at away
    back basically be because been before being below between both but by can cannot could did do does doing done down
    during each either else ever every everybody everyone everything few for from further get gets getting give given
    go goes going gone gonna got had has have having he hello her here hers herself hey hi him himself his how however
    i if in indeed instead into is it its itself just kind know least less let like lot lots made make makes making
    many may maybe me mean might mine more most much must my myself near neither never no nobody none nor not nothing
    now of off often oh ok okay on once one ones only onto or other others otherwise ought our ours ourselves out over
    own per perhaps please quite rather really right said same say says see seem seems shall she should since so some
    somebody someone something sometimes sort still stuff such sure take takes tell than that the their theirs them
    themselves then there therefore these they thing things think this those though through thus till to together too
    toward towards um uh under unless until up upon us use used uses using usually very via want wants was way ways we
    well were what whatever when whenever where wherever whether which while who whoever whole whom whose why will
    with within without would yeah yes yet you your yours yourself
    explain describe mean means meant example talk talks talked discuss discussed mention mentioned question answer
    ain aren can't couldn didn doesn don hadn hasn haven isn mustn needn shan shouldn wasn weren won wouldn
    """.split()
)
CONTRACTION = re.compile(r"['’](?:s|d|m|re|ve|ll|t)$")


def words(text: str) -> list[str]:
    """Every word in lower case, in order; "don't" loses its ending."""
    found = WORD.findall(text.lower())
    return [CONTRACTION.sub("", word) if "'" in word or "’" in word else word for word in found]


def content_stems(text: str) -> list[str]:
    """Stems of the words that carry meaning, in order, repeats included."""
    return [meaning(word) for word in words(text) if word not in STOPWORDS and (len(word) > 1 or word.isdigit())]
