"""What browser tests do again and again: ask, and put the widget on somebody else's site."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playwright.async_api import Page

from tests.service import SITE_PORT


async def ask(page: Page, question: str) -> None:
    composer = page.get_by_role("textbox", name="Your question")
    await composer.fill(question)
    await composer.press("Enter")


@contextmanager
def another_site(body: str, headers: Mapping[str, str] | None = None, port: int = SITE_PORT) -> Iterator[str]:
    """Somebody else's page, of another origin than the service; by itself that of the site `blog`, see `with_site`."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
