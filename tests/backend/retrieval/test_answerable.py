"""Whether what was found answers the question: the signals, their sum, and the sample library's own questions."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from backend.knowledge.embedders import open_embedders
from backend.knowledge.lexical import LexicalEncoder
from backend.knowledge.models import Candidates, Chunk, Hit, Scope
from backend.knowledge.opening import open_index
from backend.knowledge.searcher import Searcher
from backend.retrieval.answerable import WEIGHTS, Signals, answerability, probability, signals
from backend.retrieval.evidence import terms_of, weigh
from backend.retrieval.fuse import fuse
from backend.settings import Settings

SAMPLE = Path(__file__).parents[3] / "scripts" / "sample"
REFUSED_BELOW = 0.25

LIGHTHOUSE = (
    "The lighthouse on Skarn Head was built in 1871 by Ingrid Vassli. Its lamp was larger than any before it. "
    "Ships could not see the old beacon in fog. After the storm of 1890 the keeper moved to Orvik."
)
KILN = "A kiln is fired slowly. The potter closes the lid before the glaze melts."


def found(*texts: str, similarity: float = 0.6, lexical: float = 10.0) -> tuple[Candidates, list[Hit]]:
    """Passages of a document each, the first the best of both searches."""
    chunks = [Chunk(UUID(int=1 + n), UUID(int=100 + n), "ana", 0, text, 0, len(text)) for n, text in enumerate(texts)]
    dense = tuple(Hit(chunk, similarity - 0.05 * n) for n, chunk in enumerate(chunks))
    words = tuple(Hit(chunk, lexical / (n + 1)) for n, chunk in enumerate(chunks))
    return Candidates(dense, words), [Hit(chunk, 0.9 / (n + 1)) for n, chunk in enumerate(chunks)]


def seen(question: str, *texts: str, title: str = "") -> Signals:
    candidates, fused = found(*(texts or (LIGHTHOUSE, KILN)))
    return signals(question, candidates, fused, {UUID(int=100): title})


def likely(question: str, *texts: str, similarity: float = 0.6) -> float:
    candidates, fused = found(*(texts or (LIGHTHOUSE, KILN)), similarity=similarity)
    return answerability(question, candidates, fused, {})


def test_nothing_found_answers_nothing() -> None:
    assert answerability("Who built the lighthouse?", Candidates((), ()), [], {}) == 0.0


def test_a_passage_that_says_it_is_likelier_to_answer_than_one_of_another_subject() -> None:
    asked = "Who built the lighthouse on Skarn Head?"
    assert likely(asked) > likely(asked, KILN) + 0.1
    assert likely(asked) > likely(asked, similarity=0.2) + 0.3


@pytest.mark.parametrize(
    ("said", "altered"),
    [
        ("Who built the lighthouse on Skarn Head in 1871?", "Who built the lighthouse on Skarn Head in 1911?"),
        ("Who built the lighthouse on Skarn Head?", "Who built the lighthouse on Bergen Head?"),
        ("Where did the keeper move after the storm?", "Where did the keeper move before the storm?"),
        ("What could ships not see in fog?", "What did ships not build in 1871?"),
        ("Which lighthouse was built in 1871?", "Which lighthouse was never built in 1871?"),
        ("Which lamp was larger?", "Which lamp was unusable?"),
        ("Who built the lighthouse?", "Who built this lighthouse?"),
    ],
)
def test_a_question_altered_in_one_word_is_less_likely_to_be_answered(said: str, altered: str) -> None:
    assert likely(said) > likely(altered)


def test_every_weight_has_the_sign_that_its_signal_is_meant_to_have() -> None:
    speaks_for = {"similarity", "lexical", "coverage", "open"}
    assert {name for name, weight in WEIGHTS._asdict().items() if weight > 0} == speaks_for
    assert probability(Signals(*([0.0] * len(WEIGHTS)))._replace(similarity=0.9)) > 0.5


def test_the_best_sentence_and_not_the_whole_passage_has_to_cover_the_question() -> None:
    assert seen("When was the lighthouse on Skarn Head built?").coverage == 1.0
    scattered = seen("Was the lamp of the keeper built in the storm?")
    assert 0 < scattered.coverage < 1


def test_a_word_of_the_same_beginning_counts_for_part() -> None:
    whole, part, none = (seen(asked).coverage for asked in ("the keeper", "the keeping", "the teapot"))
    assert whole > part > none == 0.0


def test_a_rare_word_weighs_more_than_one_that_all_texts_have() -> None:
    common, rare = terms_of("lighthouse beacon", ["the lighthouse", "a lighthouse", "lighthouse and beacon"])
    assert rare.weight > common.weight > 0


def test_of_a_question_that_is_a_heap_of_words_no_more_are_looked_for_than_any_question_has() -> None:
    heap = " ".join(f"{one}{other}" for one in "abcdefghijklmnopq" for other in "bcdfghjklmnpqrstvxz")
    terms = terms_of(f"lighthouse {heap}", [LIGHTHOUSE.lower()])
    assert len(terms) == 64
    assert terms[0].stem == "lighthous"
    assert 0 < likely(f"lighthouse {heap}") < 1


def test_the_kind_that_is_asked_for_need_not_be_said() -> None:
    asked = seen("In which year was the lighthouse on Skarn Head built?")
    assert not asked.all_but_one
    assert seen("Was the lighthouse on Skarn Head built of granite?").all_but_one


def test_a_name_of_the_title_is_not_missing() -> None:
    asked = "Who moved to Orvik from Skarn Head with Halvard?"
    assert seen(asked).missing_particulars == 1
    assert seen(asked, title="The years of Halvard").missing_particulars == 0


def test_one_may_ask_naturally_with_not_about_oneself_and_about_reasons() -> None:
    assert seen("Which pot did the potter not close?", KILN).denied
    for asked in ("Why does the glaze not melt?", "What if the glaze does not melt?", "What should I not fire?"):
        assert not seen(asked, KILN).denied


def test_what_the_best_sentence_denies_may_be_asked_as_denied() -> None:
    assert not seen("What could ships not see in fog?").denied


def test_key_words_and_statements_are_open_and_questions_are_not() -> None:
    for open_one in ("lighthouse", "glaze firing", "Tell me about the kiln"):
        assert seen(open_one).open
    for asked in ("Is the kiln hot?", "what is a kiln", "The kiln was built when?"):
        assert not seen(asked).open


def test_words_that_were_lent_are_searched_for_but_ask_nothing() -> None:
    lent = seen("Who built it? (lighthouse this Bergen)")
    assert not lent.unnamed
    assert lent.missing_particulars == 1


def test_a_question_without_words_of_its_own_is_covered_by_nothing() -> None:
    for empty in ("", "?", "how are you?", "…"):
        assert seen(empty).coverage == 0.0


def test_evidence_is_weighed_of_passages_without_any_text() -> None:
    assert weigh("Who?", terms_of("Who fired it?", [""]), [("", "")]).coverage == 0.0


@given(question=some.text(max_size=200), texts=some.lists(some.text(max_size=300), min_size=1, max_size=4))
def test_whatever_is_asked_and_found_the_answer_is_a_probability(question: str, texts: list[str]) -> None:
    assert 0 < likely(question, *texts) < 1


@pytest.fixture(scope="module")
async def searcher(library: Settings) -> AsyncIterator[Searcher]:
    index = open_index(library)
    embedders = await open_embedders(library, index)
    yield Searcher(index, embedders, LexicalEncoder())
    await embedders.close()
    await index.close()


async def confidence(searcher: Searcher, question: str, creator: str | None = None) -> float:
    candidates = await searcher.search(await searcher.embed(question), Scope(creator=creator), 50)
    return answerability(question, candidates, fuse(candidates), {})


def examples() -> Sequence[tuple[str, str]]:
    """What the sample's creators suggest to ask, with whose it is."""
    creators = {path.parent.name: yaml.safe_load(path.read_text()) for path in SAMPLE.glob("*/creator.yaml")}
    return [(question, slug) for slug, creator in creators.items() for question in creator["questions"]]


async def test_the_samples_own_questions_are_answered(searcher: Searcher) -> None:
    asked = examples()
    assert len(asked) >= 10
    for question, creator in asked:
        assert await confidence(searcher, question, creator) > 0.5, question


@pytest.mark.parametrize("question", ["compression", "reverb", "gain staging", "how loud", "Which mic for podcasts"])
async def test_sensible_short_questions_are_answered_by_a_small_library(searcher: Searcher, question: str) -> None:
    assert await confidence(searcher, question) > 0.5


async def test_a_question_in_another_language_is_not_refused_for_its_words_alone(searcher: Searcher) -> None:
    assert await confidence(searcher, "Wie laut sollte ein Podcast sein?") >= REFUSED_BELOW


@pytest.mark.parametrize(
    "question",
    ["What is the capital of France?", "How do I file my taxes?", "kubernetes", "hello", "When was Rome founded?"],
)
async def test_what_the_library_does_not_speak_of_is_refused(searcher: Searcher, question: str) -> None:
    assert await confidence(searcher, question) < REFUSED_BELOW


def test_who_asks_for_a_document_or_a_section_by_its_name_is_given_it() -> None:
    candidates, fused = found(KILN, similarity=0.1)
    named = [Hit(replace(fused[0].chunk, heading="Firing > Exceptions worth knowing"), 0.9)]
    titles = {UUID(int=100): "The potter's year\nAna Velloret"}
    for asked in (
        "exceptions worth knowing",
        "The potter's year?",
        "Ana Velloret",
        "Firing > Exceptions worth knowing",
    ):
        assert answerability(asked, candidates, named, titles) == 1.0
    for asked in ("exceptions", "🏺", "?"):
        assert answerability(asked, candidates, named, titles) < 0.5


def test_the_name_of_who_is_asked_is_not_missing() -> None:
    asked = "What does Ana say about the glaze?"
    candidates, fused = found(KILN)
    assert signals(asked, candidates, fused, {UUID(int=100): "Kilns"}).missing_particulars == 1
    assert signals(asked, candidates, fused, {UUID(int=100): "Kilns\nAna Velloret"}).missing_particulars == 0
    said = [replace(hit, chunk=replace(hit.chunk, speaker="Ana Velloret")) for hit in fused]
    assert signals(asked, candidates, said, {UUID(int=100): "Kilns"}).missing_particulars == 0


def test_of_two_people_who_are_asked_each_speaks_in_a_passage_of_their_own() -> None:
    texts = ("The glaze melts slowly.", "A glaze wants patience.", KILN)
    candidates, fused = found(*texts)
    titles = {UUID(int=100 + n): f"Kilns\n{name}" for n, name in enumerate(("Ana Velloret", "Ana Velloret", "Dex Poe"))}
    both = signals("What do Ana and Dex think of the glaze?", candidates, fused, titles)
    assert (both.missing_particulars, both.coverage) == (0, 1)
    one = signals("What do Ana and Ines think of the glaze?", candidates, fused, titles)
    assert one.missing_particulars == 1
    assert one.coverage < 1
    stranger = signals("What do Ana and Dex think of horses?", candidates, fused, titles)
    assert stranger.coverage == 0


def test_who_speaks_is_known_by_their_initials() -> None:
    candidates, fused = found(KILN)
    said = [replace(hit, chunk=replace(hit.chunk, speaker="Ana Maria Velloret")) for hit in fused]
    asked = "When does AMV close the lid?"
    assert signals(asked, candidates, fused, {}).missing_particulars == 1
    assert signals(asked, candidates, said, {}).missing_particulars == 0
    assert signals(asked, candidates, said, {}).coverage == 1
    assert signals("When does AMX close the lid?", candidates, said, {}).missing_particulars == 1


def test_who_is_asked_for_by_name_alone_is_still_what_is_looked_for() -> None:
    candidates, fused = found("Ana Velloret is a potter from Orvik.", KILN)
    titles = {UUID(int=100): "Kilns\nAna Velloret"}
    assert signals("Who is Ana?", candidates, fused, titles).coverage == 1


async def test_two_creators_of_the_sample_are_asked_at_once(searcher: Searcher) -> None:
    for question, is_answered in (
        ("What do Ana and Dex think of reverb?", True),
        ("What do Ana and Imke say about compression?", True),
        ("What do Ana and Dex think of taxes?", False),
    ):
        candidates = await searcher.search(await searcher.embed(question), Scope(), 50)
        fused = fuse(candidates)
        names = {path.parent.name: yaml.safe_load(path.read_text())["name"] for path in SAMPLE.glob("*/creator.yaml")}
        titles = {hit.chunk.document_id: f"\n{names[hit.chunk.creator]}" for hit in fused}
        assert (answerability(question, candidates, fused, titles) >= REFUSED_BELOW) == is_answered, question
