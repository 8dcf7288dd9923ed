"""Web pages become what their readers came for."""

import html as entities
import re
from datetime import date

import pytest

from backend.errors import ContentError
from backend.knowledge.embedder import Embedder
from pipeline.cut import cut
from pipeline.source import Request, Source, Task
from pipeline.sources import html
from pipeline.sources.parsed import NothingToRead
from tests.pipeline.shared import DATA, needs_data

REAL = DATA / "formats/html"

PROSE = (
    "<p>A small room rings at the low notes that fit between its walls, and the corner holds the most of them.</p>"
    "<p>So a panel of wool helps there before anything else is done, and nobody hears the panel itself.</p>"
    "<p>It takes only what the room has added to the voice of the one who speaks in front of it.</p>"
)


def texts(page: str) -> list[str]:
    return [block.text for section in html.parse(page.encode()).sections for block in section.blocks]


def article(body: str) -> str:
    return f"<html><body><article>{body}{PROSE}</article></body></html>"


def test_what_surrounds_an_article_is_left_out() -> None:
    page = f"""<!doctype html><html><head><title>Rooms</title><style>p {{ color: red }}</style>
    <script>var tracked = true</script></head><body>
    <div id="cookie-banner"><p>We use cookies to make this page better for you and for us.</p>
    <button>Accept</button></div>
    <header><nav><ul><li><a href="/">Home</a></li><li><a href="/about">About us</a></li></ul></nav></header>
    <div class="layout"><main><article><h1>Rooms</h1>
    <p class="byline">By Ana Ruiz</p>{PROSE}<h2>Walls</h2><p>Wool takes the high notes, and a wall of brick
    takes none at all.</p><div class="share-buttons"><a href="#">Share this on every network</a></div></article>
    <section class="comments"><h3>Comments</h3><p>First! I have always said so, and in my room it is just the same, with
    all of the low notes in the corner.</p></section></main>
    <aside class="sidebar"><h3>Popular</h3><ul><li><a href="/a">Ten tricks with tape</a></li></ul></aside></div>
    <footer><p>Copyright 2024, all rights reserved by the owners of this page.</p></footer></body></html>"""
    read = " ".join(texts(page))
    assert "corner holds the most" in read
    assert "brick takes none at all" in read
    for other in (
        "cookies",
        "Home",
        "About us",
        "Share this",
        "First!",
        "Ten tricks",
        "Copyright",
        "color: red",
        "tracked",
    ):
        assert other not in read


def test_headings_lists_and_tables_are_those_of_the_page() -> None:
    page = article(
        f"<h2>Walls</h2>{PROSE}<h3>Wool <a class='headerlink' href='#wool'>¶</a></h3><ol start=3><li>Cut it."
        "<ul><li>Wear gloves.</li></ul></li><li><p>Hang it.</p><p>Not too high.</p></li></ol>"
        "<h2>Figures</h2><table><caption>Decay"
        "</caption><tr><th>Room</th><th>Empty</th><th>Full</th></tr>"
        "<tr><td>Hall</td><td>2 s</td><td>1.6 s</td></tr></table>"
        "<dl><dt>Decay</dt><dd>How long a room rings.</dd></dl>"
    )
    sections = {
        section.headings: [block.text for block in section.blocks] for section in html.parse(page.encode()).sections
    }
    assert sections["Walls", "Wool"] == ["3. Cut it.", "  - Wear gloves.", "4. Hang it.", "Not too high."]
    assert sections["Figures",][:4] == ["Decay", "Hall – Empty: 2 s; Full: 1.6 s", "Decay", "How long a room rings."]


def test_a_heading_that_nothing_stands_under_is_text() -> None:
    assert texts(article("<h2>For Ana</h2><h2>Rooms</h2>"))[0] == "For Ana"


CODE = "def gain(db):\n\tif db &lt; 0:\n\n\t    return 10 ** (db / 20)   # a ratio\n\n\nprint(gain(-6))"
PLAIN = entities.unescape(CODE)


@pytest.mark.parametrize(
    ("markup", "code"),
    [
        (f"<pre>\n{CODE}\n</pre>", f"```\n{PLAIN}\n```"),
        (f'<pre><code class="language-python">{CODE}</code></pre>', f"```python\n{PLAIN}\n```"),
        (
            f'<div class="highlight-source-python"><pre><span>def</span>{CODE[3:]}</pre></div>',
            f"```python\n{PLAIN}\n```",
        ),
        ("<pre>a<br>  b<button>Copy</button></pre>", "```\na\n  b\n```"),
        ('<pre><span class="lineno">1 </span>a\n<span class="lineno">2 </span>  b</pre>', "```\na\n  b\n```"),
        ("<pre><div>a</div><div>  b</div></pre>", "```\na\n  b\n```"),
        ("<table><tr><td><pre>1\n2</pre></td><td><pre>a\n  b</pre></td></tr></table>", "```\na\n  b\n```"),
        ("<pre>Type ``` to begin.</pre>", "````\nType ``` to begin.\n````"),
    ],
)
def test_code_is_exact(markup: str, code: str) -> None:
    blocks = [
        block for section in html.parse(article(markup).encode()).sections for block in section.blocks if block.verbatim
    ]
    assert [block.text for block in blocks] == [code]


def test_marks_that_lead_to_notes_are_not_read() -> None:
    page = article(
        "<p>Wool takes the high notes<sup><a href='#n1'>1</a></sup> in H<sub>2</sub>O and x<sup>2</sup>.</p>"
    )
    assert texts(page)[0] == "Wool takes the high notes in H2O and x2."


def test_text_that_nobody_sees_is_not_read() -> None:
    page = article(
        "<p>Seen&shy;ly.</p><p hidden>One.</p><p style='display: none'>Two.</p><p aria-hidden=true>Three.</p>"
    )
    assert texts(page)[:2] == ["Seenly.", re.sub("<.*?>", "", PROSE.split("</p>")[0])]


def test_a_fragment_is_read_whole() -> None:
    assert texts("<h2>Walls</h2>Bare text, and <b>bold</b>.<p>A paragraph<br>of two lines.") == [
        "Bare text, and bold.",
        "A paragraph\nof two lines.",
    ]


def test_a_page_of_short_texts_is_read_but_for_its_menus() -> None:
    page = (
        "<nav><a href=/>Home</a></nav><div><div>Six strings.</div><div>Two hands.</div></div><footer>Imprint</footer>"
    )
    assert texts(page) == ["Six strings.", "Two hands."]


@pytest.mark.parametrize(
    ("head", "heading", "title"),
    [
        ("<title>Small rooms | The Tape</title>", "Small rooms", "Small rooms"),
        ("<title>Small rooms - The Tape</title><meta property='og:title' content='Small rooms'>", "", "Small rooms"),
        ("<title>Rooms - large and small</title>", "Something else", "Rooms - large and small"),
        (
            "<meta property='og:title' content='Rooms – The Tape'><meta property='og:site_name' content='The Tape'>",
            "",
            "Rooms",
        ),
        ("<title>Rooms &amp; walls</title>", "", "Rooms & walls"),
        ("", "Small <i>rooms</i>", "Small rooms"),
        ("", "", None),
    ],
)
def test_the_title_is_without_the_name_of_the_site(head: str, heading: str, title: str | None) -> None:
    body = f"<h1>{heading}</h1>" if heading else ""
    assert html.parse(f"<html><head>{head}</head><body>{body}{PROSE}</body></html>".encode()).title == title


def test_the_title_is_not_a_heading_above_all_others() -> None:
    page = f"<title>Rooms: a guide</title><h1>Rooms</h1>{PROSE}<h2>Walls</h2>{PROSE}"
    assert [section.headings for section in html.parse(page.encode()).sections] == [(), ("Walls",)]


def test_a_page_says_when_and_by_whom_and_where() -> None:
    page = f"""<html><head><link rel="canonical" href="https://tape.example/rooms">
    <script type="application/ld+json">{{"@context": "https://schema.org", "@type": "Article", "headline": "Rooms",
    "datePublished": "2024-03-05T10:00:00Z", "dateModified": "2025-01-01", "author": [{{"@type": "Person",
    "name": "Ana Ruiz"}}, {{"@type": "Person", "name": "Dex Kole"}}]}}</script></head><body>{PROSE}</body></html>"""
    metadata = html.parse(page.encode()).metadata
    assert metadata.published_at == date(2024, 3, 5)
    assert metadata.authors == ("Ana Ruiz", "Dex Kole")
    assert metadata.url == "https://tape.example/rooms"
    assert metadata.creator is None


def test_names_and_dates_in_the_text_are_nobodys() -> None:
    page = f"<h1>Rooms</h1><p class='author'>Ana Ruiz said so.</p><p>It began on 2019-04-03T10:00:00Z.</p>{PROSE}"
    metadata = html.parse(page.encode()).metadata
    assert (metadata.published_at, metadata.authors) == (None, ())


@pytest.mark.parametrize("address", ["/rooms", "file:///etc/passwd", "javascript:alert(1)", "https://"])
def test_an_address_that_leads_nowhere_on_the_web_is_left_out(address: str) -> None:
    assert html.parse(f"<link rel=canonical href='{address}'>{PROSE}".encode()).metadata.url is None


@pytest.mark.parametrize(
    "content",
    [
        b"<meta charset=windows-1251>" + "<p>Комната звучит</p>".encode("cp1251"),
        b"<?xml version='1.0' encoding='koi8-r'?><html><body>" + "<p>Комната звучит</p>".encode("koi8-r"),
        "<p>Комната звучит</p>".encode(),
        "<p>Комната звучит</p>".encode("utf-16"),
        b"<meta charset=utf-16>" + "<p>Комната звучит</p>".encode(),
    ],
)
def test_the_encoding_is_the_one_that_holds(content: bytes) -> None:
    assert html.parse(content).sections[0].blocks[0].text == "Комната звучит"


def test_old_pages_without_an_encoding_are_read_with_a_remark() -> None:
    document = html.parse("<p>Café</p>".encode("cp1252"))
    assert document.sections[0].blocks[0].text == "Café"
    assert len(document.remarks) == 1


def test_a_page_that_only_leads_on_is_nothing_to_read() -> None:
    with pytest.raises(NothingToRead, match="only points to another page"):
        html.parse(b"<html><head><meta http-equiv='Refresh' content='0; URL=/new'></head><body>Moved.</body></html>")


def test_a_page_that_reloads_itself_is_read() -> None:
    page = f"<meta http-equiv=refresh content='300; url=/rooms'>{PROSE}{PROSE}"
    assert len(texts(page)) >= 3


@pytest.mark.parametrize("content", [b"", b"<html><body><script>let a = 1</script></body></html>", b"<!-- nothing -->"])
def test_a_page_without_text_is_nothing_to_read(content: bytes) -> None:
    with pytest.raises(NothingToRead, match="no text"):
        html.parse(content)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ContentError, match="not a text file"):
        html.parse(b"<html>\0\0\0")


def test_nothing_outside_the_page_is_loaded(tmp_path) -> None:  # type: ignore[no-untyped-def]
    secret = tmp_path / "secret.txt"
    secret.write_text("two words")
    page = f'<!DOCTYPE html [<!ENTITY e SYSTEM "{secret.as_uri()}">]><html><body><p>So &e; it is.</p></body></html>'
    assert "two words" not in " ".join(texts(page))


def test_a_page_that_is_nested_absurdly_is_refused_and_not_read_in_part() -> None:
    assert texts("<div>" * 240 + "deep") == ["deep"]
    with pytest.raises(ContentError, match="nested too deeply"):
        html.parse(b"<p>Above</p>" + b"<div>" * 100_000 + b"deep")


@needs_data
@pytest.mark.parametrize("name", ["go-effective_go.html", "gutenberg-alice-11-h.htm"])
def test_all_code_of_a_real_page_is_exact(name: str) -> None:
    content = (REAL / name).read_bytes()
    source = re.sub(r"<!--.*?-->", "", content.decode("utf-8-sig").replace("\r\n", "\n"), flags=re.DOTALL)
    listings = re.findall(r"<pre\b[^>]*>(.*?)</pre>", source, flags=re.DOTALL)
    plain = [entities.unescape(re.sub(r"<[^>]+>", "", listing)) for listing in listings]
    read = {
        block.text.split("\n", 1)[1].rsplit("\n", 1)[0]
        for section in html.parse(content).sections
        for block in section.blocks
        if block.verbatim
    }
    expected = {code.replace("\u00a0", " ").strip("\n").rstrip() for code in plain if "{{code" not in code}
    assert len(expected) > 15
    assert expected - {""} <= read


@needs_data
def test_a_real_fragment_with_a_header_in_json_has_title_headings_and_lists() -> None:
    document = html.parse((REAL / "go-effective_go.html").read_bytes())
    assert document.metadata.title == "Effective Go"
    paths = [section.headings for section in document.sections]
    assert ("Data", "Slices") in paths
    read = [block.text for section in document.sections for block in section.blocks]
    assert "- Arrays are values. Assigning one array to another copies all the elements." in read
    assert not any("Breadcrumb" in text or "{{code" in text for text in read)


@needs_data
def test_a_real_book_has_its_chapters_and_all_of_its_words() -> None:
    document = html.parse((REAL / "gutenberg-alice-11-h.htm").read_bytes())
    assert document.title == "Alice's Adventures in Wonderland, by Lewis Carroll"
    chapters = [section.headings[-1] for section in document.sections if section.headings]
    assert sum(chapter.startswith("CHAPTER") for chapter in chapters) == 12
    read = " ".join(block.text for section in document.sections for block in section.blocks)
    assert "Alice was beginning to get very tired of sitting by her sister" in read
    assert "remembering her own child-life, and the happy summer days." in read
    assert "background:#faebd0" not in read


@needs_data
def test_a_real_page_that_is_mostly_script_leaves_its_tables() -> None:
    document = html.parse((REAL / "rust-1.60-cargo-timing.html").read_bytes())
    assert document.title == "Cargo Build Timings"
    read = [block.text for section in document.sections for block in section.blocks]
    assert "2. – Unit: toml_edit v0.13.4; Total: 28.6s; Codegen: 22.3s (78%); Features: default, easy, serde" in read
    assert not any(word in text for text in read for word in ("function", "UNIT_DATA", "border-bottom"))


@needs_data
def test_a_real_page_is_cut_into_passages_under_their_headings(embedder: Embedder) -> None:
    path = REAL / "go-effective_go.html"
    passages = cut(
        Task(Source(path, path.name, str(path), Request(str(path)), creator="go")), embedder.count_tokens
    ).passages
    found = [passage.chunk for passage in passages if "Go has no line length limit" in passage.chunk.text]
    assert [chunk.heading for chunk in found] == ["Formatting"]
