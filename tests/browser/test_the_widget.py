"""The chat inside another site: one script tag, allowed origins only."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.onlooker import look, start_demo

pytestmark = [pytest.mark.browser, pytest.mark.slow]


class _Site(BaseHTTPRequestHandler):
    """A page of somebody else that embeds the chat of `chat_url`."""

    chat_url = ""

    def do_GET(self) -> None:
        """The page, whatever is asked."""
        script = f'<script src="{self.chat_url}/chat/widget.js" async></script>'
        body = f'<!doctype html><html lang="es"><link rel="icon" href="data:,"><h1>Cars</h1>{script}</html>'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _site() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_chat_opens_on_allowed_sites_only(browser: Browser, tmp_path: Path) -> None:
    with _site() as allowed, _site() as foreign:
        origin = f"http://127.0.0.1:{allowed.server_port}"
        demo = start_demo(tmp_path, WEBCHAT_ORIGINS=origin)
        try:
            _Site.chat_url = demo.url
            onlooker = look(browser, width=800, height=700)
            onlooker.page.goto(origin)
            onlooker.page.get_by_role("button", name="Chat").click()
            chat = onlooker.page.frame_locator("iframe[title=Chat]")
            expect(chat.locator("h1")).to_have_text("Ayuda de recarga")
            chat.locator("#text").fill("el cargador 100009 no funciona")
            chat.locator("#send").click()
            expect(chat.locator(".line").last).to_contain_text("100009", timeout=20_000)
            expect(chat.locator(".choices button")).to_have_count(2)
            onlooker.shot("widget")
            assert onlooker.complaints == []
            onlooker.page.get_by_role("button", name="Chat").click()
            expect(onlooker.page.locator("iframe")).to_be_hidden()

            stranger = look(browser, width=800, height=700)
            stranger.page.goto(f"http://127.0.0.1:{foreign.server_port}")
            stranger.page.get_by_role("button", name="Chat").click()
            stranger.page.wait_for_timeout(1500)
            assert any("frame-ancestors" in complaint for complaint in stranger.complaints), stranger.complaints
            assert demo.interrupt()[0] == 0
        finally:
            demo.end()
