"""What a page's names say of its parts, and where they mean something else."""

import pytest

from pipeline.sources import html

BEFORE = (
    "<p>A desk has one strip for each voice, and all strips are alike, so that one of them is learnt only once.</p>"
    "<p>A strip begins with the gain, which is set first, at the loudest place of the song, and then left alone.</p>"
    "<p>Below it stand the filters, of which the lowest is always of use, since nobody sings below eighty hertz.</p>"
)
AFTER = (
    "<p>The fader comes last, and what is done with it should be heard at once, or it should not be done at all.</p>"
    "<p>Whoever has learnt one strip can work on any other desk, and on a screen that has taken the place of it.</p>"
)
SAID = "It is written on the tape below the strip, and wiped away when the next band comes in."


def read(body: str) -> tuple[list[str], list[str]]:
    """The headings and the text."""
    page = f"<html><body><main><article><h1>Desks</h1>{BEFORE}{body}{AFTER}</article></main></body></html>"
    sections = html.parse(page.encode()).sections
    return (
        [heading for section in sections for heading in section.headings],
        [block.text for section in sections for block in section.blocks],
    )


@pytest.mark.parametrize("name", ["Comments", "Share", "Menu", "Newsletter", "Related", "Sidebar", "Footer", "Cookies"])
@pytest.mark.parametrize(
    "markup",
    [
        "<section id={id}><h2>{name}<a class=headerlink href='#{id}'>¶</a></h2><p>{text}</p></section>",
        "<div class=section id={id}><span id=alias></span><h2>{name}</h2><p>{text}</p></div>",
        "<section id={id} class=level2><h2><span>3.1</span> {name}</h2><p>{text}</p></section>",
        "<h2 id={id}>{name}</h2><p>{text}</p>",
    ],
    ids=["Sphinx", "Docutils", "pandoc", "Markdown"],
)
def test_a_section_that_is_named_after_its_own_heading_is_content(markup: str, name: str) -> None:
    headings, texts = read(markup.format(id=name.lower(), name=name, text=SAID))
    assert name in {heading.removeprefix("3.1 ") for heading in headings}
    assert SAID in texts


@pytest.mark.parametrize(
    "markup",
    [
        "<section id=comments><h2>Comments</h2><ol class=comment-list><li>{text}</li></ol></section>",
        "<section id=comments><h2>Comments</h2><div class=comment-body><p>{text}</p></div></section>",
        "<section id=comments><h2>Comments</h2><article><p>{text}</p></article></section>",
        "<section id=comments><h2>3 answers</h2><p>{text}</p></section>",
        "<section id=newsletter><h2>Newsletter</h2><p>{text}</p><form><input></form></section>",
        "<section id=newsletter><h2>A letter every week</h2><p>{text}</p></section>",
        "<section id=share><h2>Share</h2><p><a href=/x>{text}</a></p></section>",
        "<div id=related><h2>Related</h2><p>{text}</p></div>",
    ],
)
def test_comments_forms_and_links_stay_away(markup: str) -> None:
    _, texts = read(markup.format(text=SAID))
    assert SAID not in " ".join(texts)


@pytest.mark.parametrize(
    "markup",
    [
        "<aside class='starlight-aside starlight-aside--caution' aria-label=Caution><p aria-hidden=true>Caution</p>"
        "<div class=starlight-aside__content><p>{text}</p></div></aside>",
        "<aside class=callout>{text}</aside>",
        "<div class=box><aside role=note><p>{text}</p></aside></div>",
        "<p>Take care.</p><aside><p>{text}</p></aside><p>The same is true of the others.</p>",
    ],
    ids=["Starlight", "callout", "note", "between paragraphs"],
)
def test_a_callout_in_the_midst_of_the_text_is_of_it(markup: str) -> None:
    _, texts = read(markup.format(text=SAID))
    assert SAID in texts


@pytest.mark.parametrize(
    "markup",
    [
        "<aside class=newsletter><p>{text}</p></aside>",
        "<aside class=tip><p>{text}</p><form><input></form></aside>",
        "<aside><ul><li><a href=/x>{text}</a></li></ul></aside>",
        "<div><aside><h3>Who writes here</h3><p>{text}</p></aside></div>",
        "<aside class=callout hidden><p>{text}</p></aside>",
    ],
)
def test_other_asides_stay_away(markup: str) -> None:
    _, texts = read(markup.format(text=SAID))
    assert SAID not in " ".join(texts)
