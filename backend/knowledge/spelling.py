"""British and American spellings of a word, so that a question in one finds what is said in the other. Pure.

Endings that the two spell differently, and the few common words that follow no rule. A rule also fits words that have
one spelling only ("surprise"): what comes out then is no word, which nobody else has either.
"""

import re

# What is British on the left, and American on the right, each with what takes it to the other.
ENDINGS = (
    (r"(?<=\w{3})our(?=s?$|ed$|ing$|al|able|ful|ite|hood)", "or",
     r"(?<=\w{3})or(?=s?$|ed$|ing$|al|able|ful|ite|hood)", "our"),
    (r"(?<=\w{4})is(?=e[sdr]?$|ers$|ing$|ation)", "iz", r"(?<=\w{4})iz(?=e[sdr]?$|ers$|ing$|ation)", "is"),
    (r"(?<=\w{3}l)ys(?=e[sdr]?$|ers$|ing$)", "yz", r"(?<=\w{3}l)yz(?=e[sdr]?$|ers$|ing$)", "ys"),
    (r"(?<=\w\w[bt])re(?=s?$)", "er", r"(?<=\w\w[bt])er(?=s?$)", "re"),
    (r"(?<=\w{4})ogue(?=s?$)", "og", r"(?<=\w{4})og(?=s?$)", "ogue"),
    (r"(?<=lic|def|off|ret)ence", "ense", r"(?<=lic|def|off|ret)ense", "ence"),
    (r"(?<=[aeiou]\w)ell(?=ed$|ing$|ers?$)|(?<=[aeiou]\w\w)ell(?=ed$|ing$|ers?$)", "el",
     r"(?<=[aeiou]\w)el(?=ed$|ing$|ers?$)|(?<=[aeiou]\w\w)el(?=ed$|ing$|ers?$)", "ell"),
)  # fmt: skip
TO_AMERICAN = tuple((re.compile(british), american) for british, american, _, _ in ENDINGS)
TO_BRITISH = tuple((re.compile(american), british) for _, _, american, british in ENDINGS)
WORDS = {
    "ageing": "aging",
    "aluminium": "aluminum",
    "artefact": "artifact",
    "artefacts": "artifacts",
    "cheque": "check",
    "cheques": "checks",
    "grey": "gray",
    "judgement": "judgment",
    "programme": "program",
    "programmes": "programs",
    "sceptical": "skeptical",
    "tyre": "tire",
    "tyres": "tires",
}
WORDS_BACK = {american: british for british, american in WORDS.items()}


def american(word: str) -> str:
    """The American spelling of a lower-case word; itself where there is no other."""
    if word in WORDS:
        return WORDS[word]
    for ending, other in TO_AMERICAN:
        word = ending.sub(other, word)
    return word


def spellings(word: str) -> tuple[str, ...]:
    """The lower-case word and, where there may be one, its other spelling."""
    other = american(word)
    if other == word:
        other = WORDS_BACK.get(word, word)
        for ending, british in TO_BRITISH:
            other = ending.sub(british, other)
    return (word,) if other == word else (word, other)
