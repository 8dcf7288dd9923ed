"""What a web page shows only when its reader asks for it is read with it: questions, answers, tabs."""

import pytest

from pipeline.sources import html

BEFORE = "<p>A room is measured with a clap in its middle, and with a recording of how long the clap goes on in it.</p>"
AFTER = "<p>All of these figures are those of an empty room; with people in it they are lower by a third at least.</p>"
QUESTION = "How long may a studio ring?"
ANSWER = "Three tenths of a second for speech, and up to half a second where music is played."


def read(body: str) -> tuple[list[str], list[str]]:
    """The headings and the text."""
    page = f"<html><body><main><h1>Rooms</h1>{BEFORE}{body}{AFTER}</main></body></html>"
    sections = html.parse(page.encode()).sections
    return (
        [heading for section in sections for heading in section.headings],
        [block.text for section in sections for block in section.blocks],
    )


@pytest.mark.parametrize(
    "markup",
    [
        f"<div class=accordion-item><h2><button class=accordion-button>{QUESTION}</button></h2>"
        f"<div class='accordion-collapse collapse'><div class=accordion-body>{ANSWER}</div></div></div>",
        f"<h3><button aria-expanded=false aria-controls=a1>{QUESTION}</button></h3>"
        f"<div id=a1 role=region hidden><p>{ANSWER}</p></div>",
        f"<h3 role=tab aria-controls=a1>{QUESTION}</h3><div id=a1 role=tabpanel style='display: none'>{ANSWER}</div>",
    ],
    ids=["Bootstrap", "ARIA", "jQuery UI"],
)
def test_a_question_in_a_heading_is_one_and_has_its_answer(markup: str) -> None:
    headings, texts = read(markup)
    assert QUESTION in headings
    assert ANSWER in texts


@pytest.mark.parametrize(
    "markup",
    [
        f"<details><summary><button>{QUESTION}</button></summary><p>{ANSWER}</p></details>",
        f"<dl><dt><button aria-controls=a1>{QUESTION}</button></dt><dd id=a1 hidden>{ANSWER}</dd></dl>",
        f"<div class=item><button aria-controls=a1 aria-expanded=false>{QUESTION}</button>"
        f"<div id=a1 hidden><p>{ANSWER}</p></div></div>",
        f"<div class=item><div><button aria-controls=a1>{QUESTION}</button></div><div id=a1>{ANSWER}</div></div>",
        "<div class=toggle-item><div class=toggle-title role=button aria-controls=a1>"
        f"<span class=toggle-icon></span><a tabindex=0>{QUESTION}</a></div>"
        f"<div id=a1 class=toggle-content style='display:none'><p>{ANSWER}</p></div></div>",
        f"<div class=item><div class=title><a href='#'>{QUESTION}</a></div><div><p>{ANSWER}</p></div></div>",
        f"<div class=item><div><a href='#a1'>{QUESTION}</a></div><div id=a1><p>{ANSWER}</p></div></div>",
        f"<div class=item><div><a href='#x' data-toggle=collapse>{QUESTION}</a></div><div><p>{ANSWER}</p></div></div>",
        f"<p>{QUESTION}</p><p hidden=until-found>{ANSWER}</p>",
    ],
    ids=[
        "details",
        "definitions",
        "button",
        "button in a box",
        "link without address",
        "link to nothing",
        "link to what follows",
        "link that toggles",
        "until found",
    ],
)
def test_a_question_outside_of_headings_is_text_above_its_answer(markup: str) -> None:
    _, texts = read(markup)
    assert texts[texts.index(QUESTION) + 1] == ANSWER


def test_all_tabs_are_read() -> None:
    _, texts = read(
        "<div role=tablist><button role=tab>Speech</button><button role=tab>Music</button></div>"
        "<div role=tabpanel><p>Speech wants a dry room.</p></div>"
        "<div role=tabpanel hidden><p>Music wants a room that answers.</p></div>"
    )
    assert {"Speech wants a dry room.", "Music wants a room that answers."} <= set(texts)


def test_a_button_beside_the_text_of_a_heading_is_not_of_it() -> None:
    headings, _ = read(f"<h2>Walls <button>Copy link</button></h2><p>{ANSWER}</p>")
    assert "Walls" in headings


@pytest.mark.parametrize(
    "hidden",
    [
        "<ul id=x hidden><li><a href=/a>Microphones and stands</a></li><li><a href=/b>Panels</a></li></ul>",
        "<div id=x hidden><nav>Microphones and stands</nav></div>",
        "<div id=x hidden><form><p>Microphones and stands</p><input></form></div>",
        "<div id=x class=popup hidden><p>Microphones and stands</p></div>",
        "<div hidden><p>Microphones and stands</p></div>",
        "<div hidden><div id=x hidden><p>Microphones and stands</p></div></div>",
    ],
)
def test_menus_forms_and_what_no_control_shows_stay_hidden(hidden: str) -> None:
    _, texts = read(f"<button aria-controls=x>Show</button>{hidden}")
    assert texts == [paragraph.removeprefix("<p>").removesuffix("</p>") for paragraph in (BEFORE, AFTER)]


def test_what_a_control_pops_up_stays_hidden() -> None:
    _, texts = read("<button aria-haspopup=dialog aria-controls=x>Show</button><div id=x hidden><p>Sound on.</p></div>")
    assert "Sound on." not in texts


def test_a_list_of_links_into_the_page_stays_one() -> None:
    page = (
        f"<article><div><ul><li><a href='#one'>Panels of wool</a></li><li><a href='#two'>Panels of wood</a></li></ul>"
        f"</div>{BEFORE}<h2 id=one>Panels of wool</h2>{AFTER}<h2 id=two>Panels of wood</h2>{AFTER}</article>"
    )
    blocks = [block.text for section in html.parse(page.encode()).sections for block in section.blocks]
    assert not any("Panels" in text for text in blocks)


def test_editors_comments_on_a_document_of_google_are_not_published() -> None:
    page = (
        f"<html><body><h1>Rooms</h1>{BEFORE}{AFTER}<p><span>Wool helps</span>"
        "<sup><a href='#cmnt1' id='cmnt_ref1'>[a]</a></sup>"
        "<span> in corners</span><a href='#cmnt2' id='cmnt_ref2'>[b]</a>.<sup><a href='#ftnt1'>[1]</a></sup></p><hr>"
        "<div><p><a href='#ftnt_ref1' id='ftnt1'>[1]</a><span> Not felt.</span></p></div>"
        "<div class=c5><p><a href='#cmnt_ref1' id='cmnt1'>[a]</a><span>Is he paid for this?</span></p>"
        "<p><span>Ask him before it is out.</span></p></div>"
        "<div class=c5><p><a href='#cmnt_ref2' id='cmnt2'>[b]</a><span>No.</span><a href='#cmnt_ref1'>[a]</a></p></div>"
        "</body></html>"
    )
    texts = [block.text for section in html.parse(page.encode()).sections for block in section.blocks]
    assert texts[2:] == ["Wool helps in corners.", "[1] Not felt."]
