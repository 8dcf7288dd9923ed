"""Which files are content, and whose."""

import os
import time
from pathlib import Path

import pytest

from backend.errors import ConfigurationError
from backend.knowledge.models import Link
from pipeline.find import Found, find
from pipeline.source import Request

PROFILE = "slug: ana\nname: Ana Velloret\ntopics: [mixing]\nlinks:\n- {label: Site, url: 'https://ana.example'}\n"


def write(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def found_in(path: Path, creator: str | None = None) -> Found:
    return find(path, Request(str(path), creator))


def whose(path: Path, creator: str | None = None) -> dict[str | None, list[str]]:
    """The paths of the documents by creator."""
    by_creator: dict[str | None, list[str]] = {}
    for source in found_in(path, creator).sources:
        by_creator.setdefault(source.creator, []).append(source.uri)
    return by_creator


def test_a_folder_with_a_profile_gives_its_creator_and_its_files(tmp_path: Path) -> None:
    write(
        tmp_path,
        **{"creator.yaml": PROFILE, "b.md": "b", "deep__a.vtt": "WEBVTT", ".hidden.md": "x", ".git__c.md": "x"},
    )
    found = found_in(tmp_path)
    owner = found.owners["ana"]
    assert owner.creator.name == "Ana Velloret"
    assert owner.creator.links == (Link("Site", "https://ana.example"),)
    assert owner.is_described
    assert [(source.creator, source.uri) for source in found.sources] == [("ana", "b.md"), ("ana", "deep/a.vtt")]
    assert found.left_out == []


def test_paths_are_the_same_from_another_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, **{"talks__one.md": "x"})
    first = found_in(tmp_path / "talks", "ana").sources
    monkeypatch.chdir(tmp_path / "talks")
    second = find(Path("."), Request(str(tmp_path / "talks"), "ana")).sources
    third = find(Path("one.md"), Request(str(tmp_path / "talks"), "ana")).sources
    assert first == second == third
    assert (first[0].uri, first[0].origin) == ("one.md", str(tmp_path / "talks" / "one.md"))


def test_a_single_file_belongs_to_the_profile_above_it(tmp_path: Path) -> None:
    write(tmp_path, **{"creator.yaml": PROFILE, "2024__one.md": "x", "2024__two.md": "x"})
    assert whose(tmp_path / "2024" / "one.md") == {"ana": ["2024/one.md"]}


def test_a_profile_wins_over_names_of_folders_and_the_nearest_over_one_above(tmp_path: Path) -> None:
    write(tmp_path, **{"creator.yaml": PROFILE, "stray.md": "x", "guests__a.md": "x", "guests__b.md": "x"})
    write(tmp_path, **{"dex__creator.yaml": "slug: dex\nname: Dex\n", "dex__talks__a.md": "x"})
    assert whose(tmp_path) == {"ana": ["stray.md", "guests/a.md", "guests/b.md"], "dex": ["talks/a.md"]}


def test_without_a_profile_the_folder_that_holds_the_documents_gives_the_creator(tmp_path: Path) -> None:
    write(tmp_path, **{"shows__quiet-desk__1.md": "x", "shows__quiet-desk__2.md": "x"})
    write(tmp_path, **{"shows__Loud Room__1.md": "x", "shows__Loud Room__2.md": "x"})
    assert whose(tmp_path / "shows") == {"loud-room": ["1.md", "2.md"], "quiet-desk": ["1.md", "2.md"]}
    assert found_in(tmp_path / "shows").owners["loud-room"].creator.name == "Loud Room"
    assert whose(tmp_path / "shows" / "quiet-desk") == {"quiet-desk": ["1.md", "2.md"]}


def test_folders_that_only_sort_content_name_nobody(tmp_path: Path) -> None:
    write(tmp_path, **{"ana__2024__transcripts__1.md": "x", "ana__2024__transcripts__2.md": "x", "ana__de__3.md": "x"})
    assert whose(tmp_path / "ana") == {"ana": ["2024/transcripts/1.md", "2024/transcripts/2.md", "de/3.md"]}


def test_a_folder_of_a_single_recording_is_not_a_creator(tmp_path: Path) -> None:
    write(tmp_path, **{"ana__On echo__talk.vtt": "WEBVTT", "ana__On hum__talk.vtt": "WEBVTT"})
    assert whose(tmp_path) == {"ana": ["On echo/talk.vtt", "On hum/talk.vtt"]}


def test_a_file_that_was_named_alone_takes_no_creator_from_its_folder(tmp_path: Path) -> None:
    write(tmp_path, **{"downloads__a.md": "x", "ana__a.md": "x", "ana__b.md": "x"})
    assert whose(tmp_path / "downloads") == {None: ["a.md"]}
    assert whose(tmp_path / "ana" / "a.md") == {None: ["a.md"]}


def test_a_slug_makes_a_creator_with_a_readable_name(tmp_path: Path) -> None:
    write(tmp_path, **{"a.md": "x"})
    owner = found_in(tmp_path, "open-life-science").owners["open-life-science"]
    assert owner.creator.name == "Open Life Science"
    assert not owner.is_described


def test_a_slug_on_the_command_line_wins_over_the_profile(tmp_path: Path) -> None:
    write(tmp_path, **{"creator.yaml": PROFILE, "a.md": "x"})
    found = found_in(tmp_path, "ana-two")
    assert found.sources[0].creator == "ana-two"
    assert found.owners["ana-two"].creator.name == "Ana Velloret"


@pytest.mark.parametrize("slug", ["Ana", "ana velloret", "-ana", "ana--v", "änä", "", "ana\n"])
def test_what_is_no_slug_is_refused(tmp_path: Path, slug: str) -> None:
    write(tmp_path, **{"a.md": "x"})
    with pytest.raises(ConfigurationError, match="lower-case letters"):
        found_in(tmp_path, slug)


@pytest.mark.parametrize(
    ("profile", "sentence"),
    [
        ("slug: ana\n", "`name` is missing"),
        ("slug: Ana\nname: A\n", "slug is wrong"),
        ("slug: ana\nname: A\nlinsk: []\n", "Did you mean `links`"),
        ("slug: ana\nname: A\nlinks: [{label: x, url: 'javascript:x'}]\n", "links.0.url"),
        ("slug: ana\nname: A\nlinks: [[]]\n", r"`links\.0` is wrong: write a list of addresses, or of"),
        ("slug: ana\nname: A\ntopics: {a: b}\n", "`topics` is wrong: write a list"),
        ("slug: [\n", "not valid YAML"),
        ("- a\n", "not a mapping"),
    ],
)
def test_a_wrong_profile_names_the_file_and_the_key(tmp_path: Path, profile: str, sentence: str) -> None:
    write(tmp_path, **{"creator.yaml": profile, "a.md": "x"})
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        found_in(tmp_path)
    assert "creator.yaml" in caught.value.message


@pytest.mark.parametrize("there", [False, True], ids=["missing", "empty"])
def test_a_folder_with_nothing_in_it_is_refused(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "talks"
    if there:
        folder.mkdir()
    with pytest.raises(ConfigurationError, match=f"{folder}"):
        found_in(folder)


def test_notes_about_the_folder_and_unknown_kinds_are_left_out_with_a_reason(tmp_path: Path) -> None:
    write(
        tmp_path, **{"creator.yaml": PROFILE, "README.md": "x", "SOURCE-README.md": "x", "LICENSE": "x", "a.png": "x"}
    )
    write(
        tmp_path, **{"readme-driven-work.md": "x", "README-and-you.srt": "x", "talk.vtt": "x", "talk.yaml": "title: T"}
    )
    write(tmp_path, **{"lonely.yaml": "title: T", "feed.xml": "<?xml version='1.0'?><rss/>"})
    found = found_in(tmp_path)
    assert [source.uri for source in found.sources] == ["README-and-you.srt", "readme-driven-work.md", "talk.vtt"]
    assert found.sources[2].sidecar == tmp_path / "talk.yaml"
    reasons = {Path(left.origin).name: left.reason for left in found.left_out}
    assert set(reasons) == {"README.md", "SOURCE-README.md", "LICENSE", "a.png", "lonely.yaml", "feed.xml"}
    assert "note about the folder" in reasons["README.md"]
    assert ".png is not a kind" in reasons["a.png"]
    assert "name it itself" in reasons["feed.xml"]


def test_a_note_that_is_named_itself_is_content(tmp_path: Path) -> None:
    write(tmp_path, **{"creator.yaml": PROFILE, "README.md": "x"})
    assert whose(tmp_path / "README.md") == {"ana": ["README.md"]}


def test_content_is_known_by_its_first_bytes_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "report").write_bytes(b"%PDF-1.7\n")
    (tmp_path / "page.dat").write_text("<!DOCTYPE html><html><body>x</body></html>")
    (tmp_path / "talk.dat").write_text("WEBVTT\n\n00:01.000 --> 00:02.000\nx\n")
    assert whose(tmp_path, "ana") == {"ana": ["page.dat", "report", "talk.dat"]}


def test_links_to_folders_and_what_would_never_end_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path, **{"in__creator.yaml": PROFILE, "in__a.md": "x", "out__b.md": "x"})
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "out")
    os.mkfifo(tmp_path / "in" / "pipe.md")
    found = found_in(tmp_path / "in")
    assert [source.uri for source in found.sources] == ["a.md"]
    assert [left.reason for left in found.left_out] == ["it is no file but a pipe, a device or a broken link"]


def test_a_folder_that_cannot_be_opened_is_a_failure_and_its_neighbours_are_found(tmp_path: Path) -> None:
    write(tmp_path, **{"a.md": "x"})
    here = os.getcwd()
    os.chdir(tmp_path)
    try:  # in steps, because no call takes a path of this length
        for _ in range(20):
            os.mkdir("d" * 250)
            os.chdir("d" * 250)
        Path("b.md").write_text("x")
    finally:
        os.chdir(here)
    found = found_in(tmp_path, "ana")
    assert [source.uri for source in found.sources] == ["a.md"]
    ((closed, reason),) = found.failed
    assert closed.origin.startswith(f"{tmp_path}/ddd")
    assert "cannot be opened" in reason


def test_broken_links_are_left_out_whatever_they_are_called(tmp_path: Path) -> None:
    for name in ("a.md", "b.zip", "c.png"):
        (tmp_path / name).symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop.md").symlink_to(tmp_path / "loop.md")
    found = found_in(tmp_path, "ana")
    assert (found.sources, found.archives) == ([], [])
    assert [left.reason for left in found.left_out] == ["it is no file but a pipe, a device or a broken link"] * 4


def test_an_archive_with_a_name_that_cannot_be_kept_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "a\x1b.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    found = found_in(tmp_path, "ana")
    assert found.archives == []
    assert [left.reason for left in found.left_out] == ["its name has characters that cannot be kept"]


def test_a_sidecar_describes_what_is_beside_it_in_any_language(tmp_path: Path) -> None:
    write(tmp_path, **{"talk.en.vtt": "WEBVTT", "talk.yaml": "title: T", "talk.en.yaml": "title: E", "tal.yaml": "x"})
    found = found_in(tmp_path, "ana")
    assert [source.sidecar for source in found.sources] == [tmp_path / "talk.en.yaml"]
    assert [Path(left.origin).name for left in found.left_out] == ["tal.yaml"]
    (tmp_path / "talk.en.yaml").unlink()
    assert [source.sidecar for source in found_in(tmp_path, "ana").sources] == [tmp_path / "talk.yaml"]


def test_of_recordings_whose_names_begin_alike_each_has_its_own_captions(tmp_path: Path) -> None:
    for name in ("Python 3", "Python 3.11 news", "Python 3.11 news.again"):
        write(tmp_path, **{f"{name}.info.json": "{}", f"{name}.en.vtt": "WEBVTT", f"{name}.de.vtt": "WEBVTT"})
    found = found_in(tmp_path, "ana")
    assert {source.path.name: source.info.name for source in found.sources if source.info} == {
        f"{name}.en.vtt": f"{name}.info.json" for name in ("Python 3", "Python 3.11 news", "Python 3.11 news.again")
    }
    assert len(found.left_out) == 3


def test_a_folder_with_thousands_of_recordings_and_sidecars_is_found_in_little_time(tmp_path: Path) -> None:
    for number in range(3000):
        for name, content in {"info.json": "{}", "en.vtt": "WEBVTT", "mp4": ""}.items():
            (tmp_path / f"{number}.{name}").write_text(content)
        (tmp_path / f"note {number}.md").write_text("x")
        (tmp_path / f"note {number}.yaml").write_text("title: T")
    began = time.process_time()
    found = found_in(tmp_path, "ana")
    assert time.process_time() - began < 5
    assert len(found.sources) == 6000
    assert found.left_out == []


def test_of_a_recording_that_ytdlp_exported_one_caption_file_is_read_with_its_info(tmp_path: Path) -> None:
    write(
        tmp_path,
        **{
            "Echo [x1].info.json": '{"language": "de", "title": "Echo"}',
            "Echo [x1].en.vtt": "WEBVTT",
            "Echo [x1].de.vtt": "WEBVTT",
            "Echo [x1].de.json3": "{}",
            "Echo [x1].webp": "x",
            "Echo [x1].description": "x",
            "Hum [x2].info.json": "{}",
            "Hum [x2].mp4": "x",
            "Channel.info.json": '{"_type": "playlist"}',
        },
    )
    found = found_in(tmp_path, "ana")
    (source,) = found.sources
    assert (source.path.name, source.info) == ("Echo [x1].de.vtt", tmp_path / "Echo [x1].info.json")
    reasons = {Path(left.origin).name: left.reason for left in found.left_out}
    assert set(reasons) == {"Echo [x1].en.vtt", "Echo [x1].de.json3", "Hum [x2].info.json"}
    assert "Echo [x1].de.vtt is read" in reasons["Echo [x1].en.vtt"]
    assert "--write-auto-subs" in reasons["Hum [x2].info.json"]
