"""Web addresses have one form."""

from collections.abc import Callable

import pytest

from backend.errors import ContentError
from pipeline.address import address, site


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HTTP://Site.Example:80/A/../b#top", "http://site.example/b"),
        ("https://site.example:443", "https://site.example/"),
        ("https://site.example:8443/?q=a b", "https://site.example:8443/?q=a%20b"),
        ("https://münchen.example/ä", "https://xn--mnchen-3ya.example/%C3%A4"),
        ("http://[2606:4700::1111]:80/x", "http://[2606:4700::1111]/x"),
    ],
)
def test_an_address_has_one_form(text: str, expected: str) -> None:
    assert address(text) == expected
    assert address(expected) == expected


def test_an_address_of_absurd_length_is_refused() -> None:
    with pytest.raises(ContentError, match="longer than"):
        address("https://site.example/" + "x" * 2000)


@pytest.mark.parametrize("port", ["65536", "99999", "0", "-1"])
def test_an_address_with_a_port_that_does_not_exist_is_refused(port: str) -> None:
    assert address("http://127.0.0.1:65535/x") == "http://127.0.0.1:65535/x"
    with pytest.raises(ContentError, match="a port that does not exist"):
        address(f"http://127.0.0.1:{port}/x")


def test_www_makes_no_other_site() -> None:
    same: Callable[[str, str], bool] = lambda one, other: site(address(one)) == site(address(other))  # noqa: E731
    assert same("https://www.site.example/a", "http://site.example:8080/b")
    assert not same("https://site.example/", "https://site.example.evil.example/")
