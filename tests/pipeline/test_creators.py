"""A creator's slug and name, out of whatever alphabet they are written in."""

import unicodedata
from pathlib import Path

import pytest

from backend.knowledge.models import Link
from pipeline.creators import creator_named, read_profile, slug_from
from pipeline.find import find
from pipeline.source import Request


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Ana Velloret", "ana-velloret"),
        ("O'Neil & Söhne", "oneil-sohne"),
        ("Łukasz Żółć", "lukasz-zolc"),
        ("Bjørn Straße", "bjorn-strasse"),
        ("Æsir Œuvre Đorđe Þór Ragnheiður Işık", "aesir-oeuvre-dorde-thor-ragnheidur-isik"),
        ("Hawaiʻi", "hawaii"),
        ("ＴＶ №5", "tv-no5"),
        ("☕ & ☀", None),
    ],
)
def test_latin_letters_become_those_that_a_slug_can_hold(name: str, slug: str | None) -> None:
    assert slug_from(name) == slug


def test_names_whose_letters_a_slug_cannot_hold_are_told_apart() -> None:
    names = ["王小明 TV", "李娜 TV", "TV", "王小明", "李娜", "Анна", "Яна", "٣ TV", "٤ TV"]
    slugs = [slug_from(name) for name in names]
    assert len(set(slugs)) == len(names)
    assert slugs[:3] == ["tv-ab67e892", "tv-c9a906eb", "tv"]  # they are in addresses: never another tomorrow


@pytest.mark.parametrize("same", ["王小明  TV", "王小明 tv", "  王小明 TV\n"])
def test_a_name_has_one_slug_however_it_is_written(same: str) -> None:
    assert slug_from(same) == slug_from("王小明 TV")
    assert slug_from(unicodedata.normalize("NFD", "가나 Café")) == slug_from("가나 CAFÉ")


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("王小明 TV", "王小明 TV"),
        ("Łukasz", "Łukasz"),
        ("josé-müller", "José Müller"),
        ("quiet-desk", "Quiet Desk"),
        (unicodedata.normalize("NFD", "José"), "José"),
    ],
)
def test_a_folder_gives_its_creator_the_name_that_it_has(tmp_path: Path, folder: str, name: str) -> None:
    (tmp_path / folder).mkdir()
    for file in ("a.md", "b.md"):
        (tmp_path / folder / file).write_text("x")
    found = find(tmp_path, Request(str(tmp_path)))
    (owner,) = found.owners.values()
    assert (owner.creator, owner.creator.name) == (creator_named(folder), name)
    assert {source.creator for source in found.sources} == {slug_from(name)}


def test_topics_and_links_may_be_written_short(tmp_path: Path) -> None:
    profile = tmp_path / "creator.yaml"
    profile.write_text(
        "slug: ana\nname: Ana\ntopics: rooms, mixing ,\n"
        "links: ['https://www.a.example/shop', {label: Shop, url: 'https://b.example'}]\n"
    )
    creator = read_profile(profile)
    assert creator.topics == ("rooms", "mixing")
    assert creator.links == (Link("a.example", "https://www.a.example/shop"), Link("Shop", "https://b.example"))
