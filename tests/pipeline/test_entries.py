"""What is known of a document is found again by its bytes, also where it names a creator of its own."""

from uuid import uuid4

import pytest

from pipeline.entries import Entries, Entry, Status


def entry(creator: str, uri: str, *, is_deleted: bool = False) -> Entry:
    """A document with the bytes "same"."""
    status: Status = "left_out" if is_deleted else "ready"
    origin = f"/content/{uri}"
    return Entry(uuid4(), creator, uri, origin, "/content", "same", "", 1, "m", status, None, None, is_deleted)


@pytest.mark.parametrize(
    ("creator", "uri", "asked_of", "is_known"),
    [
        ("blog", "kites.md", "blog", True),
        ("hal-hill", "blog/kites.md", "blog", True),  # its front matter names Hal Hill
        ("hal-hill", "kites.md", None, True),  # in a folder that is nobody's
        ("hal-hill", "kites.md", "blog", False),
        ("hal-hill", "blogs/kites.md", "blog", False),
    ],
)
def test_what_was_deleted_or_moved_is_known_by_its_bytes(
    creator: str, uri: str, asked_of: str | None, is_known: bool
) -> None:
    assert Entries([entry(creator, uri, is_deleted=True)]).was_deleted(asked_of, "same") == is_known
    assert not Entries([entry(creator, uri, is_deleted=True)]).was_deleted(asked_of, "others")
    living = entry(creator, uri)
    assert Entries([living]).with_content(asked_of, "same") == (living if is_known else None)
    assert not Entries([living]).was_deleted(asked_of, "same")


def test_of_two_with_the_same_bytes_the_folders_own_is_meant() -> None:
    own, other = entry("blog", "kites.md"), entry("hal-hill", "blog/kites.md")
    for entries in ([own, other], [other, own]):
        assert Entries(entries).with_content("blog", "same") == own
