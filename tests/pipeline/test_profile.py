"""A creator's voice: measured from their own words, kept in a file that a curator may edit."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest
import yaml

from backend.errors import ConfigurationError, ContentError
from backend.knowledge.models import Chunk, Creator, Document, Kind
from pipeline.commands.profile import measured_of, read, summary
from pipeline.profile import (
    Measured,
    Profile,
    drop_documents,
    keep_profile,
    load_profile,
    profile_path,
    remove_profile,
)
from pipeline.voice.measure import measure
from pipeline.voice.prose import sentences_of
from pipeline.voice.speech import own_speech
from tests.pipeline.library import Library

ANA = Creator("ana-velloret", "Ana Velloret", voice="Calm and precise.", topics=("room acoustics",))


def document(creator: str = ANA.slug, kind: Kind = "audio", title: str = "A talk") -> Document:
    return Document(uuid4(), creator, title, kind, f"{title}.md")


def chunk(of: Document, ordinal: int, text: str, speaker: str | None = None, start_s: float | None = None) -> Chunk:
    return Chunk(uuid4(), of.id, of.creator, ordinal, text, 0, len(text), speaker=speaker, start_s=start_s)


# Whose words


def test_where_somebody_is_called_like_the_creator_only_they_are_heard() -> None:
    talk, article = document(), document(kind="article")
    speech = own_speech(
        ANA,
        [
            (talk, [chunk(talk, 0, "I put a duvet there.", "Ana"), chunk(talk, 1, "Really? A duvet?", "Benno Quist")]),
            (article, [chunk(article, 0, "A duvet is cheap.")]),
        ],
    )
    assert speech.texts == {talk.id: "I put a duvet there.", article.id: "A duvet is cheap."}
    assert "Ana Velloret" in speech.rule


def test_a_passage_of_several_speakers_is_taken_apart_and_goes_on_with_the_one_before() -> None:
    talk = document()
    chunks = [
        chunk(talk, 0, "I begin here, and so", "Ana Velloret"),
        chunk(
            talk,
            1,
            "I go on here.\n\nBenno Quist: I ask: why?\n\nAna Velloret: Because of the room.\n\nBenno Quist: Ah.",
        ),
        chunk(talk, 2, "This is still Benno.\n\nAna Velloret: Note: it is mine again."),
    ]
    speech = own_speech(ANA, [(talk, chunks)])
    assert speech.texts[talk.id].split("\n\n") == [
        "I begin here, and so", "I go on here.", "Because of the room.", "Note: it is mine again.",
    ]  # fmt: skip
    assert [passage.ordinal for passage, _ in speech.passages] == [0]


def test_a_show_speaks_by_its_regular_speakers_and_guests_are_left_out() -> None:
    content = []
    for guest in ("Gus One", "Gil Two", "Gay Three"):
        talk = document("show")
        content.append(
            (talk, [chunk(talk, 0, "Welcome to the show.", "Hanna Host"), chunk(talk, 1, "Hello all.", guest)])
        )
    speech = own_speech(Creator("show", "The Show"), content)
    assert set(speech.texts.values()) == {"Welcome to the show."}
    assert speech.rule == "what the regular speakers say: Hanna Host"


def test_where_nobody_comes_twice_everything_counts_and_so_it_does_without_conversations() -> None:
    talks = [document("show") for _ in range(2)]
    content = [
        (talk, [chunk(talk, 0, "One.", f"Alma {number}th"), chunk(talk, 1, "Two.", f"Bert {number}th")])
        for number, talk in enumerate(talks)
    ]
    assert list(own_speech(Creator("show", "The Show"), content).texts.values()) == ["One.\n\nTwo."] * 2
    article = document("blog", "article")
    signed = [(article, [chunk(article, 0, "Written down.", "Some Author")])]
    assert list(own_speech(Creator("blog", "The Blog"), signed).texts.values()) == ["Written down."]


# What is measured


def test_sentences_are_counted_in_words_and_by_whom_they_address() -> None:
    text = "I don't like it. You are right! Do we go? The room is long and it is dry and very loud and rather bright."
    voice = measure([text], [])
    assert (voice.sentences, voice.words) == (4, 24)
    assert voice.sentence_length is not None
    assert (voice.sentence_length.lower, voice.sentence_length.median, voice.sentence_length.upper) == (3.0, 3.5, 6.5)
    assert voice.person is not None
    assert (voice.person.i, voice.person.we, voice.person.you) == (0.25, 0.25, 0.25)
    assert (voice.questions, voice.exclamations) == (0.25, 0.25)
    assert voice.contractions == pytest.approx(100 / 24, abs=0.01)


def test_markup_code_and_sounds_are_no_sentences() -> None:
    text = (
        "# Heading\n\nSee [the room](https://example.org/a_b) now. (laughter) **Bold** it is.\n\n"
        "```\nx = 1. y = 2.\n```\n\n- one item\n- another item, which says something.\n"
    )
    assert [sentence.text for sentence in sentences_of(text)] == [
        "See the room now.", "Bold it is.", "another item, which says something.",
    ]  # fmt: skip


def talk_of(*sentences: str) -> str:
    """A text with these sentences, among ones that stand in every text alike."""
    usual = "The microphone stands in a corner. They are going to see it there. It was a long day for all of them."
    return f"{usual} {' '.join(f'{sentence} {usual}' for sentence in sentences)}"


def test_a_phrase_of_theirs_is_found_and_neither_a_subject_nor_what_others_say_too() -> None:
    own = [
        talk_of(
            "So, we begin with the room acoustics.",
            "At the end of the day it rings.",
            "I am going to test Neumann Mics.",
        )
        for _ in range(5)
    ]
    others = [talk_of("They measure the walls.", "That is all there is.") for _ in range(50)]
    voice = measure(own, others, subjects={"room acoustics"})
    phrases = [phrase.text for phrase in voice.phrases]
    assert "at the end of the day it rings" in phrases
    assert not any("room acoustics" in phrase or "neumann" in phrase.lower() for phrase in phrases)
    assert not any("microphone stands" in phrase for phrase in phrases)
    found = next(phrase for phrase in voice.phrases if phrase.text == "at the end of the day it rings")
    assert (found.times, found.documents, found.ratio) == (5, 5, None)
    assert voice.openers[0].text == "So"
    assert voice.openers[0].others == 0


def test_what_stands_in_a_single_document_is_no_phrase() -> None:
    secret = "You never tell them about the yellow door."
    voice = measure([talk_of(*[secret] * 9), *(talk_of("We go on.") for _ in range(5))], [talk_of("Nobody.")])
    assert not any("yellow" in phrase.text or "never tell" in phrase.text for phrase in voice.phrases)


def test_phrases_are_found_without_anybody_to_compare_with() -> None:
    own = [talk_of("And once in a blue moon we laugh.", "Once in a blue moon it works.") for _ in range(4)]
    assert any("once in a blue moon" in phrase.text for phrase in measure(own, []).phrases)


def test_another_language_has_phrases_and_no_person() -> None:
    text = (
        "Das ist ja nicht so schlimm. Wir gehen in den Raum. Am Ende des Tages klingt er eben. Er ist gross und hell. "
        "Am Ende des Tages bleibt er eben leer. Die Wand ist aus Holz und das Dach ist aus Stein. "
    )
    voice = measure([text * 2] * 3, [])
    assert voice.person is None
    assert voice.contractions is None
    assert voice.sentence_length is not None
    assert any("ende des tages" in phrase.text for phrase in voice.phrases)


def test_a_script_without_spaces_has_sentences_and_no_words() -> None:
    voice = measure(["これは長い部屋の話です。残響はどうですか？とても大きな音がします。"] * 3, [])
    assert voice.sentences == 9
    assert voice.questions == pytest.approx(1 / 3, abs=0.001)
    assert (voice.words, voice.sentence_length, voice.phrases) == (0, None, ())


def test_nothing_said_is_nothing_measured() -> None:
    voice = measure([], [])
    assert (voice.words, voice.sentences, voice.questions, voice.openers) == (0, 0, 0, ())


def test_samples_are_whole_sentences_of_different_documents_with_their_place() -> None:
    said = (
        "So I put the microphone in the corner, and I listen to the room before I do anything else. You will hear it "
        "at once if you clap your hands. Is it bright? Then you hang a duvet behind the singer and you clap again. I "
        "do this every time, and it takes me a minute."
    )
    content = []
    for number in range(7):
        talk = document(title=f"Talk {number}")
        content.append((talk, [chunk(talk, 0, f"and so it went. {said} And then it", start_s=65.5)]))
    samples = measured_of(ANA, content, []).samples
    assert len({sample.document for sample in samples}) == len(samples) == 5
    assert {sample.place for sample in samples} == {"1:05"}
    assert {sample.text for sample in samples} == {said}


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
    assert "edit `voice` and `phrases`" in said


async def test_an_unknown_creator_and_one_without_documents_are_told_what_to_do(library: Library) -> None:
    with pytest.raises(ContentError, match="`footnote status` lists them"):
        await read(library.settings, "nobody-at-all")
    await library.ledger.keep_creator(Creator(library.slug, "New"), is_described=True)
    with pytest.raises(ContentError, match=f"footnote ingest FOLDER --creator {library.slug}"):
        await read(library.settings, library.slug)
