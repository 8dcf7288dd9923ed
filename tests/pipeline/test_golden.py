"""A curator's golden questions: asked of their own library, and what is said where something is wrong."""

import asyncio
import json
from pathlib import Path

import pytest

from backend.errors import ConfigurationError
from backend.settings import Settings
from pipeline.commands import evaluate as command
from pipeline.evaluation.golden import MOST_BYTES, Expected, read_golden
from tests.pipeline.library import Library

KNOTS = "A bowline holds under load and can be untied afterwards. Make a small loop, pass the end up through it."
SAILS = "Reef the sail before the wind asks for it. Bring the boat up into the wind and lower the halyard by hand."
ANCHOR = "Let out five times as much chain as the water is deep. Then reverse slowly until the anchor bites."
TALK = f"""WEBVTT

00:00:05.000 --> 00:00:40.000
{SAILS}

00:12:30.000 --> 00:13:10.000
{ANCHOR}
"""
GOLDEN = """
- question: Which knot can be untied after a load?
  creator: {creator}
  expected: {{document: {creator}/knots.md}}
- question: How much chain does an anchor need?
  expected:
    - document: {creator}/seamanship.vtt
      at: 12:40
- question: When do I reef the sail?
  expected: {{document: '{creator}/seamanship.vtt', at: 20:00}}
- question: Who composed the opera about the barber of Seville?
  expected: not here
- question: How do I let out the chain of an anchor?
  creator: {creator}
  expected: Not  here
- question: How do I tie that one?
  earlier:
    - What is a bowline good for?
  expected: [{{document: Splices of {creator}}}, {{document: '{creator}/knots.md'}}]
"""


def file_of(folder: Path, text: str) -> Path:
    path = folder / "golden.yaml"
    path.write_text(text)
    return path


@pytest.fixture
async def boat(library: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Library:
    """A library of two texts and a talk, which is the one that the environment names."""
    library.settings.data_dir.mkdir()
    (library.settings.data_dir / "models").symlink_to(settings.data_dir / "models")
    library.write("knots.md", f"---\ntitle: Knots\n---\n\n{KNOTS}")
    library.write(
        "splices.md",
        f"---\ntitle: Splices of {library.slug}\ntopics: [ropes]\n---\n\n"
        "A splice joins two ropes for good, without any knot at all.",
    )
    library.write("seamanship.vtt", TALK)
    await library.ingest()
    for name, value in {
        "FOOTNOTE_DATA_DIR": str(library.settings.data_dir),
        "FOOTNOTE_DATABASE__URL": settings.database.url,
        "FOOTNOTE_REDIS__URL": settings.redis.url,
    }.items():
        monkeypatch.setenv(name, value)
    return library


async def evaluate(path: Path, output: Path | None = None, baseline: Path | None = None) -> int:
    return await asyncio.to_thread(
        command.run, [str(path)], output and str(output), together=False, baseline=baseline and str(baseline)
    )


async def test_golden_questions_are_judged_by_document_moment_and_refusal(
    boat: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file_of(tmp_path, GOLDEN.format(creator=boat.slug))
    assert await evaluate(path, tmp_path / "out") == 0
    printed = capsys.readouterr().out
    assert "golden, 4 judged questions, asked of your library" in printed
    assert "3. When do I reef the sail? — “Seamanship” is a source, but not at 20:00: its" in printed
    assert "its passages are those from 0:05 to 0:40, 12:30 to 13:10." in " ".join(printed.split())
    assert "5. How do I let out the chain of an anchor? — This should not be here, but was answered" in printed
    assert "first of all from “Seamanship”" in printed
    (figures,) = json.loads((tmp_path / "out" / "results.json").read_text())["figures"]
    assert figures["golden"] == {
        "here": 4, "found": 1.0, "moments": 2, "at_moment": 0.5, "not_here": 2, "refused": 0.5,
    }  # fmt: skip
    assert figures["documents"] >= 3
    assert figures["stages"]["rewritten"]["MRR@10"] >= figures["stages"]["fused"]["MRR@10"] > 0.5
    page = (tmp_path / "out" / "report.html").read_text()
    assert "This should not be here, but was answered" in page
    assert "A bowline holds under load and can be untied afterwards. [1]" in page
    assert "[1] Knots by Creator " in page
    assert "It says that it found no answer." in page


async def test_a_golden_question_that_is_no_longer_found_is_a_loss(
    boat: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file_of(tmp_path, GOLDEN.format(creator=boat.slug))
    await evaluate(path, tmp_path / "before")
    knots = (await boat.rows())["knots.md"]["id"]
    assert await evaluate(path, baseline=tmp_path / "before" / "results.json") == 0
    async with boat.database.begin() as connection:
        await connection.exec_driver_sql(f"UPDATE documents SET status = 'failed' WHERE id = '{knots}'")
    assert await evaluate(path, tmp_path / "after", tmp_path / "before" / "results.json") == 1
    assert f"Right: Knots by {boat.slug}" in (tmp_path / "after" / "report.html").read_text()
    printed = capsys.readouterr().out
    assert "“Knots” does not answer (failed): see `footnote status`." in printed
    assert "worse: golden: found of golden questions fell from 1.000 to 0." in printed


async def test_of_several_right_documents_one_without_a_moment_is_right_by_itself(
    boat: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    talk, knots = f"{boat.slug}/seamanship.vtt", f"{boat.slug}/knots.md"
    text = f"""
- question: Which knot can be untied after a load?
  creator: {boat.slug}
  expected: [{{document: '{talk}', at: 20:00}}, {{document: '{knots}'}}]
- question: Which knot can be untied after a load?
  creator: {boat.slug}
  expected: [{{document: '{talk}', at: 20:00}}]
"""
    await evaluate(file_of(tmp_path, text))
    printed = capsys.readouterr().out
    assert "found: 100% of 2 " in printed
    assert "moment: 50% of 2 have the moment" in printed
    assert "1. Which knot" not in printed
    assert "2. Which knot" in printed


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (
            "{question: a, expected: {document: Nowhere}}",
            "item 1: There is no document `Nowhere`: `foot",
        ),
        ("{question: a, creator: nobody, expected: not here}", "item 1: there is no creator `nobody`"),
        (
            "{question: a, topic: rope, expected: not here}",
            "item 1: no document has the topic `rope`. Did you mean `ropes`",
        ),
        (
            "{question: a, topic: qxzvjk, expected: not here}",
            "item 1: no document has the topic `qxzvjk`: `footnote show`",
        ),
    ],
)
async def test_a_document_or_creator_there_is_not_is_named_with_its_item(
    boat: Library, tmp_path: Path, item: str, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        await evaluate(file_of(tmp_path, f"- {item}\n"))


async def test_a_document_of_another_creator_than_the_one_asked_is_a_contradiction(
    boat: Library, tmp_path: Path
) -> None:
    other = f"{boat.slug}-too"
    own, boat.slug = boat.slug, other
    (boat.content / "knots.md").write_text(f"---\ntitle: Hitches\n---\n\n{SAILS}")
    await boat.ingest()
    boat.slug = own
    with pytest.raises(ConfigurationError, match=f"`Hitches` is `{other}`'s, and the question is asked of `{own}`"):
        await evaluate(file_of(tmp_path, f"- {{question: a, creator: {own}, expected: {{document: Hitches}}}}"))


async def test_a_document_outside_the_topic_that_is_asked_is_a_contradiction(boat: Library, tmp_path: Path) -> None:
    wanted = f"{boat.slug}/knots.md"
    with pytest.raises(ConfigurationError, match=f"`{wanted}` is not of the topic `ropes`, and the question is asked"):
        await evaluate(file_of(tmp_path, f"- {{question: a, topic: ropes, expected: {{document: {wanted}}}}}"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("question: a\nexpected: not here\n", "is no list of questions: begin each with `- question:`"),
        ("", "is no list of questions"),
        ("- just a text\n", "item 1: it is no mapping"),
        ("- {expected: not here}\n", "item 1: `question` is missing"),
        ("- {question: a}\n", "item 1: `expected` is missing or wrong: say `not here`, or `document:`"),
        ("- {question: a, expected: nowhere}\n", "item 1: `expected` is missing or wrong"),
        ("- {question: a, expected: []}\n", "item 1: `expected` is empty"),
        ("- {question: a, expected: not here}\n- {question: b, expected: {document: c, at: noon}}\n", "item 2: `at`"),
        ("- {question: a, expected: not here, creater: ana}\n", "`creater` is not a key here. Did you mean `creator`?"),
        ("- {question: a, expected: {documnt: c}}\n", "`documnt` is not a key here. Did you mean `document`?"),
        ("- {question: '', expected: not here}\n", "`question` is a text of 1 to 1,000 characters"),
        ("- {question: a, expected: not here, earlier: b}\n", "`earlier` is a list of the questions before"),
        ("- &a {question: a, expected: not here}\n- *a\n", r"has a `\*` that stands for something else"),
        ("- {question: !!python/name:os.system a}\n", "has a tag"),
        (
            "- question: a\n  expected: not here\n  question: b\n  expected: not here\n",
            r"has `question` twice in one item \(line 3\)",
        ),
        ("- {question: a, expected: {document: c, document: d}}\n", "has `document` twice in one item"),
        ("- {? [a] : b, ? [a] : c}\n", "is not valid YAML"),
        ("- [\n", "is not valid YAML"),
        ("[" * 5000, "is nested too deeply"),
        ("- a\n" * (MOST_BYTES // 4 + 1), "is larger than golden questions are"),
        ("- {question: a, expected: not here}\n" * 2001, "has 2,001 questions"),
    ],
)
def test_what_cannot_be_understood_is_told_with_what_to_do(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read_golden(file_of(tmp_path, text))


@pytest.mark.parametrize("name", ["nowhere.yaml", "nowhere.yml", "NOWHERE.YAML"])
def test_a_file_that_is_not_there_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} cannot be read"):
        command.run([str(tmp_path / name)], None, together=False)


@pytest.mark.parametrize(
    ("written", "seconds"), [("12:30", 750), ("1:02:05", 3725), ("90", 90), ("90.5", 90.5), ("'0:07'", 7)]
)
def test_a_moment_is_written_as_players_show_it(tmp_path: Path, written: str, seconds: float) -> None:
    text = f"- {{question: a, expected: {{document: 1984, at: {written}}}}}\n"
    (item,) = read_golden(file_of(tmp_path, text))
    assert item.wanted == (Expected(document="1984", at=seconds),)


def test_the_example_for_curators_can_be_read(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text()
    example = guide.split("```yaml\n")[1].split("```")[0]
    items = read_golden(file_of(tmp_path, example))
    assert [len(item.wanted) for item in items] == [1, 2, 1, 0]
    assert items[1].wanted[0].at == 30
