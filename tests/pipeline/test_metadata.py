"""What front matter, sidecars and profiles in YAML may hold, and what is refused before it costs anything."""

import json
import time
from pathlib import Path

import pytest

from backend.errors import ConfigurationError, ContentError
from pipeline.creators import read_profile
from pipeline.sources import html, ytdlp
from pipeline.sources.metadata import read_metadata, read_yaml, web_address


def merges(levels: int) -> str:
    """A mapping of ten times the one before, for each level."""
    lines = ["l0: &l0 {x: 1}"]
    for level in range(1, levels):
        lines.append(f"l{level}: &l{level} {{<<: [{','.join([f'*l{level - 1}'] * 10)}]}}")
    return "\n".join(lines)


def lists(levels: int) -> str:
    """A list of ten of the list before, for each level: short until something walks through it."""
    lines = ["l0: &l0 [x]"]
    lines += [f"l{level}: &l{level} [{','.join([f'*l{level - 1}'] * 10)}]" for level in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.alone
@pytest.mark.parametrize(
    "bomb", [merges(9), lists(30), "a: &a [*a]", "a: *b", f"a: &a {'x' * 9000}\nb: [{'*a,' * 9000}]"]
)
def test_nothing_in_yaml_stands_for_more_than_it_says(bomb: str) -> None:
    began = time.monotonic()
    with pytest.raises(ContentError, match=r"write it out \(line \d+\)"):
        read_yaml(bomb, "Its front matter")
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "value",
    [
        *(f"!!{tag} x" for tag in ("int", "float", "timestamp", "bool", "merge", "set", "python/name:os.system")),
        "! x",
        "!<tag:yaml.org,2002:int> x",
        f"!!int {'1:' * 20_000}1",
        "!!pairs [a: 1]",
        "!!omap {a: 1}",
    ],
)
def test_a_tag_is_refused_with_its_line(value: str) -> None:
    with pytest.raises(ContentError, match=r"without it \(line 2\)"):
        read_yaml(f"title: A\nname: {value}\n", "Its front matter")
    with pytest.raises(ContentError):
        read_yaml(f"{value}: A", "Its front matter")


@pytest.mark.parametrize(
    "text",
    ['a: "\\U00110000"', 'a: "\\UFFFFFFFF"', f"%YAML {'9' * 5000}.1\n---\na: 1", "a: [" * 5000, "? [a]\n: 1"],
)
def test_yaml_that_cannot_be_is_not_valid_and_nothing_worse(text: str) -> None:
    with pytest.raises(ContentError, match=r"^Its front matter is "):
        read_yaml(text, "Its front matter")


@pytest.mark.parametrize("value", ["9" * 5000, "2020-13-45", "9:30", "0x10", "=", "<<", "3.10", "yes", "007", "1e3"])
def test_what_only_looks_like_another_type_stays_as_it_was_written(value: str) -> None:
    assert read_yaml(f"title: {value}\nplain: !!str 7\nquoted: '7'", "x") == {
        "title": value,
        "plain": "7",
        "quoted": "7",
    }


def test_what_yaml_escapes_is_as_clean_as_what_it_says() -> None:
    values = read_yaml('na\u00adme: x\n"to\\u200bpics": ["a\\e[2J", {"b\\0": "\\uD800c"}]', "x")
    assert values == {"name": "x", "topics": ["a[2J", {"b": "c"}]}


@pytest.mark.parametrize("value", ["!!int x", "&a [*a]", '"\\UFFFFFFFF"'])
def test_a_profile_that_cannot_be_read_is_an_error_that_names_the_file(tmp_path: Path, value: str) -> None:
    profile = tmp_path / "creator.yaml"
    profile.write_text(f"slug: eve\nname: {value}\n")
    with pytest.raises(ConfigurationError, match=r"creator\.yaml"):
        read_profile(profile)


def test_a_profile_holds_nothing_that_a_terminal_obeys_and_names_in_one_line(tmp_path: Path) -> None:
    profile = tmp_path / "creator.yaml"
    profile.write_text(
        'slug: eve\nname: "Eve \\e]0;owned\\a\\n\\0Moss"\nbio: "One.\\n\\nTwo\\0."\ntopics: ["a\\nb"]\n'
        'questions: ["Why\\u009b2J?"]\nlinks: [{label: "Her\\e site", url: "https://eve.example/a"}]\n'
    )
    creator = read_profile(profile)
    assert (creator.name, creator.bio, creator.topics) == ("Eve ]0;owned Moss", "One.\n\nTwo.", ("a b",))
    assert (creator.questions, creator.links[0].label) == (("Why2J?",), "Her site")


@pytest.mark.parametrize("name", ['"\\e\\0"', '"\\u200b "'])
def test_a_name_without_anything_to_see_is_none(tmp_path: Path, name: str) -> None:
    profile = tmp_path / "creator.yaml"
    profile.write_text(f"slug: eve\nname: {name}\n")
    with pytest.raises(ConfigurationError, match="`name` is wrong"):
        read_profile(profile)


def test_a_key_that_is_none_of_a_profile_is_told_in_a_line_that_ends(tmp_path: Path) -> None:
    profile = tmp_path / "creator.yaml"
    profile.write_text(f'slug: eve\nname: Eve\n? "na\\nme {"x" * 9000}"\n: 1\n')
    with pytest.raises(ConfigurationError, match="is not a key of a creator") as caught:
        read_profile(profile)
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    "url",
    [
        "https://u:secret@h.example/",
        "https://u@h.example",
        "http://a\\@h.example",
        "https:///x",
        "https:u:p@h",
        "https://[",
    ],
)
def test_an_address_that_nobody_should_follow_is_no_link(tmp_path: Path, url: str) -> None:
    assert web_address(url) is None
    remarks: list[str] = []
    assert read_metadata({"url": url}, remarks).url is None
    assert remarks == ["its `url` is no web address that anybody can open and was left out"]
    profile = tmp_path / "creator.yaml"
    profile.write_text(f"slug: eve\nname: Eve\nlinks: [{{label: x, url: '{url}'}}]\n")
    with pytest.raises(ConfigurationError, match=r"links\.0\.url") as caught:
        read_profile(profile)
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("url", ["https://h.example/a@b?c=d@e#f", "HTTP://h.example", "http://[::1]:80/x"])
def test_an_address_may_hold_an_at_sign_behind_the_site(url: str) -> None:
    assert web_address(url) == url


def test_no_reader_takes_an_address_with_a_password_for_a_link() -> None:
    secret, remarks = "https://u:secret@h.example/a", list[str]()
    page = f'<head><link rel="canonical" href="{secret}"></head><main><p>Hear the room before you buy.</p></main>'
    assert html.parse(page.encode()).metadata.url is None
    assert html.parse(page.replace("u:secret@", "").encode()).metadata.url == "https://h.example/a"
    assert ytdlp.read_info(json.dumps({"webpage_url": secret}), remarks).url is None
    assert read_metadata({"url": secret, "podcast": "https://h.example/show"}, remarks).url == "https://h.example/show"
    assert len(remarks) == 2
    assert "secret" not in " ".join(remarks)


@pytest.mark.parametrize(
    ("line", "allowed"), [("", True), ("persona: on", True), ("persona: off", False), ("persona: 'off'", False)]
)
def test_a_creator_says_whether_answers_may_sound_like_them(tmp_path: Path, line: str, allowed: bool) -> None:
    profile = tmp_path / "creator.yaml"
    profile.write_text(f"slug: eve\nname: Eve\n{line}\n")
    assert read_profile(profile).persona is allowed
    profile.write_text("slug: eve\nname: Eve\npersona: sometimes\n")
    with pytest.raises(ConfigurationError, match="`persona` is wrong"):
        read_profile(profile)
