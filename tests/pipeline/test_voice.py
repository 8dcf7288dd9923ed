"""How a creator talks, measured from what is taken to be their own words."""

import pytest

from backend.knowledge.models import Creator
from pipeline.commands.profile import measured_of
from pipeline.voice.measure import measure
from pipeline.voice.prose import sentences_of
from pipeline.voice.speech import own_speech
from tests.pipeline.talks import ANA, by_id, chunk, document

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
    voice = measure(by_id([text]), [])
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
    ids = by_id(own)
    voice = measure(ids, others, subjects={"room acoustics"})
    phrases = [phrase.text for phrase in voice.phrases]
    assert "at the end of the day it rings" in phrases
    assert not any("room acoustics" in phrase or "neumann" in phrase.lower() for phrase in phrases)
    assert not any("microphone stands" in phrase for phrase in phrases)
    found = next(phrase for phrase in voice.phrases if phrase.text == "at the end of the day it rings")
    assert (found.times, found.documents, found.ratio) == (5, 5, None)
    assert found.said_in == tuple(ids)[:4]
    assert voice.openers[0].text == "So"
    assert voice.openers[0].others == 0


def test_what_stands_in_a_single_document_is_no_phrase() -> None:
    secret = "You never tell them about the yellow door."
    voice = measure(by_id([talk_of(*[secret] * 9), *(talk_of("We go on.") for _ in range(5))]), [talk_of("Nobody.")])
    assert not any("yellow" in phrase.text or "never tell" in phrase.text for phrase in voice.phrases)


def test_phrases_are_found_without_anybody_to_compare_with() -> None:
    own = [talk_of("And once in a blue moon we laugh.", "Once in a blue moon it works.") for _ in range(4)]
    assert any("once in a blue moon" in phrase.text for phrase in measure(by_id(own), []).phrases)


def test_another_language_has_phrases_and_no_person() -> None:
    text = (
        "Das ist ja nicht so schlimm. Wir gehen in den Raum. Am Ende des Tages klingt er eben. Er ist gross und hell. "
        "Am Ende des Tages bleibt er eben leer. Die Wand ist aus Holz und das Dach ist aus Stein. "
    )
    voice = measure(by_id([text * 2] * 3), [])
    assert voice.person is None
    assert voice.contractions is None
    assert voice.sentence_length is not None
    assert any("ende des tages" in phrase.text for phrase in voice.phrases)


def test_a_script_without_spaces_has_sentences_and_no_words() -> None:
    voice = measure(by_id(["これは長い部屋の話です。残響はどうですか？とても大きな音がします。"] * 3), [])
    assert voice.sentences == 9
    assert voice.questions == pytest.approx(1 / 3, abs=0.001)
    assert (voice.words, voice.sentence_length, voice.phrases) == (0, None, ())


def test_nothing_said_is_nothing_measured() -> None:
    voice = measure({}, [])
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
