"""What a source has in brackets itself is read as no marker."""

import pytest

from backend.llm.references import without_references


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A trap is thick.[3] It is deep. [4, 5] So.", "A trap is thick. It is deep. So."),
        ("Reyes [3] and others [1-4] say so.", "Reyes (3) and others (1-4) say so."),
        (r"Thick.\[3\] Deep \[4\].", "Thick. Deep (4)."),
        ("The name is argv[1], after os.argv[12].", "The name is `argv[1]`, after `os.argv[12]`."),
        ("`a[1]` and ``b `[2]` ``", "`a[1]` and ``b `[2]` ``"),
        ("```\nx = [1]\n```\n\n    y = [2]\n\nSo [3].", "```\nx = [1]\n```\n\n    y = [2]\n\nSo (3)."),
        ("An [8]int, [0], [2024], [1](https://example.org) and [x].",) * 2,
    ],
)
def test_numbers_in_brackets_are_neutral_and_code_stays(text: str, expected: str) -> None:
    assert without_references(text) == expected
