"""What a page says of itself in JSON before its first element, in good sense or not."""

import pytest

from pipeline.sources import html


@pytest.mark.parametrize(
    "values",
    [
        f'{{"duration_s": {"9" * 400}}}',
        f'{{"duration_s": {"9" * 5000}}}',
        '{"duration_s": 1e999}',
        '{"duration_s": NaN}',
        f'{{"duration_s": {"[" * 100_000}}}',
    ],
    ids=["too large for a float", "too long for a number", "infinite", "none", "nested absurdly"],
)
def test_an_absurd_value_costs_a_page_nothing_but_itself(values: str) -> None:
    document = html.parse(f"<!-- {values} --><h1>Rooms</h1><p>A small room rings at the low notes.</p>".encode())
    assert document.metadata.duration_s is None
    assert document.title == "Rooms"
    assert [block.text for section in document.sections for block in section.blocks] == [
        "A small room rings at the low notes."
    ]
