"""The chat page, the widget script, and the socket."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from bot.channels.webchat.socket import WebChat

_STATIC = Path(__file__).parent / "static"
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss:; "
    "frame-ancestors {ancestors}; base-uri 'none'; form-action 'none'"
)


def routes(chat: WebChat) -> list[BaseRoute]:
    """`/chat`, `/chat/widget.js`, the page's own script and style, and `/chat/ws`."""
    ancestors = " ".join(["'self'", *sorted(chat.origins)])

    def file(name: str, media_type: str) -> Response:
        response = Response((_STATIC / name).read_bytes(), media_type=media_type)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    async def page(_: Request) -> Response:
        response = file("chat.html", "text/html")
        response.headers["Content-Security-Policy"] = _CSP.format(ancestors=ancestors)
        return response

    async def script(_: Request) -> Response:
        return file("chat.js", "text/javascript")

    async def style(_: Request) -> Response:
        return file("chat.css", "text/css")

    async def widget(_: Request) -> Response:
        response = file("widget.js", "text/javascript")
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    return [
        Route("/chat", page),
        Route("/chat/chat.js", script),
        Route("/chat/chat.css", style),
        Route("/chat/widget.js", widget),
        WebSocketRoute("/chat/ws", chat.endpoint),
    ]
