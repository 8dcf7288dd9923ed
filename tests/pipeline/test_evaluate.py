"""`footnote evaluate`: judged questions, asked the way of a visitor's, and what the figures say."""

import asyncio
import json
from pathlib import Path
from typing import Any, NoReturn

import pytest

from backend.errors import ConfigurationError, Unavailable
from pipeline.commands import evaluate as command
from pipeline.evaluation.answers import Given, contains, has_short_answers, summed
from pipeline.evaluation.dataset import Article, Dataset, JudgedQuestion, read_dataset
from pipeline.evaluation.measures import Bin, calibration, measure
from pipeline.evaluation.rankings import Rankings, percentile, rank
from tests.rerank_server import preferring, serving

ARTICLES = [
    ("bread", "Bread", "ana", "Let the dough rest in the cold for a night, and bake it in a very hot oven."),
    ("yeast", "Yeast", "ana", "Yeast eats sugar and gives off gas, which lifts the dough. Salt slows it down."),
    ("bees", "Bees", "ben", "A hive of bees wants shade at noon and water nearby, and no wind at the entrance."),
    ("honey", "Honey", "ben", "Honey that has set is made liquid in a warm bath, never over a flame."),
    ("kites", "Kites", "cleo", "A kite with a long tail flies steadily; in a weak wind, take the tail off."),
]
QUESTIONS = [
    ("q1", "How hot should the oven be for bread?", {"answerable": True, "scope": {"creator": "ana"}}),
    ("q2", "Where do I put a bee hive?", {"answerable": True, "scope": {"creator": "ben", "place": "garden"}}),
    ("q3", "And how do I make it liquid?", {"answerable": True}),
    ("q4", "Who won the chess championship in Reykjavik?", {"answerable": False}),
]
TURNS = [
    {"role": "user", "text": "Why does honey set in the jar?"},
    {"role": "assistant", "text": "It always does."},
    {"role": "user", "text": "And how do I make it liquid?"},
]
QRELS = "query-id\tcorpus-id\tscore\nq1\tbread\t2\nq1\tyeast\t1\nq1\tkites\t0\nq2\tbees\t1\nq3\thoney\t1\n"


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "kitchen"
    folder.mkdir()
    corpus = [
        {"_id": name, "title": title, "creator": creator, "text": text, "metadata": {"place": "garden", "n": 1}}
        for name, title, creator, text in ARTICLES
    ]
    (folder / "corpus.jsonl").write_text(lines(corpus))
    queries = [{"_id": name, "text": text, "metadata": metadata} for name, text, metadata in QUESTIONS]
    (folder / "queries.jsonl").write_text(lines(queries))
    (folder / "conversations.jsonl").write_text(lines([{"_id": "q3", "turns": TURNS}]))
    (folder / "qrels.tsv").write_text(QRELS)
    return folder


def test_a_dataset_is_read_with_scopes_grades_and_conversations(folder: Path) -> None:
    dataset = read_dataset(folder)
    assert dataset.name == "kitchen"
    assert dataset.articles[2] == Article("bees", "Bees", ARTICLES[2][3], "ben", ("place=garden",))
    assert dataset.questions[1] == JudgedQuestion(
        "q2", "Where do I put a bee hive?", (), "ben", "place=garden", answerable=True, answers=()
    )
    assert dataset.questions[2].earlier == ("Why does honey set in the jar?",)
    assert dataset.relevant == {"q1": {"bread": 2, "yeast": 1}, "q2": {"bees": 1}, "q3": {"honey": 1}}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("corpus.jsonl", '{"_id": "a", "text": "x"}\nnot json\n', "line 2: it is no JSON object"),
        ("queries.jsonl", '["q1"]\n', "line 1: it is no JSON object"),
        ("qrels.tsv", "a\tb\tc\nq1\tbread\tmuch\n", "line 2: three columns"),
        ("qrels.tsv", "q1\t0\tbread\t1\n", "line 1: three columns"),
        ("qrels.tsv", "query-id corpus-id score\n", "line 1: three columns with tabs between them"),
        ("qrels.tsv", "a\tb\tc\nq1\tcake\t1\n", "judges `cake`"),
        ("qrels.tsv", "a\tb\tc\nq9\tbread\t1\n", "judges `q9`, which is not in queries.jsonl"),
        ("corpus.jsonl", '{"_id": "a"}\n', "line 1: `text` is missing"),
        ("corpus.jsonl", '{"_id": "a", "text": "x"}\n' * 2, "line 2: there is another `a` above"),
        ("queries.jsonl", '{"_id": "q1", "text": "?", "metadata": {"answers": "x"}}\n', "`metadata.answers` is"),
        ("queries.jsonl", '{"_id": "q1", "text": "?", "metadata": {"scope": {"n": 2}}}\n', "asks within `n=2`"),
        ("queries.jsonl", '{"_id": "q1", "text": "?", "metadata": {"scope": {"creator": "annie"}}}\n', "asks `annie`"),
        ("conversations.jsonl", '{"_id": "q1", "turns": [{}]}\n', "`turns.0.role` is missing"),
        ("corpus.jsonl", None, "cannot be read: a dataset is a folder"),
        ("corpus.jsonl", "\n", "corpus.jsonl is empty"),
        ("queries.jsonl", "", "queries.jsonl is empty"),
    ],
)
def test_what_cannot_be_understood_is_told_with_its_line(
    folder: Path, name: str, content: str | None, said: str
) -> None:
    (folder / name).unlink(missing_ok=True)
    if name == "queries.jsonl":
        (folder / "qrels.tsv").write_text("a\tb\tc\n")
    if content is not None:
        (folder / name).write_text(content)
    with pytest.raises(ConfigurationError, match=said):
        read_dataset(folder)


def test_judgements_without_headings_are_all_read(folder: Path) -> None:
    judged = read_dataset(folder).relevant
    (folder / "qrels.tsv").write_text(QRELS.partition("\n")[2])
    assert read_dataset(folder).relevant == judged


def test_files_are_read_as_editors_leave_them(folder: Path) -> None:
    read = read_dataset(folder)
    for file in folder.iterdir():
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n") + b"\r\n")
    assert read_dataset(folder) == read


def test_every_stage_is_measured_by_the_product_s_own_retrieval_and_written_down(
    folder: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(model_cache))
    output = folder.parent / "report"
    assert command.run([str(folder)], str(output), together=False) == 0
    printed = capsys.readouterr().out
    assert "kitchen, 3 judged questions, asked of each scope alone" in printed
    assert "abstention: AUROC 1.000; 100% of the unanswerable refused" in printed
    results = json.loads((output / "results.json").read_text())
    assert (results["format"], results["together"]) == (1, False)
    at_large, scoped = results["figures"]
    assert (at_large["scoped"], scoped["scoped"], at_large["judged"]) == (False, True, 3)
    assert list(at_large["stages"]) == ["dense", "lexical", "fused", "rewritten", "joined", "diverse", "widened"]
    assert at_large["stages"]["rewritten"] == pytest.approx({"nDCG@10": 1, "Recall@10": 1, "MRR@10": 1})
    assert at_large["p95_ms"] >= at_large["p50_ms"] > 0
    run = [line.split() for line in (output / "kitchen.scoped.fused.run").read_text().splitlines()]
    assert {line[2] for line in run if line[0] == "q1"} == {"bread", "yeast"}
    assert {line[2] for line in run if line[0] == "q2"} == {"bees", "honey"}
    assert [line[3] for line in run if line[0] == "q3"] == ["1", "2", "3", "4", "5"]
    assert not (model_cache / "index").exists()


def test_together_the_datasets_are_in_each_others_way(
    folder: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(model_cache))
    other = folder.parent / "other"
    folder.rename(other)
    other.joinpath("conversations.jsonl").unlink()
    folder.mkdir()
    for name in ("corpus.jsonl", "queries.jsonl", "qrels.tsv"):
        folder.joinpath(name).write_text(other.joinpath(name).read_text())
    output = folder.parent / "report"
    command.run([str(folder), str(other)], str(output), together=True)
    figures = json.loads((output / "results.json").read_text())["figures"]
    assert [measured["dataset"] for measured in figures] == ["kitchen", "kitchen", "other", "other"]
    run = [line.split() for line in (output / "other.all.fused.run").read_text().splitlines()]
    assert {line[2] for line in run if line[0] == "q1"} == {
        f"{dataset}{name}" for name, *_ in ARTICLES for dataset in ("", "kitchen/")
    }
    assert any(measured["stages"]["fused"]["MRR@10"] < 1 for measured in figures)
    with pytest.raises(ConfigurationError, match="the same name"):
        command.run([str(folder), str(folder)], None, together=False)


def test_a_question_that_its_creator_cannot_answer_is_also_asked_beyond(
    folder: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(model_cache))
    asked = {"_id": "q2", "text": "Where do I put a bee hive?", "metadata": {"scope": {"creator": "ana"}}}
    (folder / "queries.jsonl").write_text(lines([asked]))
    (folder / "qrels.tsv").write_text("a\tb\tc\nq2\tbees\t1\n")
    output = folder.parent / "report"
    command.run([str(folder)], str(output), together=False)
    figures = json.loads((output / "results.json").read_text())["figures"][1]
    assert figures["reach"] == {"foreign": 0, "widened": 1, "unmarked": 0}
    assert figures["stages"][figures["final"]]["nDCG@10"] == 0
    assert figures["stages"]["widened"]["nDCG@10"] == pytest.approx(1)


def test_a_reranker_that_does_not_come_leaves_the_order_from_before(
    folder: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(model_cache))
    monkeypatch.setenv("FOOTNOTE_RETRIEVAL__RERANK__URL", "http://127.0.0.1:9/rerank?key=secret")
    monkeypatch.setenv("FOOTNOTE_RETRIEVAL__RERANK__API_KEY", "secret")
    output = folder.parent / "report"
    command.run([str(folder)], str(output), together=False)
    stages = json.loads((output / "results.json").read_text())["figures"][0]["stages"]
    assert list(stages)[3:5] == ["rewritten", "reranked"]
    assert stages["reranked"] == stages["rewritten"]
    assert "secret" not in (output / "report.html").read_text() + (output / "results.json").read_text()


async def test_a_reranker_chooses_the_sentences_of_the_answers_that_are_measured(
    folder: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(model_cache))
    bakers = ("Ruth", "Omar", "Pia", "Jonas", "Edda", "Luca", "Mina", "Theo")
    dull = " ".join(f"{name} says that the oven for bread should be hot, as hot as {name} likes." for name in bakers)
    gold = "Two hundred and fifty degrees is what I turn the dial to."
    bread = {"_id": "bread", "title": "Bread", "creator": "ana", "text": f"{dull}\n\n{gold}"}
    asked = {"_id": "q1", "text": "How hot should the oven be for bread?"}
    (folder / "corpus.jsonl").write_text(lines([bread]))
    (folder / "queries.jsonl").write_text(lines([asked | {"metadata": {"answers": ["two hundred and fifty"]}}]))
    (folder / "qrels.tsv").write_text("a\tb\tc\nq1\tbread\t1\n")
    (folder / "conversations.jsonl").unlink()

    async def contain(report: str) -> float:
        await asyncio.to_thread(command.run, [str(folder)], str(folder.parent / report), together=False)
        figures = json.loads((folder.parent / report / "results.json").read_text())["figures"][0]
        return float(figures["answers"]["contain"])

    assert await contain("plain") == 0
    async with serving(preferring(gold)) as url:
        monkeypatch.setenv("FOOTNOTE_RETRIEVAL__RERANK__URL", url)
        monkeypatch.setenv("FOOTNOTE_RETRIEVAL__RERANK__DEADLINE_S", "20")
        assert await contain("reranked") == 1


async def test_an_index_that_goes_away_meanwhile_is_one_error_and_not_a_group(folder: Path) -> None:
    class Away:
        async def trace(self, *_: object, **__: object) -> NoReturn:
            raise Unavailable("The index could not be searched.")

    with pytest.raises(Unavailable, match="could not be searched"):
        await rank(read_dataset(folder), Away(), str, lambda *_: None, scoped=False, reranks=False)


def test_the_figures_are_those_that_one_counts_by_hand() -> None:
    questions = tuple(JudgedQuestion(name, "?", (), None, None, name < "c", ()) for name in "abcd")
    dataset = Dataset("counted", (), questions, {"a": {"x": 1}, "b": {"y": 1, "z": 1}})
    made = Rankings(
        stages={"fused": {"a": [("w", 0.9), ("x", 0.9)], "b": [("y", 0.5), ("w", 0.4)]}},
        confidence={"a": 0.8, "b": 0.5, "c": 0.6, "d": 0.1},
        answerable={"a": True, "b": False, "c": True, "d": False},
        latency_ms=[1.0, 2.0, 3.0, 100.0],
    )
    figures = measure(dataset, made, scoped=False, documents=4, passages=9)
    assert figures.stages["fused"]["MRR@10"] == pytest.approx((1 / 2 + 1) / 2)
    assert figures.stages["fused"]["Recall@10"] == pytest.approx((1 + 1 / 2) / 2)
    assert figures.stages["fused"]["nDCG@10"] == pytest.approx((0.6309 + 1 / 1.6309) / 2, abs=1e-4)
    assert figures.abstention is not None
    assert figures.abstention.auroc == pytest.approx(3 / 4)
    assert (figures.abstention.rejected, figures.abstention.missed) == (0.5, 0.5)
    assert (figures.p50_ms, figures.p95_ms) == (2.0, 100.0)
    assert percentile([], 0.5) == 0.0


def test_a_scope_of_several_things_keeps_to_all_of_them(folder: Path) -> None:
    rows = [
        {"_id": "a", "text": "x", "metadata": {"room": "hall", "day": 1}},
        {"_id": "b", "text": "y", "metadata": {"room": "hall", "day": 2}},
        {"_id": "c", "text": "z", "metadata": {"room": "hall"}},
    ]
    (folder / "corpus.jsonl").write_text(lines(rows))
    asked = {"_id": "q", "text": "?", "metadata": {"scope": {"room": "hall", "day": "2"}}}
    (folder / "queries.jsonl").write_text(lines([asked]))
    (folder / "qrels.tsv").write_text("a\tb\tc\nq\tb\t1\n")
    dataset = read_dataset(folder)
    assert [question.trait for question in dataset.questions] == ["day=2, room=hall"]
    assert [article.traits for article in dataset.articles] == [("day=1, room=hall",), ("day=2, room=hall",), ()]


def test_a_scope_that_is_only_one_creator_s_is_not_asked_twice() -> None:
    def dataset(owner: str) -> Dataset:
        articles = (Article("a", "", "x", "ana", ("room=1",)), Article("b", "", "y", owner, ("room=1",)))
        return Dataset("d", articles, (JudgedQuestion("q", "?", (), "ana", "room=1", None, ()),), {})

    assert not dataset("ana").creators_narrow
    assert dataset("ben").creators_narrow


@pytest.mark.parametrize(
    ("said", "golden", "found"),
    [
        ("It was in the Hague, in 1899.", ["Hague"], True),
        ("It was in the Hague, in 1899.", ["The  HAGUE!"], True),
        ("It was in the Hague, in 1899.", ["189"], False),
        ("An answer", ["the", "!"], False),
        ("“The cat sat.”", ["sat"], True),
        ("It is “Anna’s”.", ["Anna's"], True),
        ("word " * 59 + "Hague", ["Hague"], True),
        ("word " * 60 + "Hague", ["Hague"], False),
    ],
)
def test_an_answer_contains_a_gold_answer_in_whole_words_and_in_its_beginning(
    said: str, golden: list[str], found: bool
) -> None:
    assert contains(said.split(), golden) is found


def test_answers_are_counted_also_where_they_are_not_given() -> None:
    answers = summed([Given(True, 40, True), Given(True, 60, False), Given(False, 50, True), Given(False, 50, False)])
    assert answers is not None
    assert (answers.questions, answers.contain, answers.given, answers.words) == (4, 0.5, 0.25, 50)
    assert summed([]) is None


def test_long_gold_answers_are_no_answers_that_sources_say_word_by_word() -> None:
    def dataset(*answers: str) -> Dataset:
        return Dataset("d", (), (JudgedQuestion("q", "?", (), None, None, True, answers),), {})

    assert has_short_answers(dataset("in 1899"))
    assert not has_short_answers(dataset("word " * 40))
    assert not has_short_answers(dataset())


def test_calibration_puts_what_was_so_beside_what_was_predicted() -> None:
    assert calibration([0.95, 1.0, 0.31], [0.35, -0.2]) == (
        Bin(-0.2, 0, 1),
        Bin(pytest.approx(0.33), 0.5, 2),
        Bin(pytest.approx(0.975), 1, 2),
    )
