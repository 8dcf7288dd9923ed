"""What `footnote evaluate` writes and compares: a page that can be sent, and a baseline that guards."""

import json
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from backend.errors import ConfigurationError
from pipeline.commands import evaluate as command
from pipeline.evaluation.baseline import read_baseline

HOSTILE = '<script>fetch("https://evil.example")</script> & "quoted" $x^$ \u202e {{ 7*7 }}'
ARTICLES = {
    "moss": (f"Moss {HOSTILE}", "Moss has no roots and drinks through its leaves. It turns green within 20 minutes."),
    "fern": ("Ferns", "A fern unrolls its fronds in spring. Its spores ripen under the leaves in July."),
    "oak": ("Oaks", "An oak bears acorns after forty years. Jays bury them, and forget some."),
}
QUESTIONS: list[tuple[str, str, dict[str, Any]]] = [
    ("a b", "How long does moss take to turn green?", {"answerable": True, "answers": ["20 minutes"]}),
    ("2", f"When do the spores of ferns ripen? {HOSTILE}", {"answerable": True, "answers": ["July"]}),
    ("3", "What buries something that the fern forgets?", {"answerable": True, "answers": ["blackbirds"]}),
    ("4", "Which bank lends money for a car?", {"answerable": False}),
    ("5", "Who wrote the third symphony?", {"answerable": False}),
]
QRELS = "query-id\tcorpus-id\tscore\na b\tmoss\t1\n2\tfern\t1\n3\tmoss\t1\n"


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def forest(tmp_path: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dataset whose every text is hostile, in a folder whose name is too."""
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(model_cache))
    folder = tmp_path / "<b>$forest^$"
    folder.mkdir()
    corpus = [
        {"_id": name, "title": title, "creator": "<i>eve</i>", "text": text} for name, (title, text) in ARTICLES.items()
    ]
    asked = [
        {"_id": name, "text": text, "metadata": {**judged, "scope": {"creator": "<i>eve</i>"}}}
        for name, text, judged in QUESTIONS
    ]
    (folder / "corpus.jsonl").write_text(lines(corpus))
    (folder / "queries.jsonl").write_text(lines(asked))
    (folder / "qrels.tsv").write_text(QRELS)
    return folder


def test_the_page_holds_every_figure_and_asks_nobody_for_anything(forest: Path, tmp_path: Path) -> None:
    command.run([str(forest)], str(tmp_path / "out"), together=False)
    text = (tmp_path / "out" / "report.html").read_text()
    page = html.fromstring(text)
    assert page.xpath("//script | //link | //iframe | //b[.='$forest^$'] | //i | //@onerror | //@onload") == []
    addresses = page.xpath("//@src | //@href | //@srcset")
    assert len(addresses) >= 5
    assert all(address.startswith("data:image/svg+xml;base64,") for address in addresses)
    assert all(len(image.get("alt")) > 40 for image in page.xpath("//img"))
    assert page.xpath("//meta[@http-equiv]/@content")[0].startswith("default-src 'none'")
    assert {"Confidence", "Calibration", "Latency"} <= {node.text for node in page.xpath("//figcaption")}
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    cells = {cell.strip() for cell in page.xpath("//td/text()")}
    for figures in results["figures"]:
        for means in figures["stages"].values():
            assert {f"{value:.3f}" for value in means.values()} <= cells
    assert "What buries something that the fern forgets?" in text
    assert "&lt;script&gt;fetch" in text
    assert "{{ 7*7 }}" in text
    assert "\u202e" not in text
    assert all(len(line.split()) == 6 for line in (tmp_path / "out").glob("*.fused.run").__next__().open())


def test_what_cannot_be_written_is_told_before_anything_runs_or_in_a_sentence_at_the_end(
    forest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigurationError, match="/proc cannot be written to: name a folder that you may write to"):
        command.run([str(forest)], "/proc", together=False)
    assert capsys.readouterr().out == ""
    (tmp_path / "out" / "results.json").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"out cannot be written to \(Is a directory\)"):
        command.run([str(forest)], str(tmp_path / "out"), together=False)
    assert "latency" in capsys.readouterr().out


def test_answers_are_those_of_the_extractive_tier(forest: Path, tmp_path: Path) -> None:
    command.run([str(forest)], str(tmp_path / "out"), together=False)
    figures = json.loads((tmp_path / "out" / "results.json").read_text())["figures"][0]
    assert figures["answers"]["questions"] == 3
    assert figures["answers"]["contain"] == pytest.approx(2 / 3)
    assert 5 < figures["answers"]["words"] < 120
    assert figures["reach"] is None
    assert (figures["abstention"]["answerable"], figures["abstention"]["unanswerable"]) == (3, 2)


def test_a_loss_against_the_baseline_fails_and_says_which(
    forest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tmp_path / "out" / "results.json"
    command.run([str(forest)], str(tmp_path / "out"), together=False)
    assert command.run([str(forest)], str(tmp_path / "same"), together=False, baseline=str(before)) == 0
    assert "worse" not in capsys.readouterr().out
    better = json.loads(before.read_text())
    final = better["figures"][0]["final"]
    better["figures"][0]["stages"][final]["MRR@10"] = 1.0
    better["figures"][0]["stages"]["dense"]["MRR@10"] = 1.0
    before.write_text(json.dumps(better))
    assert command.run([str(forest)], str(tmp_path / "worse"), together=False, baseline=str(before)) == 1
    (said,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("worse:")]
    assert f"MRR@10 of {final} fell from 1.000 to 0." in said
    page = html.fromstring((tmp_path / "worse" / "report.html").read_text())
    assert len(page.xpath("//tr[@class='loss']")) == 1


def test_a_final_stage_that_was_another_one_is_compared_with_that(forest: Path, tmp_path: Path) -> None:
    before = tmp_path / "out" / "results.json"
    command.run([str(forest)], str(tmp_path / "out"), together=False)
    older = json.loads(before.read_text())
    for figures in older["figures"]:
        figures["stages"] = {"fused": dict.fromkeys(figures["stages"]["fused"], 1.0)}
        figures["final"] = "fused"
    before.write_text(json.dumps(older))
    assert command.run([str(forest)], None, together=False, baseline=str(before)) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: name the results.json"),
        ("{", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ("[]", "is no results.json of format 1"),
        ('{"format": 2}', "is no results.json of format 1"),
        ('{"format": 1, "together": false, "figures": [{}]}', "is no whole results.json"),
        ('{"format": 1, "together": false, "figures": []}', "has no figures of"),
    ],
)
def test_what_is_no_baseline_is_told_before_anything_runs(
    forest: Path, tmp_path: Path, content: str | None, said: str
) -> None:
    path = tmp_path / "before.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match=said):
        command.run([str(forest)], str(tmp_path / "out"), together=False, baseline=str(path))
    assert not (tmp_path / "out").exists()


def test_a_baseline_that_would_be_overwritten_is_refused_before_anything_runs(forest: Path, tmp_path: Path) -> None:
    kept = tmp_path / "report"
    kept.mkdir()
    (kept / "results.json").write_text("{}")
    with pytest.raises(ConfigurationError, match="name another folder to write to"):
        command.run([str(forest)], str(kept), together=False, baseline=f"{kept}/../report/results.json")
    assert (kept / "results.json").read_text() == "{}"


def test_other_questions_or_another_index_cannot_be_compared(tmp_path: Path) -> None:
    figures = {
        "dataset": "d", "scoped": False, "questions": 3, "final": "fused", "stages": {}, "abstention": None,
        "answers": None, "golden": None,
    }  # fmt: skip
    path = tmp_path / "before.json"
    path.write_text(json.dumps({"format": 1, "together": True, "figures": [figures]}))
    baseline = read_baseline(path)
    baseline.check({"d": 3}, together=True)
    with pytest.raises(ConfigurationError, match="figures of 3 questions of `d`, which has 4 now"):
        baseline.check({"d": 4}, together=True)
    with pytest.raises(ConfigurationError, match="was made with `--together`, and this is not"):
        baseline.check({"d": 3}, together=False)
