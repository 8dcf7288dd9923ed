"""A creator's profile: kept in a file that a curator may edit, and made by a command."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import yaml

from backend.errors import ConfigurationError, ContentError
from backend.knowledge.models import Creator, Document
from pipeline.commands.profile import measured_of, read, summary
from pipeline.profile import (
    Measured,
    Profile,
    Sample,
    drop_documents,
    keep_profile,
    load_profile,
    profile_path,
    remove_profile,
)
from tests.pipeline.library import Library
from tests.pipeline.talks import ANA, chunk, document

# The file


def measured(
    documents: tuple[UUID, ...] = (), phrase: str = "at the end of the day", voice: str = ANA.voice
) -> Measured:
    content = []
    for number in range(4):
        of = document(title=f"Talk {number}")
        if number < len(documents):
            of = Document(documents[number], of.creator, of.title, of.kind, of.source_uri)
        said = f"I say it {phrase} for you. So I do it again {phrase} and I do not stop. You know that I like it. " * 2
        content.append((of, [chunk(of, 0, said + f"This is a secret of talk number {number} and of nobody else.")]))
    creator = Creator(ANA.slug, ANA.name, voice=voice)
    return measured_of(creator, content, [])


def test_the_file_teaches_what_may_be_edited_and_is_read_back(tmp_path: Path) -> None:
    wrote = keep_profile(tmp_path, ANA, measured())
    text = profile_path(tmp_path, ANA.slug).read_text()
    assert "# Yours to edit:" in text
    assert wrote.voice == "Calm and precise."
    assert wrote.phrases == tuple(phrase.text for phrase in measured().manner.phrases) != ()
    assert load_profile(tmp_path, ANA.slug) == wrote
    assert [path.name for path in tmp_path.iterdir()] == ["ana-velloret.yaml"]


def test_what_the_curator_edited_stays_to_the_byte_and_the_rest_is_renewed(tmp_path: Path) -> None:
    keep_profile(tmp_path, ANA, measured())
    path = profile_path(tmp_path, ANA.slug)
    mine = "# my own remark\nphrases:\n- right off the bat  # she said so in May\n- 'no: never'\n\n# until here\n"
    text = path.read_text()
    start, end = text.index("phrases:"), text.index("measured:")
    path.write_text(text[:start] + mine + text[end:])
    described = Creator(ANA.slug, ANA.name, voice="Faster now.")
    renewed = keep_profile(tmp_path, described, measured(phrase="over and over again", voice="Faster now."))
    assert mine in path.read_text()
    assert renewed.phrases == ("right off the bat", "no: never")
    assert renewed.voice == "Faster now."
    assert renewed.measured is not None
    assert any("over and over again" in phrase.text for phrase in renewed.measured.manner.phrases)


def test_a_voice_that_the_curator_wrote_survives_a_new_description(tmp_path: Path) -> None:
    keep_profile(tmp_path, ANA, measured())
    path = profile_path(tmp_path, ANA.slug)
    own = "voice: |\n  Dry.\n\n  # not a comment, but a line of hers\n  Never in a hurry.\n"
    path.write_text(path.read_text().replace("voice: Calm and precise.\n", own, 1))
    described = Creator(ANA.slug, ANA.name, voice="Something else.")
    for _ in range(3):
        renewed = keep_profile(tmp_path, described, measured(voice="Something else."))
    assert renewed.voice == "Dry.\n\n# not a comment, but a line of hers\nNever in a hurry.\n"
    assert own in path.read_text()


def test_a_second_run_over_the_same_words_changes_nothing(tmp_path: Path) -> None:
    same = measured()
    keep_profile(tmp_path, ANA, same)
    before = profile_path(tmp_path, ANA.slug).read_bytes()
    keep_profile(tmp_path, ANA, same)
    assert profile_path(tmp_path, ANA.slug).read_bytes() == before


def test_a_profile_that_a_curator_began_alone_is_kept_and_completed(tmp_path: Path) -> None:
    path = profile_path(tmp_path, ANA.slug)
    path.write_text("voice: Hers alone.\nphrases: [by the way]\n")
    profile = keep_profile(tmp_path, ANA, measured())
    assert (profile.voice, profile.phrases) == ("Hers alone.", ("by the way",))
    assert profile.measured is not None
    assert path.read_text().startswith("voice: Hers alone.\nphrases: [by the way]\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("voice: [\n", r"not valid YAML \(line 2\)"),
        ("voise: Calm.\n", "`voise` is not a key"),
        ("phrases: {a: 1}\n", "`phrases` is wrong"),
        ("persona: sometimes\n", "`persona` is wrong"),
        ("samples: [{text: No document.}]\n", r"`samples\.0\.document` is wrong"),
        ("voice: Calm.\nmeasured: {speech: x}\n", r"`measured\.documents` is wrong"),
        ("- a\n", "not a mapping"),
    ],
)
def test_a_file_that_cannot_be_understood_is_left_alone_with_a_sentence(tmp_path: Path, text: str, says: str) -> None:
    path = profile_path(tmp_path, ANA.slug)
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=says):
        load_profile(tmp_path, ANA.slug)
    with pytest.raises(ConfigurationError, match=says):
        keep_profile(tmp_path, ANA, measured())
    assert path.read_text() == text


def test_no_slug_leads_out_of_the_folder(tmp_path: Path) -> None:
    for slug in ("../ana", "a/b", "", "Ana"):
        with pytest.raises(ConfigurationError):
            load_profile(tmp_path, slug)
    assert load_profile(tmp_path / "nowhere", "ana") is None


def test_a_document_that_is_dropped_leaves_nothing_of_its_own_in_any_profile(tmp_path: Path) -> None:
    gone, kept = uuid4(), uuid4()
    keep_profile(tmp_path, ANA, measured((gone, kept)))
    path = profile_path(tmp_path, ANA.slug)
    assert "secret of talk number 0" in " ".join(path.read_text().split())
    left_behind = path.with_name(f".{path.name}.new")
    left_behind.write_text(f"{gone} secret of talk number 0")
    drop_documents(tmp_path, {gone})
    text = " ".join(path.read_text().split())
    assert "secret of talk number 0" not in text
    assert str(gone) not in text
    assert "secret of talk number 1" in text
    assert not left_behind.exists()
    profile = load_profile(tmp_path, ANA.slug)
    assert isinstance(profile, Profile)
    assert profile.phrases


def test_a_phrase_goes_when_fewer_than_two_documents_are_left_to_it(tmp_path: Path) -> None:
    ids = [uuid4() for _ in range(4)]
    keep_profile(tmp_path, ANA, measured(tuple(ids)))
    drop_documents(tmp_path, ids[:2])
    left = load_profile(tmp_path, ANA.slug)
    assert left is not None
    assert left.measured is not None
    assert {phrase.said_in for phrase in left.measured.manner.phrases} == {tuple(ids[2:])}
    assert "at the end of the day" in " ".join(left.phrases)
    drop_documents(tmp_path, ids[2:3])
    left = load_profile(tmp_path, ANA.slug)
    assert left is not None
    assert left.measured is not None
    assert (left.phrases, left.measured.manner.phrases) == ((), ())
    renewed = keep_profile(tmp_path, ANA, measured(phrase="over and over again"))
    assert any("over and over again" in phrase for phrase in renewed.phrases)


def test_of_a_list_that_a_curator_edited_only_what_was_measured_goes(tmp_path: Path) -> None:
    ids = tuple(uuid4() for _ in range(4))
    made = keep_profile(tmp_path, ANA, measured(ids))
    path = profile_path(tmp_path, ANA.slug)
    path.write_text(path.read_text().replace("phrases:\n", "phrases:\n- by the way\n", 1))
    drop_documents(tmp_path, {uuid4()})
    kept = load_profile(tmp_path, ANA.slug)
    assert kept is not None
    assert kept.phrases == ("by the way", *made.phrases)
    drop_documents(tmp_path, ids[:3])
    left = load_profile(tmp_path, ANA.slug)
    assert left is not None
    assert left.phrases == ("by the way",)


def test_what_a_curator_adds_stays_and_leaves_with_its_document(tmp_path: Path) -> None:
    gone, kept = uuid4(), uuid4()
    path = profile_path(tmp_path, ANA.slug)
    path.write_text(
        "persona: off\nvoice: Dry.\ndo: [gives a number]\ndont: [swears]\nsentences: short\nperson: never we\n"
        "samples:\n"
        f"- {{document: {gone}, text: A secret.}}\n- {{document: {kept}, text: No secret., place: page 3}}\n"
    )
    profile = keep_profile(tmp_path, ANA, measured((gone,)))
    assert (profile.persona, profile.do, profile.dont) == (False, ("gives a number",), ("swears",))
    assert (profile.sentences, profile.person) == ("short", "never we")
    assert profile.samples is not None
    assert [sample.text for sample in profile.samples] == ["A secret.", "No secret."]
    drop_documents(tmp_path, {gone})
    assert "A secret." not in path.read_text()
    assert str(gone) not in path.read_text()
    left = load_profile(tmp_path, ANA.slug)
    assert left is not None
    assert left.samples == (Sample(kept, "No secret.", place="page 3"),)
    assert (left.persona, left.dont) == (False, ("swears",))


def test_a_broken_profile_that_names_a_dropped_document_is_said_after_the_others_are_done(tmp_path: Path) -> None:
    gone = uuid4()
    keep_profile(tmp_path, ANA, measured((gone,)))
    (tmp_path / "aaa.yaml").write_text(f"nonsense: {gone}\n")
    (tmp_path / "bbb.yaml").write_text("nonsense: but not of this document\n")
    with pytest.raises(ConfigurationError, match=r"aaa\.yaml"):
        drop_documents(tmp_path, {gone})
    assert str(gone) not in profile_path(tmp_path, ANA.slug).read_text()


def test_a_creator_who_goes_takes_the_profile_along(tmp_path: Path) -> None:
    keep_profile(tmp_path, ANA, measured())
    remove_profile(tmp_path, ANA.slug)
    assert list(tmp_path.iterdir()) == []
    remove_profile(tmp_path, ANA.slug)
    drop_documents(tmp_path / "nowhere", {uuid4()})


# The command


async def test_a_creator_is_read_from_the_library_and_summed_up(library: Library, tmp_path: Path) -> None:
    for number in range(3):
        turns = (
            "**Hanna Host:** [0:05] So, we begin, as always, at the end of the day. I like it.",
            f"**Guest {'ABC'[number]}:** [0:09] I am a guest.",
            "**Hanna Host:** [0:20] Thank you, and that is all.",
        )
        front_matter = f"---\nkind: audio\ntitle: Show {number}\n---"
        library.write(f"{number}.md", "\n\n".join((front_matter, *turns)))
    await library.ingest()
    creator, own, others = await read(library.settings, library.slug)
    assert {document.title for document, _ in own} == {"Show 0", "Show 1", "Show 2"}
    assert all(document.creator != library.slug for document, _ in others)
    made = keep_profile(tmp_path, creator, measured_of(creator, own, others))
    assert made.measured is not None
    assert made.measured.speech == "what the regular speakers say: Hanna Host"
    assert "guest" not in yaml.safe_dump([phrase.text for phrase in made.measured.manner.phrases])
    said = "\n".join(summary(creator, made, tmp_path / "x.yaml"))
    assert "Hanna Host" in said
    assert "words in 3 documents" in said
    assert "edit all but `measured`" in said
    assert "Published" in said
    forbidden = replace(made, persona=False)
    assert "`persona` is off in its file" in "\n".join(summary(creator, forbidden, tmp_path / "x.yaml"))
    creator = replace(creator, persona=False)
    assert "`persona` is off in creator.yaml" in "\n".join(summary(creator, made, tmp_path / "x.yaml"))


async def test_an_unknown_creator_and_one_without_documents_are_told_what_to_do(library: Library) -> None:
    with pytest.raises(ContentError, match="`footnote status` lists them"):
        await read(library.settings, "nobody-at-all")
    await library.ledger.keep_creator(Creator(library.slug, "New"), is_described=True)
    with pytest.raises(ContentError, match=f"footnote ingest FOLDER --creator {library.slug}"):
        await read(library.settings, library.slug)
