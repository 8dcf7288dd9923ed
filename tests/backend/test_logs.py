"""The log never quotes."""

import io
import logging

from backend.logs import FramesOnly


def test_an_exception_is_logged_as_its_stack_and_type_without_its_text() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(FramesOnly("%(message)s"))
    log = logging.Logger("test")
    log.addHandler(handler)
    try:
        raise ValueError(chr(99) + "anary")
    except ValueError:
        log.exception("it failed")
    assert "it failed" in stream.getvalue()
    assert "ValueError" in stream.getvalue()
    assert "test_logs.py" in stream.getvalue()
    assert "canary" not in stream.getvalue()
