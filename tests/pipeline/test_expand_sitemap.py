"""The pages of a sitemap become documents."""

import gzip
from pathlib import Path

import pytest

from backend.errors import ContentError
from tests.pipeline.desk import EPISODE, Desk, article, feed
from tests.pipeline.site import Site, redirect


def sitemap(served: Site, *addresses: str, path: str = "/sitemap.xml", of: str = "url") -> str:
    root = "urlset" if of == "url" else "sitemapindex"
    listed = "".join(f"<{of}><loc>{address}</loc></{of}>" for address in addresses)
    content = f'<?xml version="1.0"?><{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</{root}>'
    served.pages[path] = gzip.compress(content.encode()) if path.endswith(".gz") else content
    served.types[path] = "application/gzip" if path.endswith(".gz") else "application/xml"
    return served.url(path)


async def test_a_sitemap_becomes_its_pages_and_is_complete(desk: Desk, served: Site) -> None:
    served.pages |= {"/a": article("Asters"), "/b": article("Beans"), "/p.png": b"x"}
    served.types["/p.png"] = "image/png"
    listed = [served.url(path) for path in ("/a", "/b", "/gone", "/p.png")]
    expanded = await desk.expand(sitemap(served, *listed))
    assert [source.uri for source in expanded.sources] == listed[:2]
    assert [(source.uri, reason) for source, reason in expanded.failed] == [
        (listed[2], "There is nothing at this address (404).")
    ]
    assert [left_out.origin for left_out in expanded.left_out] == [listed[3]]
    assert expanded.is_complete
    assert desk.told == [(number, 4) for number in (1, 2, 3, 4)]


async def test_only_pages_of_the_same_site_are_taken(desk: Desk, served: Site) -> None:
    served.pages["/a"] = article("Asters")
    host = "garden.example"
    away = [served.url("/a", "other.example"), served.url("/a", f"{host}.evil.example"), "http://10.0.0.1/"]
    sitemap(served, served.url("/a", f"www.{host}"), *away)
    expanded = await desk.expand(served.url("/sitemap.xml", host))
    assert [source.uri for source in expanded.sources] == [served.url("/a", f"www.{host}")]
    assert {left_out.origin for left_out in expanded.left_out} == set(away)
    assert {left_out.reason for left_out in expanded.left_out} == {"It is on another site than the sitemap."}
    assert served.paths == ["/sitemap.xml", "/a"]


async def test_sitemaps_within_sitemaps_are_read_packed_ones_too(desk: Desk, served: Site) -> None:
    served.pages |= {"/a": article("Asters"), "/b": article("Beans")}
    one = sitemap(served, served.url("/a"), path="/one.xml.gz")
    two = sitemap(served, served.url("/b"), served.url("/a"), path="/two.xml")
    expanded = await desk.expand(sitemap(served, one, two, of="sitemap"))
    assert [source.uri for source in expanded.sources] == [served.url("/a"), served.url("/b")]
    assert expanded.is_complete


async def test_a_sitemap_of_which_a_part_is_missing_is_not_complete(desk: Desk, served: Site) -> None:
    served.pages["/a"] = article("Asters")
    one = sitemap(served, served.url("/a"), path="/one.xml")
    served.pages["/half.xml"] = "<urlset><url>"
    expanded = await desk.expand(sitemap(served, one, served.url("/gone.xml"), served.url("/half.xml"), of="sitemap"))
    assert [source.uri for source in expanded.sources] == [served.url("/a")]
    assert not expanded.is_complete
    assert [left_out.origin for left_out in expanded.left_out] == [served.url("/gone.xml"), served.url("/half.xml")]


@pytest.mark.parametrize("instead", ["page", "feed", "packed page", "empty"])
async def test_a_list_that_gives_something_else_for_once_says_nothing_of_its_pages(
    instead: str, desk: Desk, served: Site
) -> None:
    served.pages["/a"] = article("Asters")
    one, two = sitemap(served, served.url("/a"), path="/one.xml"), sitemap(served, served.url("/b"), path="/two.xml")
    page = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body><p>Back soon.</p></body></html>'
    if instead == "feed":
        feed(served, EPISODE, path="/two.xml")
    else:
        served.pages["/two.xml"] = {"page": page, "packed page": gzip.compress(page.encode()), "empty": ""}[instead]
    expanded = await desk.expand(sitemap(served, one, two, of="sitemap"))
    assert [source.uri for source in expanded.sources] == [served.url("/a")]
    assert [left_out.origin for left_out in expanded.left_out] == [two]
    assert not expanded.is_complete


async def test_sitemaps_that_list_each_other_or_lie_too_deep_come_to_an_end(desk: Desk, served: Site) -> None:
    address = served.url("/sitemap.xml")
    sitemap(served, address, served.url("/2.xml"), of="sitemap")
    for depth in (2, 3, 4):
        sitemap(served, served.url(f"/{depth + 1}.xml"), address, path=f"/{depth}.xml", of="sitemap")
    expanded = await desk.expand(address)
    assert served.paths == ["/sitemap.xml", "/2.xml", "/3.xml"]
    assert "3 levels deep" in expanded.left_out[0].reason
    assert not expanded.is_complete


async def test_an_address_that_cannot_be_asked_for_does_not_harm_its_neighbours(desk: Desk, served: Site) -> None:
    served.pages |= {"/a": article("Asters"), "/b": redirect("http://127.0.0.1:99999/x")}
    listed = [served.url("/a"), "http://127.0.0.1:99999/x", served.url("/b")]
    expanded = await desk.expand(sitemap(served, *listed))
    assert [source.uri for source in expanded.sources] == listed[:1]
    assert [left_out.origin for left_out in expanded.left_out] == listed[1:2]
    assert ["port" in reason for _, reason in expanded.failed] == [True]


async def test_pages_that_lead_on_to_more_are_left_out(desk: Desk, served: Site) -> None:
    served.pages["/a"] = article("Asters")
    expanded = await desk.expand(sitemap(served, served.url("/a"), feed(served, EPISODE)))
    assert len(expanded.sources) == 1
    assert "only leads to documents" in expanded.left_out[0].reason


async def test_a_damaged_sitemap_is_refused(desk: Desk, served: Site) -> None:
    served.pages["/sitemap.xml"] = "<urlset><url><loc>"
    served.types["/sitemap.xml"] = "application/xml"
    with pytest.raises(ContentError, match="damaged"):
        await desk.expand(served.url("/sitemap.xml"))


async def test_a_sitemap_in_a_file_is_of_the_site_of_its_first_page(desk: Desk, served: Site, tmp_path: Path) -> None:
    served.pages["/a"] = article("Asters")
    sitemap(served, served.url("/a", "garden.example"), served.url("/a", "other.example"))
    file = tmp_path / "sitemap.xml"
    content = served.pages["/sitemap.xml"]
    assert isinstance(content, str)
    file.write_text(content)
    expanded = await desk.expand(file)
    assert [source.uri for source in expanded.sources] == [served.url("/a", "garden.example")]
    assert expanded.is_complete


async def test_a_file_that_lists_nothing_is_refused(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<note/>")
    with pytest.raises(ContentError, match="neither a feed nor a sitemap"):
        await desk.expand(tmp_path / "a.xml")
    with pytest.raises(ContentError, match="cannot be read"):
        await desk.expand(tmp_path / "missing.xml")
