"""Splitting and trimming: abbreviations, footnotes, lists, and what people say while they think."""

import pytest

from backend.knowledge.stem import stem
from backend.knowledge.words import content_stems
from backend.llm.passage_sentences import read_passage
from backend.llm.question_kind import wanted_by
from backend.llm.sentences import split_blocks, split_sentences
from backend.llm.spoken import standing_alone, without_filler


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Dr. A. Reyes set 3.5 dB at approx. 80 Hz. Fine.", ["Dr. A. Reyes set 3.5 dB at approx. 80 Hz.", "Fine."]),
        ("I said no. It was track No. 5.", ["I said no.", "It was track No. 5."]),
        ('He said "stop." Then left.', ['He said "stop."', "Then left."]),
        ("A claim. [1][2] Another [3].", ["A claim. [1][2]", "Another [3]."]),
        ("第一。第二！", ["第一。", "第二！"]),
        ("no end\nof line", ["no end of line"]),
    ],
)
def test_sentences_end_where_they_end(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def test_list_items_and_paragraphs_are_blocks() -> None:
    assert split_blocks("Do this:\n- one\n- two\n\nThen\nthat.") == ["Do this:", "- one", "- two", "Then\nthat."]


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        ("So, um, you know, the the room matters, right?", "The room matters."),
        ("Well, I mean, it's, like, the corners.", "It's the corners."),
        ("So much of it is luck.", "So much of it is luck."),
        ("I think that that is fine here.", "I think that that is fine here."),
        ("There is more to it than I think.", "There is more to it than I think."),
        ("It would be, it would be, you know, louder.", "It would be louder."),
        ("It is a set of rules, sorry, a set of rules for a choir.", "It is a set of rules for a choir."),
        ("The key is you you'll hear it.", "The key is you'll hear it."),
        ("You kind of wrap it in a kind of cloth.", "You wrap it in a kind of cloth."),
        ("So You know I've seen it.", "I've seen it."),
        ("If you look at it, if you look at it closely, it moves.", "If you look at it closely, it moves."),
    ],
)
def test_filler_is_trimmed_and_nothing_else(spoken: str, written: str) -> None:
    assert without_filler(spoken) == written


@pytest.mark.parametrize(
    "said",
    [
        "Right, left and centre must be alike.",
        "Put them to the left, right, and behind you.",
        "It is a fifty fifty mix.",
        "Take two hundred, two hundred and fifty hertz.",
        "Duran Duran played here.",
        "You know it when you hear it.",
        "You know it's clipping because the red light is on.",
        "You know we had a leak by the hiss.",
        "UM researchers measured it.",
    ],
)
def test_what_only_looks_like_filler_stays(said: str) -> None:
    assert without_filler(said) == said


@pytest.mark.parametrize(
    ("said", "usable"),
    [
        ("What is also not open is a locked score.", True),
        ("What is the room like.", False),
        ("We saw early that as we added more and more of the panels...", False),
        ("We saw that it works with more and more of the panels...", True),
        ("You bring them from the hall to the rooms what sorry.", False),
        ("First of all, it is no louder than the others.", True),
    ],
)
def test_what_says_something_is_told_from_what_asks_or_breaks_off(said: str, usable: bool) -> None:
    (sentence,) = read_passage(said, spoken=True)
    assert sentence.usable == usable
    assert not sentence.leans


def test_what_is_written_stays_word_for_word() -> None:
    written = "Look, listen, learn. It is, you know, the the room."
    assert [sentence.text for sentence in read_passage(written)] == ["Look, listen, learn.", written[21:]]
    assert [sentence.text for sentence in read_passage(written, spoken=True)] == ["Learn.", "It is the room."]


@pytest.mark.parametrize(
    "written",
    [
        "Pre-Delay: Twenty milliseconds.",
        "- **Logic Pro:** Hold the key.\n- **Logic Pro:** Let it go.",
        "**Low End:** Cut.",
    ],
)
def test_a_label_is_a_speakers_only_where_people_speak(written: str) -> None:
    label = written.strip("-* ").split(":")[0]
    assert all(sentence.text.startswith(label) for sentence in read_passage(written))


def test_who_is_labelled_twice_speaks() -> None:
    sentences = read_passage(
        "Ana: A trap is thick.\n\nDex Morrow: How thick is it?\n\nAna: Traps are, um, as thick as walls."
    )
    assert [sentence.text for sentence in sentences] == [
        "A trap is thick.",
        "How thick is it?",
        "Traps are, as thick as walls.",
    ]


def test_a_tie_to_the_sentence_before_goes_where_that_one_is_missing() -> None:
    assert standing_alone("However, slices cannot grow beyond capacity.") == "Slices cannot grow beyond capacity."
    assert standing_alone("And but so the corners are where it gathers.") == "The corners are where it gathers."
    assert standing_alone("So that everybody hears the bass, move it.").startswith("So that")


@pytest.mark.parametrize(
    ("said", "alone"),
    [
        ("Because of the low ceiling, traps go in the corners.", None),
        ("Because the ceiling is low, traps go in the corners.", None),
        ("Because the ceiling above the desk is low.", "The ceiling above the desk is low."),
        ("Or else the corners go on ringing for long.", None),
        ("So as to hear the corners, clap your hands.", None),
        ("Plus signs are what the meter shows there.", None),
        ("Plus the corners go on ringing for long.", "The corners go on ringing for long."),
        ("First, second and third reflections are tamed.", None),
    ],
)
def test_a_reason_or_a_choice_is_no_tie(said: str, alone: str | None) -> None:
    assert standing_alone(said) == (alone or said)


def test_what_a_transcript_notes_beside_the_words_is_left_out() -> None:
    sentences = read_passage("Mara Reyes, M.A.: \\[04:05\\] Traps go in corners. [laughter] That is why.", spoken=True)
    assert [sentence.text for sentence in sentences] == ["Traps go in corners.", "That is why."]


def test_sentences_know_whether_they_can_stand_alone() -> None:
    sentences = read_passage(
        "Ana Reyes: Traps go in corners. That's why. It is hard to say how many. Is it so? Then x = y[1]; z.",
        spoken=True,
    )
    assert [(sentence.text, sentence.leans, sentence.usable) for sentence in sentences] == [
        ("Traps go in corners.", False, True),
        ("That's why.", True, False),
        ("It is hard to say how many.", False, True),
        ("Is it so?", True, False),
        ("Then x = y[1]; z.", False, False),
    ]


@pytest.mark.parametrize(
    ("sentence", "usable"),
    [
        ("That I can hear this room twice.", False),
        ("That traps go in corners is known.", True),
    ],
)
def test_a_clause_of_another_sentence_begins_nothing(sentence: str, usable: bool) -> None:
    assert [found.usable for found in read_passage(sentence)] == [usable]


@pytest.mark.parametrize(
    ("sentence", "aside"),
    [
        ("In this episode we build a trap.", True),
        ("I'm going to quickly talk about traps.", True),
        ("Here is an example of a trap.", True),
        ("The Y axis is the level in decibels.", True),
        ('She said "let me look back at the traps" and left.', False),
        ("We go through three traps a year.", False),
    ],
)
def test_what_is_about_the_talk_is_known_from_what_is_about_the_subject(sentence: str, aside: bool) -> None:
    assert [found.about_itself for found in read_passage(sentence)] == [aside]


@pytest.mark.parametrize(
    ("sentence", "leans"),
    [
        ("When they meet in a corner, bass gathers.", True),
        ("It is similar to a trap of foam.", True),
        ("I feel like it is the corners.", True),
        ("I think that's the whole secret.", True),
        ("Therefore you need a thicker trap.", True),
        ("I think that traps belong in corners.", False),
        ("Those who mix at night know corners.", False),
        ("Bass gathers in corners because it has long waves.", False),
        ("It depends on the size of the room.", False),
    ],
)
def test_a_sentence_leans_where_it_points_at_what_was_said_before(sentence: str, leans: bool) -> None:
    assert [found.leans for found in read_passage(sentence)] == [leans]


def test_a_link_is_its_words_and_code_in_brackets_is_no_link() -> None:
    sentences = read_passage("Read [the notes](https://example.org/a) twice. A call of Trap[T any]() makes one.")
    assert [sentence.text for sentence in sentences] == ["Read the notes twice.", "A call of Trap[T any]() makes one."]


def test_a_question_is_one_without_its_mark_too() -> None:
    question, reply = read_passage("Just now, what are bass traps. Absorbers for the lowest notes of a room.")
    assert not question.whole
    assert reply.asked == "Just now, what are bass traps."


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("What is a slice?", "A slice is a view of an array."),
        ("How loud should it be?", "I land at minus fourteen."),
        ("When did it begin?", "It began in 1997."),
        ("Why do corners matter?", "Because bass gathers there."),
        ("Who wrote it?", "It was written by Ana Reyes."),
    ],
)
def test_a_question_knows_what_it_asks_for(question: str, sentence: str) -> None:
    wanted = wanted_by(question)
    assert wanted is not None
    assert wanted.strength(sentence) > 1


def test_what_the_question_says_already_is_no_answer_to_it() -> None:
    wanted = wanted_by("What year after 1997 brought the second album?")
    assert wanted is not None
    assert wanted.strength("The first album came in 1997.") == 1
    assert wanted.strength("Another one came in 2003.") > 1


def test_words_of_one_family_share_a_stem() -> None:
    assert stem("compression") == stem("compressed") == stem("compresses")
    assert content_stems("How do I mix the mixes while mixing?") == ["mix", "mix", "mix"]


def test_what_was_said_before_a_dangling_word_is_whole() -> None:
    (sentence,) = read_passage("Then the sound of the room is changed, and so...", spoken=True)
    assert sentence.text == "Then the sound of the room is changed..."
    assert sentence.whole


def test_a_long_request_of_a_host_is_a_question_too() -> None:
    request = "Could you explain a little what a bass trap is for people who have never seen one in a studio."
    asked, reply = read_passage(f"{request} An absorber.")
    assert not asked.whole
    assert reply.asked == request


def test_what_goes_on_with_something_broken_off_is_not_whole() -> None:
    assert not read_passage("...but you said that some of them are bad.")[0].whole


def test_what_the_speaker_has_done_or_never_done_is_personal() -> None:
    for said in ("I have used traps from the shelf.", "I've never built a trap from scratch.", "I also used one."):
        assert read_passage(said)[0].personal


def test_three_words_behind_their_connectives_say_nothing_alone() -> None:
    assert not read_passage("And so README files context.")[0].usable


def test_what_the_page_lets_us_try_is_about_itself() -> None:
    assert read_passage("Let us try the compressor in an example.")[0].about_itself


@pytest.mark.parametrize(
    "written", ["The studio opens at [10:30] and closes at [18:15].", "Press the [music] key twice."]
)
def test_brackets_are_times_and_sounds_in_speech_alone(written: str) -> None:
    assert [sentence.text for sentence in read_passage(written)] == [written]
    (sentence,) = read_passage(written, spoken=True)
    assert "[" not in sentence.text
