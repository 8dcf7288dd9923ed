"""Which files are content, and whose."""

from pathlib import Path

import pytest

from backend.errors import ConfigurationError
from backend.knowledge.models import Link
from pipeline.find import find_collections

PROFILE = "slug: ana\nname: Ana Velloret\ntopics: [mixing]\nlinks:\n- {label: Site, url: 'https://ana.example'}\n"


def write(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def test_a_folder_with_a_profile_gives_its_creator_and_its_files(tmp_path: Path) -> None:
    write(
        tmp_path,
        **{"creator.yaml": PROFILE, "b.md": "b", "deep__a.vtt": "WEBVTT", ".hidden.md": "x", ".git__c.md": "x"},
    )
    collections, orphans = find_collections([tmp_path])
    assert orphans == []
    (collection,) = collections
    assert collection.creator.name == "Ana Velloret"
    assert collection.creator.links == (Link("Site", "https://ana.example"),)
    assert collection.is_described
    assert [source.uri for source in collection.sources] == ["b.md", "deep/a.vtt"]


def test_paths_are_the_same_from_another_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, **{"talks__one.md": "x"})
    first = find_collections([tmp_path / "talks"], "ana")[0]
    monkeypatch.chdir(tmp_path / "talks")
    second = find_collections([Path(".")], "ana")[0]
    third = find_collections([Path("one.md")], "ana")[0]
    assert first[0].sources == second[0].sources == third[0].sources
    assert first[0].sources[0].uri == "one.md"


def test_a_single_file_belongs_to_the_profile_above_it(tmp_path: Path) -> None:
    write(tmp_path, **{"creator.yaml": PROFILE, "2024__one.md": "x", "2024__two.md": "x"})
    collections, _ = find_collections([tmp_path / "2024" / "one.md"])
    assert [(c.creator.slug, [s.uri for s in c.sources]) for c in collections] == [("ana", ["2024/one.md"])]


def test_a_folder_of_creators_gives_each_of_them_and_reports_what_is_nobodys(tmp_path: Path) -> None:
    write(tmp_path, **{"ana__creator.yaml": PROFILE, "ana__a.md": "x", "stray.md": "x"})
    write(tmp_path, **{"dex__creator.yaml": "slug: dex\nname: Dex\n", "dex__a.md": "x"})
    collections, orphans = find_collections([tmp_path])
    assert [collection.creator.slug for collection in collections] == ["ana", "dex"]
    assert [orphan.path.name for orphan in orphans] == ["stray.md"]


def test_content_of_nobody_is_refused_with_a_way_out(tmp_path: Path) -> None:
    write(tmp_path, **{"a.md": "x"})
    with pytest.raises(ConfigurationError, match="--creator SLUG"):
        find_collections([tmp_path])


def test_a_slug_makes_a_creator_with_a_readable_name(tmp_path: Path) -> None:
    write(tmp_path, **{"a.md": "x"})
    (collection,), _ = find_collections([tmp_path], "open-life-science")
    assert (collection.creator.slug, collection.creator.name) == ("open-life-science", "Open Life Science")
    assert not collection.is_described


def test_a_slug_on_the_command_line_wins_over_the_profile(tmp_path: Path) -> None:
    write(tmp_path, **{"creator.yaml": PROFILE, "a.md": "x"})
    (collection,), _ = find_collections([tmp_path], "ana-two")
    assert collection.creator.slug == collection.sources[0].creator == "ana-two"
    assert collection.creator.name == "Ana Velloret"


@pytest.mark.parametrize("slug", ["Ana", "ana velloret", "-ana", "ana--v", "änä", ""])
def test_what_is_no_slug_is_refused(tmp_path: Path, slug: str) -> None:
    write(tmp_path, **{"a.md": "x"})
    with pytest.raises(ConfigurationError, match="lower-case letters"):
        find_collections([tmp_path], slug)


@pytest.mark.parametrize(
    ("profile", "sentence"),
    [
        ("slug: ana\n", "`name` is missing"),
        ("slug: Ana\nname: A\n", "slug is wrong"),
        ("slug: ana\nname: A\nlinsk: []\n", "Did you mean `links`"),
        ("slug: ana\nname: A\nlinks: [{label: x, url: 'javascript:x'}]\n", "links.0.url"),
        ("slug: [\n", "not valid YAML"),
        ("- a\n", "not a mapping"),
    ],
)
def test_a_wrong_profile_names_the_file_and_the_key(tmp_path: Path, profile: str, sentence: str) -> None:
    write(tmp_path, **{"creator.yaml": profile, "a.md": "x"})
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        find_collections([tmp_path])
    assert "creator.yaml" in caught.value.message


def test_notes_about_the_folder_and_unknown_kinds_are_left_out_with_a_reason(tmp_path: Path) -> None:
    write(
        tmp_path, **{"creator.yaml": PROFILE, "README.md": "x", "SOURCE-README.md": "x", "LICENSE": "x", "a.png": "x"}
    )
    write(
        tmp_path, **{"readme-driven-work.md": "x", "README-and-you.srt": "x", "talk.vtt": "x", "talk.yaml": "title: T"}
    )
    write(tmp_path, **{"lonely.yaml": "title: T"})
    (collection,), _ = find_collections([tmp_path])
    assert [source.uri for source in collection.sources] == ["README-and-you.srt", "readme-driven-work.md", "talk.vtt"]
    assert collection.sources[2].sidecar == tmp_path / "talk.yaml"
    reasons = {left.path.name: left.reason for left in collection.left_out}
    assert set(reasons) == {"README.md", "SOURCE-README.md", "LICENSE", "a.png", "lonely.yaml"}
    assert "note about the folder" in reasons["README.md"]
    assert ".png is not a kind" in reasons["a.png"]


def test_a_link_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path, **{"in__creator.yaml": PROFILE, "in__a.md": "x", "out__b.md": "x"})
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "out")
    (collection,), _ = find_collections([tmp_path / "in"])
    assert [source.uri for source in collection.sources] == ["a.md"]
