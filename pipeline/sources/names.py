"""What may be a speaker's name: a rule of thumb, as transcripts write names in no special way."""

LONGEST = 80  # characters
MOST_WORDS = 5

# What people put before a colon, or in bold, and is nobody.
NOBODY = {
    "a", "answer", "before", "after", "caution", "cons", "disclaimer", "edit", "example", "first", "important", "input",
    "links", "note", "output", "problem", "pros", "q", "question", "remember", "result", "second", "solution", "source",
    "sources", "step", "summary", "third", "tip", "update", "warning",
}  # fmt: skip


def may_be_name(name: str) -> bool:
    """Whether a few words, the first of them capitalised, may be a name."""
    words = name.split()
    return (
        0 < len(words) <= MOST_WORDS
        and len(name) <= LONGEST
        and name.lower() not in NOBODY
        and is_capitalised(words[0])
    )


def is_full_name(name: str) -> bool:
    """Two words or more, the first and the last capitalised: "Hao Ye", and hardly ever anything but a name."""
    words = name.split()
    return len(words) > 1 and may_be_name(name) and words[0].lower() != words[0] and is_capitalised(words[-1])


def is_capitalised(word: str) -> bool:
    """A capital or a digit at the beginning, or a script that has no capitals."""
    first = word.lstrip("(\"'“‘")[:1]
    return first.isupper() or first.isdigit() or first.lower() == first.upper()
