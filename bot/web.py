"""The web server: every route in one table, on uvicorn, stopped by us and not by its own signals."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

_WAY_IN = (Path(__file__).parent / "way_in.html").read_bytes()
_ITS_STYLE = _WAY_IN.partition(b"<style>")[2].partition(b"</style>")[0]
_WAY_IN_CSP = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(_ITS_STYLE).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
STOP_S = 2
BACKLOG = 2048


def application(routes: Sequence[BaseRoute], *, live: bool) -> Starlette:
    """The whole web side. Without the live page `/` is a plain way in."""
    table = list(routes)
    if not live:
        table.append(Route("/", _way_in))
    return Starlette(routes=table, exception_handlers={404: _not_found, 405: _not_allowed})


async def _way_in(_: Request) -> Response:
    response = Response(_WAY_IN, media_type="text/html")
    response.headers["Content-Security-Policy"] = _WAY_IN_CSP
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


async def _not_found(_: Request, __: Exception) -> Response:
    return JSONResponse({"error": {"code": "not_found", "text": "There is nothing here. The way in is /."}}, 404)


async def _not_allowed(_: Request, __: Exception) -> Response:
    text = "This address is not used that way. /api/v1/openapi.json lists what there is."
    return JSONResponse({"error": {"code": "method_not_allowed", "text": text}}, 405)


class WebServer(uvicorn.Server):
    """uvicorn inside our loop: it opens its socket when told, and stops within two seconds of being told."""

    def __init__(self, app: ASGIApp, *, host: str, port: int, trusted_proxies: Sequence[str] = ()) -> None:
        config = uvicorn.Config(
            app, loop="none", http="httptools", ws="websockets-sansio", lifespan="off", log_config=None,
            access_log=False, server_header=False, backlog=BACKLOG, timeout_graceful_shutdown=STOP_S,
            ws_max_size=64 * 1024, proxy_headers=bool(trusted_proxies), forwarded_allow_ips=list(trusted_proxies),
        )  # fmt: skip
        super().__init__(config)
        self._socket = _listen(host, port)

    @property
    def port(self) -> int:
        """The port that is really listened on."""
        return int(self._socket.getsockname()[1])

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The process's signals are bot/app.py's."""
        yield

    async def run_until_stopped(self) -> None:
        """Serve until `stop`."""
        await self.serve(sockets=[self._socket])

    def stop(self) -> None:
        """Take no more requests; those in hand get a moment."""
        self.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    """Open the socket at once, so that a port in use is a clear refusal to start."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener
